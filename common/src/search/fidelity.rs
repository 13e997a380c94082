//! `fidelity.json`: how well the short trainings of a search predict full ones.

use crate::files::json::Document;
use crate::files::ranges::{
    CORRELATION, COUNT, IMAGES, MACS, PARAMETERS, PHYSICAL, SHARE, all_within, within,
};
use crate::network::template::Template;
use crate::profile::TrainingSettings;
use crate::search::genome::Genome;
use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

/// The results of a fidelity study (`fidelity.json`): a sample of genomes, each trained shortly and
/// in full with several seeds. Correlations are Spearman's, -1 to 1, and 0 if all values on one
/// side are equal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fidelity {
    /// Name of the data set.
    pub dataset: String,
    /// Fingerprint of the training data ([`crate::dataset::Identity::sha256`]).
    pub data_sha256: String,
    /// Template: everything that the genes leave open.
    pub template: Template,
    /// Settings of the trainings.
    pub training: TrainingSettings,
    /// Seeds of the trainings, in the order of all lists of scores.
    pub seeds: Vec<u64>,
    /// Length of the full trainings.
    pub full: Length,
    /// Correlation of the number of parameters with the full scores (means over seeds), which needs
    /// no training.
    pub parameters_correlation: f64,
    /// Correlation of the full scores of two seeds, the mean over all pairs: the best that a
    /// predictor of a single training can reach; `null` with a single seed.
    pub seeds_correlation: Option<f64>,
    /// Results of each kind of short training.
    pub short: Vec<ShortFidelity>,
    /// Genomes with all their scores, sorted by parameters.
    pub genomes: Vec<StudiedGenome>,
}

impl Document for Fidelity {
    const KIND: &'static str = "fidelity";

    fn check(&self) -> Result<()> {
        self.template.check()?;
        self.training.check()?;
        self.full.check().context("full")?;
        within("parameters_correlation", self.parameters_correlation, &CORRELATION)?;
        all_within("seeds_correlation", self.seeds_correlation, &CORRELATION)?;
        for (index, short) in self.short.iter().enumerate() {
            short.check(self.seeds.len()).with_context(|| format!("short[{index}]"))?;
        }
        for (index, genome) in self.genomes.iter().enumerate() {
            genome
                .check(self.seeds.len(), self.short.len())
                .with_context(|| format!("genomes[{index}]"))?;
        }
        Ok(())
    }
}

/// Checks that a list has one value for each seed, and the range of the values.
fn check_list(
    key: &str,
    values: &[f64],
    seeds: usize,
    range: &std::ops::RangeInclusive<f64>,
) -> Result<()> {
    ensure!(
        values.len() == seeds,
        "{key} has {} values, but there are {seeds} seeds",
        values.len()
    );
    all_within(key, values.iter().copied(), range)
}

impl ShortFidelity {
    fn check(&self, seeds: usize) -> Result<()> {
        self.length.check().context("length")?;
        within("cost", self.cost, &PHYSICAL)?;
        check_list("correlation", &self.correlation, seeds, &CORRELATION)?;
        check_list("partial_correlation", &self.partial_correlation, seeds, &CORRELATION)?;
        check_list("regret", &self.regret, seeds, &SHARE)
    }
}

impl StudiedGenome {
    fn check(&self, seeds: usize, short: usize) -> Result<()> {
        self.genome.check().context("genome")?;
        within("parameters", self.parameters, &PARAMETERS)?;
        within("macs", self.macs, &MACS)?;
        check_list("full", &self.full, seeds, &SHARE)?;
        ensure!(
            self.short.len() == short,
            "short has {} lists, but there are {short} lengths",
            self.short.len()
        );
        self.short.iter().try_for_each(|scores| check_list("short", scores, seeds, &SHARE))
    }
}

/// The length of a training.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Length {
    /// Number of epochs.
    pub epochs: usize,
    /// Images per epoch.
    pub images: usize,
}

impl Length {
    /// Returns the number of images that the network sees in total, with repetitions.
    pub fn passes(&self) -> usize {
        self.epochs.saturating_mul(self.images)
    }

    fn check(&self) -> Result<()> {
        within("epochs", self.epochs, &COUNT)?;
        within("images", self.images, &IMAGES)
    }
}

/// The predictive value of one kind of short training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShortFidelity {
    /// Length of the short training.
    pub length: Length,
    /// Cost: its images as a share (0..1) of those of a full training.
    pub cost: f64,
    /// For each seed: correlation of its short scores with the full scores (means over seeds).
    pub correlation: Vec<f64>,
    /// For each seed: the same correlation with the number of parameters held constant (partial
    /// rank correlation), i.e. the information beyond the network's size.
    pub partial_correlation: Vec<f64>,
    /// For each seed: difference (0..1) between the highest full score and the full score of the
    /// genome with the highest short score (means over seeds).
    pub regret: Vec<f64>,
}

/// A genome and its scores: accuracies (0..1) on the validation images; 0 for a failed training, as
/// in a search.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StudiedGenome {
    /// Genome.
    pub genome: Genome,
    /// Trainable parameters.
    pub parameters: u64,
    /// Multiply-adds for one image.
    pub macs: u64,
    /// Scores after full training, for each seed.
    pub full: Vec<f64>,
    /// Scores after each kind of short training, in the order of `short`, for each seed.
    pub short: Vec<Vec<f64>>,
}

impl StudiedGenome {
    /// Returns the mean full score over seeds.
    pub fn mean_full(&self) -> f64 {
        self.full.iter().sum::<f64>() / self.full.len() as f64
    }
}
