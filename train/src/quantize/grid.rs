//! The grid of a table: which arguments share an index, and what the bytes of the results mean.
//!
//! A grid is chosen by the squared error of the results of sampled arguments. Its phase matters: 0
//! in the middle of a bin makes a linear function exact if results have the step of arguments, and
//! 0 between two bins keeps the sides of a function apart that jumps there.

use super::ranges::{CLIPPED, quantile};
use crate::ops::rounding::bins::Bins;
use common::network::activation::{Activation, PiecewiseActivation, SELU_SCALE};
use common::quantized::Method;
use common::quantized::parameters::TABLE;

/// Shares of the samples beyond an end of the grid that are tried.
const SHARES: [f64; 5] = [0.0, 1e-4, 1e-3, 4e-3, 1e-2];
/// Ends of the grid that are tried on a side where the function is bounded.
const BOUNDED: [f64; 7] = [2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0];
/// Samples that the search uses, about.
const SEARCHED: usize = 16_384;

/// A grid with its table.
#[derive(Clone, Debug)]
pub(super) struct Grid {
    /// Difference of the arguments of neighbouring indices.
    pub(super) step: f64,
    /// Index of the argument 0, with its fraction: the index of `p` is the floor of
    /// `p / step + origin`.
    pub(super) origin: f64,
    /// Difference of the results of neighbouring bytes.
    pub(super) scale: f64,
    /// The byte of the result 0.
    pub(super) zero_point: u8,
    pub(super) table: [u8; TABLE],
}

/// The arguments of a table that were seen, sorted.
pub(super) struct Arguments {
    sorted: Vec<f32>,
    results: Vec<f64>,
    low: f64,
    high: f64,
}

impl Arguments {
    /// Returns the arguments with these samples and extremes.
    pub(super) fn new(
        pair: PiecewiseActivation,
        mut samples: Vec<f32>,
        (low, high): (f32, f32),
    ) -> Arguments {
        samples.sort_unstable_by(f32::total_cmp);
        let every = samples.len().div_ceil(SEARCHED).max(1);
        let sorted: Vec<f32> = samples.into_iter().step_by(every).collect();
        let results = sorted.iter().map(|p| pair.value(f64::from(*p))).collect();
        Arguments { sorted, results, low: f64::from(low), high: f64::from(high) }
    }

    fn squared_error(&self, grid: &Grid) -> f64 {
        let real =
            grid.table.map(|byte| grid.scale * (f64::from(byte) - f64::from(grid.zero_point)));
        let of = |(argument, result): (&f32, &f64)| {
            let exact = (f64::from(*argument) / grid.step + grid.origin).floor();
            let index = exact.clamp(0.0, 255.0);
            let weight = if index == exact { 1.0 } else { CLIPPED };
            weight * (real[index as usize] - result).powi(2)
        };
        self.sorted.iter().zip(&self.results).map(of).sum()
    }

    /// Returns the ends to try below 0; the first one is the smallest argument.
    fn lower_ends(&self, pair: PiecewiseActivation) -> Vec<f64> {
        let quantiles = SHARES[1..].iter().map(|share| quantile(&self.sorted, *share));
        let bounded = is_bounded_below(pair.left).then_some(BOUNDED.map(|end| -end));
        let ends = quantiles.chain(bounded.into_iter().flatten()).chain([0.0]);
        let inside = ends.filter(|end| *end <= 0.0 && *end > self.low);
        std::iter::once(self.low.min(0.0)).chain(inside).collect()
    }

    /// Returns the ends to try above 0; the first one is the largest argument.
    fn upper_ends(&self, pair: PiecewiseActivation) -> Vec<f64> {
        let quantiles = SHARES[1..].iter().map(|share| quantile(&self.sorted, 1.0 - share));
        let bounded = is_bounded_above(pair.right).then_some(BOUNDED);
        let ends = quantiles.chain(bounded.into_iter().flatten()).chain([0.0]);
        let inside = ends.filter(|end| *end >= 0.0 && *end < self.high);
        std::iter::once(self.high.max(0.0)).chain(inside).collect()
    }
}

/// Returns the grid of a function for some arguments; `None` if they are all 0.
pub(super) fn choose(
    pair: PiecewiseActivation,
    arguments: &Arguments,
    method: Method,
) -> Option<Grid> {
    let (mut lower, mut upper) = (arguments.lower_ends(pair), arguments.upper_ends(pair));
    match method {
        Method::Mse => {}
        Method::Minmax => {
            lower.truncate(1);
            upper.truncate(1);
        }
        Method::Percentile => {
            lower = vec![quantile(&arguments.sorted, SHARES[1]).min(0.0)];
            upper = vec![quantile(&arguments.sorted, 1.0 - SHARES[1]).max(0.0)];
            if lower[0] == upper[0] {
                (lower[0], upper[0]) = (arguments.low.min(0.0), arguments.high.max(0.0));
            }
        }
    }
    let mut best: Option<(f64, Grid)> = None;
    for phase in [0.0, 0.5] {
        let (mut low, mut high) = (lower[0], upper[0]);
        for _ in 0..2 {
            high = best_end(&upper, high, |end| error_between(pair, arguments, (low, end), phase));
            low = best_end(&lower, low, |end| error_between(pair, arguments, (end, high), phase));
        }
        for grid in grids(pair, (low, high), phase) {
            let error = arguments.squared_error(&grid);
            if best.as_ref().is_none_or(|(least, _)| error < *least) {
                best = Some((error, grid));
            }
        }
    }
    best.map(|(_, grid)| grid)
}

fn best_end(ends: &[f64], default: f64, error: impl Fn(f64) -> f64) -> f64 {
    let mut best = (f64::INFINITY, default);
    for &end in ends {
        let error = error(end);
        if error < best.0 {
            best = (error, end);
        }
    }
    best.1
}

