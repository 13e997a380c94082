//! What of a data set decides results.

use super::description::{Dataset, Normalisation, Validation, check_shape};
use super::images::Canon;
use crate::files::hash::sha256_hex;
use crate::network::{Input, Shape};
use anyhow::Result;
use serde::{Deserialize, Serialize};

/// Everything of a data set that decides what is trained and how it is judged. Names of files,
/// their order, their format and where they lie are not in it: data that were only moved or renamed
/// are the same data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// Names of the classes, in the order of their labels.
    pub classes: Vec<String>,
    /// What networks subtract and divide by.
    pub normalisation: Normalisation,
    /// Shape of each image.
    pub shape: Shape,
    /// SHA-256 over the pixels of all images as they are trained on, whatever their order.
    pub images_sha256: String,
    /// SHA-256 over which image has which label.
    pub labels_sha256: String,
    /// Which training images judge.
    pub validation: Validation,
}

impl Identity {
    pub(super) fn new(dataset: &Dataset, canon: &Canon) -> Identity {
        Identity {
            classes: dataset.classes.clone(),
            normalisation: dataset.normalisation.clone(),
            shape: dataset.input().shape(),
            images_sha256: canon.images_sha256.clone(),
            labels_sha256: canon.labels_sha256.clone(),
            validation: dataset.validation,
        }
    }

    /// Checks the ranges.
    ///
    /// # Errors
    /// A number that no data set has.
    pub fn check(&self) -> Result<()> {
        check_shape(self.shape)?;
        let Shape { channels, height, width } = self.shape;
        let Normalisation { mean, std } = self.normalisation.clone();
        Input { channels, height, width, mean, std }.check()?;
        self.validation.check()
    }

    /// The fingerprint: equal where all is equal.
    pub fn sha256(&self) -> String {
        let text = serde_json::to_string(self).expect("numbers and texts always make JSON");
        sha256_hex(text.as_bytes())
    }
}
