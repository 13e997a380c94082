//! Surrogate models, which predict the error of networks that are not trained, and what would be
//! measured of them: regression and acquisition over plain numbers. Nothing here knows genomes, files
//! or processes, and nothing here uses another module of this crate.

mod cholesky;
pub mod design;
pub mod expected_improvement;
mod front;
pub mod gaussian_process;
pub mod kernel;
pub mod measured;
pub mod normal;
pub mod random_forest;
mod scaling;
mod trend;
