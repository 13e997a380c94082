//! The costs of a network on a platform, as `codegen plan` prints them.

use crate::fit;
use crate::plan::{Plan, Step};
use crate::size::bytes;
use crate::work::real::{constants_len, executed_macs, kernel_name, work};
use crate::work::sums::by_kind;
use anyhow::Result;
use common::board::Platform;
use common::network::{Network, Shape, counts, shapes};
use common::plan_report::{Layer, PlanReport};
use common::precision::Precision;

/// Reports on the plan of a network for a platform.
///
/// # Errors
/// Fails if the graph is inconsistent.
pub fn report(network: &Network, plan: &Plan, platform: Platform) -> Result<PlanReport> {
    let counts = counts::count(network)?;
    let shapes = shapes::shapes(network)?;
    let layers: Vec<Layer> = plan.steps.iter().map(|step| layer(network, &shapes, step)).collect();
    let executed_macs = layers.iter().map(|layer| layer.executed_macs);
    Ok(PlanReport {
        platform,
        precision: Precision::F32,
        weights_bytes: bytes(plan.constants_len),
        arena_bytes: bytes(plan.arena_len),
        arena_lower_bound_bytes: bytes(plan.arena_lower_bound),
        macs: counts.macs,
        executed_macs: executed_macs.fold(0, u64::saturating_add),
        parameters: counts.parameters,
        layers,
        work: by_kind(plan.steps.iter().map(|step| work(step, platform))),
        fit: fit::fit(network, platform, plan)?,
    })
}

fn layer(network: &Network, shapes: &[Shape], step: &Step) -> Layer {
    let name = |node: usize| network.nodes[node].name.clone();
    Layer {
        name: name(step.node),
        kernel: kernel_name(&step.kernel).to_string(),
        nodes: step.nodes.iter().map(|node| name(*node)).collect(),
        input: step.input,
        output: step.output,
        parameters: step.nodes.iter().map(|node| network.nodes[*node].parameters()).sum(),
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
