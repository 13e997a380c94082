//! From a plan to calls of the kernels for GPUs.

use super::launch::{Launch, MAX_SHARED, copy, launches};
use crate::plan::{Kernel, Operand, Plan, Step};
use anyhow::{Result, ensure};
use common::network::Network;
use std::ops::Range;

/// The most blocks of one launch.
const MAX_BLOCKS: usize = i32::MAX as usize;

/// One step of an inference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The network's node that the call is named after: an index.
    pub node: usize,
    /// The place of the input.
    pub from: Location,
    /// The place of the output.
    pub to: Location,
    /// The offset of scales and shifts among the constants.
    pub norm: Option<usize>,
    /// The offset of weights among the constants.
    pub weights: Option<usize>,
    /// The offset of biases among the constants.
    pub bias: Option<usize>,
    /// Channels of the input.
    pub channels: usize,
    /// Channels of the output.
    pub filters: usize,
    /// The ways to run the step, the one with the fewest blocks first.
    pub launches: Vec<Launch>,
}

/// The place of a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Location {
    /// The image.
    Image,
    /// This offset in the arena, in f32.
    Arena(usize),
    /// The logits.
    Logits,
}

/// Returns the calls of a plan for a GPU.
///
/// # Errors
/// Fails if a layer is too large for a GPU.
pub fn calls(network: &Network, plan: &Plan) -> Result<Vec<Call>> {
    let mut calls = Vec::new();
    let last = plan.steps.len().saturating_sub(1);
    let mut has_logits = false;
    for (index, step) in plan.steps.iter().enumerate() {
        // An addition reads its target, too.
        let makes_logits = index == last
            && plan.logits == Operand::Arena(step.target.clone())
            && !matches!(step.kernel, Kernel::Add { .. });
        let to = if makes_logits { Location::Logits } else { Location::Arena(step.target.start) };
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

fn call(step: &Step, to: Location) -> Call {
    let (weights, bias) = step.kernel.weights_and_bias();
    let start = |range: &Range<usize>| range.start;
    Call {
        node: step.node,
        from: location(&step.source),
        to,
        norm: step.prologue.norm.as_ref().map(start),
        weights: weights.map(start),
        bias: bias.map(start),
        channels: step.input.channels,
        filters: step.output.channels,
        launches: launches(step),
    }
}

fn location(operand: &Operand) -> Location {
    match operand {
        Operand::Image => Location::Image,
        Operand::Arena(range) => Location::Arena(range.start),
    }
}

fn copy_of_logits(network: &Network, plan: &Plan) -> Call {
    let classes = network.classes.len();
    Call {
        node: network.nodes.len() - 1,
        from: location(&plan.logits),
        to: Location::Logits,
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
