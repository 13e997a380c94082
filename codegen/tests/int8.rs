//! Plans in 8-bit integers, run with the real kernels of every engine of this processor, against the
//! integer reference of `common`: the same logits to the last bit.

mod support;

use codegen::int8::Int8Plan;
use codegen::int8::pack::Constants;
use common::network::template::{Head, Template};
use common::network::{Network, Op};
use runtime::int8::dispatch::Kernels;
use std::collections::HashSet;
use support::integers::{PACKING, pixels, run};
use support::quantized::random_quantized;
use support::{SWISH_RELU, baseline, expand, pairs, pruned, random, small};

/// Compares the logits of random images, and returns how many different ones there were.
fn check(network: &Network, seed: u64) -> usize {
    let quantized = random_quantized(network, seed);
    let plan = Int8Plan::new(network, PACKING).unwrap();
    let constants = Constants::new(&plan, &quantized.parameters, PACKING);
    assert_eq!(constants.to_bytes().len(), plan.lengths.bytes());
    let mut different = HashSet::new();
    for image in pixels(network, 3) {
        let expected = quantized.logits(&image);
        for kernels in Kernels::available().into_iter().flatten() {
            let logits = run(&plan, &constants, &quantized, kernels, &image);
            assert_eq!(logits, expected, "{} on {}", network.nodes.len(), kernels.name());
        }
        different.extend(expected);
    }
    different.len()
}

#[test]
fn template_networks() {
    let heads = [Head::Average, Head::Max];
    for (shape, genes, head) in [
        ([1, 28, 28], [1, 7, 3], heads[0]),
        ([3, 32, 32], [3, 13, 3], heads[1]),
        ([1, 12, 9], [2, 7, 5], heads[0]),
        ([3, 7, 17], [2, 10, 3], heads[1]),
    ] {
        for (growth_rate, stem_channels) in [(4, 6), (7, 9), (12, 16)] {
            let template = Template { growth_rate, stem_channels, head, ..Template::default() };
            let network = expand(&template, shape, genes, SWISH_RELU, 10);
            // Else the logits say nothing.
            assert!(check(&network, 1) > 20);
        }
    }
}

#[test]
fn all_pairs() {
    let network = pairs::all_pairs();
    assert_eq!(
        network.nodes.iter().filter(|node| matches!(node.op, Op::Activation(_))).count(),
        49
    );
    assert!(check(&network, 2) > 20);
}

#[test]
fn baselines() {
    for name in ["resnet-20", "resnet-56", "resnet-110", "densenet-40-12"] {
        assert!(check(&baseline(name, 16), 3) > 20, "{name}");
    }
}

#[test]
fn a_pruned_network() {
    assert!(check(&pruned(), 4) > 10);
}

#[test]
fn random_graphs() {
    let mut planned = 0;
    for seed in 0..150 {
        let network = random::random_network(seed);
        if Int8Plan::new(&network, PACKING).is_ok() {
            planned += 1;
            check(&network, seed);
        }
    }
    assert!(planned > 100, "{planned}");
}

#[test]
fn an_arena_is_about_a_quarter_of_that_in_f32() {
    let network = small([1, 28, 28], [2, 16, 3], SWISH_RELU);
    let int8 = Int8Plan::new(&network, PACKING).unwrap();
    let f32 = codegen::plan::Plan::new(&network).unwrap();
    assert!(int8.arena_lower_bound <= int8.arena_len);
    assert!(int8.arena_len < f32.arena_len * 4 * 36 / 100, "{} {}", int8.arena_len, f32.arena_len);
}
