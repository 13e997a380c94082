//! Makes the networks of a member of the front: trains it in full, prunes and quantizes it, tests,
//! generates and measures all that comes of it. Each step is left out if its result is there, so an
//! interrupted run goes on where it was.

use super::finished_run::{FinishedRun, Member};
use super::reuse::{self, WEIGHTS};
use super::stages::{Source, Stages};
use crate::evaluate::quantizer;
use anyhow::{Context, Result};
use common::choice::Candidate;
use common::diagnostics;
use common::files::json;
use common::manifest::Manifest;
use common::measurement::Measurement;
use common::precision::Precision;
use common::prune_report::PruneReport;
use common::quantized::{INT8_FOLDER, OUTCOME_FILE, Outcome, TENSORS_FILE};
use common::train_report::{EvalReport, TrainReport};
use process::cluster::commands::ClusterCommand;
use process::deploy::{Parameters, check_energy};
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

/// Reason why there are no networks of a member whose training diverged.
const DIVERGED: &str = "the training diverged: its loss became NaN or infinite";

/// A network among which one is chosen, or the reason why there is no such network.
#[derive(Debug)]
pub(crate) struct Made {
    /// Name, such as `1/dense` or `i03-07/pruned/int8`.
    pub(crate) name: String,
    pub(crate) network: Result<Candidate, String>,
}

/// Makes networks of a run for a board.
#[derive(Debug)]
pub(crate) struct Maker<'a> {
    pub(crate) run: &'a FinishedRun,
    pub(crate) stages: Stages<'a>,
}

