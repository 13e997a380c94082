//! From a plan to calls of kernels.

use super::launch::{Launch, MAX_SHARED, copy, launches};
use crate::plan::{Kernel, Plan, Source, Step};
use anyhow::{Result, ensure};
use common::network::Network;
use std::ops::Range;

/// Blocks that a GPU is asked to run at a time, at most.
const MAX_BLOCKS: usize = i32::MAX as usize;

/// One step of an inference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The network's node that names it: an index.
    pub node: usize,
    /// Where it reads.
    pub from: Place,
    /// Where it writes.
    pub to: Place,
    /// Scales and shifts among the constants.
    pub norm: Option<usize>,
    /// Weights among the constants.
    pub weights: Option<usize>,
    /// Biases among the constants.
    pub bias: Option<usize>,
    /// Channels of the input.
    pub channels: usize,
    /// Channels of the output.
    pub filters: usize,
    /// The ways to run it, the one with the fewest blocks first.
    pub launches: Vec<Launch>,
}

/// Where a tensor lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The image.
    Image,
    /// This far into the arena, in f32.
    Arena(usize),
    /// The logits.
    Logits,
}

/// The calls of a plan that was made for a GPU.
///
/// # Errors
/// A layer is too large for a GPU.
pub fn calls(network: &Network, plan: &Plan) -> Result<Vec<Call>> {
    let mut calls = Vec::new();
    let last = plan.steps.len().saturating_sub(1);
    let mut has_logits = false;
    for (index, step) in plan.steps.iter().enumerate() {
        // An addition needs what is there already.
        let makes_logits = index == last
            && plan.logits == Source::Arena(step.target.clone())
            && !matches!(step.kernel, Kernel::Add { .. });
        let to = if makes_logits { Place::Logits } else { Place::Arena(step.target.start) };
        calls.push(call(step, to));
        has_logits |= makes_logits;
    }
    if !has_logits {
        calls.push(copy_of_logits(network, plan));
    }
    for call in &calls {
        check(call, &network.nodes[call.node].name)?;
    }
    Ok(calls)
}

fn call(step: &Step, to: Place) -> Call {
    let (weights, bias) = step.kernel.weights_and_bias();
    let start = |range: &Range<usize>| range.start;
    Call {
        node: step.node,
        from: place(&step.source),
        to,
        norm: step.entry.norm.as_ref().map(start),
        weights: weights.map(start),
        bias: bias.map(start),
        channels: step.input.channels,
        filters: step.output.channels,
        launches: launches(step),
    }
}

fn place(source: &Source) -> Place {
    match source {
        Source::Image => Place::Image,
        Source::Arena(range) => Place::Arena(range.start),
    }
}

fn copy_of_logits(network: &Network, plan: &Plan) -> Call {
    let classes = network.classes.len();
    Call {
        node: network.nodes.len() - 1,
        from: place(&plan.logits),
        to: Place::Logits,
        norm: None,
        weights: None,
        bias: None,
        channels: classes,
        filters: classes,
        launches: vec![copy(classes)],
    }
}

fn check(call: &Call, name: &str) -> Result<()> {
    for launch in &call.launches {
        ensure!(
            launch.shared <= MAX_SHARED && launch.blocks <= MAX_BLOCKS,
            "node {name}: its kernel or its tensors are too large for a GPU: {}",
            launch.kernel
        );
    }
    Ok(())
}
