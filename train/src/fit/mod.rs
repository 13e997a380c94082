//! Training: the loop over epochs, its state, and the checkpoint that it resumes from. It knows
//! nothing of the command line or of the files of a result.

mod checkpoint;
mod fingerprint;
mod progress;
mod state;
mod training;

pub use checkpoint::Checkpoint;
pub use state::State;
pub use training::{Trained, Training};
