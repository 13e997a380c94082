//! Plans, run by an interpreter with the real kernels, against the slow reference.

mod support;

use codegen::plan::pack::pack;
use codegen::plan::{Kernel, Plan};
use common::network::activation::{Activation, PiecewiseActivation};
use common::network::reference::{class_of, logits};
use common::network::template::{Head, Template};
use common::network::{INPUT, Network, Node, Op};
use runtime::dispatch::Kernels;
use support::random::{push, random_network};
use support::{SWISH_RELU, baseline, expand, images, interpreter, random_weights, small};

/// The tolerance of generated crates, relative to the largest logit, or to 1.
const TOLERANCE: f32 = 2e-6;

/// Returns the largest error of the logits over some images and all instruction sets, relative to
/// the largest logit, or to 1.
fn error(network: &Network, seed: u64, count: usize) -> f32 {
    let weights = random_weights(network, seed);
    let plan = Plan::new(network).unwrap();
    let constants = pack(&plan, network, &weights).unwrap();
    let mut worst = 0.0f32;
    for image in images(network, count) {
        let want = logits(network, &weights, &image).unwrap();
        let size = want.iter().fold(1.0f32, |size, logit| size.max(logit.abs()));
        for kernels in Kernels::available().into_iter().flatten() {
            let got = interpreter::run(&plan, &constants, kernels, &image);
            assert_eq!(got.len(), want.len());
            for (got, want) in got.iter().zip(&want) {
                let error = (got - want).abs() / size;
                // NaN is worse than everything.
                worst = if error <= worst { worst } else { error };
                if error.is_nan() {
                    return f32::INFINITY;
                }
            }
        }
    }
    worst
}

#[test]
fn template_networks_are_exact() {
    let max_head =
        Template { growth_rate: 3, stem_channels: 5, head: Head::Max, ..Template::default() };
    let thin = Template {
        growth_rate: 1,
        stem_channels: 1,
        compression: 0.4,
        dropout: 0.2,
        ..Template::default()
    };
    let wide =
        Template { growth_rate: 13, stem_channels: 25, stem_kernel: 5, ..Template::default() };
    let networks = [
        small([1, 8, 8], [2, 16, 3], SWISH_RELU),
        small([3, 7, 9], [3, 7, 5], SWISH_RELU),
        expand(&max_head, [1, 28, 28], [2, 7, 3], SWISH_RELU, 10),
        expand(&thin, [1, 13, 5], [2, 10, 3], SWISH_RELU, 2),
        expand(&wide, [3, 16, 17], [2, 10, 3], SWISH_RELU, 11),
    ];
    for network in networks {
        let error = error(&network, 0, 3);
        assert!(error <= TOLERANCE, "{error}: {:?} {}", network.input.shape(), network.origin);
    }
}

/// M_Net_1 of the paper, at full size.
#[test]
fn the_paper_s_network_is_exact_and_its_memory_is_planned_well() {
    let network = expand(&Template::default(), [1, 28, 28], [2, 16, 3], SWISH_RELU, 10);
    let error = error(&network, 0, 1);
    assert!(error <= TOLERANCE, "{error}");
    let plan = Plan::new(&network).unwrap();
    // At the transition, 72 channels of 28 x 28 are live and, pooled, of 14 x 14; scratch memory is
    // small.
    let live = 72 * (28 * 28 + 14 * 14);
    assert!(plan.arena_len <= live * 102 / 100, "{}", plan.arena_len);
    let copies = plan.steps.iter().filter(|step| step.kernel == Kernel::Copy).count();
    assert_eq!(copies, 0, "concatenation is no work");
}

/// The residual networks at full size. No addition needs a copy; each is one step with the
/// normalisation before it and, except for the last one, with the activation after it. No more than
/// three tensors of the first stage, and some scratch memory, are live at a time.
#[test]
fn residual_networks_are_exact_and_add_in_place() {
    for (name, blocks) in [("resnet-8", 3), ("resnet-20", 9), ("resnet-56", 27), ("resnet-110", 54)]
    {
        let network = baseline(name, 32);
        let error = error(&network, 0, 1);
        assert!(error <= TOLERANCE, "{error}: {name}");
        let plan = Plan::new(&network).unwrap();
        let count = |test: &dyn Fn(&Kernel) -> bool| {
            plan.steps.iter().filter(|step| test(&step.kernel)).count()
        };
        let sums = [
            count(&|kernel| matches!(kernel, Kernel::Add { activation: Some(_) })),
            count(&|kernel| matches!(kernel, Kernel::Add { activation: None })),
        ];
        assert_eq!(sums, [blocks - 1, 1], "{name}");
        assert_eq!(count(&|kernel| *kernel == Kernel::Copy), 0, "{name}");
        // The stem's normalisation and activation are a step, too, since a convolution and an
        // addition read the result.
        assert_eq!(
            (count(&|kernel| *kernel == Kernel::NormActivation), plan.steps.len()),
            (1, 1 + 1 + 3 * blocks + 2 + 2)
        );
        let live = 3 * 16 * 32 * 32;
        assert!((live..=live * 110 / 100).contains(&plan.arena_len), "{name}: {}", plan.arena_len);
    }
}

