//! Which images of the training set train, and which judge.

use super::description::Validation;
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

/// The indices of a split of training images with these labels, ascending. At least one image
/// validates and at least one trains where there are two; with `by_class` that holds for each
/// class.
pub(super) fn indices(labels: &[u16], validation: &Validation, split: Split) -> Vec<usize> {
    let judges = judges(labels, validation);
    let belongs = |index: &usize| match split {
        Split::Validation => judges[*index],
        Split::Train => !judges[*index],
        Split::TrainAndValidation | Split::Test => true,
    };
    (0..labels.len()).filter(belongs).collect()
}

/// For each image whether it validates.
fn judges(labels: &[u16], validation: &Validation) -> Vec<bool> {
    let mut judges = vec![false; labels.len()];
    let mut draw = |mut images: Vec<usize>, stream: &str| {
        images.shuffle(&mut seed::stream(validation.seed, stream));
        let share = images.len() as f64 * validation.fraction;
        // Rounded down, small classes would give less than their share.
        let share = if validation.by_class { share.round() } else { share.floor() } as usize;
        let most = images.len().saturating_sub(1);
        images[..share.max(1).min(most)].iter().for_each(|&image| judges[image] = true);
    };
    if validation.by_class {
        let classes = labels.iter().max().map_or(0, |last| last + 1);
        for class in 0..classes {
            let images = (0..labels.len()).filter(|&i| labels[i] == class).collect();
            draw(images, &format!("validation/{class}"));
        }
    } else {
        draw((0..labels.len()).collect(), "validation");
    }
    judges
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn validation(fraction: f64, seed: u64, by_class: bool) -> Validation {
        Validation { fraction, seed, by_class }
    }

    proptest! {
        #[test]
        fn train_and_validation_share_nothing_and_leave_nothing_out(
            labels in proptest::collection::vec(0u16..4, 2..80),
            fraction in 0.001..0.999f64,
            seed in 0u64..4,
            by_class: bool,
        ) {
            let validation = validation(fraction, seed, by_class);
            let train = indices(&labels, &validation, Split::Train);
            let judge = indices(&labels, &validation, Split::Validation);
            let mut both = [train.clone(), judge.clone()].concat();
            both.sort_unstable();
            prop_assert_eq!(both, indices(&labels, &validation, Split::TrainAndValidation));
            let has = |split: &[usize], class| split.iter().any(|&i| labels[i] == class);
            for class in 0..4u16 {
                let images = labels.iter().filter(|label| **label == class).count();
                if by_class && images > 1 {
                    prop_assert!(has(&train, class) && has(&judge, class));
                }
                prop_assert!(!by_class || images != 1 || has(&train, class), "a class's only image trains");
            }
            prop_assert!(by_class || !train.is_empty() && !judge.is_empty());
        }
    }

    #[test]
    fn the_share_is_that_of_the_description() {
        let labels: Vec<u16> = (0..1000).map(|i| u16::from(i % 10 == 0)).collect();
        for by_class in [false, true] {
            let judge = indices(&labels, &validation(0.1, 7, by_class), Split::Validation);
            assert_eq!(judge.len(), 100);
            if by_class {
                assert_eq!(judge.iter().filter(|&&i| labels[i] == 1).count(), 10);
            }
        }
    }

    #[test]
    fn the_seed_decides() {
        for by_class in [false, true] {
            let of = |seed| indices(&[0; 100], &validation(0.2, seed, by_class), Split::Validation);
            assert_eq!(of(1), of(1));
            assert_ne!(of(1), of(2));
        }
    }
}
