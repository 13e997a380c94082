//! A genome of a population, before its evaluation.

use super::memory::Memory;
use super::task::Outcome;
use common::network::counts::Counts;
use common::search::evaluation::Evaluation;
use common::search::genome::Genome;

/// A genome of a population, before its evaluation.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// Iteration, from 0.
    pub iteration: usize,
    /// Position in the iteration's population, from 0.
    pub index: usize,
    /// The genome.
    pub genome: Genome,
    /// Parameters and MACs of its network.
    pub counts: Counts,
    /// Memory of its crate, as far as the search needs it.
    pub memory: Memory,
}

impl Candidate {
    /// Returns `i<iteration>-<index>`.
    pub fn id(&self) -> String {
        format!("i{:02}-{:02}", self.iteration, self.index)
    }

    /// Returns the evaluation of this candidate by a training in full.
    pub fn evaluated(&self, outcome: Outcome) -> Evaluation {
        let (accuracy, failure) = match outcome {
            Ok(accuracy) => (Some(accuracy), None),
            Err(failure) => (None, Some(failure)),
        };
        Evaluation {
            id: self.id(),
            iteration: self.iteration,
            index: self.index,
            genome: self.genome,
            parameters: self.counts.parameters,
            macs: self.counts.macs,
            arena_bytes: self.memory.arena_bytes,
            flash_bytes: self.memory.flash_bytes,
            accuracy,
            second_accuracy: None,
            latency_s: None,
            energy_j: None,
            power_w: None,
            stopped_after: None,
            rungs: Vec::new(),
            failure,
        }
    }
}
