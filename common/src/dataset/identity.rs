//! The identity of a data set: everything in it that affects results.

use super::description::{Dataset, Normalisation, Validation, check_shape};
use super::images::CanonicalOrder;
use crate::files::hash::sha256_hex;
use crate::network::{Input, Shape};
use crate::resize::Resize;
use anyhow::Result;
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
    /// Choice of the validation images.
    pub validation: Validation,
}

impl Identity {
    pub(super) fn new(dataset: &Dataset, canonical: &CanonicalOrder) -> Identity {
        Identity {
            classes: dataset.classes.clone(),
            normalisation: dataset.normalisation.clone(),
            shape: dataset.input().shape(),
            images_sha256: canonical.images_sha256.clone(),
            labels_sha256: canonical.labels_sha256.clone(),
            validation: dataset.validation,
        }
    }

    /// Checks the ranges of all fields.
    ///
    /// # Errors
    /// Fails if a number is outside its range.
    pub fn check(&self) -> Result<()> {
        check_shape(self.shape)?;
        let Shape { channels, height, width } = self.shape;
        let Normalisation { mean, std } = self.normalisation.clone();
        Input { channels, height, width, mean, std, resize: Resize::default() }.check()?;
        self.validation.check()
    }

    /// Returns the fingerprint: a SHA-256 over all fields.
    pub fn sha256(&self) -> String {
        let text = serde_json::to_string(self).expect("numbers and texts always make JSON");
        sha256_hex(text.as_bytes())
    }
}
