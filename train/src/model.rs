//! A network with trainable tensors: the graph of `network.json` computed by Candle.

use crate::ops::activation::Piecewise;
use crate::ops::blocks::{from_rows, to_blocks, to_rows};
use crate::ops::condense::{Condense, Norms, Pass};
use crate::ops::conv::Conv2d;
use crate::ops::dropout::Dropout;
use crate::ops::norm::NormActivation;
use crate::ops::scratch::Pool;
use crate::ops::simd::Level;
use crate::ops::statistics::{SharedStatistics, Statistics};
use crate::plan::{self, Step};
use crate::stock::{Moments, Stock};
use anyhow::{Context, Result};
use candle_core::{Device, Tensor, Var};
use common::activation::{Activation, PiecewiseActivation};
use common::network::{Network, Op};
use common::weights::{Role, Tensor as Raw, Weights, tensors_of};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How a forward pass treats batch normalisation and dropout.
#[derive(Clone, Copy, Debug)]
pub enum Mode {
    /// The batch's own statistics; dropout masks from this seed and step.
    Training {
        /// Seed of the training.
        seed: u64,
        /// Number of the step, from 0.
        step: usize,
    },
    /// The batch's own statistics, no dropout.
    Statistics,
    /// The running statistics, no dropout.
    Evaluation,
}

/// What computes a network.
#[derive(Clone, Debug)]
pub enum Engine {
    /// Our own kernels on this processor.
    Own(Level),
    /// Candle's operations on any device.
    Stock(Stock),
}

impl Engine {
    /// Where tensors are.
    pub fn device(&self) -> &Device {
        match self {
            Engine::Own(_) => &Device::Cpu,
            Engine::Stock(stock) => &stock.device,
        }
    }
}

impl From<Level> for Engine {
    fn from(level: Level) -> Engine {
        Engine::Own(level)
    }
}

/// A network's tensors and how to compute it.
pub struct Model {
    network: Network,
    inputs: Vec<Vec<Option<usize>>>,
    steps: Vec<Step>,
    /// For each step, the nodes whose values nothing after it takes any more.
    last_uses: Vec<Vec<usize>>,
    parameters: BTreeMap<String, Var>,
    /// By the name of the batch normalisation.
    running: BTreeMap<String, Statistics>,
    engine: Engine,
    pool: Arc<Pool>,
}

/// What a forward pass made.
pub struct Output {
    /// Before softmax: (batch, classes).
    pub logits: Tensor,
    /// The batch statistics that each batch normalisation saw, by its name; empty in evaluation,
    /// and in training with Candle's operations, which leave them on the device.
    pub statistics: BTreeMap<String, Statistics>,
}

impl Model {
    /// A model with given weights.
    ///
    /// # Errors
    /// Weights that are not the network's.
    pub fn new(network: Network, weights: &Weights, engine: impl Into<Engine>) -> Result<Model> {
        let engine = engine.into();
        weights.check(&network)?;
        let inputs = network.input_indices()?;
        let (mut parameters, mut running) = (BTreeMap::new(), BTreeMap::new());
        for node in &network.nodes {
            for (name, shape, role) in tensors_of(node) {
                if role == Role::Trainable {
                    let tensor =
                        Tensor::from_slice(&weights.get(&name).data, shape, engine.device())?;
                    parameters.insert(name, Var::from_tensor(&tensor)?);
                }
            }
            if let Op::BatchNorm { .. } = node.op {
                let statistic =
                    |what: &str| weights.get(&format!("{}.{what}", node.name)).data.clone();
                let statistics = Statistics {
                    mean: statistic("running_mean"),
                    variance: statistic("running_var"),
                    count: 0,
                };
                running.insert(node.name.clone(), statistics);
            }
        }
        let steps = match &engine {
            Engine::Own(_) => plan::steps(&network, &inputs),
            Engine::Stock(_) => plan::single_steps(&network, &inputs),
        };
        let last_uses = last_uses(&steps, &inputs);
        Ok(Model {
            network,
            inputs,
            steps,
            last_uses,
            parameters,
            running,
            engine,
            pool: Arc::default(),
        })
    }

