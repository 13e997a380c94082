//! Section `training` of a profile.

use crate::files::ranges::{COUNT, IMAGES, LOSS, PLANNED, RATE, all_within, within};
use crate::network::Shape;
use crate::search::genome::Optimizer;
use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// The section `training` of a profile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainingSettings {
    /// Number of images in a batch.
    pub batch: usize,
    /// Number of epochs of a full training (a search has its own, `search.epochs`).
    pub epochs: usize,
    /// Number of training images, the same ones every time; `null` for all images of the training
    /// split.
    pub subset: Option<usize>,
    /// Schedule of the learning rate.
    pub schedule: Schedule,
    /// Number of epochs in which the learning rate first rises linearly to its maximum, before the
    /// schedule (Goyal et al. 2017); 0 for none. A shorter training never reaches the maximum.
    pub warmup_epochs: f64,
    /// Maximum learning rate, for each optimizer.
    pub learning_rate: LearningRates,
    /// Momentum of SGD.
    pub momentum: f64,
    /// Weight decay: this factor times the weight is added to the gradients of the weights of
    /// convolutions and the classifier.
    pub weight_decay: f64,
    /// Maximum norm of a step's gradient over all parameters. A longer one is scaled down to it
    /// before weight decay, as by PyTorch's `clip_grad_norm_`. `null` for no limit.
    pub clip_gradient_norm: Option<f64>,
    /// Random changes of training images.
    pub augmentation: Augmentation,
    /// Share (0..1) of each label that is spread evenly over all classes (Szegedy et al. 2016); 0
    /// for none.
    pub label_smoothing: f64,
    /// Decay (0..1) of an exponential moving average over the weights of all steps: the share of
    /// the old average in the new one. The average is scored and saved instead of the last weights
    /// (Polyak and Juditsky 1992). The decay is lower at the beginning: after `n` steps at most `(1
    /// + n) / (10 + n)`. `null` for no average.
    pub ema_decay: Option<f64>,
    /// Number of training images from which batch normalisation's statistics are recomputed before
    /// a network is scored. In short trainings, running statistics lag behind the weights.
    pub recalibration_images: usize,
    /// Number of epochs between scorings on the validation images, which take time and do not
    /// change the training; 0 for only at the end.
    pub validate_every: usize,
    /// Precision of products on a GPU.
    pub precision: Precision,
    /// `true` for quantisation-aware training: values and weights are rounded as in the network's
    /// int8 network, so that the weights learn to do with bytes. On the processor only. Left out
    /// of files if `false`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub quantize: bool,
}

/// The precision of products of convolutions and of the classifier on a GPU. Sums, weights, batch
/// normalisation, activations and the optimizer are always f32. A processor computes everything in
/// f32 and accepts no other precision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 24 bits of significand.
    #[default]
    F32,
    /// Factors rounded to 11 bits of significand, by the GPU's tensor cores.
    Tf32,
    /// Factors and results rounded to 8 bits of significand.
    Bf16,
}

/// A schedule of the learning rate: `"constant"`, `"cosine"` or `{"step": {"milestones": [0.5,
/// 0.75], "factor": 0.1}}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Schedule {
    /// A constant rate.
    Constant,
    /// From the maximum to 0 along half a cosine (Loshchilov and Hutter 2017).
    Cosine,
    /// Multiplication by a factor at milestones.
    Step {
        /// Milestones as shares (0..1) of the steps after the warm-up, in rising order.
        milestones: Vec<f64>,
        /// Factor (0..1).
        factor: f64,
    },
}

impl Schedule {
    fn check(&self) -> Result<()> {
        match self {
            Schedule::Constant | Schedule::Cosine => {}
            Schedule::Step { milestones, factor } => {
                let inside = milestones.iter().all(|share| *share > 0.0 && *share < 1.0);
                ensure!(
                    inside && milestones.windows(2).all(|pair| pair[0] < pair[1]),
                    "training.schedule.step.milestones {milestones:?} must be between 0 and 1, in rising order"
                );
                ensure!(
                    *factor > 0.0 && *factor < 1.0,
                    "training.schedule.step.factor {factor} must be between 0 and 1"
                );
            }
        }
        Ok(())
    }
}

