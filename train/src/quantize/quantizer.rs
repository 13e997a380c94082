//! The quantization of a network, step by step.

use super::samples::{Observed, observe};
use super::state::State;
use super::{activate, classify, convolve, errors};
use crate::model::Model;
use crate::ops::simd::Level;
use anyhow::{Context, Result};
use common::dataset::Images;
use common::network::Network;
use common::network::weights::Weights;
use common::quantized::{LayerReport, Method, Operation, Plan, QuantizedNetwork};
use std::collections::BTreeMap;

/// Samples of each channel of a convolution's results.
const RESULTS: usize = 4096;
/// Samples of the arguments of a table, about, over all channels.
const ARGUMENTS: usize = 32_768;

/// A network in integers, and what they mean.
pub struct Quantized {
    /// The network in integers.
    pub network: QuantizedNetwork,
    /// A logit is this times its integer.
    pub logit_scale: f64,
    /// The steps that have parameters, in order.
    pub layers: Vec<LayerReport>,
}

impl Quantized {
    /// Returns the layer with the largest error of its own.
    pub fn worst_layer(&self) -> Option<&LayerReport> {
        self.layers.iter().max_by(|a, b| a.own_error.total_cmp(&b.own_error))
    }
}

/// Quantizes a network with trained weights by calibration images.
///
/// # Errors
/// Fails if the network has nodes that an int8 network cannot compute, or with the name of a layer
/// whose results are not finite or all the same.
pub fn quantize(
    network: &Network,
    weights: &Weights,
    images: &Images,
    method: Method,
) -> Result<Quantized> {
    let plan = Plan::new(network)?;
    let model = Model::unfused(network.clone(), weights, Level::detected())?;
    let observed = observe(&model, images, &observed_nodes(network, &plan))?;
    let mut state = State::new(network, weights, plan, method, images);
    let last_uses = state.plan.last_uses();
    for (step, dead) in last_uses.iter().enumerate() {
        let name = state.plan.steps[step].name.clone();
        run(&mut state, &observed, step).with_context(|| format!("layer {name}"))?;
        state.pipeline.free(dead);
    }
    finish(state, &model, images)
}

/// Returns the nodes that are observed, and how many samples of each channel.
fn observed_nodes(network: &Network, plan: &Plan) -> BTreeMap<usize, usize> {
    let mut nodes = BTreeMap::new();
    let mut want = |node: usize, samples: usize| {
        let most = nodes.entry(node).or_insert(0);
        *most = samples.max(*most);
    };
    for (step, value) in plan.steps.iter().zip(&plan.values[1..]) {
        match (&step.operation, value.node) {
            (Operation::Activate { argument: Some(node), .. }, _) => {
                want(*node, ARGUMENTS.div_ceil(value.shape.channels).max(64));
            }
            (Operation::Convolve { .. }, Some(node)) => want(node, RESULTS),
            (Operation::Classify { .. }, _) => want(network.nodes.len() - 1, 1),
            (
                Operation::Activate { argument: None, .. }
                | Operation::Convolve { .. }
                | Operation::Pool { .. }
                | Operation::Shortcut { .. },
                _,
            ) => {}
        }
    }
    nodes
}

/// Finds the parameters of a step, and runs it.
fn run(state: &mut State, observed: &BTreeMap<usize, Observed>, step: usize) -> Result<()> {
    match state.plan.steps[step].operation.clone() {
        Operation::Activate { pair, operands, norms, argument } => {
            let argument = argument.map(|node| &observed[&node]);
            activate::run(state, argument, step, pair, &operands, &norms)
        }
        Operation::Convolve { input, node, .. } => {
            let made = state.plan.made_by(step).node.context("a convolution without a node")?;
            convolve::run(state, &observed[&made], step, input, node)
        }
        Operation::Pool { input, .. } | Operation::Shortcut { input, .. } => {
            state.keep(step, input);
            Ok(())
        }
        Operation::Classify { input, node, .. } => {
            classify::run(state, &observed[&node], step, input, node)
        }
    }
}

/// Measures the error that each layer has of its own, and returns the result.
fn finish(state: State, model: &Model, images: &Images) -> Result<Quantized> {
    let network = QuantizedNetwork { plan: state.plan, parameters: state.parameters };
    network.parameters.check(&network.plan)?;
    let own = errors::own(model, images, &network, &state.real, state.logit_scale)?;
    let steps = network.plan.steps.iter().zip(state.meanings).zip(own);
    let layers = steps.filter_map(|((step, meaning), own_error)| {
        let (meaning, error) = meaning?;
        let error = error.unwrap_or(own_error);
        Some(LayerReport { name: step.name.clone(), meaning, error, own_error })
    });
    Ok(Quantized { layers: layers.collect(), logit_scale: state.logit_scale, network })
}