    /// The network.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// What computes it.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Trainable tensors by name, in a fixed order.
    pub fn parameters(&self) -> &BTreeMap<String, Var> {
        &self.parameters
    }

    /// Replaces the running statistics of one batch normalisation.
    pub fn set_running(&mut self, name: &str, statistics: Statistics) {
        self.running.insert(name.to_string(), statistics);
    }

    /// The tensors as they are now.
    pub fn weights(&self) -> Result<Weights> {
        let mut tensors = BTreeMap::new();
        for (name, var) in &self.parameters {
            let data = var.flatten_all()?.to_vec1()?;
            tensors.insert(name.clone(), Raw { shape: var.dims().to_vec(), data });
        }
        for (name, statistics) in &self.running {
            for (what, data) in
                [("running_mean", &statistics.mean), ("running_var", &statistics.variance)]
            {
                tensors.insert(
                    format!("{name}.{what}"),
                    Raw { shape: vec![data.len()], data: data.clone() },
                );
            }
        }
        Ok(Weights(tensors))
    }

    /// Computes the network for a batch of normalised images (batch, channels, height, width),
    /// wherever they are.
    pub fn forward(&self, images: &Tensor, mode: Mode) -> Result<Output> {
        let batch = Batch { images: images.dims4()?.0, mode };
        let images = match &self.engine {
            Engine::Own(_) => to_blocks(images)?,
            Engine::Stock(stock) => images.to_device(&stock.device)?,
        };
        let mut values: Vec<Option<Tensor>> = vec![None; self.network.nodes.len()];
        let mut seen = Seen::default();
        for (step, last_uses) in self.steps.iter().zip(&self.last_uses) {
            let inputs: Vec<&Tensor> = self.inputs[step.first()]
                .iter()
                .map(|source| {
                    source
                        .map_or(Some(&images), |i| values[i].as_ref())
                        .context("a value was dropped too early")
                })
                .collect::<Result<_>>()?;
            let name = &self.network.nodes[step.first()].name;
            let value = self
                .step(step, &inputs, batch, &mut seen)
                .with_context(|| format!("node {name}"))?;
            values[step.last()] = Some(value);
            for &dead in last_uses {
                values[dead] = None;
            }
        }
        let last = values.pop().flatten().context("the network has no nodes")?;
        let logits = match &self.engine {
            Engine::Own(_) => to_rows(&last, batch.images)?,
            Engine::Stock(_) => last.flatten_from(1)?,
        };
        Ok(Output { logits, statistics: seen.statistics() })
    }

    fn step(
        &self,
        step: &Step,
        inputs: &[&Tensor],
        batch: Batch,
        seen: &mut Seen,
    ) -> Result<Tensor> {
        let level = match &self.engine {
            Engine::Own(level) => *level,
            Engine::Stock(stock) => return stock.step(self, step, inputs, batch, seen),
        };
        match step {
            Step::Node(index) => self.node(level, *index, inputs, batch, seen),
            Step::NormActivation { norm, pair } => {
                self.norm(level, *norm, *pair, inputs[0], batch, seen)
            }
            Step::Condense { layer, nodes, dropouts, .. } => {
                self.condense(level, layer, nodes, dropouts, inputs[0], batch, seen)
            }
        }
    }

