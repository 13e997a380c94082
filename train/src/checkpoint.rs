//! What a training needs to go on after an interruption, kept after every epoch: one line of JSON, then a safetensors file
//! with the parameters and the optimizer's state.

use crate::model::Model;
use crate::optimizer::Optimizer;
use anyhow::{Context, Result, ensure};
use common::atomic;
use common::json::{self, Document};
use common::train_report::Epoch;
use common::weights::Weights;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The line of JSON.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    /// SHA-256 over everything that decides what the training does.
    inputs: String,
    /// Steps that the optimizer has taken.
    step: i32,
    /// Product of Nadam's momenta so far.
    momentum_product: f64,
    /// The epochs done.
    curve: Vec<Epoch>,
}

impl Document for Header {
    const KIND: &'static str = "checkpoint";
}

/// The checkpoint file of one training.
pub struct Checkpoint {
    path: PathBuf,
    inputs: String,
}

impl Checkpoint {
    /// The file at `path` for the training that `inputs`, a hash over everything that decides what it does, stands for.
    pub fn new(path: PathBuf, inputs: String) -> Checkpoint {
        Checkpoint { path, inputs }
    }

    /// Keeps the state after an epoch, atomically.
    pub fn save(&self, model: &Model, optimizer: &Optimizer, curve: &[Epoch]) -> Result<()> {
        let mut tensors = optimizer.state();
        tensors.0.extend(model.weights()?.0.into_iter().map(|(name, tensor)| (format!("model/{name}"), tensor)));
        let (step, momentum_product) = optimizer.progress();
        let header = Header { inputs: self.inputs.clone(), step, momentum_product, curve: curve.to_vec() };
        let line = json::to_line(&header)?;
        atomic::write(&self.path, &[line.as_bytes(), b"\n", &tensors.to_bytes()?].concat())
    }

    /// Puts model and optimizer into the state that was kept and returns the epochs done; none if nothing was kept.
    ///
    /// # Errors
    /// The file is damaged or belongs to another training.
    pub fn restore(&self, model: &mut Model, optimizer: &mut Optimizer) -> Result<Vec<Epoch>> {
        if !self.path.exists() {
            return Ok(Vec::new());
        }
        let place = || format!("{}: cannot resume from it; remove it to start anew", self.path.display());
        let bytes = std::fs::read(&self.path).with_context(place)?;
        self.restore_from(&bytes, model, optimizer).with_context(place)
    }

    fn restore_from(&self, bytes: &[u8], model: &mut Model, optimizer: &mut Optimizer) -> Result<Vec<Epoch>> {
        let end = bytes.iter().position(|byte| *byte == b'\n').context("it has no first line")?;
        let header: Header = json::parse(std::str::from_utf8(&bytes[..end])?)?;
        ensure!(header.inputs == self.inputs, "it was made with another network, data set, seed or settings");
        let (mut of_model, mut of_optimizer) = (Weights::default(), Weights::default());
        for (name, tensor) in Weights::from_bytes(&bytes[end + 1..])?.0 {
            match name.strip_prefix("model/") {
                Some(name) => of_model.0.insert(name.to_string(), tensor),
                None => of_optimizer.0.insert(name, tensor),
            };
        }
        *model = Model::new(model.network().clone(), &of_model, model.level())?;
        optimizer.restore(of_optimizer, header.step, header.momentum_product)?;
        Ok(header.curve)
    }

    /// Removes the file once the training is complete, or before one that starts anew.
    pub fn remove(&self) -> Result<()> {
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("{}: cannot remove the file", self.path.display()))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }
}