/// The random changes of training images, made in this order and anew in each epoch; the default is
/// none. Blank pixels have the channel's mean, which is 0 after normalisation. Images are scored
/// without changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Augmentation {
    /// Number of blank pixels added around the image on each side before a random crop to the
    /// image's size; 0 for none.
    pub crop_padding: usize,
    /// `true` if images are mirrored left to right with probability 1/2.
    pub horizontal_flip: bool,
    /// Side in pixels of a square around a random pixel that is blanked, as far as it lies within
    /// the image (DeVries and Taylor 2017); 0 for none.
    pub cutout: usize,
}

impl Augmentation {
    /// Checks that some part of every image of this shape can remain.
    ///
    /// # Errors
    /// Fails if a size is too large for the images.
    pub fn check_fits(&self, shape: Shape) -> Result<()> {
        let side = shape.height.min(shape.width);
        let Augmentation { crop_padding, cutout, .. } = *self;
        ensure!(
            crop_padding < side,
            "training.augmentation.crop_padding {crop_padding} must be below the {side} pixels of the images' side"
        );
        ensure!(
            cutout <= side,
            "training.augmentation.cutout {cutout} must not be above the {side} pixels of the images' side"
        );
        Ok(())
    }
}

/// The learning rates of all optimizers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LearningRates {
    /// Learning rate of Adam.
    pub adam: f64,
    /// Learning rate of SGD with momentum.
    pub sgd: f64,
    /// Learning rate of Adagrad.
    pub adagrad: f64,
    /// Learning rate of Adamax.
    pub adamax: f64,
    /// Learning rate of Nadam.
    pub nadam: f64,
}

impl LearningRates {
    /// Returns the learning rate of an optimizer.
    pub fn of(&self, optimizer: Optimizer) -> f64 {
        match optimizer {
            Optimizer::Adam => self.adam,
            Optimizer::Sgd => self.sgd,
            Optimizer::Adagrad => self.adagrad,
            Optimizer::Adamax => self.adamax,
            Optimizer::Nadam => self.nadam,
        }
    }
}

impl Default for LearningRates {
    fn default() -> Self {
        LearningRates { adam: 0.003, sgd: 0.1, adagrad: 0.02, adamax: 0.006, nadam: 0.003 }
    }
}

impl Default for TrainingSettings {
    fn default() -> Self {
        TrainingSettings {
            batch: 128,
            epochs: 250,
            subset: None,
            schedule: Schedule::Cosine,
            warmup_epochs: 0.0,
            learning_rate: LearningRates::default(),
            momentum: 0.9,
            weight_decay: 1e-4,
            clip_gradient_norm: None,
            augmentation: Augmentation::default(),
            label_smoothing: 0.0,
            ema_decay: None,
            recalibration_images: 1024,
            validate_every: 0,
            precision: Precision::F32,
            quantize: false,
        }
    }
}

/// Allowed sizes in pixels.
const SIDE: RangeInclusive<usize> = 0..=4096;
/// Allowed numbers of epochs, whole or not.
const EPOCHS: RangeInclusive<f64> = 0.0..=*PLANNED.end() as f64;
/// Allowed factors.
const FACTOR: RangeInclusive<f64> = 0.0..=1e6;

impl TrainingSettings {
    pub(crate) fn check(&self) -> Result<()> {
        within("training.batch", self.batch, &(1..=1 << 20))?;
        within("training.epochs", self.epochs, &PLANNED)?;
        all_within("training.subset", self.subset, &IMAGES)?;
        within("training.augmentation.crop_padding", self.augmentation.crop_padding, &SIDE)?;
        within("training.augmentation.cutout", self.augmentation.cutout, &SIDE)?;
        within("training.validate_every", self.validate_every, &COUNT)?;
        ensure!(
            self.subset.is_none_or(|n| n >= 2),
            "training.subset must be at least 2, or null for all images"
        );
        self.schedule.check()?;
        ensure!(
            self.warmup_epochs >= 0.0 && self.warmup_epochs.is_finite(),
            "training.warmup_epochs {} must not be negative",
            self.warmup_epochs
        );
        within("training.warmup_epochs", self.warmup_epochs, &EPOCHS)?;
        for optimizer in Optimizer::ALL {
            let rate = self.learning_rate.of(optimizer);
            ensure!(
                rate > 0.0 && rate.is_finite(),
                "training.learning_rate.{optimizer} {rate} must be above 0"
            );
            within(&format!("training.learning_rate.{optimizer}"), rate, &RATE)?;
        }
        ensure!(
            (0.0..1.0).contains(&self.momentum),
            "training.momentum {} must be in 0..1",
            self.momentum
        );
        within("training.weight_decay", self.weight_decay, &FACTOR)?;
        if let Some(norm) = self.clip_gradient_norm {
            ensure!(
                norm > 0.0 && norm.is_finite(),
                "training.clip_gradient_norm {norm} must be above 0, or null"
            );
            within("training.clip_gradient_norm", norm, &LOSS)?;
        }
        let smoothing = self.label_smoothing;
        ensure!(
            (0.0..1.0).contains(&smoothing),
            "training.label_smoothing {smoothing} must be in 0..1"
        );
        if let Some(decay) = self.ema_decay {
            ensure!(
                decay > 0.0 && decay < 1.0,
                "training.ema_decay {decay} must be between 0 and 1, or null"
            );
        }
        ensure!(self.recalibration_images >= 2, "training.recalibration_images must be at least 2");
        within("training.recalibration_images", self.recalibration_images, &IMAGES)
    }
}

