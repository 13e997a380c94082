//! What the time of an inference depends on, as the plan of a network's crate says it.

use common::plan_report::Work;
use std::cmp::Ordering;

/// Number of features.
pub const COUNT: usize = 10;

/// What a unit of each feature takes, as multiples of a multiply-add: a first guess, which
/// measurements correct.
pub(super) const GUESSES: [f64; COUNT] = [1.0, 1.0, 1.0, 1.0, 1.0, 4.0, 12.0, 0.5, 2000.0, 5000.0];

/// Features of a network on a platform: how much there is of each kind of work. In order:
/// multiply-adds, in whole vectors, of kernels of one position, and of larger ones; those of short
/// vectors, which may take longer; loads of inputs, and of groups of weights; elements that are
/// activated; exponentials; bytes that are moved; calls of kernels; and 1, for an inference as such.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlanFeatures(pub(super) [f64; COUNT]);

impl PlanFeatures {
    /// Returns the features of a plan, whose work is `work` ([`common::plan_report::PlanReport`]).
    pub fn of(work: &[Work]) -> PlanFeatures {
        let mut features = [0.0; COUNT];
        for work in work {
            let of_larger = if has_larger_kernels(&work.kind) { work.padded_macs } else { 0 };
            let numbers = [
                work.padded_macs - of_larger,
                of_larger,
                work.short_macs,
                work.input_loads,
                work.weight_loads,
                work.elements,
                work.exponentials,
                work.read_bytes + work.written_bytes,
                work.calls,
            ];
            let sums = features.iter_mut().zip(numbers);
            sums.for_each(|(sum, number)| *sum += number as f64);
        }
        features[COUNT - 1] = 1.0;
        PlanFeatures(features)
    }

    /// Compares features one after the other.
    pub(super) fn order(&self, other: &PlanFeatures) -> Ordering {
        let features = self.0.iter().zip(&other.0);
        features.map(|(a, b)| a.total_cmp(b)).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    }
}

/// Returns whether kernels of a kind read more than one position for each output.
fn has_larger_kernels(kind: &str) -> bool {
    kind.strip_prefix("convolution_").is_some_and(|side| side != "1x1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_are_sums_over_kinds_of_kernels() {
        let work = |kind: &str, padded_macs| Work {
            kind: kind.to_string(),
            calls: 2,
            padded_macs,
            short_macs: 10,
            read_bytes: 100,
            written_bytes: 11,
            exponentials: 7,
            ..Work::default()
        };
        let kinds = [work("convolution_5x5", 1000), work("convolution_1x1", 30), work("linear", 4)];
        let features = PlanFeatures::of(&kinds);
        assert_eq!(features.0, [34.0, 1000.0, 30.0, 0.0, 0.0, 0.0, 21.0, 333.0, 6.0, 1.0]);
        assert_eq!(PlanFeatures::of(&[]).0[..9], [0.0; 9]);
    }
}
