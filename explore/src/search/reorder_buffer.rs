//! A buffer that puts the evaluations of a population in order.

use common::search::evaluation::Evaluation;
use std::collections::BTreeMap;

/// Takes evaluations in any order and releases them in order of their index.
pub(super) struct ReorderBuffer {
    /// Index of the next evaluation in order.
    next: usize,
    /// Evaluations that wait for one with a lower index.
    early: BTreeMap<usize, Evaluation>,
    /// Evaluations in order.
    evaluations: Vec<Evaluation>,
}

impl ReorderBuffer {
    /// Creates an empty buffer whose first evaluation has index `next`.
    pub(super) fn new(next: usize) -> ReorderBuffer {
        ReorderBuffer { next, early: BTreeMap::new(), evaluations: Vec::new() }
    }

    /// Takes evaluations and returns those, in order, that waited only for them, themselves included.
    pub(super) fn insert(&mut self, evaluations: Vec<Evaluation>) -> &[Evaluation] {
        let before = self.evaluations.len();
        let indexed = evaluations.into_iter().map(|evaluation| (evaluation.index, evaluation));
        self.early.extend(indexed);
        while let Some(evaluation) = self.early.remove(&self.next) {
            self.evaluations.push(evaluation);
            self.next += 1;
        }
        &self.evaluations[before..]
    }

    /// Returns all evaluations that are in order.
    pub(super) fn into_evaluations(self) -> Vec<Evaluation> {
        self.evaluations
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::candidate::Candidate;
    use crate::test_support::{candidate, config};

    #[test]
    fn evaluations_wait_for_those_before_them() {
        let space = config(1, 1).space;
        let candidate = |(index, genome)| candidate(1, index, genome);
        let candidates: Vec<Candidate> =
            space.genomes().take(6).enumerate().map(candidate).collect();
        let mut buffer = ReorderBuffer::new(2);
        let mut insert = |index: usize| -> Vec<usize> {
            let evaluation = candidates[index].evaluated(Ok(0.5));
            buffer.insert(vec![evaluation]).iter().map(|e| e.index).collect()
        };
        assert!(insert(4).is_empty());
        assert_eq!(insert(2), [2]);
        assert!(insert(5).is_empty());
        assert_eq!(insert(3), [3, 4, 5]);
        assert_eq!(buffer.into_evaluations().len(), 4);
    }
}
