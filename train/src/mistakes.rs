//! The mistakes of a network on a split, for the report of `train eval`.

use crate::thumbnail;
use anyhow::Result;
use common::dataset::Images;
use common::eval_report::{EvalReport, MAX_CONFUSION_CLASSES, WrongExample, WrongImage};
use std::collections::HashMap;

/// Maximum number of examples.
const EXAMPLES: usize = 12;

/// Returns a report with the confusion matrix, the wrongly classified images and examples of them.
/// `predicted` has the class of each image, of `classes` classes.
///
/// # Errors
/// Fails if a picture cannot be encoded.
pub(crate) fn listed(
    report: EvalReport,
    images: &Images,
    predicted: &[usize],
    classes: usize,
) -> Result<EvalReport> {
    let wrong = wrong(&images.labels, predicted);
    let example = |of: &WrongImage| -> Result<WrongExample> {
        let WrongImage { image, label, predicted } = *of;
        let png_base64 = thumbnail::png_base64(images.image(image), images.shape)?;
        Ok(WrongExample { image, label, predicted, png_base64 })
    };
    let examples = spread(&wrong, EXAMPLES).iter().map(example).collect::<Result<_>>()?;
    let matrix = || confusion(&images.labels, predicted, classes);
    Ok(EvalReport {
        confusion: (classes <= MAX_CONFUSION_CLASSES).then(matrix),
        wrong: Some(wrong),
        examples: Some(examples),
        ..report
    })
}

/// Returns the number of images by label (rows) and predicted class (columns).
fn confusion(labels: &[u16], predicted: &[usize], classes: usize) -> Vec<Vec<usize>> {
    let mut matrix = vec![vec![0; classes]; classes];
    for (label, predicted) in labels.iter().zip(predicted) {
        matrix[usize::from(*label)][*predicted] += 1;
    }
    matrix
}

/// Returns the wrongly classified images, in order.
fn wrong(labels: &[u16], predicted: &[usize]) -> Vec<WrongImage> {
    let pairs = labels.iter().map(|label| usize::from(*label)).zip(predicted).enumerate();
    let all = pairs.map(|(image, (label, &predicted))| WrongImage { image, label, predicted });
    all.filter(|image| image.label != image.predicted).collect()
}

/// Returns at most `count` of the images: the first of each class in the order of the classes, then
/// the second of each, and so on.
fn spread(wrong: &[WrongImage], count: usize) -> Vec<WrongImage> {
    let mut seen: HashMap<usize, usize> = HashMap::new();
    let mut numbered: Vec<(usize, WrongImage)> = Vec::with_capacity(wrong.len());
    for image in wrong {
        let of_class = seen.entry(image.label).or_default();
        numbered.push((*of_class, *image));
        *of_class += 1;
    }
    numbered.sort_by_key(|(number, image)| (*number, image.label));
    numbered.into_iter().take(count).map(|(_, image)| image).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seven images of three classes, of which three are right.
    const LABELS: [u16; 7] = [2, 0, 0, 1, 2, 0, 1];
    const PREDICTED: [usize; 7] = [1, 0, 2, 1, 0, 1, 1];

    #[test]
    fn rows_are_true_classes() {
        assert_eq!(confusion(&LABELS, &PREDICTED, 3), [[1, 1, 1], [0, 2, 0], [1, 1, 0]]);
    }

    #[test]
    fn examples_are_spread_over_the_classes() {
        let wrong = wrong(&LABELS, &PREDICTED);
        let images = |of: &[WrongImage]| of.iter().map(|wrong| wrong.image).collect::<Vec<_>>();
        assert_eq!(images(&wrong), [0, 2, 4, 5]);
        assert_eq!(wrong[1], WrongImage { image: 2, label: 0, predicted: 2 });
        assert_eq!(images(&spread(&wrong, 12)), [2, 0, 5, 4]);
        assert_eq!(images(&spread(&wrong, 3)), [2, 0, 5]);
        assert_eq!(spread(&[], 3), []);
    }
}
