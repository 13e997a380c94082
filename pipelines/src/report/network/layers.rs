//! The table of a network's layers, and what int8 costs in each.

use crate::report::table::{Entry, Table};
use crate::report::units::{count, si};
use common::network::counts::macs;
use common::network::{Network, Node, Op, Shape};
use common::quantized::{LayerReport, Quantization};
use maud::{Markup, html};
use std::collections::HashMap;

/// Bytes of a weight in f32.
const F32_BYTES: u64 = 4;

/// Returns the table of layers, given the output shape of each node, with the errors of the int8
/// form if there is one.
pub(super) fn table(network: &Network, shapes: &[Shape], int8: Option<&Quantization>) -> Markup {
    let errors = int8.map(Errors::new);
    let columns = [
        ("layer", false),
        ("operation", false),
        ("output", false),
        ("filters x kernel", true),
        ("MACs", true),
        ("weights, bytes", true),
    ];
    let of_int8 = [("int8 error", true), ("of its own", true)];
    let mut table =
        Table::new(columns.into_iter().chain(of_int8.into_iter().filter(|_| errors.is_some())));
    for (node, shape) in network.nodes.iter().zip(shapes) {
        let Some(operation) = operation(&node.op) else { continue };
        let steps: Vec<&LayerReport> =
            errors.iter().flat_map(|errors| errors.of(network, node)).collect();
        let macs = macs(node, *shape);
        let bytes = F32_BYTES * node.parameters();
        let worst = int8.is_some_and(|q| steps.iter().any(|step| step.name == q.worst_layer));
        let mut row = vec![
            Ok(format!("{}{}", node.name, if worst { " (hurts int8 most)" } else { "" })),
            Ok(operation.to_string()),
            Ok(shape.to_string()),
            Ok(size(&node.op)),
            Ok(if macs > 0 { si(macs as f64, "") } else { String::new() }),
            Ok(if bytes > 0 { count(bytes) } else { String::new() }),
        ];
        if errors.is_some() {
            row.extend([largest(&steps, |step| step.error), largest(&steps, |s| s.own_error)]);
        }
        table.push(row);
    }
    html! {
        (table.to_markup())
        p.hint {
            "Weights have 4 bytes each here; crates pack them, and int8 takes one. "
            (norms(network))
            @if let Some(quantization) = int8 { " " (hint(quantization)) }
        }
    }
}

fn hint(int8: &Quantization) -> String {
    let worst = int8.layers.iter().find(|layer| layer.name == int8.worst_layer);
    let own = worst.map_or_else(String::new, |layer| format!(" ({})", share(layer.own_error)));
    format!(
        "The int8 error is the root mean square error of what a layer computes, as a share of the \
         standard deviation of its f32 results; that of its own, if all that it reads were exact. \
         {} has the largest error of its own{own}. A layer's activation counts with it.",
        int8.worst_layer
    )
}

/// Returns the largest error of the steps; nothing where there are none.
fn largest(steps: &[&LayerReport], error: impl Fn(&LayerReport) -> f64) -> Entry {
    let largest = steps.iter().map(|step| error(step)).reduce(f64::max);
    Ok(largest.map_or_else(String::new, share))
}

fn share(error: f64) -> String {
    format!("{:.1} %", 100.0 * error)
}

fn norms(network: &Network) -> String {
    let norms = network.nodes.iter().filter(|node| matches!(node.op, Op::BatchNorm { .. }));
    let (number, parameters) =
        norms.fold((0, 0), |(n, parameters), node| (n + 1, parameters + node.parameters()));
    format!(
        "Not listed: {number} batch normalisations ({} bytes), activations and concatenations.",
        count(F32_BYTES * parameters)
    )
}

/// Returns the name of an operation that has weights or makes another shape.
fn operation(op: &Op) -> Option<&'static str> {
    match op {
        Op::Conv2d { .. } => Some("convolution"),
        Op::Linear { .. } => Some("classifier"),
        Op::AveragePool { .. } => Some("average pooling"),
        Op::GlobalAveragePool {} => Some("global average"),
        Op::GlobalMaxPool {} => Some("global maximum"),
        Op::Shortcut { .. } => Some("shortcut"),
        Op::Add {} => Some("sum"),
        Op::BatchNorm { .. } | Op::Activation(_) | Op::Dropout { .. } | Op::Concat {} => None,
    }
}

