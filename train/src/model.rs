//! A network with trainable tensors: the graph of `network.json` computed by Candle.

use crate::ops::activation::Piecewise;
use crate::ops::conv::Conv2d;
use crate::ops::norm::{NormActivation, SharedStatistics, Statistics};
use crate::ops::simd::Level;
use anyhow::{Context, Result};
use candle_core::{D, Device, Tensor, Var};
use common::activation::{Activation, PiecewiseActivation};
use common::network::{Network, Op};
use common::seed;
use common::weights::{Role, Tensor as Raw, Weights, tensors_of};
use rand::RngExt;
use std::collections::BTreeMap;

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

/// A network's tensors and how to compute it.
pub struct Model {
    network: Network,
    inputs: Vec<Vec<Option<usize>>>,
    /// For each node, the nodes that nothing after it takes any more.
    last_uses: Vec<Vec<usize>>,
    /// For each batch normalisation whose only reader is an activation, that activation: both are computed in one.
    fused: Vec<Option<PiecewiseActivation>>,
    parameters: BTreeMap<String, Var>,
    /// By the name of the batch normalisation.
    running: BTreeMap<String, Statistics>,
    level: Level,
}

/// Logits (batch, classes) and the batch statistics that each batch normalisation saw.
pub struct Output {
    /// Before softmax.
    pub logits: Tensor,
    /// By the name of the batch normalisation; empty in evaluation.
    pub statistics: BTreeMap<String, SharedStatistics>,
}

impl Model {
    /// A model with given weights.
    ///
    /// # Errors
    /// Weights that are not the network's.
    pub fn new(network: Network, weights: &Weights, level: Level) -> Result<Model> {
        weights.check(&network)?;
        let inputs = network.input_indices()?;
        let (mut parameters, mut running) = (BTreeMap::new(), BTreeMap::new());
        for node in &network.nodes {
            for (name, shape, role) in tensors_of(node) {
                if role == Role::Trainable {
                    let tensor = Tensor::from_slice(&weights.get(&name).data, shape, &Device::Cpu)?;
                    parameters.insert(name, Var::from_tensor(&tensor)?);
                }
            }
            if let Op::BatchNorm { .. } = node.op {
                let statistic = |what: &str| weights.get(&format!("{}.{what}", node.name)).data.clone();
                let statistics =
                    Statistics { mean: statistic("running_mean"), variance: statistic("running_var"), count: 0 };
                running.insert(node.name.clone(), statistics);
            }
        }
        Ok(Model {
            last_uses: last_uses(&inputs),
            fused: fused_activations(&network, &inputs),
            network,
            inputs,
            parameters,
            running,
            level,
        })
    }

