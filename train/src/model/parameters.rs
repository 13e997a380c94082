//! The tensors of a network: what is trained, and the running statistics of batch normalisation.

use super::engine::Mode;
use crate::ops::statistics::Statistics;
use anyhow::Result;
use candle_core::{Device, Tensor, Var};
use common::network::weights::{Role, Tensor as Raw, Weights, tensors_of};
use common::network::{Network, Op};
use std::collections::BTreeMap;

/// The tensors of a network by name.
pub(super) struct Parameters {
    /// Trainable tensors, on the device that computes the network.
    pub(super) trainable: BTreeMap<String, Var>,
    /// Running statistics by the name of the batch normalisation.
    pub(super) running: BTreeMap<String, Statistics>,
}

impl Parameters {
    /// Copies the weights of a network to a device.
    ///
    /// # Errors
    /// Fails if the weights are not those of the network.
    pub(super) fn new(network: &Network, weights: &Weights, device: &Device) -> Result<Parameters> {
        weights.check(network)?;
        let (mut trainable, mut running) = (BTreeMap::new(), BTreeMap::new());
        for node in &network.nodes {
            for (name, shape, role) in tensors_of(node) {
                if role == Role::Trainable {
                    let tensor = Tensor::from_slice(&weights.get(&name).data, shape, device)?;
                    trainable.insert(name, Var::from_tensor(&tensor)?);
                }
            }
            if let Op::BatchNorm { .. } = node.op {
                let tensor =
                    |what: &str| weights.get(&format!("{}.{what}", node.name)).data.clone();
                let statistics = Statistics {
                    mean: tensor("running_mean"),
                    variance: tensor("running_var"),
                    count: 0,
                };
                running.insert(node.name.clone(), statistics);
            }
        }
        Ok(Parameters { trainable, running })
    }

    /// Returns the trainable tensor `node.what`. Outside training it is detached from the autograd
    /// graph, which would keep every intermediate value.
    pub(super) fn tensor(&self, node: &str, what: &str, mode: Mode) -> Tensor {
        let var = &self.trainable[&format!("{node}.{what}")];
        match mode {
            Mode::Training { .. } => var.as_tensor().clone(),
            Mode::Statistics | Mode::Evaluation => var.as_detached_tensor(),
        }
    }

    /// Copies all tensors to the host.
    ///
    /// # Errors
    /// Fails if a tensor cannot be copied from its device.
    pub(super) fn to_weights(&self) -> Result<Weights> {
        let mut tensors = BTreeMap::new();
        for (name, var) in &self.trainable {
            let data = var.flatten_all()?.to_vec1()?;
            tensors.insert(name.clone(), Raw { shape: var.dims().to_vec(), data });
        }
        for (name, statistics) in &self.running {
            for (what, data) in
                [("running_mean", &statistics.mean), ("running_var", &statistics.variance)]
            {
                let tensor = Raw { shape: vec![data.len()], data: data.clone() };
                tensors.insert(format!("{name}.{what}"), tensor);
            }
        }
        Ok(Weights(tensors))
    }
}
