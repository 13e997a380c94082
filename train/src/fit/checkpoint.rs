//! The checkpoint of a training, written after every epoch: one line of JSON, then a safetensors
//! file with the parameters, the optimizer's state and the moving average of the weights, then the
//! SHA-256 of all bytes before.

use super::state::State;
use crate::optim::ema::Ema;
use anyhow::{Context, Result, bail, ensure};
use common::files::hash::sha256_hex;
use common::files::json::Document;
use common::files::{atomic, json};
use common::network::weights::Weights;
use common::train_report::Epoch;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Length of the hash at the end, in bytes.
const DIGEST: usize = 64;
/// Prefixes of the names of the tensors.
const MODEL: &str = "model/";
const OPTIMIZER: &str = "optimizer/";
const AVERAGE: &str = "average/";

/// The line of JSON.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    /// SHA-256 over everything that decides what the training does.
    inputs: String,
    /// Steps taken, which is also the number of updates of the average.
    step: i32,
    /// Product of Nadam's momenta up to this step.
    momentum_product: f64,
    /// One entry per completed epoch.
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
    /// Returns the checkpoint file at `path`. `inputs` is a hash over everything that determines
    /// the result of the training.
    pub fn new(path: PathBuf, inputs: String) -> Checkpoint {
        Checkpoint { path, inputs }
    }

    /// Writes the state after an epoch, atomically.
    ///
    /// # Errors
    /// Fails if the file cannot be written.
    pub fn save(&self, state: &State) -> Result<()> {
        let (step, momentum_product) = state.optimizer.progress();
        let header = Header {
            inputs: self.inputs.clone(),
            step,
            momentum_product,
            curve: state.curve.clone(),
        };
        let parts = [
            (MODEL, state.model.weights()?),
            (OPTIMIZER, state.optimizer.state()),
            (AVERAGE, state.ema.as_ref().map(Ema::state).unwrap_or_default()),
        ];
        let mut tensors = Weights::default();
        for (prefix, part) in parts {
            tensors.0.extend(
                part.0.into_iter().map(|(name, tensor)| (format!("{prefix}{name}"), tensor)),
            );
        }
        let mut bytes = [json::to_line(&header)?.as_bytes(), b"\n", &tensors.to_bytes()?].concat();
        let digest = sha256_hex(&bytes);
        bytes.extend_from_slice(digest.as_bytes());
        atomic::write(&self.path, &bytes)
    }

    /// Restores the saved state. Changes nothing if there is no file.
    ///
    /// # Errors
    /// Fails if the file is damaged or belongs to another training.
    pub fn restore(&self, state: &mut State) -> Result<()> {
        if !self.path.exists() {
            return Ok(());
        }
        let place =
            || format!("{}: cannot resume from it; remove it to start anew", self.path.display());
        let bytes = std::fs::read(&self.path).with_context(place)?;
        self.restore_from(&bytes, state).with_context(place)
    }

    fn restore_from(&self, bytes: &[u8], state: &mut State) -> Result<()> {
        let bytes = match bytes.split_last_chunk::<DIGEST>() {
            Some((bytes, digest)) if sha256_hex(bytes).as_bytes() == digest => bytes,
            Some(_) | None => bail!("it is damaged"),
        };
        let end = bytes.iter().position(|byte| *byte == b'\n').context("it has no first line")?;
        let header: Header = json::parse(std::str::from_utf8(&bytes[..end])?)?;
        ensure!(
            header.inputs == self.inputs,
            "it was made with another network, data set, seed, settings or kind of device"
        );
        let mut tensors = Weights::from_bytes(&bytes[end + 1..])?;
        let model = take(&mut tensors, MODEL);
        state.model = state.model.with_weights(&model)?;
        state.optimizer.restore(
            take(&mut tensors, OPTIMIZER),
            header.step,
            header.momentum_product,
        )?;
        if let Some(ema) = &mut state.ema {
            ema.restore(take(&mut tensors, AVERAGE), header.step as usize)?;
        }
        state.curve = header.curve;
        Ok(())
    }

    /// Removes the file, if there is one.
    ///
    /// # Errors
    /// Fails if the file cannot be removed.
    pub fn remove(&self) -> Result<()> {
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error)
                .with_context(|| format!("{}: cannot remove the file", self.path.display())),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

/// Moves the tensors with a prefix out of `tensors` and removes the prefix from their names.
fn take(tensors: &mut Weights, prefix: &str) -> Weights {
    let names: Vec<String> =
        tensors.0.keys().filter(|name| name.starts_with(prefix)).cloned().collect();
    let part = names
        .iter()
        .filter_map(|name| Some((name[prefix.len()..].to_string(), tensors.0.remove(name)?)));
    Weights(part.collect())
}
