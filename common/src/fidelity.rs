//! `fidelity.json`: what the short trainings of a search say about full ones.

use crate::genome::Genome;
use crate::json::Document;
use crate::profile::TrainingSettings;
use crate::template::Template;
use serde::{Deserialize, Serialize};

/// `fidelity.json`: a sample of genomes, each trained shortly and in full with several seeds. A correlation is
/// Spearman's, -1 to 1, and 0 where all values on one side are equal.
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
    /// Between the numbers of parameters and the full scores (means over seeds): what is known without any training.
    pub parameters_correlation: f64,
    /// Between the full scores of each two seeds, the mean over all pairs: what the best predictor of one training can be
    /// expected to reach; `null` with a single seed.
    pub seeds_correlation: Option<f64>,
    /// Each kind of short training.
    pub short: Vec<ShortFidelity>,
    /// The genomes with all their scores, by parameters.
    pub genomes: Vec<StudiedGenome>,
}

impl Document for Fidelity {
    const KIND: &'static str = "fidelity";
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
        self.epochs * self.images
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
    /// For each seed: the same with the number of parameters held constant (partial rank correlation), which is what the
    /// training tells beyond the network's size.
    pub partial_correlation: Vec<f64>,
    /// For each seed: how much lower the full score (mean over seeds) of the genome with its highest short score is than the
    /// highest full score, in 0..1.
    pub regret: Vec<f64>,
}

/// A genome and its scores: accuracies (0..1) on the validation images, 0 for a training that failed, as in a search.
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
