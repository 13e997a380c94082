//! The content of the arena at each step of a plan.

use super::kernel::Kernel;
use super::steps::{Operand, Plan, Step};
use std::ops::Range;

/// A part of the arena, and the steps during which it holds a tensor or is scratch memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LiveRange {
    /// The network's node that the content belongs to: an index.
    pub(crate) node: usize,
    /// The place, in elements.
    pub(crate) range: Range<usize>,
    /// The step that writes the content.
    pub(crate) first: usize,
    /// The last step that reads the content, or the step before if that is an addition or a pooling
    /// in place; the number of steps for the logits and their parts.
    pub(crate) last: usize,
    /// Whether the content is a kernel's scratch memory.
    pub(crate) is_scratch: bool,
}

/// What a step does to the arena.
pub(crate) struct Access {
    /// The network's node that the step is named after: an index.
    pub(crate) node: usize,
    /// The places that are read.
    pub(crate) reads: Vec<Range<usize>>,
    /// The place of the output.
    pub(crate) target: Range<usize>,
    /// The scratch memory.
    pub(crate) scratch: Range<usize>,
    /// Where the output replaces an input.
    pub(crate) in_place: Option<InPlace>,
}

/// An output that replaces an input.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum InPlace {
    /// A sum replaces one of its terms.
    Sum,
    /// A pooling's output replaces the beginning of its input.
    Pooling,
}

/// Returns what the steps of a plan do to the arena.
pub(crate) fn accesses(plan: &Plan) -> Vec<Access> {
    let access = |step: &Step| Access {
        node: step.node,
        reads: match &step.source {
            Operand::Image => Vec::new(),
            Operand::Arena(range) => vec![range.clone()],
        },
        target: step.target.clone(),
        scratch: step.scratch.clone(),
        in_place: match step.kernel {
            Kernel::Add { .. } => Some(InPlace::Sum),
            Kernel::AveragePool { in_place: true, .. } => Some(InPlace::Pooling),
            _ => None,
        },
    };
    plan.steps.iter().map(access).collect()
}

/// Returns the live ranges of all tensors and scratch memory, in the order of the steps. `kept` is
/// read after the last step.
pub(crate) fn live_ranges(accesses: &[Access], kept: &Range<usize>) -> Vec<LiveRange> {
    let mut ranges = Vec::new();
    for (index, access) in accesses.iter().enumerate() {
        let live = LiveRange {
            node: access.node,
            range: access.target.clone(),
            first: index,
            last: index,
            is_scratch: false,
        };
        if !live.range.is_empty() {
            ranges.push(LiveRange { last: last_reader(accesses, kept, &live), ..live });
        }
        if !access.scratch.is_empty() {
            let range = access.scratch.clone();
            ranges.push(LiveRange {
                node: access.node,
                range,
                first: index,
                last: index,
                is_scratch: true,
            });
        }
    }
    ranges
}

/// Returns the last step that reads some of a tensor before another step writes there.
fn last_reader(accesses: &[Access], kept: &Range<usize>, live: &LiveRange) -> usize {
    let meets = |other: &Range<usize>| other.start < live.range.end && live.range.start < other.end;
    let mut last = live.first;
    for (index, access) in accesses.iter().enumerate().skip(live.first + 1) {
        let overwritten = meets(&access.target) || meets(&access.scratch);
        if access.reads.iter().any(meets)
            && !(overwritten && access.in_place == Some(InPlace::Pooling))
        {
            last = index;
        }
        if overwritten {
            let until = if access.in_place.is_some() { index - 1 } else { last };
            return last.max(until);
        }
    }
    if meets(kept) { accesses.len() } else { last }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_network::network;
    use common::network::{INPUT, Node, Op};

    fn live_ranges_of(plan: &Plan) -> Vec<LiveRange> {
        live_ranges(&accesses(plan), &plan.kept())
    }

    #[test]
    fn tensors_are_live_until_the_last_read_and_never_overlap() {
        let network = network();
        let plan = Plan::new(&network).unwrap();
        let ranges = live_ranges_of(&plan);
        check_apart(&ranges);
        let of = |name: &str| {
            let range = ranges
                .iter()
                .find(|range| network.nodes[range.node].name == name && !range.is_scratch)
                .unwrap();
            (range.first, range.last, range.range.len())
        };
        // stem, two FELs, the pooling before the transition's convolution, two FELs, pooling,
        // classifier. That pooling writes over what the stem has made.
        assert_eq!(of("stem.conv"), (0, 2, 24 * 256));
        assert_eq!(of("condense1.fel2.conv"), (2, 3, 12 * 256));
        assert_eq!(of("transition1.conv"), (4, 7, 48 * 64));
        assert_eq!(of("head.classifier"), (8, 9, 2));
    }

    fn check_apart(ranges: &[LiveRange]) {
        for (index, a) in ranges.iter().enumerate() {
            for b in &ranges[..index] {
                let together = a.first <= b.last && b.first <= a.last;
                assert!(
                    !together || a.range.end <= b.range.start || b.range.end <= a.range.start,
                    "{a:?} {b:?}"
                );
            }
        }
    }

    #[test]
    fn a_sum_replaces_a_term() {
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
        let ranges: Vec<LiveRange> =
            live_ranges_of(&plan).into_iter().filter(|range| !range.is_scratch).collect();
        check_apart(&ranges);
        let spans: Vec<(usize, usize)> =
            ranges.iter().map(|range| (range.first, range.last)).collect();
        assert!([[(0, 1), (1, 2)], [(0, 2), (1, 1)]].contains(&[spans[0], spans[1]]), "{spans:?}");
        assert_eq!(spans[2..], [(2, 3), (3, 4)]);
    }
}
