//! `src/lib.rs` of a generated crate: constants, and one call of a kernel for each step of the
//! plan.

use super::template::fill_all;
use crate::names::function_type;
use crate::plan::{Kernel, Plan, Source, Step};
use common::activation::PiecewiseActivation;
use common::network::{Network, Shape};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::ops::Range;

/// The file's text.
pub(super) fn source(name: &str, network: &Network, plan: &Plan) -> String {
    let mut values = constants(name, network, plan);
    values.extend([
        ("USES", uses(plan)),
        ("ACTIVATIONS", activation_types(plan)),
        ("WEIGHTS_LEN", plan.constants_len.to_string()),
        ("STEPS", steps(network, plan)),
    ]);
    fill_all(include_str!("../../templates/lib.rs.txt"), &values)
}

/// What the markers of a library's constants stand for.
pub(super) fn constants(name: &str, network: &Network, plan: &Plan) -> Vec<(&'static str, String)> {
    let input = &network.input;
    let classes: Vec<String> = network.classes.iter().map(|class| string_literal(class)).collect();
    let numbers =
        |values: &[f32]| values.iter().map(|x| format!("{x:?}")).collect::<Vec<_>>().join(", ");
    vec![
        ("NAME", name.to_string()),
        ("CHANNELS", input.channels.to_string()),
        ("HEIGHT", input.height.to_string()),
        ("WIDTH", input.width.to_string()),
        ("CLASS_COUNT", classes.len().to_string()),
        ("CLASSES", class_list(&classes)),
        ("MEAN", numbers(&input.mean)),
        ("STD", numbers(&input.std)),
        ("ARENA_LEN", plan.arena_len.to_string()),
    ]
}

/// A Rust string literal; everything but plain ASCII is escaped.
fn string_literal(text: &str) -> String {
    format!("\"{}\"", text.escape_default())
}

/// On one line if it fits there.
fn class_list(classes: &[String]) -> String {
    let line = classes.join(", ");
    if line.len() < 80 {
        return format!("[{line}]");
    }
    let lines: String = classes.iter().map(|class| format!("    {class},\n")).collect();
    format!("[\n{lines}]")
}

/// The names that the steps use, by module.
fn uses(plan: &Plan) -> String {
    let mut uses = BTreeSet::from([("arena", "split"), ("simd", "Kernels")]);
    for step in &plan.steps {
        if step.entry.norm.is_some() {
            uses.insert(("norm", "Norm"));
        }
        match step.kernel {
            Kernel::Convolution { .. } => {
                uses.extend([("conv", "Convolution"), ("conv", "convolution")])
            }
            Kernel::Map => uses.extend([("norm", "map")]),
            Kernel::Add { .. } => uses.extend([("add", "add")]),
            Kernel::Shortcut { .. } => uses.extend([("add", "shortcut")]),
            Kernel::AveragePool { .. } => uses.extend([("pool", "average_pool")]),
            Kernel::GlobalAveragePool => {
                uses.extend([("pool", "Average"), ("pool", "global_pool")])
            }
            Kernel::GlobalMaxPool => uses.extend([("pool", "Max"), ("pool", "global_pool")]),
            Kernel::Linear { .. } => uses.extend([("linear", "linear")]),
            Kernel::Copy => {}
        }
    }
    let mut lines = String::new();
    let plain = |kernel: &Kernel| {
        matches!(kernel, Kernel::Linear { .. } | Kernel::Shortcut { .. } | Kernel::Copy)
    };
    if plan.steps.iter().any(|step| !plain(&step.kernel)) {
        lines.push_str("use runtime::activation;\n");
    }
    let uses: Vec<(&str, &str)> = uses.into_iter().collect();
    for module in uses.chunk_by(|a, b| a.0 == b.0) {
        let names: Vec<&str> = module.iter().map(|(_, name)| *name).collect();
        let names = if let [name] = names[..] {
            name.to_string()
        } else {
            format!("{{{}}}", names.join(", "))
        };
        let _ = writeln!(lines, "use runtime::{}::{names};", module[0].0);
    }
    lines
}

/// A type for each activation that the network has.
fn activation_types(plan: &Plan) -> String {
    let mut types = BTreeSet::new();
    let of_sum =
        |step: &Step| if let Kernel::Add { activation } = step.kernel { activation } else { None };
    for pair in plan.steps.iter().flat_map(|step| [step.entry.activation, of_sum(step)]).flatten() {
        let (name, left, right) =
            (pair_type(pair), function_type(pair.left), function_type(pair.right));
        types.insert(format!(
            "type {name} = activation::Piecewise<activation::{left}, activation::{right}>;\n"
        ));
    }
    types.into_iter().collect()
}

fn pair_type(pair: PiecewiseActivation) -> String {
    format!("{}{}", function_type(pair.left), function_type(pair.right))
}

fn steps(network: &Network, plan: &Plan) -> String {
    let mut text = String::new();
    for step in &plan.steps {
        let call = call(step);
        let _ = write!(
            text,
            "        // {}: {} -> {}\n{}{}        {}\n\n",
            network.nodes[step.node].name,
            step.input,
            step.output,
            regions(step),
            call.preparation,
            call.text
        );
    }
    let logits = match &plan.logits {
        Source::Image => "input".to_string(),
        Source::Arena(range) => format!("&arena.0[{}]", range_text(range)),
    };
    let _ = write!(text, "        output.copy_from_slice({logits});");
    text
}

