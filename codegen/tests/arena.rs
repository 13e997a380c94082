//! The working memory of plans against the least that any plan could need.

mod support;

use codegen::plan::Plan;
use codegen::plan::lowering::{Graph, Kind, lower};
use common::network::Network;
use common::network::template::Template;
use support::{SWISH_RELU, expand};

const F32_BYTES: usize = 4;

/// Returns the most bytes of tensors that are live during some step: each from the step that writes
/// it to the last step that reads it, directly or within a concatenation, which is no tensor
/// itself.
fn lower_bound(graph: &Graph) -> usize {
    let mut last_use = vec![0; graph.values.len()];
    last_use[graph.output] = graph.operations.len();
    let mut live = vec![0; graph.operations.len()];
    for (step, operation) in graph.operations.iter().enumerate().rev() {
        let until = last_use[operation.output];
        for input in &operation.inputs {
            let used = if operation.kind == Kind::Concat { until } else { step };
            last_use[*input] = last_use[*input].max(used);
        }
        if operation.kind != Kind::Concat {
            let bytes = F32_BYTES * graph.values[operation.output].elements();
            live.iter_mut().take(until + 1).skip(step).for_each(|total| *total += bytes);
        }
    }
    live.into_iter().max().unwrap()
}

fn arena_and_bound(network: &Network) -> (usize, usize) {
    let arena = F32_BYTES * Plan::new(network).unwrap().arena_len;
    (arena, lower_bound(&lower(network).unwrap()))
}

const MNIST: [usize; 3] = [1, 28, 28];
const CIFAR: [usize; 3] = [3, 32, 32];

#[test]
fn the_bound_is_what_one_would_count_by_hand() {
    let network = expand(&Template::default(), MNIST, [2, 16, 3], SWISH_RELU, 10);
    // At the transition: 72 channels of 28 x 28 and, pooled, of 14 x 14.
    assert_eq!(arena_and_bound(&network).1, F32_BYTES * 72 * (28 * 28 + 14 * 14));
    let network = expand(&Template::default(), CIFAR, [1, 16, 3], SWISH_RELU, 10);
    // At the end of the only condense layer: all of its channels, and their averages.
    assert_eq!(arena_and_bound(&network).1, F32_BYTES * (72 * 32 * 32 + 72));
}

#[test]
fn the_paper_s_networks_need_at_most_a_tenth_more_than_the_bound() {
    for (shape, genes) in [
        (MNIST, [2, 16, 3]),
        (MNIST, [3, 16, 3]),
        (CIFAR, [2, 16, 3]),
        (CIFAR, [3, 16, 3]),
        (CIFAR, [2, 28, 3]),
        (CIFAR, [3, 40, 3]),
        (CIFAR, [3, 52, 3]),
        (MNIST, [1, 16, 5]),
        (CIFAR, [1, 16, 5]),
        (MNIST, [1, 52, 3]),
        (MNIST, [4, 40, 5]),
    ] {
        let (arena, bound) =
            arena_and_bound(&expand(&Template::default(), shape, genes, SWISH_RELU, 10));
        assert!(
            arena <= bound + bound / 10,
            "{shape:?} {genes:?}: {arena} bytes, the bound is {bound}"
        );
    }
}

/// One block of twelve FELs on small grey images, and three blocks of four on colour ones. Code by
/// onnx2c needs 1,467,648 and 737,280 bytes for them.
#[test]
fn two_networks_need_less_memory_than_with_other_generators() {
    let template = Template { stem_channels: 16, ..Template::default() };
    for (shape, genes, most) in [(MNIST, [1, 40, 3], 600_000), (CIFAR, [3, 16, 3], 320_000)] {
        let (arena, bound) = arena_and_bound(&expand(&template, shape, genes, SWISH_RELU, 10));
        assert!(
            arena <= most && arena <= bound + bound / 10,
            "{shape:?} {genes:?}: {arena} bytes, the bound {bound}"
        );
    }
}
