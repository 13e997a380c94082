//! Training and scoring of models by running the `train` stage.
//!
//! Each training has a folder. Its inputs are `network.json`, `initial.safetensors` (if a trained
//! model is fine-tuned) and `inputs.txt`, a text of everything that decides the result. `train`
//! adds `weights.safetensors`, `train.json` and `train.log`.

use crate::model::Model;
use anyhow::{Context, Result, ensure};
use common::dataset::Dataset;
use common::device::{Backend, Device};
use common::files::hash::sha256_hex;
use common::files::{atomic, json};
use common::network::Network;
use common::network::weights::Weights;
use common::profile::Profile;
use common::train_report::{EvalReport, TrainReport};
use process::interrupt::Interrupt;
use process::logged;
use process::programs::binary;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The advice in the error of an interrupted run: its finished parts are kept.
pub(crate) const REMEDY: &str = "what is finished is kept, and the same command goes on from there";

/// How to train.
#[derive(Clone, Debug)]
pub struct Training {
    /// The `train` program.
    pub train: PathBuf,
    /// The folder of the data set.
    pub dataset: PathBuf,
    /// The hash of its training images.
    pub data_sha256: String,
    /// The profile, passed on to `train`.
    pub config: Option<PathBuf>,
    /// Number of epochs.
    pub epochs: usize,
    /// Factor on the profile's learning rates.
    pub learning_rate_scale: f64,
    /// Seed of shuffling and dropout, and of fresh weights.
    pub seed: u64,
    /// Threads; `None` for the default of `train`.
    pub threads: Option<usize>,
    /// The device.
    pub device: Device,
    /// Stops the program when a termination signal is received.
    pub interrupt: Interrupt,
}

/// The result of a training.
#[derive(Clone, Debug)]
pub struct Trained {
    /// The network with its new weights.
    pub model: Model,
    /// The report of `train`.
    pub report: TrainReport,
    /// Accuracy on the validation split.
    pub accuracy: f64,
    /// True if an earlier run had finished the same training.
    pub reused: bool,
}

impl Training {
    /// Returns a training on the CPU with a data set and a profile. Epochs, seed and learning rates
    /// are still to be set.
    ///
    /// # Errors
    /// Fails if the program `train` is missing in `bin_dir`, or if the training images cannot be
    /// read.
    pub fn new(
        bin_dir: Option<&Path>,
        dataset: &Path,
        config: Option<&Path>,
        interrupt: Interrupt,
    ) -> Result<Training> {
        Ok(Training {
            train: binary("train", bin_dir)?,
            dataset: dataset.to_path_buf(),
            data_sha256: Dataset::load_training_set(dataset)?.identity.sha256(),
            config: config.map(Path::to_path_buf),
            epochs: 0,
            learning_rate_scale: 1.0,
            seed: 0,
            threads: None,
            device: Device::Cpu,
            interrupt,
        })
    }

