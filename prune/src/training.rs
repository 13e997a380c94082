//! Training and scoring models by running the `train` stage.
//!
//! A training has a folder of its own: `network.json` and, where a trained model is tuned,
//! `initial.safetensors`, what went in; `inputs.txt`, what decided the outcome;
//! `weights.safetensors`, `train.json` and `train.log`, what `train` wrote.

use crate::surgery::Model;
use anyhow::{Context, Result, ensure};
use common::device::{Backend, Device};
use common::hash::sha256_hex;
use common::network::Network;
use common::profile::Profile;
use common::train_report::{EvalReport, TrainReport};
use common::weights::Weights;
use common::{atomic, json};
use stages::programs::Interrupt;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// How to train.
#[derive(Clone, Debug)]
pub struct Training {
    /// The `train` program.
    pub train: PathBuf,
    /// The data set.
    pub dataset: PathBuf,
    /// Its fingerprint.
    pub data_sha256: String,
    /// The profile, passed on.
    pub config: Option<PathBuf>,
    /// Epochs.
    pub epochs: usize,
    /// Learning rate as a share of the profile's.
    pub rate: f64,
    /// Seed of shuffling and dropout, and of fresh weights.
    pub seed: u64,
    /// Threads; `None` leaves it to `train`.
    pub threads: Option<usize>,
    /// What it computes on.
    pub device: Device,
    /// What ends it.
    pub interrupt: Interrupt,
}

/// What training made.
#[derive(Clone, Debug)]
pub struct Trained {
    /// The network with its new weights.
    pub model: Model,
    /// What `train` says of it.
    pub report: TrainReport,
    /// Its accuracy on the validation split.
    pub accuracy: f64,
    /// Whether the training was found finished in the folder.
    pub found: bool,
}

impl Training {
    /// Trains `network` in `folder`, from `initial` weights or from fresh ones. A folder in which
    /// an earlier run has finished the very same training is taken as it is; anything else in it is
    /// removed.
    ///
    /// # Errors
    /// The folder cannot be written, or the training fails or diverges.
    pub fn run(
        &self,
        network: &Network,
        initial: Option<&Weights>,
        folder: &Path,
    ) -> Result<Trained> {
        if let Some(trained) = self.found(network, initial, folder)? {
            return Ok(trained);
        }
        let inputs = self.inputs(network, initial)?;
        remove_folder(folder)?;
        json::write(&folder.join("network.json"), network)?;
        if let Some(weights) = initial {
            weights.write(&folder.join("initial.safetensors"))?;
        }
        atomic::write(&folder.join("inputs.txt"), inputs.as_bytes())?;
        self.fit(folder, initial.is_some())?;
        outcome(network, folder)
    }

    /// The very same training, where an earlier run has finished it in `folder`.
    ///
    /// # Errors
    /// A profile that cannot be read.
    pub fn found(
        &self,
        network: &Network,
        initial: Option<&Weights>,
        folder: &Path,
    ) -> Result<Option<Trained>> {
        let inputs = self.inputs(network, initial)?;
        let same = fs::read_to_string(folder.join("inputs.txt")).is_ok_and(|found| found == inputs);
        let trained = if same { outcome(network, folder).ok() } else { None };
        Ok(trained.map(|trained| Trained { found: true, ..trained }))
    }

    /// Accuracy on the validation split of the weights in a file. The whole score is in `out`, and
    /// what decided it in a file beside it; what is there already of the very same score is taken
    /// as it is.
    ///
    /// # Errors
    /// A file that cannot be read or written, or `train` fails.
    pub fn score(&self, network: &Path, weights: &Path, out: &Path) -> Result<f64> {
        let hash_of = |file: &Path| -> Result<String> {
            Ok(sha256_hex(
                &fs::read(file)
                    .with_context(|| format!("{}: cannot read the file", file.display()))?,
            ))
        };
        let (network_sha256, weights_sha256) = (hash_of(network)?, hash_of(weights)?);
        let inputs = format!(
            "network {network_sha256}\nweights {weights_sha256}\ndata {}\n",
            self.data_sha256
        );
        let key = out.with_extension("inputs.txt");
        if fs::read_to_string(&key).is_ok_and(|found| found == inputs)
            && let Ok(found) = json::read::<EvalReport>(out)
        {
            return Ok(found.accuracy);
        }
        let mut command = Command::new(&self.train);
        command.arg("eval").arg("--network").arg(network).arg("--weights").arg(weights);
        command.arg("--dataset").arg(&self.dataset).args(["--split", "val"]).arg("--out").arg(out);
        self.finish(command, &out.with_extension("log"))?;
        atomic::write(&key, inputs.as_bytes())?;
        Ok(json::read::<EvalReport>(out)?.accuracy)
    }

