//! Kernels for GPUs, run without one, against the slow reference. `make test-cuda` compiles them
//! for GPUs.

mod support;

use codegen::cuda::{KERNELS, calls};
use codegen::plan::{Device, Plan};
use common::dataset::{Dataset, Split};
use common::network::activation::{Activation, PiecewiseActivation};
use common::network::reference::logits;
use common::network::template::{Head, Template};
use common::network::{INPUT, Network, Op};
use support::gpu::{Emulator, FEWEST_BLOCKS, MOST_BLOCKS, has_compiler};
use support::pairs::{all_pairs, is_near_a_jump, node};
use support::random::random_network;
use support::{SWISH_RELU, baseline, digits, expand, images, pruned, small};

/// The tolerance of generated crates, relative to the largest logit, or to 1.
const TOLERANCE: f32 = 2e-6;

/// The orders of `gpu.cpp` in which threads and blocks run, other than the first one: backwards,
/// and warp by warp.
const OTHER_ORDERS: [u32; 2] = [1, 2];

/// Compares logits of single images and of all as a batch, with few and with many blocks, in
/// different orders.
fn check(network: &Network, images: &[Vec<f32>], tolerance: f32) {
    let emulator = Emulator::new(network);
    for enough in [FEWEST_BLOCKS, MOST_BLOCKS] {
        let got = emulator.run(images, 1, enough, 0);
        assert_eq!(got.len(), images.len());
        for (got, image) in got.iter().zip(images) {
            let want = logits(network, &emulator.weights, image).unwrap();
            let size = want.iter().fold(1.0f32, |size, logit| size.max(logit.abs()));
            let close = |(got, want): (&f32, &f32)| (got - want).abs() <= tolerance * size;
            assert!(
                got.len() == want.len() && got.iter().zip(&want).all(close),
                "{got:?}, not {want:?}: {network:?}"
            );
        }
        for order in OTHER_ORDERS {
            assert_eq!(
                emulator.run(images, images.len(), enough, order),
                got,
                "as a batch, in the order {order}"
            );
        }
    }
}

fn check_random(network: &Network, tolerance: f32) {
    if has_compiler() {
        check(network, &images(network, 2), tolerance);
    }
}

/// Two blocks, on images of handwritten digits.
#[test]
fn real_digits() {
    if !has_compiler() {
        return;
    }
    let network = small([1, 8, 8], [2, 16, 3], SWISH_RELU);
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().join("digits");
    digits(&folder, &network.classes);
    let data = Dataset::load(&folder, Split::Test).unwrap();
    let image = |index| -> Vec<f32> {
        data.image(index).iter().map(|pixel| network.input.normalise(0, *pixel)).collect()
    };
    check(&network, &(0..5).map(image).collect::<Vec<_>>(), TOLERANCE);
}

#[test]
fn every_pair() {
    if !has_compiler() {
        return;
    }
    let network = all_pairs();
    let emulator = Emulator::new(&network);
    let mut images = images(&network, 24);
    images.retain(|image| !is_near_a_jump(&network, &emulator.weights, image));
    assert!(images.len() >= 8, "{} images", images.len());
    images.truncate(8);
    check(&network, &images, TOLERANCE);
}

#[test]
fn pruned_to_odd_widths() {
    check_random(&pruned(), TOLERANCE);
}

#[test]
fn large_kernels_a_max_head_and_three_blocks() {
    let template = Template {
        growth_rate: 13,
        stem_channels: 25,
        head: Head::Max,
        stem_kernel: 5,
        ..Template::default()
    };
    let pair = PiecewiseActivation { left: Activation::Elu, right: Activation::Swish };
    check_random(&expand(&template, [3, 17, 13], [3, 10, 5], pair, 11), TOLERANCE);
}

/// On images with odd sides, which strides and poolings do not divide.
#[test]
fn residual() {
    check_random(&baseline("resnet-20", 11), TOLERANCE);
}

#[test]
fn densenet() {
    check_random(&baseline("densenet-40-12", 9), TOLERANCE);
}

/// Rounding differences may grow in random graphs; mistakes are larger still.
#[test]
fn random_graphs() {
    for seed in 0..6 {
        check_random(&random_network(seed), 1e-4);
    }
}

/// The last kernel need not be one that can write to the place of the logits.
#[test]
fn logits_that_are_copied() {
    let mut network = small([3, 1, 1], [1, 7, 3], SWISH_RELU);
    let swish =
        Op::Activation(PiecewiseActivation { left: Activation::Swish, right: Activation::Swish });
    let activated = node("a", swish, &[INPUT]);
    let endings = [
        (3, vec![node("d", Op::Dropout { probability: 0.5 }, &[INPUT])]),
        (3, vec![activated.clone(), node("sum", Op::Add {}, &["a", INPUT])]),
        (9, vec![activated, node("all", Op::Concat {}, &["a", INPUT, "a"])]),
    ];
    for (classes, nodes) in endings {
        network.classes = (0..classes).map(|class| class.to_string()).collect();
        network.nodes = nodes;
        check_random(&network, TOLERANCE);
    }
}

/// The window of such a kernel does not fit into a block's shared memory.
#[test]
fn a_kernel_that_is_too_large_is_refused() {
    let mut network = small([1, 8, 8], [1, 7, 3], SWISH_RELU);
    let large = Op::Conv2d { in_channels: 1, out_channels: 10, kernel: 99, stride: 1 };
    network.nodes =
        vec![node("wide", large, &[INPUT]), node("pool", Op::GlobalMaxPool {}, &["wide"])];
    let plan = Plan::on(&network, Device::Gpu).unwrap();
    let error = calls(&network, &plan).unwrap_err().to_string();
    assert!(
        error.contains("node wide: its kernel or its tensors are too large for a GPU"),
        "{error}"
    );
}

/// Without a barrier, one of these tests fails.
#[test]
fn missing_barriers_show() {
    if !has_compiler() {
        return;
    }
    // More channels than a block has warps.
    let network = expand(&Template::default(), [1, 8, 8], [1, 7, 3], SWISH_RELU, 10);
    let images = images(&network, 1);
    let right = Emulator::new(&network).run(&images, 1, MOST_BLOCKS, 0);
    let barriers: Vec<usize> = KERNELS.match_indices("__sync").map(|(at, _)| at).collect();
    assert_eq!(barriers.len(), 5);
    for at in barriers {
        let without = format!("{}//{}", &KERNELS[..at], &KERNELS[at..]);
        let emulator = Emulator::with_kernels(&network, &without);
        let noticed = |order: &u32| {
            let output = emulator.try_run(&images, 1, MOST_BLOCKS, *order);
            !output.status.success() || emulator.logits() != right
        };
        let line = KERNELS[..at].lines().count();
        assert!(
            [&[0], &OTHER_ORDERS[..]].concat().iter().any(noticed),
            "without the barrier in line {line}"
        );
    }
}
