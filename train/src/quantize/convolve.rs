//! Convolutions.

use super::filters::{RealFilter, filters, rounded};
use super::ranges;
use super::real::Affine;
use super::samples::Observed;
use super::state::State;
use anyhow::{Result, ensure};
use common::quantized::arithmetic::requantized;
use common::quantized::{Filters, Meaning, Method, StepParameters};

/// A step of the results is at least this many times the unit of their sums, so that multipliers
/// stay below one half.
const LEAST_STEP: f64 = 2.04;

/// Finds the filters of a convolution with these results, and runs it.
///
/// # Errors
/// Fails if all results of each filter are the same, or if a sum needs more than 32 bits.
pub(super) fn run(
    state: &mut State,
    observed: &Observed,
    step: usize,
    input: usize,
    node: usize,
) -> Result<()> {
    ensure!(
        observed.channels.iter().any(|channel| channel.low < channel.high),
        "each of its filters computes the same number everywhere for all calibration images, so \
         their ranges have no width: train the network further or on more images"
    );
    let reads = state.real[input].clone();
    let name = &state.network.nodes[node].name;
    let weights = &state.weights.get(&format!("{name}.weight")).data;
    let filter = weights.len() / observed.channels.len();
    let taps = filter / reads.len();
    // One unit of a sum means the same for all channels.
    let unit = reads[0].scale;
    let scaled: Vec<f64> = weights
        .iter()
        .enumerate()
        .map(|(at, w)| f64::from(*w) * reads[at % filter / taps].scale / unit)
        .collect();
    let rounded = rounded(&scaled, filter, &vec![0.0; observed.channels.len()], state.method);
    let units: Vec<f64> = rounded.scales.iter().map(|scale| scale * unit).collect();
    let real = results(observed, &units, state.method);
    let zeros: Vec<f64> = reads.iter().map(|channel| channel.zero_point()).collect();
    let found: Vec<RealFilter> = rounded
        .weights
        .chunks(filter)
        .zip(units.iter().zip(&real))
        .map(|(weights, (unit, real))| real_filter(weights, &zeros, *unit, *real))
        .collect();
    let parameters = filters(rounded.weights, &found, 255)?;
    state.parameters.steps.push(StepParameters::Filters(parameters));
    correct(state, observed, step, found, &real)?;
    let error = state.difference(observed, |x| x, &real).relative(true);
    let meaning = Meaning::Convolution {
        scales: real.iter().map(|channel| channel.scale).collect(),
        offsets: real.iter().map(|channel| channel.offset).collect(),
        low: observed.channels.iter().map(|channel| f64::from(channel.low)).collect(),
        high: observed.channels.iter().map(|channel| f64::from(channel.high)).collect(),
        weight_scales: rounded.scales,
    };
    state.real.push(real);
    state.meanings.push(Some((meaning, Some(error))));
    Ok(())
}

/// Returns the meaning of the results of each filter. `units` are those of their sums.
fn results(observed: &Observed, units: &[f64], method: Method) -> Vec<Affine> {
    let result = |(channel, unit): (&super::samples::Channel, &f64)| {
        if channel.low == channel.high || *unit == 0.0 {
            return Affine { scale: 0.0, offset: channel.mean };
        }
        let mut sorted = channel.samples.clone();
        sorted.sort_unstable_by(f32::total_cmp);
        let (low, high) = ranges::stored(&sorted, channel.low, channel.high, method);
        let scale = ((high - low) / 255.0).max(LEAST_STEP * unit);
        // The middle of the range is between -1 and 0.
        Affine { scale, offset: (low + high) / 2.0 + scale / 2.0 }
    };
    observed.channels.iter().zip(units).map(result).collect()
}

/// Returns what the integers of a filter have to be. `zeros` are the bytes that stand for 0 in each
/// channel that is read.
fn real_filter(weights: &[i8], zeros: &[f64], unit: f64, real: Affine) -> RealFilter {
    if real.scale == 0.0 {
        return RealFilter { unit, scale: 0.0, bias: 0.0 };
    }
    let taps = weights.len() / zeros.len();
    let of_zeros: f64 = weights
        .chunks(taps)
        .zip(zeros)
        .map(|(taps, zero)| taps.iter().map(|w| f64::from(*w)).sum::<f64>() * zero)
        .sum();
    // Half a step more, since a shift floors.
    let bias = (real.scale / 2.0 - real.offset) / unit - of_zeros;
    RealFilter { unit, scale: real.scale, bias }
}

/// Appends the values of the step, with biases changed by the mean difference between its results
/// and those of the f32 network.
fn correct(
    state: &mut State,
    observed: &Observed,
    step: usize,
    mut found: Vec<RealFilter>,
    real: &[Affine],
) -> Result<()> {
    let mut sums = state.pipeline.sums(&state.plan, &state.parameters, step);
    let plane = state.plan.made_by(step).shape.plane();
    let before = state.parameters.filters(step).clone();
    for (f, filter) in found.iter_mut().enumerate().filter(|(_, filter)| filter.scale > 0.0) {
        let values = sums.iter().flat_map(|sums| &sums[f * plane..][..plane]);
        let total: i64 =
            values.map(|sum| i64::from(requantized(*sum, before.multipliers[f]))).sum();
        let mean = total as f64 / (plane * sums.len()) as f64;
        let exact = observed.channels[f].mean;
        filter.bias += (exact - real[f].scale * mean - real[f].offset) / filter.unit;
    }
    let Filters { weights, biases, .. } = before;
    let corrected = filters(weights, &found, 255)?;
    let values = sums.iter_mut().map(|sums| {
        let of = |(f, sums): (usize, &mut [i32])| -> Vec<i8> {
            let change = corrected.biases[f] - biases[f];
            let multiplier = corrected.multipliers[f];
            sums.iter().map(|sum| requantized(sum + change, multiplier)).collect()
        };
        sums.chunks_mut(plane).enumerate().flat_map(of).collect()
    });
    let values = values.collect();
    state.parameters.steps[step] = StepParameters::Filters(corrected);
    state.pipeline.push(values);
    Ok(())
}
