//! The classifier.

use super::errors::Difference;
use super::filters::{RealFilter, filters, rounded};
use super::samples::Observed;
use super::state::State;
use anyhow::Result;
use common::quantized::arithmetic::{MEAN_BITS, logit};
use common::quantized::{Meaning, StepParameters};

/// The largest bias in units of sums.
const LARGEST_BIAS: f64 = (1u32 << 29) as f64;

/// Finds the weights of the classifier `node` with these logits, and runs it.
///
/// # Errors
/// Fails if a sum needs more than 32 bits.
pub(super) fn run(
    state: &mut State,
    observed: &Observed,
    step: usize,
    input: usize,
    node: usize,
) -> Result<()> {
    let reads = state.real[input][0];
    let name = &state.network.nodes[node].name;
    let tensor = |what: &str| -> Vec<f64> {
        state.weights.get(&format!("{name}.{what}")).data.iter().copied().map(f64::from).collect()
    };
    let (weights, biases) = (tensor("weight"), tensor("bias"));
    let features = weights.len() / biases.len();
    let unit_of_means = reads.scale / f64::from(1u32 << MEAN_BITS);
    let largest = weights.iter().fold(f64::MIN_POSITIVE, |largest, w| largest.max(w.abs()));
    // A class without weights has a bias, which needs a unit.
    let least: Vec<f64> = biases
        .iter()
        .map(|bias| (bias.abs() / unit_of_means / LARGEST_BIAS).max(largest * 1e-3 / 127.0))
        .collect();
    let rounded = rounded(&weights, features, &least, state.method);
    let units: Vec<f64> = rounded.scales.iter().map(|scale| scale * unit_of_means).collect();
    // The largest multiplier is 2^30.
    let scale = 4.0 * units.iter().copied().fold(0.0, f64::max);
    let zero = reads.zero_point() * f64::from(1u32 << MEAN_BITS);
    let mut found: Vec<RealFilter> = rounded
        .weights
        .chunks(features)
        .zip(units.iter().zip(&biases))
        .map(|(weights, (unit, bias))| {
            let of_zeros = weights.iter().map(|w| f64::from(*w)).sum::<f64>() * zero;
            RealFilter { unit: *unit, scale, bias: (bias + scale / 2.0) / unit - of_zeros }
        })
        .collect();
    let factor = state.plan.steps[step].largest_factor(&state.plan);
    let parameters = filters(rounded.weights.clone(), &found, factor)?;
    state.parameters.steps.push(StepParameters::Filters(parameters));
    for (class, logits) in logits(state, step).iter().enumerate() {
        let mean = logits.iter().map(|logit| f64::from(*logit)).sum::<f64>() / logits.len() as f64;
        let exact = observed.channels[class].mean;
        found[class].bias += (exact - mean * scale) / found[class].unit;
    }
    state.parameters.steps[step] =
        StepParameters::Filters(filters(rounded.weights, &found, factor)?);
    let mut difference = Difference::new(biases.len());
    for (class, logits) in logits(state, step).iter().enumerate() {
        for (logit, exact) in logits.iter().zip(&observed.channels[class].samples) {
            difference.add(class, f64::from(*exact), f64::from(*logit) * scale);
        }
    }
    state.logit_scale = scale;
    state.real.push(Vec::new());
    let meaning = Meaning::Classifier { weight_scales: rounded.scales };
    state.meanings.push(Some((meaning, Some(difference.relative(false)))));
    Ok(())
}

/// Returns for each class the logits of all images.
fn logits(state: &State, step: usize) -> Vec<Vec<i32>> {
    let multipliers = &state.parameters.filters(step).multipliers;
    let sums = state.pipeline.sums(&state.plan, &state.parameters, step);
    let of =
        |class: usize| sums.iter().map(|sums| logit(sums[class], multipliers[class])).collect();
    (0..multipliers.len()).map(of).collect()
}
