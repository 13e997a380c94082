//! Plans of small networks.

use super::*;
use crate::network::INPUT;
use crate::network::baseline::tests::resnet_of;
use crate::network::test_support::small;

fn conv(in_channels: usize, out_channels: usize, kernel: usize) -> Op {
    Op::Conv2d { in_channels, out_channels, kernel, stride: 1 }
}

/// Returns a network of nodes, each with its inputs, after which come a global pooling and a
/// classifier.
fn network(nodes: &[(&str, Op, &[&str])], channels: usize) -> Network {
    let mut network = small();
    network.nodes = nodes
        .iter()
        .map(|(name, op, inputs)| Node {
            name: name.to_string(),
            op: *op,
            inputs: inputs.iter().map(ToString::to_string).collect(),
        })
        .collect();
    let last = network.nodes[nodes.len() - 1].name.clone();
    let mut push = |name: &str, op, input: &str| {
        network.nodes.push(Node { name: name.into(), op, inputs: vec![input.into()] });
    };
    push("pool", Op::GlobalAveragePool {}, &last);
    push("linear", Op::Linear { in_features: channels, out_features: 2 }, "pool");
    network
}

fn names(plan: &Plan) -> Vec<&str> {
    plan.steps.iter().map(|step| step.name.as_str()).collect()
}

fn plan(nodes: &[(&str, Op, &[&str])], channels: usize) -> Plan {
    Plan::new(&network(nodes, channels)).unwrap()
}

fn relu() -> Op {
    let relu = Activation::Relu;
    Op::Activation(PiecewiseActivation { left: relu, right: relu })
}

#[test]
fn a_template_network_needs_no_more_steps_than_layers() {
    let plan = Plan::new(&small()).unwrap();
    assert_eq!(
        names(&plan),
        [
            "stem.conv",
            "condense1.fel1.activation",
            "condense1.fel1.conv",
            "head.activation",
            "head.classifier"
        ]
    );
    let Operation::Activate { operands, norms, argument, .. } = &plan.steps[3].operation else {
        panic!("{plan:?}")
    };
    assert_eq!(operands, &[Operand { parts: vec![1, 3], norms: vec![5] }]);
    assert_eq!((norms.len(), *argument), (0, Some(5)));
    assert_eq!(plan.last_uses(), [vec![0], vec![], vec![2], vec![1, 3], vec![4]]);
}

#[test]
fn a_residual_block_adds_two_operands_in_one_step() {
    let mut network = small();
    let baseline = resnet_of(8, &[2, 4, 4]);
    network.nodes = baseline.network(network.input.clone(), network.classes.clone()).unwrap().nodes;
    let plan = Plan::new(&network).unwrap();
    let sums = plan.steps.iter().filter(|step| {
        matches!(&step.operation, Operation::Activate { operands, .. } if operands.len() == 2)
    });
    assert_eq!(sums.count(), 3);
    assert!(!names(&plan).iter().any(|name| name.ends_with("requantized")), "{plan:?}");
    let shortcut = plan.steps.iter().position(|s| s.name == "stage2.block1.shortcut").unwrap();
    assert!(plan.values[shortcut + 1].uniform);
    assert_eq!(
        plan.table_of(shortcut + 1).map(|step| plan.steps[step].name.as_str()),
        Some("stage1.block1.out")
    );
}

#[test]
fn a_1x1_convolution_is_computed_after_its_pooling_if_nothing_else_reads_it() {
    let pooled = Op::AveragePool { size: 2 };
    let a = ("a", relu(), &[INPUT][..]);
    let alone = plan(&[a, ("b", conv(1, 3, 1), &["a"]), ("c", pooled, &["b"])], 3);
    assert_eq!(names(&alone), ["a", "b", "c.requantized", "linear"]);
    assert!(matches!(alone.steps[1].operation, Operation::Convolve { pool: 2, .. }));
    let read = [
        a,
        ("b", conv(1, 3, 1), &["a"]),
        ("c", pooled, &["b"]),
        ("d", pooled, &["b"]),
        ("e", Op::Concat {}, &["c", "d"]),
    ];
    assert_eq!(names(&plan(&read, 6)), ["a", "b", "c", "d", "e.requantized", "linear"]);
    let three = plan(&[a, ("b", conv(1, 3, 3), &["a"]), ("c", pooled, &["b"])], 3);
    assert!(matches!(three.steps[1].operation, Operation::Convolve { pool: 1, .. }));
    assert_eq!(names(&three), ["a", "b", "c", "c.requantized", "linear"]);
}

/// Whatever a node reads, its input becomes a value that it can read, at most once.
#[test]
fn values_are_requantized_where_a_step_could_not_read_them() {
    let norm = Op::BatchNorm { channels: 2 };
    let post_norm = [
        ("a", conv(1, 2, 3), &[INPUT][..]),
        ("b", norm, &["a"]),
        ("c", conv(2, 2, 3), &["b"]),
        ("d", Op::Concat {}, &["b", "c"]),
        ("b.requantized", relu(), &["d"]),
    ];
    assert_eq!(
        names(&plan(&post_norm, 4)),
        ["a", "b.requantized_", "c", "b.requantized", "linear"]
    );
    let sums = [
        ("a", conv(1, 1, 3), &[INPUT][..]),
        ("b", Op::Add {}, &["a", INPUT]),
        ("c", Op::Add {}, &["b", "a"]),
        ("d", Op::Shortcut { out_channels: 2, stride: 2 }, &["c"]),
        ("e", Op::Dropout { probability: 0.5 }, &["d"]),
    ];
    assert_eq!(names(&plan(&sums, 2)), ["a", "b.requantized", "c.requantized", "d", "linear"]);
}

#[test]
fn graphs_without_an_integer_form_are_refused_with_the_name_of_the_node() {
    let refused = |network: &Network| format!("{:#}", Plan::new(network).unwrap_err());
    let mut two = network(&[("a", conv(1, 2, 3), &[INPUT])], 2);
    two.nodes.push(Node {
        name: "more".into(),
        op: Op::Linear { in_features: 2, out_features: 2 },
        inputs: vec!["linear".into()],
    });
    assert!(refused(&two).contains("node linear: an int8 network can have one linear node"));
    let mut last = network(&[("a", conv(1, 2, 3), &[INPUT])], 2);
    last.nodes.pop();
    assert!(refused(&last).contains("the last node, pool, is not"), "{}", refused(&last));
    let mut norm = network(&[("a", conv(1, 2, 3), &[INPUT])], 2);
    norm.nodes[2].inputs = vec!["norm".into()];
    let node = |name: &str, op| Node { name: name.into(), op, inputs: vec!["pool".into()] };
    norm.nodes.insert(2, node("norm", Op::BatchNorm { channels: 2 }));
    assert!(
        refused(&norm).contains("node norm: an int8 network cannot compute a batch norm"),
        "{}",
        refused(&norm)
    );
    norm.nodes[2] = node("norm", conv(2, 2, 1));
    assert!(refused(&norm).contains("a convolution of a global pooling"), "{}", refused(&norm));
    let mut image = network(&[("a", Op::Dropout { probability: 0.1 }, &[INPUT])], 1);
    image.nodes[0].inputs = vec![INPUT.into()];
    assert!(refused(&image).contains("node linear"), "{}", refused(&image));
}
