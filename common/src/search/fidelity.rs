//! `fidelity.json`: what the short trainings of a search say about full ones.

use crate::files::json::Document;
use crate::files::ranges::{
    CORRELATION, COUNT, IMAGES, MACS, PARAMETERS, PHYSICAL, SHARE, all_within, within,
};
use crate::network::template::Template;
use crate::profile::TrainingSettings;
use crate::search::genome::Genome;
use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

/// `fidelity.json`: a sample of genomes, each trained shortly and in full with several seeds. A
/// correlation is Spearman's, -1 to 1, and 0 where all values on one side are equal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fidelity {
    /// Name of the data set.
    pub dataset: String,
    /// The fingerprint of the data that it was trained on ([`crate::dataset::Identity::sha256`]).
    pub data_sha256: String,
    /// What the genes leave open.
    pub template: Template,
    /// How networks are trained.
    pub training: TrainingSettings,
    /// The seeds that every training was made with, in the order of all lists of scores.
    pub seeds: Vec<u64>,
    /// Length of the full trainings.
    pub full: Length,
    /// Between the numbers of parameters and the full scores (means over seeds): what is known
    /// without any training.
    pub parameters_correlation: f64,
    /// Between the full scores of each two seeds, the mean over all pairs: what the best predictor
    /// of one training can be expected to reach; `null` with a single seed.
    pub seeds_correlation: Option<f64>,
    /// Each kind of short training.
    pub short: Vec<ShortFidelity>,
    /// The genomes with all their scores, by parameters.
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

/// Checks that a list has a value for each seed, and their range.
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

/// How long a training is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Length {
    /// Epochs.
    pub epochs: usize,
    /// Images of each epoch.
    pub images: usize,
}

impl Length {
    /// Images that the network sees in all, each as often as it sees it.
    pub fn passes(&self) -> usize {
        self.epochs.saturating_mul(self.images)
    }

    fn check(&self) -> Result<()> {
        within("epochs", self.epochs, &COUNT)?;
        within("images", self.images, &IMAGES)
    }
}

/// What one kind of short training is worth.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShortFidelity {
    /// How long it is.
    pub length: Length,
    /// What it costs: its images as a share (0..1) of those of a full training.
    pub cost: f64,
    /// For each seed: between its short scores and the full ones (means over seeds).
    pub correlation: Vec<f64>,
    /// For each seed: the same with the number of parameters held constant (partial rank
    /// correlation), which is what the training tells beyond the network's size.
    pub partial_correlation: Vec<f64>,
    /// For each seed: how much lower the full score (mean over seeds) of the genome with its
    /// highest short score is than the highest full score, in 0..1.
    pub regret: Vec<f64>,
}

/// A genome and its scores: accuracies (0..1) on the validation images, 0 for a training that
/// failed, as in a search.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StudiedGenome {
    /// The genome.
    pub genome: Genome,
    /// Trainable parameters.
    pub parameters: u64,
    /// Multiply-adds for one image.
    pub macs: u64,
    /// After full training, for each seed.
    pub full: Vec<f64>,
    /// After each kind of short training, in the order of `short`, for each seed.
    pub short: Vec<Vec<f64>>,
}

impl StudiedGenome {
    /// The full score, the mean over seeds.
    pub fn mean_full(&self) -> f64 {
        self.full.iter().sum::<f64>() / self.full.len() as f64
    }
}
