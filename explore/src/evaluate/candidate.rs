//! A genome of a population, before its evaluation.

use super::memory::Memory;
use super::task::Outcome;
use common::network::counts::Counts;
use common::search::board_costs::BoardCosts;
use common::search::evaluation::Evaluation;
use common::search::genome::Genome;
use std::collections::BTreeMap;

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
    /// Memory of its crate on each board of several, as far as the search needs it; `None` is for
    /// all boards.
    pub memory: BTreeMap<Option<String>, Memory>,
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
        let general = self.memory.get(&None).copied().unwrap_or_default();
        let costs = |(board, memory): (&Option<String>, &Memory)| {
            let Memory { arena_bytes, flash_bytes } = *memory;
            Some((board.clone()?, BoardCosts { arena_bytes, flash_bytes, ..BoardCosts::default() }))
        };
        Evaluation {
            id: self.id(),
            iteration: self.iteration,
            index: self.index,
            genome: self.genome,
            parameters: self.counts.parameters,
            macs: self.counts.macs,
            arena_bytes: general.arena_bytes,
            flash_bytes: general.flash_bytes,
            accuracy,
            second_accuracy: None,
            latency_s: None,
            energy_j: None,
            power_w: None,
            boards: self.memory.iter().filter_map(costs).collect(),
            stopped_after: None,
            rungs: Vec::new(),
            failure,
        }
    }
}
