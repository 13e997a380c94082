//! One network of a run, with the results that its folder has: before or after pruning, or the int8
//! form of one of these.

use super::files::{names_in, read};
use super::memory_plan::MemoryPlan;
use anyhow::Result;
use common::board::Platform;
use common::files::json;
use common::manifest::Manifest;
use common::measurement::Measurement;
use common::network::counts::Counts;
use common::network::{Network, counts};
use common::precision::Precision;
use common::prune_report::PruneReport;
use common::quantized::{
    INT8_FOLDER, OUTCOME_FILE, Outcome, QUANTIZATION_FILE, Quantization, ValidationAccuracy,
};
use common::train_report::{EvalReport, TrainReport};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The kinds of networks of a winner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// As it was trained.
    Dense,
    /// The int8 form of that.
    DenseInt8,
    /// After pruning.
    Pruned,
    /// The int8 form of that.
    PrunedInt8,
}

impl Kind {
    /// Returns the name in tables.
    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Dense => "dense",
            Kind::DenseInt8 => "int8",
            Kind::Pruned => "pruned",
            Kind::PrunedInt8 => "pruned int8",
        }
    }

    /// Returns the folder below that of the winner.
    pub(super) fn folder(self) -> &'static str {
        match self {
            Kind::Dense => "dense",
            Kind::DenseInt8 => "dense/int8",
            Kind::Pruned => "pruned",
            Kind::PrunedInt8 => "pruned/int8",
        }
    }

    /// Returns the precision in which the network computes.
    pub(super) fn precision(self) -> Precision {
        match self {
            Kind::Dense | Kind::Pruned => Precision::F32,
            Kind::DenseInt8 | Kind::PrunedInt8 => Precision::Int8,
        }
    }
}

/// A network and its results.
#[derive(Debug, Default)]
pub(super) struct Variant {
    pub(super) network: Option<Network>,
    pub(super) counts: Option<Counts>,
    pub(super) train: Option<TrainReport>,
    pub(super) prune: Option<PruneReport>,
    /// Also `None` if the training diverged.
    pub(super) test: Option<EvalReport>,
    /// Manifests of its crates by platform.
    pub(super) manifests: BTreeMap<String, Manifest>,
    /// Plans of their working memory, as far as they can be read.
    pub(super) memory: BTreeMap<String, MemoryPlan>,
    /// Measurements of its crates by board.
    pub(super) measurements: BTreeMap<String, Measurement>,
    /// Its int8 form, made or refused.
    pub(super) int8: Option<Box<Variant>>,
    /// For an int8 form: the accuracies on the validation images when it was made.
    pub(super) quantized: Option<ValidationAccuracy>,
    /// For an int8 form: what its integers mean, and the errors of its layers.
    pub(super) quantization: Option<Quantization>,
    /// Reason why an int8 form has no results.
    pub(super) refusal: Option<String>,
    /// Boards that have no crates of an int8 form.
    without_int8: BTreeSet<String>,
}

/// Reason why a network whose training diverged has no results.
pub(super) const DIVERGED: &str = "the training diverged: its weights are the initial ones";
/// Reason why a network was not measured.
pub(super) const NOT_MEASURED: &str = "not measured yet: `make measure`";

impl Variant {
    /// Reads the folder of a network.
    ///
    /// # Errors
    /// Fails if a file in it is damaged.
    pub(super) fn read(folder: &Path) -> Result<Variant> {
        let network: Option<Network> = read(&folder.join("network.json"))?;
        let mut variant = Variant {
            counts: network.as_ref().map(counts::count).transpose()?,
            network,
            train: read(&folder.join("train.json"))?,
            prune: read(&folder.join("prune.json"))?,
            test: read(&folder.join("test.json"))?,
            ..Variant::default()
        };
        if variant.diverged() {
            // The accuracy of initial weights is not a result.
            variant.test = None;
        }
        variant.read_crates(folder)?;
        let int8 = folder.join(INT8_FOLDER);
        if !variant.diverged()
            && let Some(outcome) = read(&int8.join(OUTCOME_FILE))?
        {
            variant.int8 = Some(Box::new(variant.read_int8(&int8, &outcome)?));
        }
        Ok(variant)
    }

