//! One training and its outcome.

use common::search::genome::Genome;

/// The validation accuracy (0..1) that a training reached, or the reason why the network has none,
/// in words that are the same in every run. What the machine does to a training (no memory, no
/// disk, a signal) is not an outcome but an error.
pub type Outcome = std::result::Result<f64, String>;

/// Outcomes that have arrived together, each with the index of its task or training.
pub type Outcomes = Vec<(usize, Outcome)>;

/// A training to be run.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// Folder of the training, relative to the folder of the search or study.
    pub folder: String,
    /// The genome whose network is trained.
    pub genome: Genome,
    /// Seed of the training.
    pub seed: u64,
    /// Epochs of the training in full, which the learning rate schedule depends on.
    pub epochs: usize,
    /// Epoch after which the training is interrupted, to be continued later; `None` to train in
    /// full.
    pub stop_after: Option<usize>,
    /// Number of training images; `None` for the profile's.
    pub subset: Option<usize>,
}
