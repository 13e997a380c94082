//! What `codegen plan` prints: the costs of a network on a platform, known before any training.

use crate::fit;
use crate::plan::{Kernel, Plan, Step};
use crate::platform::Platform;
use crate::size::bytes;
use anyhow::Result;
use common::counts;
use common::json::Document;
use common::manifest::Fit;
use common::network::{Network, Shape};
use serde::{Deserialize, Serialize};

/// The costs of a network on a platform, as `codegen plan` prints them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanReport {
    /// The platform.
    pub platform: String,
    /// Constants, in flash memory on a microcontroller: packed weights with their padding.
    pub weights_bytes: u64,
    /// Working memory for one inference, without the image and the logits.
    pub arena_bytes: u64,
    /// The least working memory that any plan of these operations needs.
    pub arena_lower_bound_bytes: u64,
    /// Multiply-adds for one image, as the network is described.
    pub macs: u64,
    /// Multiply-adds that are computed: pooling before a 1x1 convolution saves some.
    pub executed_macs: u64,
    /// Trainable parameters.
    pub parameters: u64,
    /// The calls of kernels, in order.
    pub layers: Vec<Layer>,
    /// The memory that the crate needs, and the boards that have it.
    pub fit: Fit,
}

impl Document for PlanReport {
    const KIND: &'static str = "plan";
}

/// One call of a kernel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    /// The node that the call is named after.
    pub name: String,
    /// The kernel.
    pub kernel: String,
    /// All nodes that the call computes.
    pub nodes: Vec<String>,
    /// The shape of the input.
    pub input: Shape,
    /// The shape of the output.
    pub output: Shape,
    /// Trainable parameters.
    pub parameters: u64,
    /// Multiply-adds, as the network is described.
    pub macs: u64,
    /// Multiply-adds that are computed.
    pub executed_macs: u64,
    /// Constants: packed weights with their padding.
    pub weights_bytes: u64,
    /// The offset of the output in the arena.
    pub arena_offset_bytes: u64,
    /// Working memory besides input and output.
    pub scratch_bytes: u64,
}

impl PlanReport {
    /// Reports on the plan of a network for a platform.
    ///
    /// # Errors
    /// Fails if the graph is inconsistent.
    pub fn new(network: &Network, plan: &Plan, platform: Platform) -> Result<PlanReport> {
        let counts = counts::count(network)?;
        let shapes = counts::shapes(network)?;
        let layers: Vec<Layer> =
            plan.steps.iter().map(|step| layer(network, &shapes, step)).collect();
        let executed_macs = layers.iter().map(|layer| layer.executed_macs);
        Ok(PlanReport {
            platform: platform.name().to_string(),
            weights_bytes: bytes(plan.constants_len),
            arena_bytes: bytes(plan.arena_len),
            arena_lower_bound_bytes: bytes(plan.arena_lower_bound),
            macs: counts.macs,
            executed_macs: executed_macs.fold(0, u64::saturating_add),
            parameters: counts.parameters,
            layers,
            fit: fit::fit(network, platform, plan)?,
        })
    }
}

fn layer(network: &Network, shapes: &[Shape], step: &Step) -> Layer {
    let name = |node: usize| network.nodes[node].name.clone();
    Layer {
        name: name(step.node),
        kernel: kernel_name(&step.kernel).to_string(),
        nodes: step.nodes.iter().map(|node| name(*node)).collect(),
        input: step.input,
        output: step.output,
        parameters: step.nodes.iter().map(|node| counts::parameters(&network.nodes[*node])).sum(),
        macs: step
            .nodes
            .iter()
            .map(|node| counts::macs(&network.nodes[*node], shapes[*node]))
            .sum(),
        executed_macs: executed_macs(step),
        weights_bytes: bytes(constants_len(step)),
        arena_offset_bytes: bytes(step.target.start),
        scratch_bytes: bytes(step.scratch.len()),
    }
}

fn kernel_name(kernel: &Kernel) -> &'static str {
    match kernel {
        Kernel::Convolution { .. } => "convolution",
        Kernel::NormActivation => "map",
        Kernel::Add { .. } => "add",
        Kernel::Shortcut { .. } => "shortcut",
        Kernel::AveragePool { .. } => "average_pool",
        Kernel::GlobalAveragePool => "global_average_pool",
        Kernel::GlobalMaxPool => "global_max_pool",
        Kernel::Linear { .. } => "linear",
        Kernel::Copy => "copy",
    }
}

fn executed_macs(step: &Step) -> u64 {
    let per_output = match &step.kernel {
        Kernel::Convolution { layer, .. } => layer.channels * layer.kernel * layer.kernel,
        Kernel::Linear { .. } => step.input.channels,
        Kernel::NormActivation
        | Kernel::Add { .. }
        | Kernel::Shortcut { .. }
        | Kernel::AveragePool { .. }
        | Kernel::GlobalAveragePool
        | Kernel::GlobalMaxPool
        | Kernel::Copy => 0,
    };
    (per_output * step.output.elements()) as u64
}

fn constants_len(step: &Step) -> usize {
    let (weights, bias) = step.kernel.weights_and_bias();
    [weights, bias, step.prologue.norm.as_ref()]
        .into_iter()
        .flatten()
        .map(ExactSizeIterator::len)
        .sum()
}
