//! `src/lib.rs` and the kernels of a crate for CPUs: constants, and one call of a kernel for each
//! step of the plan.

use super::activation;
use super::call::Import;
use super::package::Crate;
use super::pictures;
use super::steps::{calls, forward};
use crate::file::File;
use crate::plan::Plan;
use crate::template::fill_all;
use common::network::Network;
use std::collections::BTreeSet;
use std::fmt::Write;

/// Returns the network's library and its kernels.
pub(super) fn files(package: &Crate<'_>, plan: &Plan) -> Vec<File> {
    let kernels = runtime::SOURCES.iter();
    let mut files: Vec<File> = kernels
        .map(|(path, source)| (format!("src/runtime/{path}"), source.as_bytes().to_vec()))
        .collect();
    let Crate { manifest, network, target, .. } = package;
    let source = source(&manifest.name, network, plan, target.decodes_pictures());
    files.push(("src/lib.rs".to_string(), source.into_bytes()));
    files
}

/// Returns the text of `src/lib.rs`.
fn source(name: &str, network: &Network, plan: &Plan, decodes_pictures: bool) -> String {
    let mut values = constants(name, network, plan);
    values.extend(pictures::library_values(&network.input, decodes_pictures));
    values.extend([
        ("USES", imports(plan)),
        ("ACTIVATIONS", activation::type_aliases(plan)),
        ("WEIGHTS_LEN", plan.constants_len.to_string()),
        ("STEPS", forward(network, plan)),
    ]);
    fill_all(include_str!("../../templates/lib.rs.txt"), &values)
}

/// Returns the values of the markers for a library's constants.
pub(super) fn constants(name: &str, network: &Network, plan: &Plan) -> Vec<(&'static str, String)> {
    let input = &network.input;
    let numbers =
        |values: &[f32]| values.iter().map(|x| format!("{x:?}")).collect::<Vec<_>>().join(", ");
    let mut values = shared_constants(name, network);
    values.extend([
        ("MEAN", numbers(&input.mean)),
        ("STD", numbers(&input.std)),
        ("ARENA_LEN", plan.arena_len.to_string()),
    ]);
    values
}

/// Returns the values of the markers for constants that crates of all precisions have.
pub(super) fn shared_constants(name: &str, network: &Network) -> Vec<(&'static str, String)> {
    let input = &network.input;
    let classes: Vec<String> = network.classes.iter().map(|class| string_literal(class)).collect();
    vec![
        ("NAME", name.to_string()),
        ("CHANNELS", input.channels.to_string()),
        ("HEIGHT", input.height.to_string()),
        ("WIDTH", input.width.to_string()),
        ("CLASS_COUNT", classes.len().to_string()),
        ("CLASSES", class_list(&classes)),
    ]
}

/// Returns the text as a Rust string literal; everything but plain ASCII is escaped.
fn string_literal(text: &str) -> String {
    format!("\"{}\"", text.escape_default())
}

/// Returns the list on one line if that is short.
fn class_list(classes: &[String]) -> String {
    let line = classes.join(", ");
    if line.len() < 80 {
        return format!("[{line}]");
    }
    let lines: String = classes.iter().map(|class| format!("    {class},\n")).collect();
    format!("[\n{lines}]")
}

/// Returns the `use` lines for the names in the steps, in order.
fn imports(plan: &Plan) -> String {
    let mut imports = BTreeSet::from([
        Import { module: "arena", name: Some("split") },
        Import { module: "dispatch", name: Some("Kernels") },
    ]);
    imports.extend(calls(plan).into_iter().flat_map(|call| call.imports));
    let imports: Vec<Import> = imports.into_iter().collect();
    let mut lines = String::new();
    for of_module in imports.chunk_by(|a, b| a.module == b.module) {
        let module = of_module[0].module;
        let names: Vec<&str> = of_module.iter().filter_map(|import| import.name).collect();
        let _ = match names[..] {
            [] => writeln!(lines, "use runtime::{module};"),
            [name] => writeln!(lines, "use runtime::{module}::{name};"),
            _ => writeln!(lines, "use runtime::{module}::{{{}}};", names.join(", ")),
        };
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::{source, string_literal};
    use crate::plan::Plan;
    use common::network::Input;
    use common::network::activation::Activation;
    use common::network::template::Template;
    use common::search::genome::{Genome, Optimizer};

    #[test]
    fn class_names_stay_inside_their_quotes() {
        let hostile = "\"); } /* \\ */ \u{202e} \n é";
        let literal = string_literal(hostile);
        assert_eq!(literal, r#""\"); } /* \\ */ \u{202e} \n \u{e9}""#);
    }

    #[test]
    fn a_step_is_a_call() {
        let genome = Genome {
            left_activation: Activation::Swish,
            right_activation: Activation::Relu,
            condense_layers: 1,
            feature_extraction_layers: 7,
            kernel_size: 3,
            optimizer: Optimizer::Sgd,
        };
        let input = Input {
            channels: 1,
            height: 4,
            width: 5,
            mean: vec![0.25],
            std: vec![0.5],
            resize: Default::default(),
        };
        let template = Template { growth_rate: 2, stem_channels: 3, ..Template::default() };
        let network = template.expand(&genome, input, vec!["cat".into(), "dog".into()]).unwrap();
        let text = source("pets", &network, &Plan::new(&network).unwrap(), true);
        let forward = text
            .split("let kernels = self.kernels;\n")
            .nth(1)
            .unwrap()
            .split("    }\n}")
            .next()
            .unwrap();
        insta::assert_snapshot!(forward, @r"
        // stem.conv: 1x4x5 -> 3x4x5
        let [scratch, to] = split(&mut arena.0, [0..106, 288..348]);
        let layer = Convolution { channels: 1, height: 4, width: 5, filters: 3, kernel: 3, stride: 1, chunk: 1, band: 4, flat: true };
        convolution::<activation::Identity, 3>(kernels, &layer, None, weights(0..27), input, to, scratch);

        // condense1.fel1.conv: 3x4x5 -> 2x4x5
        let [scratch, from, to] = split(&mut arena.0, [0..286, 288..348, 348..388]);
        let norm = Norm::new(weights(32..38));
        let layer = Convolution { channels: 3, height: 4, width: 5, filters: 2, kernel: 3, stride: 1, chunk: 3, band: 4, flat: true };
        convolution::<SwishRelu, 2>(kernels, &layer, Some(norm), weights(48..102), from, to, scratch);

        // head.pool: 5x4x5 -> 5x1x1
        let [scratch, to, from] = split(&mut arena.0, [0..20, 32..37, 288..388]);
        let norm = Norm::new(weights(112..122));
        global_pool::<SwishRelu, Average>(kernels, 20, Some(norm), from, to, scratch);

        // head.classifier: 5x1x1 -> 2x1x1
        let [to, from] = split(&mut arena.0, [0..2, 32..37]);
        linear(kernels, weights(128..138), weights(144..146), from, to);

        output.copy_from_slice(&arena.0[0..2]);
        ");
    }
}
