//! The paper's tables and figures, for the networks of this run. A file has one of them; where data
//! are missing, it says so in a sentence.

mod activations;
mod caps;
mod convergence;
mod cost;
#[cfg(test)]
pub(super) mod example;
mod part;
mod parts;
mod published;
mod table2;
mod table3;

pub(super) use convergence::{Scores, part as convergence};
pub(super) use part::Part;
pub(super) use parts::parts;