    fn node(
        &self,
        level: Level,
        index: usize,
        inputs: &[&Tensor],
        batch: Batch,
        seen: &mut Seen,
    ) -> Result<Tensor> {
        let (node, input) = (&self.network.nodes[index], inputs[0]);
        let tensor = |what: &str| self.tensor(&node.name, what, batch.mode);
        Ok(match node.op {
            Op::Conv2d { stride, .. } => {
                Conv2d { images: batch.images, stride, level }.apply(input, &tensor("weight")?)?
            }
            Op::BatchNorm { .. } => self.norm(level, index, IDENTITY, input, batch, seen)?,
            Op::Activation(pair) => Piecewise { pair, level }.apply(input)?,
            Op::Dropout { probability } => match batch.mode {
                Mode::Training { seed, step } => {
                    self.dropout(index, probability, seed, step, level).apply(input)?
                }
                Mode::Statistics | Mode::Evaluation => input.clone(),
            },
            Op::Concat {} => Tensor::cat(inputs, 2)?,
            Op::Add {} => input.add(inputs[1])?,
            Op::Shortcut { out_channels, stride } => shortcut(input, out_channels, stride)?,
            Op::AveragePool { size } => average_pool(input, size)?,
            Op::GlobalAveragePool {} => input.mean_keepdim(1)?.mean_keepdim(3)?,
            Op::GlobalMaxPool {} => input.max_keepdim(1)?.max_keepdim(3)?,
            Op::Linear { .. } => {
                let rows = to_rows(input, batch.images)?;
                from_rows(&rows.matmul(&tensor("weight")?.t()?)?.broadcast_add(&tensor("bias")?)?)?
            }
        })
    }