/// The line that cuts the arena, its parts in the order in which they lie.
fn regions(step: &Step) -> String {
    let in_place = matches!(step.kernel, Kernel::AveragePool { in_place: true, .. });
    let mut regions = match &step.source {
        Source::Arena(range) if in_place => vec![(range, "to")],
        Source::Arena(range) => vec![(&step.target, "to"), (range, "from")],
        Source::Image => vec![(&step.target, "to")],
    };
    if !step.scratch.is_empty() {
        regions.push((&step.scratch, "scratch"));
    }
    regions.sort_by_key(|(range, _)| range.start);
    let names: Vec<&str> = regions.iter().map(|(_, name)| *name).collect();
    let ranges: Vec<String> = regions.iter().map(|(range, _)| range_text(range)).collect();
    format!("        let [{}] = split(&mut arena.0, [{}]);\n", names.join(", "), ranges.join(", "))
}

struct Call {
    preparation: String,
    text: String,
}

fn call(step: &Step) -> Call {
    let from = match step.source {
        Source::Image => "input",
        Source::Arena(_) => "from",
    };
    let activation_type = |pair: Option<PiecewiseActivation>| {
        pair.map_or("activation::Identity".to_string(), pair_type)
    };
    let activation = activation_type(step.entry.activation);
    let weights = |range: &Range<usize>| format!("weights({})", range_text(range));
    let mut preparation = String::new();
    if let Some(range) = &step.entry.norm {
        preparation = format!("        let norm = Norm::new({});\n", weights(range));
    }
    let norm = if step.entry.norm.is_some() { "Some(norm)" } else { "None" };
    let text = match &step.kernel {
        Kernel::Convolution { layer, tile, weights: range } => {
            preparation += &format!("        let layer = {layer:?};\n");
            let weights = weights(range);
            format!(
                "convolution::<{activation}, {tile}>(kernels, &layer, {norm}, {weights}, {from}, to, scratch);"
            )
        }
        Kernel::Map => {
            format!("map::<{activation}>(kernels, {}, {norm}, {from}, to);", step.input.plane())
        }
        Kernel::Add { activation } => {
            let activation = activation_type(*activation);
            format!("add::<{activation}>(kernels, {}, {norm}, {from}, to);", step.input.plane())
        }
        Kernel::Shortcut { stride } => {
            format!("shortcut({}, {stride}, {from}, to);", sizes(step.input))
        }
        Kernel::AveragePool { size, in_place } => {
            let from = if *in_place { "None".to_string() } else { format!("Some({from})") };
            let shape = sizes(step.input);
            format!(
                "average_pool::<{activation}>(kernels, {shape}, {size}, {norm}, {from}, to, scratch);"
            )
        }
        Kernel::GlobalAveragePool => global_pool(step, &activation, "Average", norm, from),
        Kernel::GlobalMaxPool => global_pool(step, &activation, "Max", norm, from),
        Kernel::Linear { weights: range, bias } => {
            format!("linear(kernels, {}, {}, {from}, to);", weights(range), weights(bias))
        }
        Kernel::Copy => format!("to.copy_from_slice({from});"),
    };
    Call { preparation, text }
}

fn global_pool(step: &Step, activation: &str, kind: &str, norm: &str, from: &str) -> String {
    format!(
        "global_pool::<{activation}, {kind}>(kernels, {}, {norm}, {from}, to, scratch);",
        step.input.plane()
    )
}

fn sizes(shape: Shape) -> String {
    format!("[{}, {}, {}]", shape.channels, shape.height, shape.width)
}

fn range_text(range: &Range<usize>) -> String {
    format!("{}..{}", range.start, range.end)
}

#[cfg(test)]
mod tests {
    use super::{source, string_literal};
    use crate::plan::Plan;
    use common::activation::Activation;
    use common::genome::{Genome, Optimizer};
    use common::network::Input;
    use common::template::Template;

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
        let input = Input { channels: 1, height: 4, width: 5, mean: vec![0.25], std: vec![0.5] };
        let template = Template { growth_rate: 2, stem_channels: 3, ..Template::default() };
        let network = template.expand(&genome, input, vec!["cat".into(), "dog".into()]).unwrap();
        let text = source("pets", &network, &Plan::new(&network).unwrap());
        let forward = text
            .split("let kernels = self.kernels;\n")
            .nth(1)
            .unwrap()
            .split("    }\n}")
            .next()
            .unwrap();
        insta::assert_snapshot!(forward, @r"
        // stem.conv: 1x4x5 -> 3x4x5
        let [scratch, to] = split(&mut arena.0, [0..58, 144..204]);
        let layer = Convolution { channels: 1, height: 4, width: 5, filters: 3, kernel: 3, stride: 1, chunk: 1 };
        convolution::<activation::Identity, 3>(kernels, &layer, None, weights(0..27), input, to, scratch);

        // condense1.fel1.conv: 3x4x5 -> 2x4x5
        let [scratch, from, to] = split(&mut arena.0, [0..142, 144..204, 204..244]);
        let norm = Norm::new(weights(32..38));
        let layer = Convolution { channels: 3, height: 4, width: 5, filters: 2, kernel: 3, stride: 1, chunk: 3 };
        convolution::<SwishRelu, 2>(kernels, &layer, Some(norm), weights(48..102), from, to, scratch);

        // head.pool: 5x4x5 -> 5x1x1
        let [scratch, to, from] = split(&mut arena.0, [0..20, 32..37, 144..244]);
        let norm = Norm::new(weights(112..122));
        global_pool::<SwishRelu, Average>(kernels, 20, Some(norm), from, to, scratch);

        // head.classifier: 5x1x1 -> 2x1x1
        let [to, from] = split(&mut arena.0, [0..2, 32..37]);
        linear(kernels, weights(128..138), weights(144..146), from, to);

        output.copy_from_slice(&arena.0[0..2]);
        ");
    }
}