#[cfg(test)]
mod tests {
    use super::{Augmentation, Shape};
    use crate::files::json;
    use crate::profile::document::Profile;
    use crate::profile::training::Schedule;

    /// Returns the schedule of a profile with this section `training`, or the error.
    fn schedule(training: &str) -> Result<Schedule, String> {
        let text =
            format!("{{\"schema\": \"neuropower/profile/1\", \"training\": {{{training}}}}}");
        json::parse::<Profile>(&text)
            .map(|profile| profile.training.schedule)
            .map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn schedules_are_parsed() {
        assert_eq!(schedule(""), Ok(Schedule::Cosine));
        assert_eq!(schedule(r#""schedule": "constant""#), Ok(Schedule::Constant));
        let step = r#""schedule": {"step": {"milestones": [0.5, 0.75], "factor": 0.1}}"#;
        assert_eq!(schedule(step), Ok(Schedule::Step { milestones: vec![0.5, 0.75], factor: 0.1 }));
        assert_eq!(
            schedule(&step.replace("0.5, 0.75", "")),
            Ok(Schedule::Step { milestones: vec![], factor: 0.1 })
        );
    }

    #[test]
    fn augmentation_must_leave_part_of_the_image() {
        let shape = Shape { channels: 3, height: 8, width: 5 };
        let check = |crop_padding, cutout| {
            Augmentation { crop_padding, cutout, horizontal_flip: true }
                .check_fits(shape)
                .map_err(|e| e.to_string())
        };
        assert_eq!(check(4, 5), Ok(()));
        assert!(check(5, 0).unwrap_err().contains("crop_padding 5 must be below the 5 pixels"));
        assert!(check(0, 6).unwrap_err().contains("cutout 6 must not be above the 5 pixels"));
    }

    #[test]
    fn invalid_schedules_and_limits_are_refused() {
        let step = |inner: &str| format!(r#""schedule": {{"step": {{{inner}}}}}"#);
        for (training, message) in [
            (r#""schedule": "linear""#.into(), "unknown variant `linear`"),
            (step(r#""milestones": [0.5], "factor": 0.1, "gamma": 1"#), "unknown field `gamma`"),
            (step(r#""milestones": [0.5]"#), "missing field `factor`"),
            (
                step(r#""milestones": [0.7, 0.5], "factor": 0.1"#),
                "milestones [0.7, 0.5] must be between 0 and 1, in rising order",
            ),
            (step(r#""milestones": [0.0], "factor": 0.1"#), "milestones [0.0]"),
            (step(r#""milestones": [30], "factor": 0.1"#), "milestones [30.0]"),
            (step(r#""milestones": [0.5], "factor": 1.5"#), "factor 1.5"),
            (r#""warmup_epochs": -1"#.into(), "training.warmup_epochs -1"),
            (r#""label_smoothing": 1"#.into(), "training.label_smoothing 1 must be in 0..1"),
            (r#""ema_decay": 1"#.into(), "training.ema_decay 1 must be between 0 and 1, or null"),
            (
                r#""clip_gradient_norm": 0"#.into(),
                "training.clip_gradient_norm 0 must be above 0, or null",
            ),
        ] {
            let error = schedule(&training).unwrap_err();
            assert!(error.contains(message), "{training}: {error}");
        }
    }
}
