//! Int8 forms of trained networks, made by `train quantize`.

use super::task::Outcome;
use anyhow::{Context, Result, bail, ensure};
use common::files::hash::sha256_hex;
use common::files::json;
use common::network::Network;
use common::quantized::{self, INT8_FOLDER, OUTCOME_FILE, QUANTIZATION_FILE, TENSORS_FILE};
use process::interrupt::Interrupt;
use process::logged;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs `train quantize`.
#[derive(Debug)]
pub struct Quantizer {
    /// The program `train`.
    program: PathBuf,
    dataset: PathBuf,
    /// Folder of the search, which contains the folders of all trainings.
    folder: PathBuf,
    interrupt: Interrupt,
}

impl Quantizer {
    /// Creates a quantizer that runs the program `train` with a data set and the folder of a
    /// search, and ends it when this program is interrupted.
    pub fn new(
        program: PathBuf,
        dataset: PathBuf,
        folder: PathBuf,
        interrupt: Interrupt,
    ) -> Quantizer {
        Quantizer { program, dataset, folder, interrupt }
    }

    /// Quantizes the network that was trained in a folder, relative to that of the search, unless
    /// an earlier run did so. The outcome is the validation accuracy of the int8 network, however
    /// low it is.
    ///
    /// # Errors
    /// Fails if `train quantize` fails, which is not the network's fault.
    pub fn outcome(&self, training: &str) -> Result<Outcome> {
        let folder = self.folder.join(training);
        let weights = folder.join("weights.safetensors");
        let bytes = fs::read(&weights)
            .with_context(|| format!("{}: cannot read the file", weights.display()))?;
        let weights_sha256 = sha256_hex(&bytes);
        if let Some(earlier) = earlier(&folder, &weights_sha256) {
            return accuracy_of(earlier);
        }
        let int8 = folder.join(INT8_FOLDER);
        let mut command = Command::new(&self.program);
        command.arg("quantize").arg("--network").arg(folder.join("network.json"));
        command.arg("--weights").arg(&weights).arg("--dataset").arg(&self.dataset);
        command.arg("--out").arg(&int8).arg("--outcome").arg(int8.join(OUTCOME_FILE));
        // A candidate is ranked by its accuracy, and none is refused.
        command.args(["--max-loss", "1"]);
        logged::run(command, &folder.join("quantize.log"), &self.interrupt).with_context(|| {
            format!("{training} cannot be quantized; correct the cause and use --resume")
        })?;
        let outcome: quantized::Outcome = json::read(&int8.join(OUTCOME_FILE))?;
        ensure!(
            outcome.weights_sha256 == weights_sha256,
            "{}: the weights changed while they were quantized",
            weights.display()
        );
        accuracy_of(outcome)
    }

    /// Writes a network with initial weights and its int8 form to a folder, relative to that of the
    /// search, so that a program that does not work ends a search before any training.
    ///
    /// # Errors
    /// Fails if `train init` or `train quantize` does.
    pub fn quantize_untrained(&self, network: &Network, folder: &str) -> Result<()> {
        let path = self.folder.join(folder);
        json::write(&path.join("network.json"), network)?;
        let mut command = Command::new(&self.program);
        command.arg("init").arg("--network").arg(path.join("network.json"));
        command.arg("--out").arg(path.join("weights.safetensors"));
        logged::run(command, &path.join("init.log"), &self.interrupt)?;
        self.outcome(folder)?.map(drop).map_err(anyhow::Error::msg)
    }
}

/// Returns the outcome of an earlier quantization of these weights, if its files are there.
pub(crate) fn earlier(folder: &Path, weights_sha256: &str) -> Option<quantized::Outcome> {
    let int8 = folder.join(INT8_FOLDER);
    let outcome: quantized::Outcome = json::read(&int8.join(OUTCOME_FILE)).ok()?;
    let whole = [TENSORS_FILE, QUANTIZATION_FILE].iter().all(|file| int8.join(file).exists());
    (outcome.weights_sha256 == weights_sha256 && (whole || !outcome.accepted)).then_some(outcome)
}

/// Returns the validation accuracy of an int8 network, or the reason why there is none.
fn accuracy_of(outcome: quantized::Outcome) -> Result<Outcome> {
    match (outcome.accuracy, outcome.reason) {
        (Some(accuracy), None) => Ok(Ok(accuracy.int8)),
        (_, Some(reason)) => Ok(Err(format!("the int8 network: {reason}"))),
        (None, None) => bail!("an int8 network was accepted without an accuracy"),
    }
}