#[test]
fn densenets_are_exact_and_concatenate_in_place() {
    for name in ["densenet-40-12", "densenet-100-12"] {
        let network = baseline(name, 9);
        let error = error(&network, 0, 1);
        assert!(error <= TOLERANCE, "{error}: {name}");
        assert!(Plan::new(&network).unwrap().steps.iter().all(|step| step.kernel != Kernel::Copy));
    }
}

#[test]
fn all_pairs_are_exact_or_choose_the_same_class_where_they_jump() {
    for pair in PiecewiseActivation::all() {
        let network = small([1, 8, 8], [2, 7, 3], pair);
        if !pair.jumps_at_zero() {
            let error = error(&network, 2, 2);
            assert!(error <= TOLERANCE, "{error}: {pair}");
            continue;
        }
        let weights = random_weights(&network, 2);
        let plan = Plan::new(&network).unwrap();
        let constants = pack(&plan, &network, &weights).unwrap();
        let images = images(&network, 100);
        for kernels in Kernels::available().into_iter().flatten() {
            let same = images.iter().filter(|image| {
                let got = interpreter::run(&plan, &constants, kernels, image);
                class_of(&got) == class_of(&logits(&network, &weights, image).unwrap())
            });
            assert!(same.count() >= 99, "{pair} on {}", kernels.name());
        }
    }
}

/// Random graphs, with concatenations that cannot be in place. Rounding differences may grow in
/// them; mistakes are larger still.
#[test]
fn random_graphs_are_computed() {
    let (mut copies, mut sums_in_place, mut other_sums) = (0, 0, 0);
    for seed in 0..300 {
        let network = random_network(seed);
        let error = error(&network, seed, 1);
        assert!(error <= 1e-4, "{error}, seed {seed}: {network:#?}");
        let plan = Plan::new(&network).unwrap();
        copies += plan.steps.iter().filter(|step| step.kernel == Kernel::Copy).count();
        for pair in plan.steps.windows(2) {
            let copied = pair[0].kernel == Kernel::Copy && pair[0].node == pair[1].node;
            if let Kernel::Add { .. } = pair[1].kernel {
                *(if copied { &mut other_sums } else { &mut sums_in_place }) += 1;
            }
        }
    }
    let hard = [copies, sums_in_place, other_sums];
    assert!(
        hard.iter().all(|count| *count > 50),
        "copies and sums {hard:?}: the hard cases are missing"
    );
}

/// The last node need not be a kernel that writes a tensor.
#[test]
fn any_node_may_be_the_last_one() {
    let mut network = small([3, 1, 1], [1, 7, 3], SWISH_RELU);
    let node = |name: &str, op, inputs: &[&str]| Node {
        name: name.to_string(),
        op,
        inputs: inputs.iter().map(ToString::to_string).collect(),
    };
    let dropout = Op::Dropout { probability: 0.5 };
    let swish =
        Op::Activation(PiecewiseActivation { left: Activation::Swish, right: Activation::Swish });
    let endings: [(usize, Vec<Node>); 4] = [
        (3, vec![node("a", dropout, &[INPUT])]),
        (3, vec![node("a", swish, &[INPUT]), node("b", dropout, &["a"])]),
        (9, vec![node("a", swish, &[INPUT]), node("b", Op::Concat {}, &["a", INPUT, "a"])]),
        (
            3,
            vec![
                node("a", swish, &[INPUT]),
                node("b", Op::Concat {}, &["a"]),
                node("unused", swish, &["b"]),
                node("c", swish, &["a"]),
            ],
        ),
    ];
    for (classes, nodes) in endings {
        network.classes = (0..classes).map(|class| class.to_string()).collect();
        network.nodes = nodes;
        common::files::json::Document::check(&network).unwrap();
        let error = error(&network, 0, 2);
        assert!(error <= TOLERANCE, "{error}: {:?}", network.nodes);
    }
}

/// Concatenations in the style of the DenseNet paper, each of all tensors before: one buffer holds
/// all.
#[test]
fn flat_concatenations_share_one_buffer() {
    let mut network = small([1, 8, 8], [1, 7, 3], SWISH_RELU);
    network.nodes.clear();
    let mut values = vec![(INPUT.to_string(), network.input.shape())];
    let conv = |in_channels| Op::Conv2d { in_channels, out_channels: 4, kernel: 3, stride: 1 };
    push(&mut network, &mut values, "a", conv(1), vec![INPUT.to_string()]);
    push(&mut network, &mut values, "b", conv(4), vec!["a".to_string()]);
    push(&mut network, &mut values, "ab", Op::Concat {}, vec!["a".to_string(), "b".to_string()]);
    push(&mut network, &mut values, "c", conv(8), vec!["ab".to_string()]);
    let all = ["a", "b", "c"].map(str::to_string).to_vec();
    push(&mut network, &mut values, "abc", Op::Concat {}, all);
    push(&mut network, &mut values, "pool", Op::GlobalAveragePool {}, vec!["abc".to_string()]);
    let linear = Op::Linear { in_features: 12, out_features: 10 };
    push(&mut network, &mut values, "linear", linear, vec!["pool".to_string()]);
    assert!(Plan::new(&network).unwrap().steps.iter().all(|step| step.kernel != Kernel::Copy));
    let error = error(&network, 0, 2);
    assert!(error <= TOLERANCE, "{error}");
}
