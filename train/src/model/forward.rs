//! A network with its tensors, and its forward pass.

use super::candle::CandleForward;
use super::context::ForwardContext;
use super::engine::{Engine, Mode};
use super::fusion::{self, Operation};
use super::graph::Graph;
use super::native::NativeForward;
use super::parameters::Parameters;
use super::rounding::Roundings;
use crate::ops::blocks::{to_blocks, to_rows};
use crate::ops::scratch::BufferPool;
use crate::ops::simd::Level;
use crate::ops::statistics::Statistics;
use anyhow::{Context, Result, ensure};
use candle_core::{Tensor, Var};
use common::network::Network;
use common::network::weights::Weights;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A network with trainable tensors.
pub struct Model {
    graph: Graph,
    parameters: Parameters,
    operations: Vec<Operation>,
    /// For each operation, the nodes whose values no later operation reads.
    last_uses: Vec<Vec<usize>>,
    engine: Engine,
    pool: Arc<BufferPool>,
    /// What is rounded in training; `None` for plain training.
    roundings: Option<Arc<Roundings>>,
}

/// Returns the values of a node (images, channels * height * width).
pub type NodeValues<'a> = &'a dyn Fn() -> Result<Vec<f32>>;

/// The result of a forward pass.
pub struct Output {
    /// The values before softmax: (images, classes).
    pub logits: Tensor,
    /// Batch statistics by the name of the batch normalisation. Empty in evaluation, and in
    /// training with the Candle backend, which leaves them on the device.
    pub statistics: BTreeMap<String, Statistics>,
}

impl Model {
    /// Creates a model with the given weights.
    ///
    /// # Errors
    /// Fails if the weights are not those of the network.
    pub fn new(network: Network, weights: &Weights, engine: impl Into<Engine>) -> Result<Model> {
        let engine = engine.into();
        let parameters = Parameters::new(&network, weights, engine.device())?;
        let graph = Graph::new(network)?;
        let operations = match &engine {
            Engine::Native(_) => fusion::condense_layers(&graph),
            Engine::Candle(_) => fusion::norm_activations(&graph),
        };
        let last_uses = last_uses(&operations, &graph.inputs);
        Ok(Model {
            graph,
            parameters,
            operations,
            last_uses,
            engine,
            pool: Arc::default(),
            roundings: None,
        })
    }

    /// Makes training quantisation-aware: in [`Mode::Training`], what the network's int8 network
    /// stores in bytes is rounded likewise. Other modes round nothing.
    ///
    /// # Errors
    /// Fails if an int8 network cannot compute this network, or if the engine is not the native
    /// one.
    pub fn rounded(mut self) -> Result<Model> {
        ensure!(
            matches!(self.engine, Engine::Native(_)),
            "the profile's training.quantize needs the processor: train with --device cpu, or set \
             it to false"
        );
        self.roundings = Some(Arc::new(Roundings::new(&self.graph)?));
        Ok(self)
    }

    /// Returns a model of the same network on the same engine, with other weights.
    ///
    /// # Errors
    /// Fails if the weights are not those of the network.
    pub fn with_weights(&self, weights: &Weights) -> Result<Model> {
        let roundings = self.roundings.clone();
        let model = Model::new(self.graph.network.clone(), weights, self.engine.clone())?;
        Ok(Model { roundings, ..model })
    }

    /// Rounds weights of this network as training does; changes nothing in plain training.
    pub fn round_weights(&self, weights: &mut Weights) {
        if let Some(roundings) = &self.roundings {
            roundings.round(&self.graph, weights);
        }
    }

    /// Creates a model that computes each node by itself, for [`Model::observe`].
    ///
    /// # Errors
    /// Fails like [`Model::new`].
    pub fn unfused(network: Network, weights: &Weights, level: Level) -> Result<Model> {
        let model = Model::new(network, weights, level)?;
        let operations: Vec<Operation> =
            (0..model.graph.inputs.len()).map(Operation::Node).collect();
        let last_uses = last_uses(&operations, &model.graph.inputs);
        Ok(Model { operations, last_uses, ..model })
    }

    /// Returns the network.
    pub fn network(&self) -> &Network {
        &self.graph.network
    }

    /// Returns the engine that computes the network.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Returns the trainable tensors by name, in a fixed order.
    pub fn parameters(&self) -> &BTreeMap<String, Var> {
        &self.parameters.trainable
    }