    /// Trains `network` in `folder`, from `initial` weights or from fresh ones. If an earlier run
    /// has finished the same training there, its result is returned; otherwise, the folder is
    /// emptied first.
    ///
    /// # Errors
    /// Fails if the folder cannot be written, or if the training fails or diverges.
    pub fn run(
        &self,
        network: &Network,
        initial: Option<&Weights>,
        folder: &Path,
    ) -> Result<Trained> {
        if let Some(trained) = self.find(network, initial, folder)? {
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
        read_trained(network, folder)
    }

    /// Returns the result of the same training, if an earlier run has finished it in `folder`.
    ///
    /// # Errors
    /// Fails if the profile cannot be read.
    pub fn find(
        &self,
        network: &Network,
        initial: Option<&Weights>,
        folder: &Path,
    ) -> Result<Option<Trained>> {
        let inputs = self.inputs(network, initial)?;
        let same = fs::read_to_string(folder.join("inputs.txt")).is_ok_and(|found| found == inputs);
        let trained = if same { read_trained(network, folder).ok() } else { None };
        Ok(trained.map(|trained| Trained { reused: true, ..trained }))
    }

    /// Returns the accuracy on the validation split of the weights in a file. The report of
    /// `train eval` is written to `out`, and its inputs to a file beside it; a report with the same
    /// inputs is used again.
    ///
    /// # Errors
    /// Fails if a file cannot be read or written, or if `train` fails.
    pub fn score(&self, network: &Path, weights: &Path, out: &Path) -> Result<f64> {
        let inputs = format!(
            "network {}\nweights {}\ndata {}\n",
            sha256_of(network)?,
            sha256_of(weights)?,
            self.data_sha256
        );
        let inputs_file = out.with_extension("inputs.txt");
        if fs::read_to_string(&inputs_file).is_ok_and(|found| found == inputs)
            && let Ok(found) = json::read::<EvalReport>(out)
        {
            return Ok(found.accuracy);
        }
        let mut command = Command::new(&self.train);
        command.arg("eval").arg("--network").arg(network).arg("--weights").arg(weights);
        command.arg("--dataset").arg(&self.dataset).args(["--split", "val"]).arg("--out").arg(out);
        self.finish(command, &out.with_extension("log"))?;
        atomic::write(&inputs_file, inputs.as_bytes())?;
        Ok(json::read::<EvalReport>(out)?.accuracy)
    }

    /// Returns a text of everything that decides the result, a line each: equal texts give equal
    /// weights. Of the profile, only the section `training` counts; the number of threads does not.
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
            self.learning_rate_scale
        ))
    }

    /// Runs `train fit` in the folder of a training.
    fn fit(&self, folder: &Path, from_initial: bool) -> Result<()> {
        let mut command = Command::new(&self.train);
        command.arg("fit").arg("--network").arg(folder.join("network.json"));
        if from_initial {
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
        command.arg("--learning-rate-scale").arg(self.learning_rate_scale.to_string());
        if self.device != Device::Cpu {
            command.arg("--device").arg(self.device.to_string());
        }
        self.finish(command, &folder.join("train.log"))
    }

    /// Runs `train`, with its output in a log file.
    fn finish(&self, mut command: Command, log: &Path) -> Result<()> {
        if let Some(threads) = self.threads {
            command.arg("--threads").arg(threads.to_string());
        }
        logged::run(command, log, &self.interrupt)
    }
}

/// Returns the hash of a file.
fn sha256_of(file: &Path) -> Result<String> {
    let bytes =
        fs::read(file).with_context(|| format!("{}: cannot read the file", file.display()))?;
    Ok(sha256_hex(&bytes))
}

/// Reads the result of a finished training from its folder.
fn read_trained(network: &Network, folder: &Path) -> Result<Trained> {
    let report_path = folder.join("train.json");
    let report: TrainReport = json::read(&report_path)?;
    ensure!(
        !report.diverged,
        "{}: the training diverged; try smaller learning rates in the profile (fine-tuning: pruning.finetune_rate)",
        report_path.display()
    );
    let accuracy = report.accuracy.validation;
    let accuracy = accuracy
        .with_context(|| format!("{}: there is no validation accuracy", report_path.display()))?;
    let weights_path = folder.join("weights.safetensors");
    let weights = Weights::read(&weights_path, network)?;
    ensure!(
        sha256_of(&weights_path)? == report.weights_sha256,
        "{}: these are not the weights that {} describes",
        weights_path.display(),
        report_path.display()
    );
    Ok(Trained {
        model: Model { network: network.clone(), weights },
        report,
        accuracy,
        reused: false,
    })
}

/// Checks that a folder may be replaced by that of a training.
///
/// # Errors
/// Fails if there are files in it, but no network: then `prune` has not written them. What a killed
/// run was writing does not count.
pub(crate) fn check_folder(folder: &Path) -> Result<()> {
    let is_leftover = |name: OsString| atomic::is_partial(&name) || name == ".lock";
    let is_empty = fs::read_dir(folder)
        .map_or(true, |entries| entries.flatten().all(|entry| is_leftover(entry.file_name())));
    ensure!(
        is_empty || folder.join("network.json").is_file(),
        "{}: this folder has files that `prune` has not written; move them, or choose another folder for the results",
        folder.display()
    );
    Ok(())
}

/// Removes what a killed run was writing in the folder of a training. Other folders are left alone.
///
/// # Errors
/// Fails if it cannot be removed.
pub(crate) fn sweep(folder: &Path) -> Result<()> {
    if check_folder(folder).is_ok() { atomic::sweep(folder) } else { Ok(()) }
}

/// Removes the folder of a training, if there is one.
///
/// # Errors
/// Fails if it cannot be removed, or if `prune` has not written it.
pub fn remove_folder(folder: &Path) -> Result<()> {
    check_folder(folder)?;
    // In one step: a folder that is half removed would no longer be recognised.
    atomic::remove_dir_all(folder)
}
