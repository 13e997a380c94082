//! The plan of one inference in integers, as data.

use super::constants::Lengths;
use super::kernel::Kernel;
use crate::plan::liveness::Access;
use common::network::Shape;
use std::ops::Range;

/// A plan.
#[derive(Debug)]
pub struct Int8Plan {
    /// The calls of kernels, in order; the last one is the classifier.
    pub steps: Vec<Step>,
    /// Bytes of the arena, the working memory.
    pub arena_len: usize,
    /// The least that any plan of these steps needs.
    pub arena_lower_bound: usize,
    /// The lengths of the constants.
    pub lengths: Lengths,
}

/// One call of a kernel.
#[derive(Debug)]
pub struct Step {
    /// The network's node that the step is named after: an index.
    pub node: usize,
    /// All nodes that the step computes: indices.
    pub nodes: Vec<usize>,
    /// The shape of the input.
    pub input: Shape,
    /// The shape of the output.
    pub output: Shape,
    /// The places of the inputs: one, or two that are added.
    pub sources: Vec<Source>,
    /// The place of the output in the arena; empty for the classifier, whose output is no value.
    pub target: Range<usize>,
    /// The kernel's scratch memory in the arena.
    pub scratch: Range<usize>,
    /// The kernel.
    pub kernel: Kernel,
}

/// The place of an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The image.
    Image,
    /// A part of the arena.
    Arena(Range<usize>),
}

impl Int8Plan {
    /// Returns what the steps do to the arena.
    pub(crate) fn accesses(&self) -> Vec<Access> {
        let access = |step: &Step| Access {
            node: step.node,
            reads: step.sources.iter().filter_map(Source::range).collect(),
            target: step.target.clone(),
            scratch: step.scratch.clone(),
            in_place: None,
        };
        self.steps.iter().map(access).collect()
    }
}

impl Source {
    /// Returns the place in the arena.
    pub(crate) fn range(&self) -> Option<Range<usize>> {
        match self {
            Source::Image => None,
            Source::Arena(range) => Some(range.clone()),
        }
    }
}
