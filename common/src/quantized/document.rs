//! What the integers of a quantized network mean, and what they cost: `quantization.json`.

use crate::files::json::Document;
use crate::files::ranges::{COUNT, IMAGES, PHYSICAL, SHARE, all_within, within};
use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// Real numbers that an f32 network can compute.
const REAL: RangeInclusive<f64> = -3.5e38..=3.5e38;
/// Steps between real numbers.
const STEP: RangeInclusive<f64> = 0.0..=3.5e38;

/// The report of a quantization (`quantization.json`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quantization {
    /// What belongs together.
    pub fingerprints: Fingerprints,
    /// Images by which ranges were chosen.
    pub calibration: Calibration,
    /// Accuracies on the validation images.
    pub accuracy: ValidationAccuracy,
    /// A logit is this times its integer.
    pub logit_scale: f64,
    /// The layer with the largest `own_error`.
    pub worst_layer: String,
    /// The steps that have parameters, in order.
    pub layers: Vec<LayerReport>,
}

/// The SHA-256 of each file that belongs to an int8 network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fingerprints {
    /// SHA-256 of `network.json`, in the form in which it is written.
    pub network_sha256: String,
    /// SHA-256 of the f32 `weights.safetensors`, in the form in which it is written.
    pub weights_sha256: String,
    /// SHA-256 of `quantized.safetensors`.
    pub tensors_sha256: String,
}

/// The images by which ranges were chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// How many: the first training images in canonical order.
    pub images: usize,
    /// How ranges were chosen.
    pub method: Method,
    /// SHA-256 of their pixels, in that order.
    pub images_sha256: String,
    /// Fingerprint of the data set ([`crate::dataset::Identity::sha256`]).
    pub data_sha256: String,
}

/// How the ranges of values are chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// With the least squared error.
    #[default]
    Mse,
    /// From the smallest to the largest value.
    Minmax,
    /// Without the most extreme values.
    Percentile,
}

impl Method {
    /// All methods, the default first.
    pub const ALL: [Method; 3] = [Method::Mse, Method::Minmax, Method::Percentile];

    /// Returns the name in files and options.
    pub fn name(self) -> &'static str {
        match self {
            Method::Mse => "mse",
            Method::Minmax => "minmax",
            Method::Percentile => "percentile",
        }
    }
}

/// Accuracies (0..1) on the validation images.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValidationAccuracy {
    /// Validation images.
    pub images: usize,
    /// Accuracy of the f32 weights.
    pub f32: f64,
    /// Accuracy of the integer reference.
    pub int8: f64,
}

/// A step that has parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerReport {
    /// Name of the step.
    pub name: String,
    /// What its integers mean.
    pub meaning: Meaning,
    /// Root mean square error of its results in the int8 network, as a share of the standard
    /// deviation of the f32 results; for a convolution the root mean square over channels.
    pub error: f64,
    /// The same if all that it reads were exact up to rounding to bytes.
    pub own_error: f64,
}

/// What the integers of a step mean as real numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Meaning {
    /// `scale * (byte - zero_point)`, a function of `(index - origin) * step`.
    Table {
        /// Difference of neighbouring bytes.
        scale: f64,
        /// The byte that stands for 0.
        zero_point: u64,
        /// Difference of neighbouring indices.
        step: f64,
        /// The index, with half an index more for the middle of a bin, that stands for 0.
        origin: f64,
        /// Smallest argument that was seen.
        low: f64,
        /// Largest argument that was seen.
        high: f64,
    },
    /// `scale * X + offset` in each channel.
    Convolution {
        /// Difference of neighbouring values; 0 for a constant channel.
        scales: Vec<f64>,
        /// Meaning of 0.
        offsets: Vec<f64>,
        /// Smallest results that were seen.
        low: Vec<f64>,
        /// Largest results that were seen.
        high: Vec<f64>,
        /// Difference of neighbouring weights of each filter.
        weight_scales: Vec<f64>,
    },
    /// [`Quantization::logit_scale`] times the logit.
    Classifier {
        /// Difference of neighbouring weights of each class.
        weight_scales: Vec<f64>,
    },
}

impl Document for Quantization {
    const KIND: &'static str = "quantization";

    fn check(&self) -> Result<()> {
        within("calibration.images", self.calibration.images, &COUNT)?;
        within("accuracy.images", self.accuracy.images, &IMAGES)?;
        within("accuracy.f32", self.accuracy.f32, &SHARE)?;
        within("accuracy.int8", self.accuracy.int8, &SHARE)?;
        within("logit_scale", self.logit_scale, &STEP)?;
        ensure!(
            self.layers.iter().any(|layer| layer.name == self.worst_layer),
            "worst_layer {:?} is not one of the layers",
            self.worst_layer
        );
        self.layers
            .iter()
            .try_for_each(|layer| layer.check().with_context(|| format!("layer {}", layer.name)))
    }
}

impl LayerReport {
    fn check(&self) -> Result<()> {
        within("error", self.error, &PHYSICAL)?;
        within("own_error", self.own_error, &PHYSICAL)?;
        match &self.meaning {
            Meaning::Table { scale, zero_point, step, origin, low, high } => {
                within("scale", *scale, &STEP)?;
                within("zero_point", *zero_point, &(0..=255))?;
                within("step", *step, &STEP)?;
                within("origin", *origin, &REAL)?;
                within("low", *low, &REAL)?;
                within("high", *high, &REAL)
            }
            Meaning::Convolution { scales, offsets, low, high, weight_scales } => {
                all_within("scales", scales.iter().copied(), &STEP)?;
                all_within("offsets", offsets.iter().copied(), &REAL)?;
                all_within("low", low.iter().copied(), &REAL)?;
                all_within("high", high.iter().copied(), &REAL)?;
                all_within("weight_scales", weight_scales.iter().copied(), &STEP)
            }
            Meaning::Classifier { weight_scales } => {
                all_within("weight_scales", weight_scales.iter().copied(), &STEP)
            }
        }
    }
}
