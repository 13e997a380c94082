//! Tables: batch normalisation and activation.

use super::grid::{Arguments, choose};
use super::real::{Affine, norms};
use super::samples::Observed;
use super::state::State;
use super::table;
use anyhow::{Context, Result, ensure};
use common::network::activation::PiecewiseActivation;
use common::quantized::{Meaning, Operand, StepParameters};

/// Finds the table of a step, of the function `pair` with these arguments, and runs it. Without
/// observed arguments, they are those of an image.
///
/// # Errors
/// Fails if all arguments are the same.
pub(super) fn run(
    state: &mut State,
    observed: Option<&Observed>,
    step: usize,
    pair: PiecewiseActivation,
    operands: &[Operand],
    norms_after: &[usize],
) -> Result<()> {
    let functions = functions(state, operands, norms_after);
    let (samples, (low, high)) = match observed {
        Some(observed) => (
            observed.channels.iter().flat_map(|channel| &channel.samples).copied().collect(),
            observed.extremes(),
        ),
        None => pixels(&functions[0]),
    };
    let arguments = Arguments::new(pair, samples, (low, high));
    let constant = "it computes the same number everywhere for all calibration images, so its \
                    range has no width: train the network further or on more images";
    ensure!(low < high, constant);
    let grid = choose(pair, &arguments, state.method).context(constant)?;
    state.parameters.steps.push(StepParameters::Table(table::table(&grid, &functions)));
    state.pipeline.run(&state.plan, &state.parameters, step);
    let real = vec![
        Affine::of_table(grid.scale, grid.zero_point);
        state.plan.made_by(step).shape.channels
    ];
    // What reads the image reads exact values, and has no error but its own.
    let error =
        observed.map(|seen| state.difference(seen, |p| pair.value(p), &real).relative(false));
    state.real.push(real);
    let meaning = Meaning::Table {
        scale: grid.scale,
        zero_point: u64::from(grid.zero_point),
        step: grid.step,
        origin: grid.origin,
        low: f64::from(low),
        high: f64::from(high),
    };
    state.meanings.push(Some((meaning, error)));
    Ok(())
}

/// Returns the affine functions of the operands whose sum is the argument.
fn functions(state: &State, operands: &[Operand], norms_after: &[usize]) -> Vec<Vec<Affine>> {
    let mut functions: Vec<Vec<Affine>> =
        operands.iter().map(|operand| state.functions(operand)).collect();
    let after = norms(state.network, state.weights, norms_after, functions[0].len());
    for (nth, functions) in functions.iter_mut().enumerate() {
        for (function, after) in functions.iter_mut().zip(&after) {
            // The offset of what comes after a sum counts once.
            let offset = if nth == 0 { after.offset } else { 0.0 };
            *function = function.then(Affine { scale: after.scale, offset });
        }
    }
    functions
}

/// Returns every pixel of every channel once, and their extremes.
fn pixels(functions: &[Affine]) -> (Vec<f32>, (f32, f32)) {
    let all: Vec<f32> = functions
        .iter()
        .flat_map(|function| (i8::MIN..=i8::MAX).map(|value| function.real(value) as f32))
        .collect();
    let low = all.iter().copied().fold(f32::INFINITY, f32::min);
    let high = all.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    (all, (low, high))
}