fn error_between(
    pair: PiecewiseActivation,
    arguments: &Arguments,
    ends: (f64, f64),
    phase: f64,
) -> f64 {
    let errors = grids(pair, ends, phase).into_iter().map(|grid| arguments.squared_error(&grid));
    errors.fold(f64::INFINITY, f64::min)
}

/// Returns the grids from `low`, at most 0, to `high`, at least 0, with some steps of the results.
fn grids(pair: PiecewiseActivation, (low, high): (f64, f64), phase: f64) -> Vec<Grid> {
    let last = (TABLE - 1) as f64;
    let Some(Bins { step, origin }) = Bins::new(low, high, phase) else {
        return Vec::new();
    };
    let results: [f64; TABLE] =
        std::array::from_fn(|index| pair.value((index as f64 + 0.5 - origin) * step));
    let least = results.iter().copied().fold(0.0, f64::min);
    let natural = (results.iter().copied().fold(0.0, f64::max) - least) / last;
    let scales = [natural, step, step / 2.0, step * SELU_SCALE];
    let grid = |scale: f64| {
        let zero_point = (-least / scale - 1e-6).ceil().clamp(0.0, last);
        let byte = |result: f64| (result / scale + zero_point).round().clamp(0.0, last) as u8;
        Grid { step, origin, scale, zero_point: zero_point as u8, table: results.map(byte) }
    };
    // Smaller ones would not reach all results.
    scales.into_iter().filter(|scale| *scale > 0.0 && *scale >= natural).map(grid).collect()
}

fn is_bounded_below(activation: Activation) -> bool {
    match activation {
        Activation::Relu
        | Activation::Elu
        | Activation::Sigmoid
        | Activation::Tanh
        | Activation::Swish
        | Activation::Selu => true,
        Activation::Linear => false,
    }
}

fn is_bounded_above(activation: Activation) -> bool {
    match activation {
        Activation::Sigmoid | Activation::Tanh => true,
        Activation::Relu
        | Activation::Elu
        | Activation::Swish
        | Activation::Selu
        | Activation::Linear => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use common::seed;
    use rand::RngExt;

    /// Returns arguments that are almost normally distributed.
    fn arguments(pair: PiecewiseActivation) -> Arguments {
        let mut rng = seed::stream(1, "arguments");
        let mut normal = || (0..12).map(|_| rng.random_range(-0.5..0.5f32)).sum::<f32>() * 1.3;
        let samples: Vec<f32> = (0..20_000).map(|_| normal()).collect();
        let low = samples.iter().copied().fold(0.0, f32::min);
        let high = samples.iter().copied().fold(0.0, f32::max);
        Arguments::new(pair, samples, (low, high))
    }

    fn relative_error(pair: PiecewiseActivation, arguments: &Arguments, grid: &Grid) -> f64 {
        let mean = arguments.results.iter().sum::<f64>() / arguments.results.len() as f64;
        let variance: f64 = arguments.results.iter().map(|y| (y - mean).powi(2)).sum();
        assert!(variance > 0.0, "{pair}");
        (arguments.squared_error(grid) / variance).sqrt()
    }

    #[test]
    fn every_pair_has_a_grid_with_a_small_error() {
        for pair in PiecewiseActivation::all() {
            let arguments = arguments(pair);
            for method in Method::ALL {
                let grid = choose(pair, &arguments, method).unwrap();
                let error = relative_error(pair, &arguments, &grid);
                assert!(error < 0.02, "{pair} {method:?}: {error}");
                assert!(
                    grid.table.iter().all(|byte| *byte != 0 || least(pair) < 0.0)
                        || grid.zero_point == 0,
                    "{pair}"
                );
            }
            let by_error = choose(pair, &arguments, Method::Mse).unwrap();
            let by_extremes = choose(pair, &arguments, Method::Minmax).unwrap();
            assert!(
                arguments.squared_error(&by_error) <= arguments.squared_error(&by_extremes),
                "{pair}"
            );
        }
    }

    fn least(pair: PiecewiseActivation) -> f64 {
        (-100..=0).map(|i| pair.value(f64::from(i) / 10.0)).fold(0.0, f64::min)
    }

    #[test]
    fn a_jump_at_0_is_between_two_bins_and_a_linear_side_is_exact() {
        let pair = |left, right| PiecewiseActivation { left, right };
        for jumping in PiecewiseActivation::all().filter(|pair| pair.jumps_at_zero()) {
            let grid = choose(jumping, &arguments(jumping), Method::Mse).unwrap();
            assert_eq!(grid.origin.fract(), 0.0, "{jumping}");
        }
        let relu = pair(Activation::Relu, Activation::Relu);
        let grid = choose(relu, &arguments(relu), Method::Mse).unwrap();
        assert_eq!((grid.origin, grid.zero_point, grid.scale), (0.5, 0, grid.step));
        assert!((0..=255u8).all(|index| grid.table[usize::from(index)] == index));
    }

    #[test]
    fn arguments_of_one_sign_or_of_one_value_have_a_grid() {
        let elu = PiecewiseActivation { left: Activation::Elu, right: Activation::Tanh };
        for (low, high) in [(0.5, 2.0), (-2.0, -0.5), (0.7, 0.7), (-1e-30, 0.0)] {
            let samples = vec![low, (low + high) / 2.0, high];
            let arguments = Arguments::new(elu, samples, (low, high));
            for method in Method::ALL {
                let grid = choose(elu, &arguments, method).unwrap();
                assert!(grid.step > 0.0 && grid.scale > 0.0, "{low} {high} {grid:?}");
            }
        }
        assert!(choose(elu, &Arguments::new(elu, vec![0.0; 3], (0.0, 0.0)), Method::Mse).is_none());
    }
}
