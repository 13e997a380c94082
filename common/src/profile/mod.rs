//! Profiles: one file with a section for each stage (`--config`). Missing settings are those of the
//! paper, except the method of pruning. Only settings and their ranges are here, not what the
//! stages do with them.

mod cluster;
mod document;
mod finals;
mod measurement;
mod pruning;
mod quantization;
mod search;
mod training;

pub use cluster::ClusterSettings;
pub use document::Profile;
pub use finals::{FinalSettings, Selection};
pub use measurement::MeasurementSettings;
pub use pruning::{Allocation, PruneMethod, PrunePart, PruningSettings};
pub use quantization::QuantizationSettings;
pub use search::{MatingFitness, SearchSettings, Strategy, Surrogate};
pub use training::{Augmentation, LearningRates, Precision, Schedule, TrainingSettings};
