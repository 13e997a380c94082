//! A profile: one file with a section for each stage (`--config`). What it leaves out is as in the
//! paper, but for the method of pruning.

mod document;
mod measurement;
mod pruning;
mod search;
mod training;

pub use document::{FinalSettings, Profile};
pub use measurement::MeasurementSettings;
pub use pruning::{Allocation, PruneMethod, PrunePart, PruningSettings};
pub use search::{MatingFitness, SearchSettings, Strategy, Surrogate};
pub use training::{Augmentation, LearningRates, Precision, Schedule, TrainingSettings};
