//! `outcome.json`: whether an int8 network was made of a network's weights, and why not.

use super::document::ValidationAccuracy;
use crate::files::json::Document;
use crate::files::ranges::{IMAGES, PHYSICAL, SHARE, all_within, within};
use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

/// Name of the file of the outcome in the folder of an int8 network.
pub const OUTCOME_FILE: &str = "outcome.json";

/// The outcome of a quantization: accepted, with the files of the int8 network beside it, or
/// refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// Whether the int8 network was written.
    pub accepted: bool,
    /// Why it was not; `null` if it was.
    pub reason: Option<String>,
    /// Accuracies on the validation images; `null` if no integers could be chosen.
    pub accuracy: Option<ValidationAccuracy>,
    /// The f32 accuracy minus the int8 accuracy, in shares (0..1); `null` like `accuracy`.
    pub loss: Option<f64>,
    /// The largest loss that is accepted.
    pub max_loss: f64,
    /// The layer with the largest error of its own; `null` like `accuracy`.
    pub worst_layer: Option<String>,
    /// Its own error, as in `quantization.json`; `null` like `accuracy`.
    pub worst_error: Option<f64>,
    /// SHA-256 of the f32 weights, in the form in which they are written.
    pub weights_sha256: String,
}

impl Document for Outcome {
    const KIND: &'static str = "outcome";

    fn check(&self) -> Result<()> {
        ensure!(
            self.accepted == self.reason.is_none(),
            "an outcome is accepted, or has the reason of its refusal"
        );
        if let Some(accuracy) = &self.accuracy {
            within("accuracy.images", accuracy.images, &IMAGES)?;
            within("accuracy.f32", accuracy.f32, &SHARE)?;
            within("accuracy.int8", accuracy.int8, &SHARE)?;
        }
        all_within("loss", self.loss, &(-1.0..=1.0))?;
        within("max_loss", self.max_loss, &SHARE)?;
        all_within("worst_error", self.worst_error, &PHYSICAL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_has_a_reason_and_nothing_else_has_one() {
        let outcome = |accepted, reason: Option<&str>| Outcome {
            accepted,
            reason: reason.map(String::from),
            accuracy: None,
            loss: None,
            max_loss: 0.005,
            worst_layer: None,
            worst_error: None,
            weights_sha256: "0".repeat(64),
        };
        outcome(false, Some("the loss")).check().unwrap();
        outcome(true, None).check().unwrap();
        assert!(outcome(true, Some("the loss")).check().is_err());
        assert!(outcome(false, None).check().is_err());
        assert!(Outcome { loss: Some(1.5), ..outcome(true, None) }.check().is_err());
    }
}
