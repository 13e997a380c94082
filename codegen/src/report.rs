//! What `codegen plan` prints: the cost of a network on a platform, known before any training.

use crate::board;
use crate::bound::lower_bound;
use crate::graph::lower;
use crate::plan::{Kernel, Step};
use crate::platform::Platform;
use anyhow::{Result, bail};
use common::counts;
use common::json::Document;
use common::manifest::Fit;
use common::network::{Network, Shape};
use serde::{Deserialize, Serialize};

/// Bytes of an f32.
pub(crate) const F32_BYTES: u64 = 4;

/// The cost of a network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanReport {
    /// The platform.
    pub platform: String,
    /// Constants, such as lie in flash memory: packed weights with their padding.
    pub weights_bytes: u64,
    /// Working memory for one inference, without the image and the logits.
    pub arena_bytes: u64,
    /// The least that any plan of these operations needs.
    pub arena_lower_bound_bytes: u64,
    /// Multiply-adds for one image, as the template counts them.
    pub macs: u64,
    /// Multiply-adds that are really computed: pooling before a 1x1 convolution saves some.
    pub executed_macs: u64,
    /// Trainable parameters.
    pub parameters: u64,
    /// The kernels' calls in order.
    pub layers: Vec<Layer>,
    /// Where the crate can run.
    pub fit: Fit,
}

impl Document for PlanReport {
    const KIND: &'static str = "plan";
}

/// One call of a kernel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    /// The node that names it.
    pub name: String,
    /// Which kernel.
    pub kernel: String,
    /// All nodes that it computes.
    pub nodes: Vec<String>,
    /// What it takes.
    pub input: Shape,
    /// What it makes.
    pub output: Shape,
    /// Trainable parameters.
    pub parameters: u64,
    /// Multiply-adds as the template counts them.
    pub macs: u64,
    /// Multiply-adds that are really computed.
    pub executed_macs: u64,
    /// Constants.
    pub weights_bytes: u64,
    /// Where its output begins in the arena.
    pub arena_offset_bytes: u64,
    /// Working memory that it needs besides input and output.
    pub scratch_bytes: u64,
}

/// The cost of a network on a platform.
///
/// # Errors
/// The graph is inconsistent, or the platform has no plans.
pub fn report(network: &Network, platform: Platform) -> Result<PlanReport> {
    match platform {
        Platform::X86_64
        | Platform::Aarch64
        | Platform::Armv7
        | Platform::CortexM
        | Platform::Cuda => {}
        Platform::Onnx => {
            bail!(
                "the program that runs an ONNX model plans for itself; name a platform that has crates"
            )
        }
    }
    let plan = platform.plan(network)?;
    let counts = counts::count(network)?;
    let shapes = counts::shapes(network)?;
    let fit = board::fit(network, platform, &plan)?;
    let layers: Vec<Layer> = plan.steps.iter().map(|step| layer(network, &shapes, step)).collect();
    Ok(PlanReport {
        platform: platform.name().to_string(),
        weights_bytes: bytes(plan.constants_len),
        arena_bytes: bytes(plan.arena_len),
        arena_lower_bound_bytes: bytes(lower_bound(&lower(network)?)),
        macs: counts.macs,
        executed_macs: layers.iter().map(|layer| layer.executed_macs).fold(0, u64::saturating_add),
        parameters: counts.parameters,
        layers,
        fit,
    })
}

/// The bytes of some f32.
pub(crate) fn bytes(elements: usize) -> u64 {
    elements as u64 * F32_BYTES
}

/// A number with commas between its thousands.
pub(crate) fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|group| str::from_utf8(group).ok()).collect();
    groups.join(",")
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
        weights_bytes: bytes(constants(step)),
        arena_offset_bytes: bytes(step.target.start),
        scratch_bytes: bytes(step.scratch.len()),
    }
}

fn kernel_name(kernel: &Kernel) -> &'static str {
    match kernel {
        Kernel::Convolution { .. } => "convolution",
        Kernel::Map => "map",
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
        Kernel::Map
        | Kernel::Add { .. }
        | Kernel::Shortcut { .. }
        | Kernel::AveragePool { .. }
        | Kernel::GlobalAveragePool
        | Kernel::GlobalMaxPool
        | Kernel::Copy => 0,
    };
    (per_output * step.output.elements()) as u64
}

fn constants(step: &Step) -> usize {
    let (weights, bias) = step.kernel.weights_and_bias();
    [weights, bias, step.entry.norm.as_ref()]
        .into_iter()
        .flatten()
        .map(ExactSizeIterator::len)
        .sum()
}