    /// Replaces the running statistics of the batch normalisation `name`.
    pub fn set_running(&mut self, name: &str, statistics: Statistics) {
        self.parameters.running.insert(name.to_string(), statistics);
    }

    /// Copies the current tensors to the host.
    ///
    /// # Errors
    /// Fails if a tensor cannot be copied from its device.
    pub fn weights(&self) -> Result<Weights> {
        self.parameters.to_weights()
    }

    /// Computes the network for normalised images (images, channels, height, width) on any device.
    ///
    /// # Errors
    /// Fails if an operation fails; the error names the node.
    pub fn forward(&self, images: &Tensor, mode: Mode) -> Result<Output> {
        self.walk(images, mode, &mut |_, _| Ok(()))
    }

    /// Computes the network for normalised images with the running statistics, and calls `visit`
    /// with each node that this model computes (all, if it is [`Model::unfused`]).
    ///
    /// # Errors
    /// Fails like [`Model::forward`], or if `visit` fails.
    pub fn observe(
        &self,
        images: &Tensor,
        visit: &mut dyn FnMut(usize, NodeValues) -> Result<()>,
    ) -> Result<()> {
        let count = images.dims4()?.0;
        self.walk(images, Mode::Evaluation, &mut |node, value| {
            let rows = || {
                let rows = match &self.engine {
                    Engine::Native(_) => to_rows(value, count)?,
                    Engine::Candle(_) => value.flatten_from(1)?,
                };
                Ok(rows.flatten_all()?.to_vec1()?)
            };
            visit(node, &rows)
        })?;
        Ok(())
    }

    /// Computes the network, and calls `visit` with each node and its value in the engine's layout.
    fn walk(
        &self,
        images: &Tensor,
        mode: Mode,
        visit: &mut dyn FnMut(usize, &Tensor) -> Result<()>,
    ) -> Result<Output> {
        let mut context = ForwardContext::new(images.dims4()?.0, mode);
        let images = match &self.engine {
            Engine::Native(_) => to_blocks(images)?,
            Engine::Candle(backend) => images.to_device(&backend.device)?,
        };
        let mut values: Vec<Option<Tensor>> = vec![None; self.graph.inputs.len()];
        for (operation, last_uses) in self.operations.iter().zip(&self.last_uses) {
            let inputs: Vec<&Tensor> = self.graph.inputs[operation.first()]
                .iter()
                .map(|source| {
                    source
                        .map_or(Some(&images), |i| values[i].as_ref())
                        .context("a value was dropped too early")
                })
                .collect::<Result<_>>()?;
            let name = &self.graph.node(operation.first()).name;
            let value = self
                .compute(operation, &inputs, &mut context)
                .with_context(|| format!("node {name}"))?;
            visit(operation.last(), &value)?;
            values[operation.last()] = Some(value);
            for &dead in last_uses {
                values[dead] = None;
            }
        }
        let last = values.pop().flatten().context("the network has no nodes")?;
        let logits = match &self.engine {
            Engine::Native(_) => to_rows(&last, context.images)?,
            Engine::Candle(_) => last.flatten_from(1)?,
        };
        Ok(Output { logits, statistics: context.into_statistics() })
    }

    fn compute(
        &self,
        operation: &Operation,
        inputs: &[&Tensor],
        context: &mut ForwardContext,
    ) -> Result<Tensor> {
        let (graph, parameters) = (&self.graph, &self.parameters);
        match &self.engine {
            Engine::Native(level) => {
                let roundings = match context.mode {
                    Mode::Training { .. } => self.roundings.as_deref(),
                    Mode::Statistics | Mode::Evaluation => None,
                };
                NativeForward { graph, parameters, level: *level, pool: &self.pool, roundings }
                    .compute(operation, inputs, context)
            }
            Engine::Candle(backend) => {
                CandleForward { graph, parameters, backend }.compute(operation, inputs, context)
            }
        }
    }
}

/// Returns, for each operation, the nodes whose values it is the last to read.
fn last_uses(operations: &[Operation], inputs: &[Vec<Option<usize>>]) -> Vec<Vec<usize>> {
    let mut result: Vec<Vec<usize>> = operations.iter().map(|_| Vec::new()).collect();
    let mut found = vec![false; inputs.len()];
    for (operation, dead) in operations.iter().zip(&mut result).rev() {
        for &source in inputs[operation.first()].iter().flatten() {
            if !std::mem::replace(&mut found[source], true) {
                dead.push(source);
            }
        }
    }
    result
}
