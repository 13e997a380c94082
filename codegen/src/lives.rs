//! When which part of the arena holds what, as a plan's steps have it.

use crate::plan::{Kernel, Plan, Source};
use std::ops::Range;

/// A tensor or scratch memory in the arena.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Life {
    /// The network's node that it belongs to.
    pub(crate) node: usize,
    /// Its place, in elements.
    pub(crate) range: Range<usize>,
    /// The step that makes it.
    pub(crate) first: usize,
    /// The last step that takes it, the one before if that is an addition or a pooling in its
    /// place; the number of steps if it is (a part of) the logits.
    pub(crate) last: usize,
    /// Whether it is a kernel's scratch memory.
    pub(crate) is_scratch: bool,
}

/// All of them, in the order of the steps.
pub(crate) fn lives(plan: &Plan) -> Vec<Life> {
    let mut lives = Vec::new();
    for (index, step) in plan.steps.iter().enumerate() {
        let life = Life {
            node: step.node,
            range: step.target.clone(),
            first: index,
            last: index,
            is_scratch: false,
        };
        lives.push(Life { last: last_reader(plan, &life), ..life });
        if !step.scratch.is_empty() {
            let range = step.scratch.clone();
            lives.push(Life {
                node: step.node,
                range,
                first: index,
                last: index,
                is_scratch: true,
            });
        }
    }
    lives
}

/// The last step that takes some of what a step has made, before another one writes there.
fn last_reader(plan: &Plan, life: &Life) -> usize {
    let meets = |other: &Range<usize>| other.start < life.range.end && life.range.start < other.end;
    let reads = |source: &Source| match source {
        Source::Image => false,
        Source::Arena(range) => meets(range),
    };
    let mut last = life.first;
    for (index, step) in plan.steps.iter().enumerate().skip(life.first + 1) {
        // An addition takes the place of one of its terms, and pooling may that of its source.
        let in_place =
            matches!(step.kernel, Kernel::Add { .. } | Kernel::AveragePool { in_place: true, .. });
        let overwritten = meets(&step.target) || meets(&step.scratch);
        if reads(&step.source)
            && !(overwritten && matches!(step.kernel, Kernel::AveragePool { in_place: true, .. }))
        {
            last = index;
        }
        if overwritten {
            let until = if in_place { index - 1 } else { last };
            return last.max(until);
        }
    }
    if reads(&plan.logits) { plan.steps.len() } else { last }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use common::activation::Activation;
    use common::genome::{Genome, Optimizer};
    use common::network::{INPUT, Input, Network, Node, Op};
    use common::template::Template;

    /// Two condense layers of two FELs each.
    pub(crate) fn network() -> Network {
        let genome = Genome {
            left_activation: Activation::Swish,
            right_activation: Activation::Relu,
            condense_layers: 2,
            feature_extraction_layers: 10,
            kernel_size: 3,
            optimizer: Optimizer::Sgd,
        };
        let input = Input { channels: 1, height: 16, width: 16, mean: vec![0.0], std: vec![1.0] };
        Template::default().expand(&genome, input, vec!["a".into(), "b".into()]).unwrap()
    }

    #[test]
    fn tensors_live_until_they_are_taken_for_the_last_time_and_never_overlap() {
        let network = network();
        let plan = Plan::new(&network).unwrap();
        let lives = lives(&plan);
        check_apart(&lives);
        let of = |name: &str| {
            let life = lives
                .iter()
                .find(|life| network.nodes[life.node].name == name && !life.is_scratch)
                .unwrap();
            (life.first, life.last, life.range.len())
        };
        // stem, two FELs, the pooling before the transition's convolution, two FELs, pooling,
        // classifier. That pooling writes over what the stem has made.
        assert_eq!(of("stem.conv"), (0, 2, 24 * 256));
        assert_eq!(of("condense1.fel2.conv"), (2, 3, 12 * 256));
        assert_eq!(of("transition1.conv"), (4, 7, 48 * 64));
        assert_eq!(of("head.classifier"), (8, 9, 2));
    }

    fn check_apart(lives: &[Life]) {
        for (index, a) in lives.iter().enumerate() {
            for b in &lives[..index] {
                let together = a.first <= b.last && b.first <= a.last;
                assert!(
                    !together || a.range.end <= b.range.start || b.range.end <= a.range.start,
                    "{a:?} {b:?}"
                );
            }
        }
    }

    #[test]
    fn a_sum_takes_the_place_of_a_term() {
        let node = |name: &str, op, inputs: &[&str]| Node {
            name: name.to_string(),
            op,
            inputs: inputs.iter().map(ToString::to_string).collect(),
        };
        let conv = Op::Conv2d { in_channels: 2, out_channels: 2, kernel: 1, stride: 1 };
        let mut network = network();
        (network.input.channels, network.input.mean, network.input.std) =
            (2, vec![0.0; 2], vec![1.0; 2]);
        network.nodes = vec![
            node("a", conv, &[INPUT]),
            node("b", conv, &["a"]),
            node("sum", Op::Add {}, &["b", "a"]),
            node("pool", Op::GlobalAveragePool {}, &["sum"]),
        ];
        let plan = Plan::new(&network).unwrap();
        let lives: Vec<Life> = lives(&plan).into_iter().filter(|life| !life.is_scratch).collect();
        check_apart(&lives);
        let spans: Vec<(usize, usize)> = lives.iter().map(|life| (life.first, life.last)).collect();
        assert!([[(0, 1), (1, 2)], [(0, 2), (1, 1)]].contains(&[spans[0], spans[1]]), "{spans:?}");
        assert_eq!(spans[2..], [(2, 3), (3, 4)]);
    }
}