impl Maker<'_> {
    /// Returns all networks of a member, in the precisions of the run; makes what is missing.
    ///
    /// # Errors
    /// Fails if a program of another stage does, or if a termination signal is received.
    pub(crate) fn make(&self, member: &Member) -> Result<Vec<Made>> {
        let (dense, pruned) = (format!("{}/dense", member.name), format!("{}/pruned", member.name));
        let training = self.train(member, &dense)?;
        if training.diverged {
            let names = [dense, pruned].into_iter().flat_map(|name| self.names(&name));
            let refused = |name| Made { name, network: Err(DIVERGED.to_string()) };
            return Ok(names.map(|(_, name)| refused(name)).collect());
        }
        let pruning = self.prune(&dense, &pruned, &training)?;
        let accuracy = training.validation_accuracy();
        let mut made = self.in_all_precisions(&dense, accuracy, "train.json")?;
        made.extend(self.in_all_precisions(
            &pruned,
            Some(accuracy_after(&pruning)),
            "prune.json",
        )?);
        Ok(made)
    }

    /// Returns the forms of a network in the precisions of the run, with their names.
    fn names(&self, name: &str) -> Vec<(Precision, String)> {
        let included = |precision: &Precision| self.run.precisions.include(*precision);
        let named = |precision: Precision| match precision {
            Precision::F32 => (precision, name.to_string()),
            Precision::Int8 => (precision, format!("{name}/{INT8_FOLDER}")),
        };
        Precision::ALL.into_iter().filter(included).map(named).collect()
    }

    /// Trains and prunes what is missing of all members on the cluster: all trainings at the same
    /// time, and then all prunings. Does nothing without a cluster.
    ///
    /// # Errors
    /// Fails as [`Maker::make`] does.
    pub(crate) fn train_together(&self, members: &[Member]) -> Result<()> {
        if self.stages.cluster.is_none() {
            return Ok(());
        }
        let dense = |member: &Member| format!("{}/dense", member.name);
        let trainings = members.iter().map(|member| self.training(member, &dense(member)));
        let trainings: Vec<_> = trainings.filter_map(Result::transpose).collect::<Result<_>>()?;
        self.stages.train(trainings)?;
        let prunings = members.iter().map(|member| {
            let dense = dense(member);
            let training = reuse::training(&self.run.network(&dense), &member.genome);
            match training.filter(|training| !training.diverged) {
                Some(training) => {
                    self.pruning(&dense, &format!("{}/pruned", member.name), &training)
                }
                None => Ok(None),
            }
        });
        let prunings: Vec<_> = prunings.filter_map(Result::transpose).collect::<Result<_>>()?;
        self.stages.train(prunings)
    }

    /// Returns the training of a member; `None` if its results are there.
    fn training(&self, member: &Member, name: &str) -> Result<Option<ClusterCommand>> {
        let folder = self.run.network(name);
        if reuse::training(&folder, &member.genome).is_some() {
            return Ok(None);
        }
        diagnostics::say(&format!("{name}: training in full"));
        // It describes what was made of the weights that are about to change.
        remove(&self.run.network(&member.name).join("pruned/prune.json"))?;
        let genome = self.run.network(&member.name).join("genome.json");
        json::write(&genome, &member.genome)?;
        self.stages.fit(name, &genome, &folder).map(Some)
    }

    fn train(&self, member: &Member, name: &str) -> Result<TrainReport> {
        self.stages.train(self.training(member, name)?.into_iter().collect())?;
        let folder = self.run.network(name);
        reuse::training(&folder, &member.genome).with_context(|| not_whole(&folder, "train fit"))
    }

    /// Returns the pruning of a network; `None` if its results are there.
    fn pruning(
        &self,
        dense: &str,
        name: &str,
        training: &TrainReport,
    ) -> Result<Option<ClusterCommand>> {
        let folder = self.run.network(name);
        if reuse::pruning(&folder, training.parameters).is_some() {
            return Ok(None);
        }
        diagnostics::say(&format!("{name}: pruning"));
        self.stages.prune(name, &self.run.network(dense), &folder).map(Some)
    }

    fn prune(&self, dense: &str, name: &str, training: &TrainReport) -> Result<PruneReport> {
        self.stages.train(self.pruning(dense, name, training)?.into_iter().collect())?;
        let folder = self.run.network(name);
        reuse::pruning(&folder, training.parameters)
            .with_context(|| not_whole(&folder, "prune run"))
    }

    /// Returns the networks with the weights in a folder. `train` is the name of the report of
    /// their training.
    fn in_all_precisions(
        &self,
        name: &str,
        accuracy: Option<f64>,
        train: &str,
    ) -> Result<Vec<Made>> {
        self.names(name)
            .into_iter()
            .map(|(precision, made)| {
                let network = match precision {
                    Precision::F32 => self.in_f32(name, accuracy, train)?,
                    Precision::Int8 => self.in_int8(name, &made, train)?,
                };
                Ok(Made { name: made, network })
            })
            .collect()
    }

    fn in_f32(
        &self,
        name: &str,
        accuracy: Option<f64>,
        train: &str,
    ) -> Result<Result<Candidate, String>> {
        let folder = self.run.network(name);
        let (network, weights) = (folder.join("network.json"), folder.join(WEIGHTS));
        let sha256 = reuse::sha256_of(&weights).with_context(|| not_whole(&folder, "training"))?;
        let (test, train) = (folder.join("test.json"), folder.join(train));
        let parameters = Parameters::F32(&weights);
        let source = Source { network: &network, parameters, test: &test, train: &train };
        self.on_board(name, source, Precision::F32, &sha256, accuracy)
    }

    /// `name` is that of the f32 network, `int8` that of its int8 form.
    fn in_int8(&self, name: &str, int8: &str, train: &str) -> Result<Result<Candidate, String>> {
        let (folder, quantized) = (self.run.network(name), self.run.network(int8));
        let outcome = self.quantize(int8, &folder, &quantized)?;
        if let Some(reason) = outcome.reason {
            return Ok(Err(format!("refused: {reason}")));
        }
        let sha256 = reuse::sha256_of(&quantized.join(TENSORS_FILE))
            .with_context(|| not_whole(&quantized, "train quantize"))?;
        let (network, train) = (folder.join("network.json"), folder.join(train));
        let (test, parameters) = (quantized.join("test.json"), Parameters::Int8(&quantized));
        let source = Source { network: &network, parameters, test: &test, train: &train };
        let accuracy = outcome.accuracy.map(|accuracy| accuracy.int8);
        self.on_board(int8, source, Precision::Int8, &sha256, accuracy)
    }

    fn quantize(&self, name: &str, folder: &Path, out: &Path) -> Result<Outcome> {
        let sha256 = reuse::sha256_of(&folder.join(WEIGHTS))
            .with_context(|| not_whole(folder, "training"))?;
        if let Some(outcome) = quantizer::earlier(folder, &sha256) {
            return Ok(outcome);
        }
        diagnostics::say(&format!("{name}: quantizing"));
        self.stages.quantize(folder, out)?;
        json::read(&out.join(OUTCOME_FILE))
    }

    /// Tests, generates and measures a network. The reason, as the inner error, says why it has no
    /// crate for the board.
    fn on_board(
        &self,
        name: &str,
        source: Source<'_>,
        precision: Precision,
        weights_sha256: &str,
        accuracy: Option<f64>,
    ) -> Result<Result<Candidate, String>> {
        let test = self.test(name, source, weights_sha256)?;
        let out = self.run.network(name);
        let manifest = match self.generate(name, source, precision, weights_sha256)? {
            Ok(manifest) => manifest,
            Err(reason) => return Ok(Err(reason)),
        };
        let record = self.measure(name, &out, weights_sha256)?;
        Ok(Ok(candidate(name, accuracy, &test, &manifest, record.as_ref())))
    }

    fn test(&self, name: &str, source: Source<'_>, weights_sha256: &str) -> Result<EvalReport> {
        if let Some(report) = reuse::test(source.test, weights_sha256) {
            return Ok(report);
        }
        diagnostics::say(&format!("{name}: testing"));
        self.stages.test(source)?;
        reuse::test(source.test, weights_sha256)
            .with_context(|| not_whole(source.test, "train eval"))
    }

    fn generate(
        &self,
        name: &str,
        source: Source<'_>,
        precision: Precision,
        weights_sha256: &str,
    ) -> Result<Result<Manifest, String>> {
        let folder = self.run.network(name).join(self.stages.crate_folder());
        let network_sha256 = reuse::sha256_of(source.network)
            .with_context(|| not_whole(source.network, "training"))?;
        let there = || reuse::manifest(&folder, &network_sha256, weights_sha256);
        if let Some(manifest) = there() {
            return Ok(Ok(manifest));
        }
        if let Some(reason) = self.stages.unfit(source.network, precision)? {
            return Ok(Err(reason));
        }
        diagnostics::say(&format!("{name}: writing its crate for {}", self.stages.board.name));
        self.stages.generate(source, name, &folder)?;
        there().with_context(|| not_whole(&folder, "codegen generate")).map(Ok)
    }

    /// Returns the record of a network on the board; `None` on an emulated board, on which nothing
    /// is measured.
    fn measure(
        &self,
        name: &str,
        folder: &Path,
        weights_sha256: &str,
    ) -> Result<Option<Measurement>> {
        let Stages { board, needs_energy, .. } = &self.stages;
        if board.is_emulated() {
            return Ok(None);
        }
        let out = folder.join(format!("measurement-{}.json", board.name));
        let there = || reuse::record(&out, board, weights_sha256, *needs_energy);
        if let Some(record) = there() {
            return Ok(Some(record));
        }
        if *needs_energy {
            check_energy(board)?;
        }
        diagnostics::say(&format!("{name}: measuring on {}", board.name));
        self.stages.measure(&folder.join(self.stages.crate_folder()), &out)?;
        there().with_context(|| not_whole(&out, "measure run")).map(Some)
    }
}

/// Returns what is known of a network.
fn candidate(
    name: &str,
    accuracy: Option<f64>,
    test: &EvalReport,
    manifest: &Manifest,
    record: Option<&Measurement>,
) -> Candidate {
    Candidate {
        network: name.to_string(),
        validation_accuracy: accuracy,
        test_accuracy: Some(test.accuracy),
        parameters: Some(manifest.parameters),
        latency_s: record.map(|record| record.latency.p50_s),
        energy_j: record.and_then(|record| record.energy.gross_j),
        power_w: record.and_then(|record| record.energy.gross_w),
        flash_bytes: Some(manifest.flash_bytes()),
        arena_bytes: Some(manifest.arena_bytes),
    }
}

/// Returns the validation accuracy after pruning.
fn accuracy_after(pruning: &PruneReport) -> f64 {
    pruning.rounds.last().map_or(pruning.accuracy_before, |round| round.accuracy)
}

fn remove(file: &Path) -> Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("{}: cannot remove the file", file.display()))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Returns the error of a program that succeeded and did not write what it should have.
fn not_whole(path: &Path, program: &str) -> String {
    format!("{}: {program} did not leave whole results there", path.display())
}