    /// The network.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// What the kernels run on.
    pub fn level(&self) -> Level {
        self.level
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
            for (what, data) in [("running_mean", &statistics.mean), ("running_var", &statistics.variance)] {
                tensors.insert(format!("{name}.{what}"), Raw { shape: vec![data.len()], data: data.clone() });
            }
        }
        Ok(Weights(tensors))
    }

    /// Computes the network for a batch of normalised images (batch, channels, height, width).
    pub fn forward(&self, images: &Tensor, mode: Mode) -> Result<Output> {
        let mut values: Vec<Option<Tensor>> = Vec::with_capacity(self.network.nodes.len());
        let mut statistics = BTreeMap::new();
        for (index, node) in self.network.nodes.iter().enumerate() {
            let inputs: Vec<&Tensor> = self.inputs[index]
                .iter()
                .map(|source| {
                    source.map_or(Some(images), |i| values[i].as_ref()).context("a value was dropped too early")
                })
                .collect::<Result<_>>()?;
            let value =
                self.node(index, &inputs, mode, &mut statistics).with_context(|| format!("node {}", node.name))?;
            values.push(Some(value));
            for &dead in &self.last_uses[index] {
                values[dead] = None;
            }
        }
        let logits = values.pop().flatten().context("the network has no nodes")?.flatten_from(1)?;
        Ok(Output { logits, statistics })
    }

    fn node(
        &self,
        index: usize,
        inputs: &[&Tensor],
        mode: Mode,
        statistics: &mut BTreeMap<String, SharedStatistics>,
    ) -> Result<Tensor> {
        let (node, input) = (&self.network.nodes[index], inputs[0]);
        let tensor = |what: &str| self.tensor(&node.name, what, mode);
        Ok(match node.op {
            Op::Conv2d { stride, .. } => Conv2d { stride, level: self.level }.apply(input, &tensor("weight")?)?,
            Op::BatchNorm { .. } => {
                let pair = self.fused[index].unwrap_or(IDENTITY);
                let op = NormActivation { pair, level: self.level };
                let (gamma, beta) = (tensor("weight")?, tensor("bias")?);
                match mode {
                    Mode::Evaluation => op.evaluate(input, &self.running[&node.name], &gamma, &beta)?,
                    Mode::Training { .. } | Mode::Statistics => {
                        let (output, of_batch) = op.train(input, &gamma, &beta)?;
                        statistics.insert(node.name.clone(), of_batch);
                        output
                    }
                }
            }
            Op::Activation(_) if self.inputs[index][0].is_some_and(|source| self.fused[source].is_some()) => {
                input.clone()
            }
            Op::Activation(pair) => Piecewise { pair, level: self.level }.apply(input)?,
            Op::Dropout { probability } => match mode {
                Mode::Training { seed, step } => (input * dropout_mask(input, probability, seed, step, &node.name)?)?,
                Mode::Statistics | Mode::Evaluation => input.clone(),
            },
            Op::Concat {} => Tensor::cat(inputs, 1)?,
            Op::AveragePool { size } => {
                let (_, _, height, width) = input.dims4()?;
                // Candle's gradient is right only where the squares fill the image.
                let (rows, columns) = (height / size * size, width / size * size);
                input.narrow(2, 0, rows)?.narrow(3, 0, columns)?.avg_pool2d(size)?
            }
            Op::GlobalAveragePool {} => input.flatten_from(2)?.mean(D::Minus1)?.unsqueeze(2)?.unsqueeze(3)?,
            Op::GlobalMaxPool {} => input.flatten_from(2)?.max(D::Minus1)?.unsqueeze(2)?.unsqueeze(3)?,
            Op::Linear { .. } => {
                input.flatten_from(1)?.matmul(&tensor("weight")?.t()?)?.broadcast_add(&tensor("bias")?)?
            }
        })
    }

    /// A trainable tensor; in evaluation outside the autograd graph, which would hold every intermediate value.
    fn tensor(&self, node: &str, what: &str, mode: Mode) -> Result<Tensor> {
        let var = &self.parameters[&format!("{node}.{what}")];
        Ok(match mode {
            Mode::Training { .. } => var.as_tensor().clone(),
            Mode::Statistics | Mode::Evaluation => var.as_detached_tensor(),
        })
    }
}

const IDENTITY: PiecewiseActivation = PiecewiseActivation { left: Activation::Linear, right: Activation::Linear };

fn fused_activations(network: &Network, inputs: &[Vec<Option<usize>>]) -> Vec<Option<PiecewiseActivation>> {
    let only_reader = |source: usize| {
        let mut readers = network.nodes.iter().zip(inputs).filter(|(_, taken)| taken.contains(&Some(source)));
        readers.next().filter(|_| readers.next().is_none()).map(|(node, _)| node)
    };
    let fused = |index: usize| {
        let Op::BatchNorm { .. } = network.nodes[index].op else { return None };
        let Op::Activation(pair) = only_reader(index)?.op else { return None };
        Some(pair)
    };
    (0..network.nodes.len()).map(fused).collect()
}

/// For each node, the nodes whose last use it is.
fn last_uses(inputs: &[Vec<Option<usize>>]) -> Vec<Vec<usize>> {
    let mut user_of = vec![0; inputs.len()];
    for (index, sources) in inputs.iter().enumerate() {
        for &source in sources.iter().flatten() {
            user_of[source] = index;
        }
    }
    let mut result = vec![Vec::new(); inputs.len()];
    for (source, &user) in user_of.iter().enumerate() {
        if user > source {
            result[user].push(source);
        }
    }
    result
}

/// 0 with the given probability, else `1 / (1 - probability)`; decided by seed, step and the node's name alone.
fn dropout_mask(like: &Tensor, probability: f64, seed: u64, step: usize, name: &str) -> Result<Tensor> {
    let mut rng = seed::stream(seed, &format!("dropout/{step}/{name}"));
    let kept = (1.0 / (1.0 - probability)) as f32;
    let mask: Vec<f32> =
        (0..like.elem_count()).map(|_| if rng.random_bool(probability) { 0.0 } else { kept }).collect();
    Ok(Tensor::from_vec(mask, like.shape(), like.device())?)
}
