//! Differences between the int8 and the f32 network, layer by layer.

use super::real::Affine;
use crate::data::batches;
use crate::model::Model;
use anyhow::Result;
use common::dataset::Images;
use common::quantized::arithmetic::{logit, signed};
use common::quantized::{Operation, QuantizedNetwork, accumulators, run_step};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// Images by which own errors are measured, and how many of them at a time.
const IMAGES: usize = 32;
const BATCH: usize = 8;
/// The error of a layer whose f32 results are constant, and other ones.
const LARGEST: f64 = 1e6;

/// Sums over the results of a layer, by channel.
pub(super) struct Difference {
    channels: Vec<Sums>,
}

#[derive(Clone, Copy, Default)]
struct Sums {
    count: f64,
    squared_error: f64,
    sum: f64,
    squares: f64,
}

impl Difference {
    pub(super) fn new(channels: usize) -> Difference {
        Difference { channels: vec![Sums::default(); channels] }
    }

    /// Adds one result of a channel.
    pub(super) fn add(&mut self, channel: usize, exact: f64, found: f64) {
        let sums = &mut self.channels[channel];
        sums.count += 1.0;
        sums.squared_error += (found - exact).powi(2);
        sums.sum += exact;
        sums.squares += exact * exact;
    }

    /// Adds the results of an image: all of them, in order of channels.
    fn add_image(&mut self, exact: &[f32], found: impl Fn(usize, usize) -> f64) {
        let plane = exact.len() / self.channels.len();
        for (at, exact) in exact.iter().enumerate() {
            self.add(at / plane, f64::from(*exact), found(at / plane, at));
        }
    }

    /// Returns the root mean square error as a share of the standard deviation of the exact
    /// results; `by_channel` for the root mean square of this over channels.
    pub(super) fn relative(&self, by_channel: bool) -> f64 {
        let ratio = |error: f64, variance: f64| match (error, variance) {
            (0.0, _) => 0.0,
            (error, variance) => (error / variance.max(error / LARGEST / LARGEST)).sqrt(),
        };
        let variance = |sums: &Sums| (sums.squares - sums.sum * sums.sum / sums.count).max(0.0);
        if by_channel {
            // Constant channels have no error to speak of.
            let live = self.channels.iter().filter(|sums| variance(sums) > 1e-12 * sums.squares);
            let squares: Vec<f64> =
                live.map(|sums| ratio(sums.squared_error, variance(sums)).powi(2)).collect();
            return (squares.iter().sum::<f64>() / squares.len().max(1) as f64).sqrt();
        }
        let all = self.channels.iter().fold(Sums::default(), |all, sums| Sums {
            count: all.count + sums.count,
            squared_error: all.squared_error + sums.squared_error,
            sum: all.sum + sums.sum,
            squares: all.squares + sums.squares,
        });
        ratio(all.squared_error, variance(&all))
    }
}

/// Returns for each step the error that it would have if the values that it reads were those of
/// the f32 network, rounded to bytes. `real` is the meaning of each value, and `logit_scale` that
/// of logits.
///
/// # Errors
/// Fails if the images do not fit the network.
pub(super) fn own(
    model: &Model,
    images: &Images,
    network: &QuantizedNetwork,
    real: &[Vec<Affine>],
    logit_scale: f64,
) -> Result<Vec<f64>> {
    let plan = &network.plan;
    let mut differences: Vec<Difference> = (0..plan.steps.len())
        .map(|step| Difference::new(plan.made_by(step).shape.channels))
        .collect();
    let indices: Vec<usize> = (0..images.len().min(IMAGES)).collect();
    for indices in indices.chunks(BATCH) {
        let exact = values_of_nodes(model, images, indices, network)?;
        let found: Vec<Vec<Vec<f64>>> = indices
            .par_iter()
            .enumerate()
            .map(|(nth, &image)| {
                let exact = |node: usize| nth_of(&exact[&node], nth, indices.len());
                results(network, images.image(image), &exact, real, logit_scale)
            })
            .collect();
        for (nth, found) in found.iter().enumerate() {
            for (step, found) in found.iter().enumerate() {
                if let Some(node) = plan.made_by(step).node {
                    let exact = nth_of(&exact[&node], nth, indices.len());
                    differences[step].add_image(exact, |_, at| found[at]);
                }
            }
        }
    }
    let by_channel = |step: usize| matches!(plan.steps[step].operation, Operation::Convolve { .. });
    Ok(differences.iter().enumerate().map(|(step, d)| d.relative(by_channel(step))).collect())
}

fn nth_of(values: &[f32], nth: usize, of: usize) -> &[f32] {
    let size = values.len() / of;
    &values[nth * size..][..size]
}

/// Computes the f32 network and returns the values of the nodes that steps compute.
fn values_of_nodes(
    model: &Model,
    images: &Images,
    indices: &[usize],
    network: &QuantizedNetwork,
) -> Result<BTreeMap<usize, Vec<f32>>> {
    let wanted: Vec<usize> = network.plan.values.iter().filter_map(|value| value.node).collect();
    let mut found = BTreeMap::new();
    let batch = batches::batch(images, indices, &model.network().input)?;
    model.observe(&batch, &mut |node, values| {
        if wanted.contains(&node) {
            found.insert(node, values()?);
        }
        Ok(())
    })?;
    Ok(found)
}

/// Returns what each step makes of an image's f32 values, rounded to bytes.
fn results<'a>(
    network: &QuantizedNetwork,
    pixels: &[u8],
    exact: &impl Fn(usize) -> &'a [f32],
    real: &[Vec<Affine>],
    logit_scale: f64,
) -> Vec<Vec<f64>> {
    let (plan, parameters) = (&network.plan, &network.parameters);
    let mut values: Vec<Vec<i8>> = vec![pixels.iter().map(|pixel| signed(*pixel)).collect()];
    let mut results = Vec::with_capacity(plan.steps.len());
    for (step, value) in plan.values[1..].iter().enumerate() {
        let meaning = &real[step + 1];
        let plane = value.shape.plane();
        if let Operation::Classify { .. } = plan.steps[step].operation {
            let sums = accumulators(plan, parameters, step, &values);
            let multipliers = &parameters.filters(step).multipliers;
            let logits = sums.iter().zip(multipliers);
            results.push(logits.map(|(s, m)| f64::from(logit(*s, *m)) * logit_scale).collect());
        } else {
            let made = run_step(plan, parameters, step, &values);
            let reals = made.iter().enumerate().map(|(at, x)| meaning[at / plane].real(*x));
            results.push(reals.collect());
        }
        let rounded = value.node.map(|node| {
            let bytes = exact(node).iter().enumerate();
            let byte = |(at, x): (usize, &f32)| {
                meaning.get(at / plane).map_or(0, |affine| affine.value(f64::from(*x)))
            };
            bytes.map(byte).collect()
        });
        values.push(rounded.unwrap_or_default());
    }
    results
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_shares_of_standard_deviations() {
        let mut difference = Difference::new(2);
        for (channel, exact, found) in
            [(0, 1.0, 1.1), (0, -1.0, -0.9), (1, 5.0, 5.0), (1, 5.0, 5.0)]
        {
            difference.add(channel, exact, found);
        }
        assert!((difference.relative(true) - 0.1).abs() < 1e-12);
        let variance = 2.0f64 + 50.0 - 25.0;
        assert!((difference.relative(false) - (0.02 / variance).sqrt()).abs() < 1e-12);
        let mut constant = Difference::new(1);
        constant.add(0, 3.0, 4.0);
        assert_eq!((constant.relative(true), constant.relative(false)), (0.0, LARGEST));
    }
}
