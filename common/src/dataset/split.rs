//! Splits of a data set into images for training, validation and test.

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

/// Returns the ascending indices of a split of training images with the given labels. With two
/// images or more, at least one is for validation and at least one for training; with `by_class`
/// this holds for each class.
pub(super) fn indices(labels: &[u16], validation: &Validation, split: Split) -> Vec<usize> {
    let validates = validation_mask(labels, validation);
    let belongs = |index: &usize| match split {
        Split::Validation => validates[*index],
        Split::Train => !validates[*index],
        Split::TrainAndValidation | Split::Test => true,
    };
    (0..labels.len()).filter(belongs).collect()
}

/// Returns for each image whether it is for validation.
fn validation_mask(labels: &[u16], validation: &Validation) -> Vec<bool> {
    let mut mask = vec![false; labels.len()];
    let mut draw = |mut images: Vec<usize>, stream: &str| {
        images.shuffle(&mut seed::stream(validation.seed, stream));
        let share = images.len() as f64 * validation.fraction;
        // Rounding down would take less than its share from a small class.
        let share = if validation.by_class { share.round() } else { share.floor() } as usize;
        let most = images.len().saturating_sub(1);
        images[..share.max(1).min(most)].iter().for_each(|&image| mask[image] = true);
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
    mask
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
        fn train_and_validation_are_disjoint_and_complete(
            labels in proptest::collection::vec(0u16..4, 2..80),
            fraction in 0.001..0.999f64,
            seed in 0u64..4,
            by_class: bool,
        ) {
            let validation = validation(fraction, seed, by_class);
            let train = indices(&labels, &validation, Split::Train);
            let held_out = indices(&labels, &validation, Split::Validation);
            let mut both = [train.clone(), held_out.clone()].concat();
            both.sort_unstable();
            prop_assert_eq!(both, indices(&labels, &validation, Split::TrainAndValidation));
            let has = |split: &[usize], class| split.iter().any(|&i| labels[i] == class);
            for class in 0..4u16 {
                let images = labels.iter().filter(|label| **label == class).count();
                if by_class && images > 1 {
                    prop_assert!(has(&train, class) && has(&held_out, class));
                }
                prop_assert!(!by_class || images != 1 || has(&train, class), "the only image of a class is for training");
            }
            prop_assert!(by_class || !train.is_empty() && !held_out.is_empty());
        }
    }

    #[test]
    fn the_validation_share_is_that_of_the_description() {
        let labels: Vec<u16> = (0..1000).map(|i| u16::from(i % 10 == 0)).collect();
        for by_class in [false, true] {
            let held_out = indices(&labels, &validation(0.1, 7, by_class), Split::Validation);
            assert_eq!(held_out.len(), 100);
            if by_class {
                assert_eq!(held_out.iter().filter(|&&i| labels[i] == 1).count(), 10);
            }
        }
    }

    #[test]
    fn the_seed_chooses_the_images() {
        for by_class in [false, true] {
            let of = |seed| indices(&[0; 100], &validation(0.2, seed, by_class), Split::Validation);
            assert_eq!(of(1), of(1));
            assert_ne!(of(1), of(2));
        }
    }
}
