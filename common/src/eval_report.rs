//! The output of `train eval`, and `test.json`.

use crate::files::json::Document;
use crate::files::ranges::{IMAGES, LOSS, SHARE, within};
use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

/// Number of classes up to which a confusion matrix is written.
pub const MAX_CONFUSION_CLASSES: usize = 1000;

/// The output of `train eval`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvalReport {
    /// Split: `validation` or `test`.
    pub split: String,
    /// Images evaluated.
    pub images: usize,
    /// Number of images that were classified correctly.
    pub correct: usize,
    /// Accuracy: `correct / images`.
    pub accuracy: f64,
    /// Mean cross-entropy.
    pub loss: f64,
    /// Fingerprint of the scored data ([`crate::dataset::Identity::sha256`]).
    pub data_sha256: String,
    /// SHA-256 of the weights file.
    pub weights_sha256: String,
    /// Number of images by true class (rows) and predicted class (columns), in the order of the
    /// network's classes. It and the following lists are in files of the test split only, not on
    /// stdout, and missing in files of versions without them; it is also missing with more than
    /// [`MAX_CONFUSION_CLASSES`] classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confusion: Option<Vec<Vec<usize>>>,
    /// All images that were classified wrongly, in the order of the data set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wrong: Option<Vec<WrongImage>>,
    /// Some of these images to look at: the first of each class, then the second of each, up to 12.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub examples: Option<Vec<WrongExample>>,
}

/// An image that was classified wrongly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WrongImage {
    /// Position in the split, from 0.
    pub image: usize,
    /// Index of the true class.
    pub label: usize,
    /// Index of the predicted class.
    pub predicted: usize,
}

/// An image that was classified wrongly, with its picture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WrongExample {
    /// Position in the split, from 0.
    pub image: usize,
    /// Index of the true class.
    pub label: usize,
    /// Index of the predicted class.
    pub predicted: usize,
    /// The picture that the network saw, at most 64 x 64 pixels: a PNG in base64.
    pub png_base64: String,
}

impl Document for EvalReport {
    const KIND: &'static str = "eval";

    fn check(&self) -> Result<()> {
        within("images", self.images, &IMAGES)?;
        ensure!(
            self.correct <= self.images,
            "correct {} must be at most images {}",
            self.correct,
            self.images
        );
        within("accuracy", self.accuracy, &SHARE)?;
        within("loss", self.loss, &LOSS)?;
        self.confusion.iter().try_for_each(|confusion| self.check_confusion(confusion))?;
        let wrong = self.wrong.as_deref().unwrap_or_default();
        ensure!(
            self.wrong.is_none() || wrong.len() == self.images - self.correct,
            "wrong has {} images, but {} of {} were classified correctly",
            wrong.len(),
            self.correct,
            self.images
        );
        wrong.iter().try_for_each(|wrong| self.check_wrong(wrong)).context("wrong")?;
        let examples = self.examples.as_deref().unwrap_or_default();
        examples.iter().try_for_each(|example| self.check_example(example)).context("examples")
    }
}

impl EvalReport {
    /// Checks that the matrix is square and has the report's images and correct images.
    fn check_confusion(&self, confusion: &[Vec<usize>]) -> Result<()> {
        within("the classes of confusion", confusion.len(), &(1..=MAX_CONFUSION_CLASSES))?;
        for row in confusion {
            ensure!(row.len() == confusion.len(), "confusion must have as many columns as rows");
            row.iter().try_for_each(|count| within("confusion", *count, &IMAGES))?;
        }
        let images: usize = confusion.iter().flatten().sum();
        let correct: usize = confusion.iter().enumerate().map(|(class, row)| row[class]).sum();
        ensure!(
            (images, correct) == (self.images, self.correct),
            "confusion has {images} images, {correct} of them correct, but images is {} and \
             correct is {}",
            self.images,
            self.correct
        );
        Ok(())
    }

    fn check_wrong(&self, wrong: &WrongImage) -> Result<()> {
        let WrongImage { image, label, predicted } = *wrong;
        ensure!(image < self.images, "image {image} must be below images {}", self.images);
        // Labels are 16 bits wide.
        let last = self.confusion.as_ref().map_or(usize::from(u16::MAX), |rows| rows.len() - 1);
        within("label", label, &(0..=last))?;
        within("predicted", predicted, &(0..=last))?;
        ensure!(label != predicted, "label and predicted of image {image} are both {label}");
        Ok(())
    }

    fn check_example(&self, example: &WrongExample) -> Result<()> {
        let WrongExample { image, label, predicted, ref png_base64 } = *example;
        self.check_wrong(&WrongImage { image, label, predicted })?;
        let of_base64 = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=');
        ensure!(png_base64.chars().all(of_base64), "png_base64 of image {image} is not base64");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::json;
    use serde_json::{Value, json};

    /// Returns a report of 5 images in 2 classes with these changed keys.
    fn report(changes: Value) -> Result<EvalReport> {
        let mut report = json!({
            "schema": "neuropower/eval/1", "split": "test", "images": 5, "correct": 3,
            "accuracy": 0.6, "loss": 0.5, "data_sha256": "", "weights_sha256": "",
        });
        report.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        json::parse(&report.to_string())
    }

    #[test]
    fn a_report_without_the_lists_is_read_and_written_without_them() {
        let earlier = report(json!({})).unwrap();
        assert_eq!((&earlier.confusion, &earlier.wrong, &earlier.examples), (&None, &None, &None));
        let text = json::to_line(&earlier).unwrap();
        assert!(!text.contains("confusion") && !text.contains("wrong"), "{text}");
    }

    #[test]
    fn the_lists_must_agree_with_the_counts() {
        let wrong = json!([{"image": 0, "label": 0, "predicted": 1},
            {"image": 4, "label": 1, "predicted": 0}]);
        report(json!({"confusion": [[2, 1], [1, 1]], "wrong": wrong})).unwrap();
        let of = |image: usize, label: usize, predicted: usize| {
            json!({"confusion": [[2, 1], [1, 1]],
            "wrong": [{"image": image, "label": label, "predicted": predicted}, wrong[1]]})
        };
        let example = |png: &str| {
            json!({"examples":
            [{"image": 0, "label": 0, "predicted": 1, "png_base64": png}]})
        };
        report(example("iVBO+/Rw0=")).unwrap();
        for (changes, message) in [
            (json!({"confusion": [[2, 1], [1]]}), "as many columns as rows"),
            (json!({"confusion": []}), "classes of confusion 0"),
            (json!({"confusion": [[2, 1], [1, 2]]}), "confusion has 6 images, 4 of them correct"),
            (json!({"confusion": [[1, 1], [1, 2]], "correct": 2}), "5 images, 3 of them correct"),
            (json!({"wrong": [wrong[0]]}), "wrong has 1 images, but 3 of 5"),
            (of(5, 0, 1), "image 5 must be below images 5"),
            (of(0, 2, 1), "label 2 must be 0 to 1"),
            (of(0, 0, 2), "predicted 2 must be 0 to 1"),
            (of(0, 1, 1), "label and predicted of image 0 are both 1"),
            (example("\"><script>"), "png_base64 of image 0 is not base64"),
        ] {
            let error = format!("{:#}", report(changes).unwrap_err());
            assert!(error.contains(message), "{error}");
        }
    }
}