    /// Everything that decides the outcome, a line each: the same text, the same weights. Of the
    /// profile that is how to train; the number of threads is left out, for it changes nothing.
    fn inputs(&self, network: &Network, initial: Option<&Weights>) -> Result<String> {
        let profile: Profile = json::read_or_default(self.config.as_deref())?;
        let profile = Profile { training: profile.training, ..Profile::default() };
        let device = match self.device.backend() {
            Backend::Cpu => "",
            Backend::Cuda => "device cuda\n",
        };
        Ok(format!(
            "network {}\nweights {}\ndata {}\nprofile {}\nseed {}\nepochs {}\nlearning rate scale {}\n{device}",
            sha256_hex(json::to_text(network)?.as_bytes()),
            match initial {
                Some(weights) => sha256_hex(&weights.to_bytes()?),
                None => "fresh".to_string(),
            },
            self.data_sha256,
            sha256_hex(json::to_text(&profile)?.as_bytes()),
            self.seed,
            self.epochs,
            self.rate
        ))
    }

    fn fit(&self, folder: &Path, tune: bool) -> Result<()> {
        let mut command = Command::new(&self.train);
        command.arg("fit").arg("--network").arg(folder.join("network.json"));
        if tune {
            command.arg("--init").arg(folder.join("initial.safetensors"));
        }
        command.arg("--dataset").arg(&self.dataset).arg("--out").arg(folder);
        if let Some(config) = &self.config {
            command.arg("--config").arg(config);
        }
        command
            .arg("--epochs")
            .arg(self.epochs.to_string())
            .arg("--seed")
            .arg(self.seed.to_string());
        command.arg("--learning-rate-scale").arg(self.rate.to_string());
        if self.device != Device::Cpu {
            command.arg("--device").arg(self.device.to_string());
        }
        self.finish(command, &folder.join("train.log"))
    }

    /// Runs `train` to its end, with what it says in a log.
    fn finish(&self, mut command: Command, log: &Path) -> Result<()> {
        if let Some(threads) = self.threads {
            command.arg("--threads").arg(threads.to_string());
        }
        self.interrupt.run(command, log)
    }
}

/// What is in a folder where `train` is through.
fn outcome(network: &Network, folder: &Path) -> Result<Trained> {
    let report_path = folder.join("train.json");
    let report: TrainReport = json::read(&report_path)?;
    ensure!(
        !report.diverged,
        "{}: the training diverged; try smaller learning rates in the profile (fine-tuning: pruning.finetune_rate)",
        report_path.display()
    );
    let accuracy = report.accuracy.validation;
    let accuracy = accuracy
        .with_context(|| format!("{}: it has no validation accuracy", report_path.display()))?;
    let weights_path = folder.join("weights.safetensors");
    let weights = Weights::read(&weights_path, network)?;
    let bytes = fs::read(&weights_path)
        .with_context(|| format!("{}: cannot read the file", weights_path.display()))?;
    ensure!(
        sha256_hex(&bytes) == report.weights_sha256,
        "{}: these are not the weights that {} tells of",
        weights_path.display(),
        report_path.display()
    );
    Ok(Trained {
        model: Model { network: network.clone(), weights },
        report,
        accuracy,
        found: false,
    })
}

/// That a folder is missing, that of a training, which has the network's graph, or empty but for
/// what a killed run was writing when it had nothing else yet.
///
/// # Errors
/// It is somebody else's.
pub(crate) fn check_ours(folder: &Path) -> Result<()> {
    let is_nothing = |name: OsString| atomic::is_partial(&name) || name == ".lock";
    let is_empty = fs::read_dir(folder)
        .map_or(true, |entries| entries.flatten().all(|e| is_nothing(e.file_name())));
    ensure!(
        is_empty || folder.join("network.json").is_file(),
        "{}: there is something that `prune` has not made; move it, or choose another folder for the results",
        folder.display()
    );
    Ok(())
}

/// Removes what a killed run was writing in the folder of a training; what is somebody else's
/// stays.
///
/// # Errors
/// It cannot be removed.
pub(crate) fn sweep(folder: &Path) -> Result<()> {
    if check_ours(folder).is_ok() { atomic::sweep(folder) } else { Ok(()) }
}

/// Removes the folder of a training with all that is in it; it may be missing.
///
/// # Errors
/// It cannot be removed, or is somebody else's.
pub fn remove_folder(folder: &Path) -> Result<()> {
    check_ours(folder)?;
    // In one step: half of it would be nobody's, and stay in the way for ever.
    atomic::remove_dir_all(folder)
}
