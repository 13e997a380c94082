//! What the time of an inference depends on, as the plan of a network's crate says it.

use common::plan_report::Work;
use std::cmp::Ordering;

/// Number of features.
pub const COUNT: usize = 9;

/// What a unit of each feature takes, as multiples of a multiply-add: a first guess, which
/// measurements correct. Multiply-adds by the side of the kernel (1, 3, more), multiply-adds of one
/// column, elements that are activated, exponentials, bytes that are moved, calls of kernels, and
/// an inference as such.
pub(super) const GUESSES: [f64; COUNT] = [1.0, 1.0, 1.0, 4.0, 4.0, 12.0, 0.5, 2000.0, 5000.0];

/// Features of a network on a platform: how much there is of each kind of work.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlanFeatures(pub(super) [f64; COUNT]);

impl PlanFeatures {
    /// Returns the features of a plan, whose work is `work` ([`common::plan_report::PlanReport`]).
    pub fn of(work: &[Work]) -> PlanFeatures {
        let mut features = [0.0; COUNT];
        for kind in work {
            features[side_index(&kind.kind)] += kind.macs as f64;
            features[3] += kind.column_macs as f64;
            features[4] += kind.elements as f64;
            features[5] += kind.exponentials as f64;
            features[6] += kind.read_bytes as f64 + kind.written_bytes as f64;
            features[7] += kind.calls as f64;
        }
        features[8] = 1.0;
        PlanFeatures(features)
    }

    /// Returns the multiply-adds.
    pub fn macs(&self) -> f64 {
        self.0[..3].iter().sum()
    }

    /// Compares features one after the other.
    pub(super) fn order(&self, other: &PlanFeatures) -> Ordering {
        let features = self.0.iter().zip(&other.0);
        features.map(|(a, b)| a.total_cmp(b)).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    }
}

/// Returns the feature that counts the multiply-adds of a kind of kernel. Fully connected layers are
/// convolutions of one position.
fn side_index(kind: &str) -> usize {
    match kind.strip_prefix("convolution_") {
        None | Some("1x1") => 0,
        Some("3x3") => 1,
        Some(_) => 2,
    }
}
