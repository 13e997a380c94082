//! Fine-tuning a pruned model by running the `train` stage, in a folder of the round's own.
//!
//! The folder holds `network.json` and `initial.safetensors`, what went in; `inputs.txt`, what decided the outcome;
//! `weights.safetensors`, `train.json` and `train.log`, what `train` wrote.

use crate::surgery::Model;
use anyhow::{Context, Result, ensure};
use common::dataset::Dataset;
use common::hash::sha256_hex;
use common::network::Network;
use common::profile::{Profile, PruningSettings};
use common::train_report::TrainReport;
use common::weights::Weights;
use common::{atomic, json};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// How to fine-tune.
#[derive(Clone, Debug)]
pub struct FineTuning {
    /// The `train` program.
    pub train: PathBuf,
    /// The data set.
    pub dataset: PathBuf,
    /// The profile, passed on.
    pub config: Option<PathBuf>,
    /// Epochs.
    pub epochs: usize,
    /// Learning rate as a share of that of training.
    pub rate: f64,
    /// Seed of shuffling and dropout.
    pub seed: u64,
    /// Threads; `None` leaves it to `train`.
    pub threads: Option<usize>,
}

/// What fine-tuning made of a model.
#[derive(Clone, Debug)]
pub struct FineTuned {
    /// The model with its new weights.
    pub model: Model,
    /// Its accuracy on the validation split.
    pub accuracy: f64,
    /// Whether the training was found finished in the folder.
    pub found: bool,
}

impl FineTuning {
    /// Fine-tunes `model` in `folder`. A folder in which an earlier run has finished the very same training is taken as
    /// it is; anything else in it is removed.
    ///
    /// # Errors
    /// The folder cannot be written, or the training fails or diverges.
    pub fn run(&self, model: &Model, folder: &Path) -> Result<FineTuned> {
        let inputs = self.inputs(model)?;
        if fs::read_to_string(folder.join("inputs.txt")).is_ok_and(|found| found == inputs)
            && let Ok((weights, accuracy)) = outcome(&model.network, folder)
        {
            let model = Model { network: model.network.clone(), weights };
            return Ok(FineTuned { model, accuracy, found: true });
        }
        remove_folder(folder)?;
        json::write(&folder.join("network.json"), &model.network)?;
        model.weights.write(&folder.join("initial.safetensors"))?;
        atomic::write(&folder.join("inputs.txt"), inputs.as_bytes())?;
        self.train(folder)?;
        let (weights, accuracy) = outcome(&model.network, folder)?;
        Ok(FineTuned { model: Model { network: model.network.clone(), weights }, accuracy, found: false })
    }

    /// Everything that decides the outcome, a line each: the same text, the same weights. Of the profile, what `train`
    /// does not read is left out; so is the number of threads, which changes nothing.
    fn inputs(&self, model: &Model) -> Result<String> {
        let profile: Profile = json::read_or_default(self.config.as_deref())?;
        let profile = Profile { about: String::new(), pruning: PruningSettings::default(), ..profile };
        Ok(format!(
            "network {}\nweights {}\ndata set {}\nprofile {}\nseed {}\nepochs {}\nlearning rate scale {}\n",
            sha256_hex(json::to_text(&model.network)?.as_bytes()),
            sha256_hex(&model.weights.to_bytes()?),
            sha256_hex(json::to_text(&Dataset::describe(&self.dataset)?)?.as_bytes()),
            sha256_hex(json::to_text(&profile)?.as_bytes()),
            self.seed,
            self.epochs,
            self.rate
        ))
    }

    fn train(&self, folder: &Path) -> Result<()> {
        let log_path = folder.join("train.log");
        let log = File::create(&log_path).with_context(|| format!("{}: cannot write the file", log_path.display()))?;
        let mut command = Command::new(&self.train);
        command.arg("fit").arg("--network").arg(folder.join("network.json"));
        command.arg("--init").arg(folder.join("initial.safetensors"));
        command.arg("--dataset").arg(&self.dataset).arg("--out").arg(folder);
        if let Some(config) = &self.config {
            command.arg("--config").arg(config);
        }
        command.arg("--epochs").arg(self.epochs.to_string()).arg("--seed").arg(self.seed.to_string());
        command.arg("--learning-rate-scale").arg(self.rate.to_string());
        if let Some(threads) = self.threads {
            command.arg("--threads").arg(threads.to_string());
        }
        // Standard output is for the result of pruning; all of train's result is in its files.
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let status = command.status().with_context(|| format!("{}: cannot run it", self.train.display()))?;
        ensure!(
            status.success(),
            "{} failed ({status}): {}; all it said is in {}",
            self.train.display(),
            last_line(&log_path),
            log_path.display()
        );
        Ok(())
    }
}

/// The weights and the validation accuracy in a folder where `train` is through.
fn outcome(network: &Network, folder: &Path) -> Result<(Weights, f64)> {
    let report_path = folder.join("train.json");
    let report: TrainReport = json::read(&report_path)?;
    ensure!(
        !report.diverged,
        "{}: fine-tuning diverged; try a smaller pruning.finetune_rate in the profile",
        report_path.display()
    );
    let accuracy = report.accuracy.validation;
    let accuracy = accuracy.with_context(|| format!("{}: it has no validation accuracy", report_path.display()))?;
    let weights_path = folder.join("weights.safetensors");
    let weights = Weights::read(&weights_path, network)?;
    let bytes = fs::read(&weights_path).with_context(|| format!("{}: cannot read the file", weights_path.display()))?;
    ensure!(
        sha256_hex(&bytes) == report.weights_sha256,
        "{}: these are not the weights that {} tells of",
        weights_path.display(),
        report_path.display()
    );
    Ok((weights, accuracy))
}

/// Removes a folder with all that is in it; it may be missing.
///
/// # Errors
/// It is there and cannot be removed.
pub fn remove_folder(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("{}: cannot remove the old folder", folder.display()))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

fn last_line(log: &Path) -> String {
    let text = fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let line = text.lines().rev().map(str::trim).find(|line| !line.is_empty());
    line.unwrap_or("it did not say why").to_string()
}