    /// Reads the int8 form of this network. One that was refused, or was made of other weights, has
    /// no results.
    fn read_int8(&self, folder: &Path, outcome: &Outcome) -> Result<Variant> {
        let on_gpu =
            |(_, m): &(&String, &Measurement)| m.gpu.is_some() || m.communication.is_some();
        let mut int8 = Variant {
            network: self.network.clone(),
            counts: self.counts,
            refusal: refusal(outcome, self.test.as_ref()),
            without_int8: self.measurements.iter().filter(on_gpu).map(|(b, _)| b.clone()).collect(),
            ..Variant::default()
        };
        if int8.refusal.is_none() {
            int8.quantized = outcome.accuracy;
            int8.quantization = read(&folder.join(QUANTIZATION_FILE))?;
            int8.test = read(&folder.join("test.json"))?;
            int8.read_crates(folder)?;
        }
        Ok(int8)
    }

    fn read_crates(&mut self, folder: &Path) -> Result<()> {
        for name in names_in(folder)? {
            if let Some(board) =
                name.strip_prefix("measurement-").and_then(|name| name.strip_suffix(".json"))
            {
                let measurement = json::read(&folder.join(&name))?;
                self.measurements.insert(board.to_string(), measurement);
            } else if let Some(platform) = name.strip_prefix("crate-")
                && folder.join(&name).join("manifest.json").exists()
            {
                let folder = folder.join(&name);
                self.manifests.insert(platform.to_string(), Manifest::read(&folder)?);
                // The figure is for people: one of another version is not a damaged run.
                let figure = json::read_text(&folder.join("memory.svg")).ok();
                let plan = figure.and_then(|svg| MemoryPlan::parse(&svg));
                self.memory.extend(plan.map(|plan| (platform.to_string(), plan)));
            }
        }
        Ok(())
    }

    /// Returns whether the training diverged, so that the weights are the initial ones.
    pub(super) fn diverged(&self) -> bool {
        self.train.as_ref().is_some_and(|train| train.diverged)
    }

    /// Returns the accuracy (0..1) on the validation images; `None` if the network is not made, its
    /// training diverged, or it was trained without validation images.
    pub(super) fn validation_accuracy(&self) -> Option<f64> {
        if self.diverged() {
            return None;
        }
        let pruned = self
            .prune
            .as_ref()
            .map(|prune| prune.rounds.last().map_or(prune.accuracy_before, |round| round.accuracy));
        let trained = || self.train.as_ref()?.validation_accuracy();
        self.quantized.as_ref().map(|accuracy| accuracy.int8).or(pruned).or_else(trained)
    }

    /// Returns the manifest of the crate that runs on a board.
    pub(super) fn manifest(&self, board: &str) -> Option<&Manifest> {
        // Crates for microcontrollers are named after their board, others after their platform.
        self.manifests.get(board).or_else(|| {
            let target = self.measurements.get(board)?;
            self.manifests.values().find(|manifest| runs_on(manifest.platform, target))
        })
    }

    /// Returns the name in tables.
    pub(super) fn called(&self, kind: &str) -> String {
        if self.diverged() { format!("{kind} (diverged)") } else { kind.to_string() }
    }

    /// Returns the measurement on a board, or the reason why there is none of these weights.
    pub(super) fn measurement(&self, board: &str) -> Result<&Measurement, String> {
        if self.diverged() {
            return Err(DIVERGED.into());
        }
        if let Some(reason) = &self.refusal {
            return Err(reason.clone());
        }
        let unmeasured = || match self.without_int8.contains(board) {
            true => format!("there are no int8 crates for GPUs, such as that of {board}"),
            false => NOT_MEASURED.to_string(),
        };
        let measurement = self.measurements.get(board).ok_or_else(unmeasured)?;
        match &self.test {
            Some(test) if test.weights_sha256 != measurement.ran.weights_sha256 => Err(format!(
                "measured on {board} with other weights than those tested: `make measure` again"
            )),
            Some(_) | None => Ok(measurement),
        }
    }
}

/// Returns whether a crate for the platform is what was measured.
fn runs_on(platform: Platform, measurement: &Measurement) -> bool {
    let on_gpu = measurement.gpu.is_some() || measurement.communication.is_some();
    match platform {
        Platform::Cuda => on_gpu,
        Platform::Onnx => false,
        Platform::X86_64 | Platform::Aarch64 | Platform::Armv7 | Platform::CortexM => {
            !on_gpu && platform.target() == Some(measurement.ran.target.as_str())
        }
    }
}

/// Returns why an int8 form has no results, if so.
fn refusal(outcome: &Outcome, tested: Option<&EvalReport>) -> Option<String> {
    let reason = outcome.reason.as_ref().map(|reason| format!("refused: {reason}"));
    let other = tested.is_some_and(|test| test.weights_sha256 != outcome.weights_sha256);
    reason.or_else(|| {
        other.then(|| {
            "made of other weights than those of the f32 network: `make pipeline` again".to_string()
        })
    })
}
