//! The int8 network's values for the calibration images, as far as its steps are known.

use common::dataset::Images;
use common::quantized::arithmetic::signed;
use common::quantized::{Parameters, Plan, accumulators, run_step};
use rayon::prelude::*;

/// For each image, the values of the steps so far; empty if no later step reads them.
pub(super) struct Pipeline {
    images: Vec<Vec<Vec<i8>>>,
}

impl Pipeline {
    /// Returns the pipeline before the first step.
    pub(super) fn new(images: &Images) -> Pipeline {
        let pixels = |image| images.image(image).iter().map(|pixel| signed(*pixel)).collect();
        Pipeline { images: (0..images.len()).map(|image| vec![pixels(image)]).collect() }
    }

    /// Appends the value of a step without sums.
    pub(super) fn run(&mut self, plan: &Plan, parameters: &Parameters, step: usize) {
        self.images
            .par_iter_mut()
            .for_each(|values| values.push(run_step(plan, parameters, step, values)));
    }

    /// Returns for each image the sums of a step.
    pub(super) fn sums(&self, plan: &Plan, parameters: &Parameters, step: usize) -> Vec<Vec<i32>> {
        self.images.par_iter().map(|values| accumulators(plan, parameters, step, values)).collect()
    }

    /// Appends a value of each image.
    pub(super) fn push(&mut self, values: Vec<Vec<i8>>) {
        self.images.iter_mut().zip(values).for_each(|(image, value)| image.push(value));
    }

    /// Frees values that no later step reads.
    pub(super) fn free(&mut self, dead: &[usize]) {
        for values in &mut self.images {
            dead.iter().for_each(|value| values[*value] = Vec::new());
        }
    }

    /// Returns the newest value of each image.
    pub(super) fn newest(&self) -> impl Iterator<Item = &[i8]> {
        self.images.iter().map(|values| values.last().map_or(&[][..], Vec::as_slice))
    }
}
