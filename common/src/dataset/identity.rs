//! The identity of a data set: everything in it that affects results.

use super::description::{Dataset, Normalisation, Validation, check_shape};
use super::images::CanonicalOrder;
use crate::files::hash::sha256_hex;
use crate::network::{Input, Shape};
use crate::resize::Resize;
use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

/// The identity of a data set: everything in it that affects trainings and accuracies. Names,
/// order, format and location of files are not part of it, so moved or renamed data keep their
/// identity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// Names of the classes, in the order of their labels.
    pub classes: Vec<String>,
    /// Values that networks subtract and divide by.
    pub normalisation: Normalisation,
    /// Shape of each image.
    pub shape: Shape,
    /// SHA-256 over the pixels of all training or test images, whatever their order.
    pub images_sha256: String,
    /// SHA-256 over the pairs of image and label.
    pub labels_sha256: String,
    /// Choice of the validation images from the training set; missing if they have files of their
    /// own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation: Option<Validation>,
    /// Validation images with files of their own; missing in the identity of their test set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub val: Option<ImageHashes>,
}

/// Hashes of the images of a set, whatever their order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageHashes {
    /// SHA-256 over the pixels of all images.
    pub images_sha256: String,
    /// SHA-256 over the pairs of image and label.
    pub labels_sha256: String,
}

impl Identity {
    /// Returns the identity of a training or test set. `val` has the validation images of a training
    /// set, if they have files of their own.
    pub(super) fn new(
        dataset: &Dataset,
        canonical: &CanonicalOrder,
        val: Option<&CanonicalOrder>,
    ) -> Identity {
        Identity {
            classes: dataset.classes.clone(),
            normalisation: dataset.normalisation.clone(),
            shape: dataset.input().shape(),
            images_sha256: canonical.images_sha256.clone(),
            labels_sha256: canonical.labels_sha256.clone(),
            validation: dataset.validation,
            val: val.map(|val| ImageHashes {
                images_sha256: val.images_sha256.clone(),
                labels_sha256: val.labels_sha256.clone(),
            }),
        }
    }

    /// Checks the identity of a training set.
    ///
    /// # Errors
    /// Fails if a number is outside its range, or if there is not one choice of validation images.
    pub fn check(&self) -> Result<()> {
        check_shape(self.shape)?;
        let Shape { channels, height, width } = self.shape;
        let Normalisation { mean, std } = self.normalisation.clone();
        Input { channels, height, width, mean, std, resize: Resize::default() }.check()?;
        ensure!(
            self.validation.is_some() != self.val.is_some(),
            "exactly one of `validation` and `val` is needed"
        );
        self.validation.iter().try_for_each(Validation::check)
    }

    /// Returns the fingerprint: a SHA-256 over all fields.
    pub fn sha256(&self) -> String {
        let text = serde_json::to_string(self).expect("numbers and texts always make JSON");
        sha256_hex(text.as_bytes())
    }
}
