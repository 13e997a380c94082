//! The costs of a network in integers on a platform.

use crate::fit;
use crate::int8::{self, Int8Plan, Step};
use crate::work::int8::{constants_bytes, executed_macs, kernel_name, work};
use crate::work::sums::by_kind;
use anyhow::Result;
use common::board::Platform;
use common::network::{Network, Shape, counts, shapes};
use common::plan_report::{Layer, PlanReport};
use common::precision::Precision;
use std::collections::HashSet;

/// Reports on the plan of a network for a platform.
///
/// # Errors
/// Fails if the graph is inconsistent, or if the platform has no crates in integers.
pub(crate) fn report(network: &Network, plan: &Int8Plan, platform: Platform) -> Result<PlanReport> {
    let packing = int8::packing(platform)?;
    let counts = counts::count(network)?;
    let shapes = shapes::shapes(network)?;
    // A node that two steps compute counts once.
    let mut counted = HashSet::new();
    let mut layers = Vec::new();
    for step in &plan.steps {
        let new: Vec<usize> =
            step.nodes.iter().copied().filter(|node| counted.insert(*node)).collect();
        layers.push(layer(network, &shapes, step, &new));
    }
    let executed_macs = layers.iter().map(|layer: &Layer| layer.executed_macs);
    Ok(PlanReport {
        platform,
        precision: Precision::Int8,
        weights_bytes: plan.lengths.bytes() as u64,
        arena_bytes: plan.arena_len as u64,
        arena_lower_bound_bytes: plan.arena_lower_bound as u64,
        macs: counts.macs,
        executed_macs: executed_macs.fold(0, u64::saturating_add),
        parameters: counts.parameters,
        layers,
        work: by_kind(plan.steps.iter().map(|step| work(step, packing))),
        fit: fit::of_int8(network, platform, plan)?,
    })
}

/// Returns a step's costs; `new` are its nodes that no step before computes.
fn layer(network: &Network, shapes: &[Shape], step: &Step, new: &[usize]) -> Layer {
    let name = |node: usize| network.nodes[node].name.clone();
    let nodes = || new.iter().map(|node| (&network.nodes[*node], shapes[*node]));
    Layer {
        name: name(step.node),
        kernel: kernel_name(&step.kernel).to_string(),
        nodes: step.nodes.iter().map(|node| name(*node)).collect(),
        input: step.input,
        output: step.output,
        parameters: nodes().map(|(node, _)| node.parameters()).sum(),
        macs: nodes().map(|(node, shape)| counts::macs(node, shape)).sum(),
        executed_macs: executed_macs(step),
        weights_bytes: constants_bytes(&step.kernel) as u64,
        arena_offset_bytes: step.target.start as u64,
        scratch_bytes: step.scratch.len() as u64,
    }
}
