//! Which images of the training set train, and which judge.

use super::Validation;
use crate::seed;
use rand::seq::SliceRandom;
use std::fmt;

/// A part of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// The training set without the validation images.
    Train,
    /// The whole training set.
    TrainAndValidation,
    /// The validation images.
    Validation,
    /// The test set.
    Test,
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Split::Train => "train",
            Split::TrainAndValidation => "train and validation",
            Split::Validation => "validation",
            Split::Test => "test",
        })
    }
}

/// The indices of a split of `count` training images, ascending. At least one image validates and at least one trains
/// where there are two.
pub(super) fn indices(count: usize, validation: &Validation, split: Split) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    order.shuffle(&mut seed::stream(validation.seed, "validation"));
    let validating =
        ((count as f64 * validation.fraction) as usize).clamp(1.min(count), count.saturating_sub(1).max(1));
    let mut chosen = match split {
        Split::Validation => order[..validating].to_vec(),
        Split::Train => order[validating..].to_vec(),
        Split::TrainAndValidation | Split::Test => order,
    };
    chosen.sort_unstable();
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn train_and_validation_share_nothing_and_leave_nothing_out() {
        let validation = Validation { fraction: 0.1, seed: 7 };
        for count in [2, 3, 10, 1438] {
            let train = indices(count, &validation, Split::Train);
            let judge = indices(count, &validation, Split::Validation);
            let mut both = [train.clone(), judge.clone()].concat();
            both.sort_unstable();
            assert_eq!(both, (0..count).collect::<Vec<_>>());
            assert!(!train.is_empty() && !judge.is_empty());
        }
        assert_eq!(indices(1000, &validation, Split::Validation).len(), 100);
    }

    #[test]
    fn the_seed_decides() {
        let of = |seed| indices(100, &Validation { fraction: 0.2, seed }, Split::Validation);
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
    }
}
