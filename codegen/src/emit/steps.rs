//! The steps of a plan as calls of kernels.

use super::call::{Arguments, Call};
use super::{add, arena, conv, linear, norm, pool};
use crate::plan::{Kernel, Plan, Step};
use common::network::Network;
use std::fmt::Write;

/// Returns the calls of all steps.
pub(super) fn calls(plan: &Plan) -> Vec<Call> {
    plan.steps.iter().map(call).collect()
}

/// Returns the body of the function that computes the logits.
pub(super) fn forward(network: &Network, plan: &Plan) -> String {
    let mut text = String::new();
    for step in &plan.steps {
        let call = call(step);
        let _ = write!(
            text,
            "        // {}: {} -> {}\n{}{}        {}\n\n",
            network.nodes[step.node].name,
            step.input,
            step.output,
            arena::split(step),
            call.preparation,
            call.text
        );
    }
    text + &arena::logits(plan)
}

fn call(step: &Step) -> Call {
    let arguments = Arguments::of(step);
    match &step.kernel {
        Kernel::Convolution { layer, tile, weights } => {
            conv::convolution(&arguments, layer, *tile, weights)
        }
        Kernel::NormActivation => norm::norm_activation(&arguments),
        Kernel::Add { activation } => add::add(&arguments, *activation),
        Kernel::Shortcut { stride } => add::shortcut(&arguments, *stride),
        Kernel::AveragePool { size, in_place } => pool::average_pool(&arguments, *size, *in_place),
        Kernel::GlobalAveragePool => pool::global_pool(&arguments, "Average"),
        Kernel::GlobalMaxPool => pool::global_pool(&arguments, "Max"),
        Kernel::Linear { weights, bias } => linear::linear(&arguments, weights, bias),
        Kernel::Copy => arena::copy(&arguments),
    }
}