    fn norm(
        &self,
        level: Level,
        index: usize,
        pair: PiecewiseActivation,
        input: &Tensor,
        batch: Batch,
        seen: &mut Seen,
    ) -> Result<Tensor> {
        let name = &self.network.nodes[index].name;
        let op = NormActivation { images: batch.images, pair, level };
        let (gamma, beta) =
            (self.tensor(name, "weight", batch.mode)?, self.tensor(name, "bias", batch.mode)?);
        match batch.mode {
            Mode::Evaluation => Ok(op.evaluate(input, &self.running[name], &gamma, &beta)?),
            Mode::Training { .. } | Mode::Statistics => {
                let (output, of_batch) = op.train(input, &gamma, &beta)?;
                seen.norms.push((name.clone(), gamma.elem_count(), of_batch));
                Ok(output)
            }
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn condense(
        &self,
        level: Level,
        layer: &Arc<Condense>,
        nodes: &[(usize, Option<usize>)],
        dropouts: &[(usize, f64)],
        input: &Tensor,
        batch: Batch,
        seen: &mut Seen,
    ) -> Result<Tensor> {
        let name = |index: usize| &self.network.nodes[index].name;
        let mut parameters = Vec::with_capacity(3 * nodes.len());
        for (norm, convolution) in nodes {
            parameters.push(self.tensor(name(*norm), "weight", batch.mode)?);
            parameters.push(self.tensor(name(*norm), "bias", batch.mode)?);
            if let Some(convolution) = convolution {
                parameters
                    .push(self.tensor(name(*convolution), "weight", batch.mode)?.flatten_all()?);
            }
        }
        let norms = match batch.mode {
            Mode::Evaluation => Norms::Given(
                nodes.iter().map(|(norm, _)| self.running[name(*norm)].clone()).collect(),
            ),
            Mode::Training { .. } | Mode::Statistics => {
                let shared = SharedStatistics::default();
                for (index, (norm, _)) in nodes.iter().enumerate() {
                    seen.norms.push((name(*norm).clone(), layer.channels(index), shared.clone()));
                }
                Norms::Batch(shared)
            }
        };
        let mut pass = Pass::new(layer.clone(), batch.images, level, self.pool.clone(), norms);
        if let Mode::Training { seed, step } = batch.mode {
            let dropout = |(index, probability): &(usize, f64)| {
                self.dropout(*index, *probability, seed, step, level)
            };
            pass = pass.with_dropouts(dropouts.iter().map(dropout).collect());
        }
        Ok(pass.apply(input, &Tensor::cat(&parameters, 0)?)?)
    }

    /// What a dropout node does in one step of a training.
    pub(crate) fn dropout(
        &self,
        index: usize,
        probability: f64,
        seed: u64,
        step: usize,
        level: Level,
    ) -> Dropout {
        Dropout::new(
            probability,
            seed,
            &format!("{}/{step}", self.network.nodes[index].name),
            level,
        )
    }

    /// The nodes that a node reads; `None` for the images.
    pub(crate) fn sources(&self, index: usize) -> &[Option<usize>] {
        &self.inputs[index]
    }

    /// The running statistics of a batch normalisation.
    pub(crate) fn running(&self, name: &str) -> &Statistics {
        &self.running[name]
    }

    /// A trainable tensor; in evaluation outside the autograd graph, which would hold every
    /// intermediate value.
    pub(crate) fn tensor(&self, node: &str, what: &str, mode: Mode) -> Result<Tensor> {
        let var = &self.parameters[&format!("{node}.{what}")];
        Ok(match mode {
            Mode::Training { .. } => var.as_tensor().clone(),
            Mode::Statistics | Mode::Evaluation => var.as_detached_tensor(),
        })
    }
}

const IDENTITY: PiecewiseActivation =
    PiecewiseActivation { left: Activation::Linear, right: Activation::Linear };

/// What all nodes of a forward pass share.
#[derive(Clone, Copy)]
pub(crate) struct Batch {
    images: usize,
    pub(crate) mode: Mode,
}

/// What is remembered of a forward pass.
#[derive(Default)]
pub(crate) struct Seen {
    /// For each batch normalisation that was computed: its name, its channels, and the statistics
    /// that begin with theirs.
    pub(crate) norms: Vec<(String, usize, SharedStatistics)>,
    /// Moments that Candle's operations took.
    pub(crate) moments: Moments,
}

impl Seen {
    fn statistics(self) -> BTreeMap<String, Statistics> {
        let of = |(name, channels, shared): (String, usize, SharedStatistics)| {
            Some((name, shared.get()?.first(channels)))
        };
        self.norms.into_iter().filter_map(of).collect()
    }
}

/// For each step, the nodes whose last use it is.
fn last_uses(steps: &[Step], inputs: &[Vec<Option<usize>>]) -> Vec<Vec<usize>> {
    let mut result: Vec<Vec<usize>> = steps.iter().map(|_| Vec::new()).collect();
    let mut found = vec![false; inputs.len()];
    for (step, dead) in steps.iter().zip(&mut result).rev() {
        for &source in inputs[step.first()].iter().flatten() {
            if !std::mem::replace(&mut found[source], true) {
                dead.push(source);
            }
        }
    }
    result
}

/// The first of every `stride` rows and columns of a batch in blocks, then channels of zeros.
fn shortcut(input: &Tensor, out_channels: usize, stride: usize) -> Result<Tensor> {
    let (_, height, channels, width, _) = input.dims5()?;
    let every = |count: usize| Tensor::from_iter((0..count as u32).step_by(stride), input.device());
    let taken = input.index_select(&every(height)?, 1)?.index_select(&every(width)?, 3)?;
    Ok(taken.pad_with_zeros(2, 0, out_channels - channels)?)
}

/// Averages non-overlapping squares of a batch in blocks; what does not fill a square is left out.
fn average_pool(input: &Tensor, size: usize) -> Result<Tensor> {
    let (blocks, height, channels, width, lanes) = input.dims5()?;
    let (rows, columns) = (height / size, width / size);
    let squares = input.narrow(1, 0, rows * size)?.narrow(3, 0, columns * size)?.contiguous()?;
    let of_rows =
        squares.reshape((blocks, rows, size, channels, columns * size * lanes))?.mean(2)?;
    Ok(of_rows
        .reshape((blocks * rows * channels, columns, size, lanes))?
        .mean(2)?
        .reshape((blocks, rows, channels, columns, lanes))?)
}