/// Returns filters and kernel of an operation: `12 x 3x3`, `12 x 3x3, stride 2`, `10`, `2x2`.
fn size(op: &Op) -> String {
    match op {
        Op::Conv2d { out_channels, kernel, stride: 1, .. } => {
            format!("{out_channels} x {kernel}x{kernel}")
        }
        Op::Conv2d { out_channels, kernel, stride, .. } => {
            format!("{out_channels} x {kernel}x{kernel}, stride {stride}")
        }
        Op::Linear { out_features, .. } => out_features.to_string(),
        Op::AveragePool { size } => format!("{size}x{size}"),
        Op::Shortcut { stride, .. } => format!("stride {stride}"),
        Op::BatchNorm { .. }
        | Op::Activation(_)
        | Op::Dropout { .. }
        | Op::Concat {}
        | Op::Add {}
        | Op::GlobalAveragePool {}
        | Op::GlobalMaxPool {} => String::new(),
    }
}

/// The errors of an int8 network's steps by their names.
struct Errors<'a>(HashMap<&'a str, &'a LayerReport>);

impl<'a> Errors<'a> {
    fn new(int8: &'a Quantization) -> Errors<'a> {
        Errors(int8.layers.iter().map(|layer| (layer.name.as_str(), layer)).collect())
    }

    /// Returns the steps that compute a node, and the activations that it reads.
    fn of(&self, network: &Network, node: &Node) -> Vec<&'a LayerReport> {
        let activation = |input: &&String| {
            network
                .nodes
                .iter()
                .any(|node| node.name == **input && matches!(node.op, Op::Activation(_)))
        };
        let read = node.inputs.iter().filter(activation).cloned();
        let requantized = node.inputs.iter().map(|input| format!("{input}.requantized"));
        let names = [node.name.clone()].into_iter().chain(read).chain(requantized);
        names.filter_map(|name| self.0.get(name.as_str()).copied()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::network::tests::{baseline, template};
    use common::network::shapes::shapes;
    use common::quantized::{Calibration, Fingerprints, Meaning, Method, ValidationAccuracy};

    fn errors(layers: &[(&str, f64, f64)]) -> Quantization {
        let meaning = || Meaning::Classifier { weight_scales: vec![] };
        Quantization {
            fingerprints: Fingerprints {
                network_sha256: String::new(),
                weights_sha256: String::new(),
                tensors_sha256: String::new(),
            },
            calibration: Calibration {
                images: 1,
                method: Method::Mse,
                images_sha256: String::new(),
                data_sha256: String::new(),
            },
            accuracy: ValidationAccuracy { images: 1, f32: 1.0, int8: 1.0 },
            logit_scale: 1.0,
            worst_layer: layers[0].0.to_string(),
            layers: layers
                .iter()
                .map(|(name, error, own_error)| LayerReport {
                    name: name.to_string(),
                    meaning: meaning(),
                    error: *error,
                    own_error: *own_error,
                })
                .collect(),
        }
    }

    fn html(network: &Network, int8: Option<&Quantization>) -> String {
        table(network, &shapes(network).unwrap(), int8).into_string()
    }

    #[test]
    fn layers_have_the_numbers_of_the_paper_s_smallest_network() {
        let html = html(&template(12), None);
        // 28 x 28 x 24 x 9 MACs and 24 x 9 x 4 bytes.
        for cell in ["24x28x28", "24 x 3x3", "169 k", ">864<", "72 x 1x1", "2x2"] {
            assert!(html.contains(cell), "{cell}: {html}");
        }
        assert_eq!(html.matches("<tr>").count(), 1 + 1 + 8 + 1 + 1 + 1 + 1);
        assert!(html.contains("10 batch normalisations (") && !html.contains("int8 error"));
    }

    #[test]
    fn an_activation_counts_with_the_layer_that_reads_it() {
        let int8 = errors(&[
            ("condense1.fel2.activation", 0.031, 0.02),
            ("condense1.fel2.conv", 0.05, 0.007),
            ("head.classifier", 0.2, 0.001),
        ]);
        let html = html(&template(12), Some(&int8));
        assert_eq!(html.matches("hurts int8 most").count(), 1);
        assert!(html.contains("condense1.fel2.conv (hurts int8 most)"));
        for share in ["5.0 %", "2.0 %", "20.0 %", "0.1 %"] {
            assert!(html.contains(share), "{share}: {html}");
        }
        assert!(!html.contains("0.7 %"), "its activation has more");
        assert!(
            html.contains("condense1.fel2.activation has the largest error of its own (2.0 %)")
        );
    }

    #[test]
    fn baselines_have_sums_and_shortcuts() {
        let html = html(&baseline(), None);
        for words in ["stage2.block1.shortcut", "stride 2", ">sum<", "6 x 3x3, stride 2"] {
            assert!(html.contains(words), "{words}");
        }
    }
}
