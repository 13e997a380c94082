//! The learning rate of every step.

use common::profile::{Schedule, TrainingSettings};

/// The learning rates of one training.
#[derive(Debug)]
pub struct LearningRates<'a> {
    schedule: &'a Schedule,
    /// The highest rate.
    highest: f64,
    /// Steps of the warm-up at the start.
    warmup: usize,
    /// Steps of the whole training.
    steps: usize,
}

impl LearningRates<'_> {
    /// Returns the learning rates of a training of `epochs` epochs with `steps_per_epoch` steps
    /// each.
    pub fn new(
        settings: &TrainingSettings,
        highest: f64,
        steps_per_epoch: usize,
        epochs: usize,
    ) -> LearningRates<'_> {
        LearningRates {
            schedule: &settings.schedule,
            highest,
            warmup: (settings.warmup_epochs * steps_per_epoch as f64).round() as usize,
            steps: steps_per_epoch * epochs,
        }
    }

    /// Returns the learning rate of a step, counted from 0. The warm-up rises linearly, and its
    /// last step has the highest rate. The schedule covers the steps after it, as PyTorch's
    /// `CosineAnnealingLR` (down to 0) and `MultiStepLR` do.
    pub fn at(&self, step: usize) -> f64 {
        if step < self.warmup {
            return self.highest * (step + 1) as f64 / self.warmup as f64;
        }
        let (step, steps) =
            ((step - self.warmup) as f64, (self.steps.saturating_sub(self.warmup)) as f64);
        match self.schedule {
            Schedule::Constant => self.highest,
            Schedule::Cosine => {
                self.highest * 0.5 * (1.0 + (std::f64::consts::PI * (step / steps)).cos())
            }
            Schedule::Step { milestones, factor } => {
                let passed =
                    milestones.iter().filter(|share| step >= (*share * steps).round()).count();
                self.highest * factor.powi(passed as i32)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rates of a training of five epochs of two steps, highest rate 8.
    fn rates(schedule: Schedule, warmup_epochs: f64) -> Vec<f64> {
        let settings = TrainingSettings { schedule, warmup_epochs, ..TrainingSettings::default() };
        let rates = LearningRates::new(&settings, 8.0, 2, 5);
        (0..10).map(|step| rates.at(step)).collect()
    }

    fn assert_close(got: &[f64], want: &[f64]) {
        assert_eq!(got.len(), want.len());
        for (step, (got, want)) in got.iter().zip(want).enumerate() {
            assert!((got - want).abs() < 1e-12, "step {step}: {got} is not {want}");
        }
    }

    fn step(milestones: &[f64]) -> Schedule {
        Schedule::Step { milestones: milestones.to_vec(), factor: 0.5 }
    }

    #[test]
    fn without_warm_up() {
        assert_close(&rates(Schedule::Constant, 0.0), &[8.0; 10]);
        // 4 (1 + cos(18 degrees * step)): exactly known at 0, 90 and, by the golden ratio, 36 and
        // 72 degrees.
        let golden = (1.0 + 5.0f64.sqrt()) / 2.0;
        let cosine = rates(Schedule::Cosine, 0.0);
        assert_close(
            &[cosine[0], cosine[2], cosine[4], cosine[5], cosine[6], cosine[8]],
            &[
                8.0,
                4.0 + 2.0 * golden,
                4.0 + 2.0 / golden,
                4.0,
                4.0 - 2.0 / golden,
                4.0 - 2.0 * golden,
            ],
        );
        let halved = [8.0, 8.0, 8.0, 4.0, 4.0, 4.0, 4.0, 2.0, 2.0, 2.0];
        assert_close(&rates(step(&[0.3, 0.7]), 0.0), &halved);
    }

    #[test]
    fn with_warm_up() {
        let rising = [2.0, 4.0, 6.0, 8.0];
        assert_close(&rates(Schedule::Constant, 2.0), &[&rising[..], &[8.0; 6]].concat());
        // Six steps are left: half a cosine in steps of 30 degrees.
        let root = 3.0f64.sqrt();
        let cosine = [8.0, 4.0 + 2.0 * root, 6.0, 4.0, 2.0, 4.0 - 2.0 * root];
        assert_close(&rates(Schedule::Cosine, 2.0), &[&rising[..], &cosine].concat());
        assert_close(
            &rates(step(&[0.5]), 2.0),
            &[&rising[..], &[8.0, 8.0, 8.0, 4.0, 4.0, 4.0]].concat(),
        );
        // Half an epoch is one step, and that has the highest rate.
        assert_close(&rates(Schedule::Constant, 0.5), &[8.0; 10]);
    }

    #[test]
    fn a_training_shorter_than_its_warm_up_only_rises() {
        for schedule in [Schedule::Constant, Schedule::Cosine, step(&[0.5])] {
            for (warmup_epochs, last) in [(5.0, 8.0), (10.0, 4.0)] {
                let rates = rates(schedule.clone(), warmup_epochs);
                assert!(rates.windows(2).all(|pair| pair[0] < pair[1]), "{rates:?}");
                assert_eq!(rates[9], last);
            }
        }
    }
}
