//! Objective vectors and the distances between them, normalised or not.
//!
//! Normalisation does not divide: dividing by a range rounds, and rounding breaks the ties of
//! evenly spaced points. Distances between normalised points are stored multiplied by the product
//! of all ranges, which keeps their order.

use super::double_double::DoubleDouble;
use anyhow::{Result, ensure};

/// Largest number of objectives; a limit keeps products of ranges from overflowing.
const MAX_OBJECTIVES: usize = 100;

/// How objectives are normalised before distances are computed. Dominance does not depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Normalize {
    /// Not at all, as in TIK-Report 103.
    None,
    /// Each objective is scaled to 0..1 over the list of points.
    Minmax,
    /// As `Minmax`, after log10 of all objectives but the first.
    LogMinmax,
}

/// Objective vectors (all minimised) and the distances between them.
#[derive(Clone, Debug)]
pub struct Points {
    objectives: Vec<Vec<f64>>,
    /// By point and axis: the objective or its logarithm, divided by a power of two.
    coordinates: Vec<Vec<f64>>,
    /// By axis: the factor of differences; with normalisation, the product of the other axes'
    /// ranges.
    weights: Vec<DoubleDouble>,
    /// The factor from a weighted distance to the distance.
    unit: f64,
}

impl Points {
    /// Creates points from objective vectors of equal length, 2 to 100.
    ///
    /// # Errors
    /// Fails if a vector has the wrong length, if a value is not finite, or if a value of which the
    /// logarithm is needed is not positive.
    pub fn new(objectives: Vec<Vec<f64>>, normalize: Normalize) -> Result<Points> {
        check(&objectives)?;
        let axes = objectives.first().map_or(0, Vec::len);
        // Adding 0 turns -0 into 0, so that equal vectors also compare as equal in the total order.
        let objectives: Vec<Vec<f64>> =
            objectives.into_iter().map(|v| v.into_iter().map(|x| x + 0.0).collect()).collect();
        let mut points = Points {
            coordinates: objectives.clone(),
            objectives,
            weights: vec![DoubleDouble::ONE; axes],
            unit: 1.0,
        };
        match normalize {
            Normalize::None => points.scale_all(),
            Normalize::Minmax => points.normalize_axes(),
            Normalize::LogMinmax => {
                points.take_logarithms()?;
                points.normalize_axes();
            }
        }
        Ok(points)
    }

    /// Returns the number of points.
    pub fn len(&self) -> usize {
        self.objectives.len()
    }

    /// Returns whether there are no points.
    pub fn is_empty(&self) -> bool {
        self.objectives.is_empty()
    }

    /// Returns the objective vector of a point, not normalised.
    pub fn objectives(&self, point: usize) -> &[f64] {
        &self.objectives[point]
    }

    /// Returns the square of the weighted distance of two points, which orders pairs of points as
    /// their distances do.
    pub fn squared_distance(&self, a: usize, b: usize) -> DoubleDouble {
        let axes = self.coordinates[a].iter().zip(&self.coordinates[b]).zip(&self.weights);
        axes.fold(DoubleDouble::ZERO, |sum, ((a, b), weight)| {
            let side = DoubleDouble::difference(*a, *b).times(*weight);
            sum.plus(side.times(side))
        })
    }

    /// Converts a [`squared_distance`](Self::squared_distance) to the distance.
    pub fn distance(&self, squared: DoubleDouble) -> f64 {
        squared.to_f64().sqrt() * self.unit
    }

    /// Scales all axes alike, so that squares of very large or small objectives fit `f64`.
    fn scale_all(&mut self) {
        let magnitude = self.coordinates.iter().flatten().fold(0.0, |m: f64, x| m.max(x.abs()));
        self.unit = power_of_two_below(magnitude);
        self.coordinates.iter_mut().flatten().for_each(|x| *x /= self.unit);
    }

    fn take_logarithms(&mut self) -> Result<()> {
        for (point, vector) in self.coordinates.iter_mut().enumerate() {
            for (axis, x) in vector.iter_mut().enumerate().skip(1) {
                ensure!(
                    *x > 0.0,
                    "objectives[{point}][{axis}] is {x}, which has no logarithm: it must be above 0"
                );
                *x = x.log10();
            }
        }
        Ok(())
    }

    fn normalize_axes(&mut self) {
        let ranges: Vec<DoubleDouble> =
            (0..self.weights.len()).map(|axis| self.scale_axis(axis)).collect();
        let product = |left_out: Option<usize>| {
            let others = ranges.iter().enumerate().filter(|(axis, _)| Some(*axis) != left_out);
            others.fold(DoubleDouble::ONE, |product, (_, range)| product.times(*range))
        };
        self.weights = (0..ranges.len()).map(|axis| product(Some(axis))).collect();
        self.unit = 1.0 / product(None).to_f64();
    }

    /// Divides an axis by powers of two, which is exact, so that its range is in 1..2, and returns
    /// the range. Returns 1 for an axis on which all points are equal: it does not contribute to
    /// distances, so any range will do.
    fn scale_axis(&mut self, axis: usize) -> DoubleDouble {
        let column =
            |points: &Self| points.coordinates.iter().map(|v| v[axis]).collect::<Vec<f64>>();
        let magnitude = column(self).iter().fold(0.0, |m: f64, x| m.max(x.abs()));
        self.divide_axis(axis, power_of_two_below(magnitude));
        let range = range(&column(self));
        if range == DoubleDouble::ZERO {
            return DoubleDouble::ONE;
        }
        let divisor = power_of_two_below(range.to_f64());
        self.divide_axis(axis, divisor);
        range.times(DoubleDouble::difference(1.0 / divisor, 0.0))
    }

    fn divide_axis(&mut self, axis: usize, divisor: f64) {
        self.coordinates.iter_mut().for_each(|vector| vector[axis] /= divisor);
    }
}

fn check(objectives: &[Vec<f64>]) -> Result<()> {
    let axes = objectives.first().map_or(0, Vec::len);
    for (point, vector) in objectives.iter().enumerate() {
        ensure!(
            (2..=MAX_OBJECTIVES).contains(&vector.len()),
            "objectives[{point}] has {} values, but it must have 2 to {MAX_OBJECTIVES}",
            vector.len()
        );
        ensure!(
            vector.len() == axes,
            "objectives[{point}] has {} values, but objectives[0] has {axes}",
            vector.len()
        );
        for (axis, x) in vector.iter().enumerate() {
            ensure!(
                x.is_finite(),
                "objectives[{point}][{axis}] is {x}; every objective must be a finite number"
            );
        }
    }
    Ok(())
}

fn range(column: &[f64]) -> DoubleDouble {
    let low = column.iter().copied().fold(f64::INFINITY, f64::min);
    let high = column.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if low < high { DoubleDouble::difference(high, low) } else { DoubleDouble::ZERO }
}

/// Returns the largest power of two that is not above `x` (`x` with its mantissa cleared), and 1
/// for 0.
fn power_of_two_below(x: f64) -> f64 {
    const EXPONENT: u64 = 0x7ff0_0000_0000_0000;
    if x == 0.0 { 1.0 } else { f64::from_bits(x.to_bits() & EXPONENT).max(f64::MIN_POSITIVE) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distances(objectives: &[[f64; 2]], normalize: Normalize) -> Vec<f64> {
        let points =
            Points::new(objectives.iter().map(|v| v.to_vec()).collect(), normalize).unwrap();
        let pairs = (0..points.len()).flat_map(|a| (0..a).map(move |b| (b, a)));
        pairs.map(|(a, b)| points.distance(points.squared_distance(a, b))).collect()
    }

    fn assert_close(got: &[f64], want: &[f64]) {
        assert_eq!(got.len(), want.len());
        let close = got.iter().zip(want).all(|(g, w)| (g - w).abs() <= 1e-12 * w.abs());
        assert!(close, "{got:?} is not {want:?}");
    }

    #[test]
    fn distances_by_hand() {
        let points = [[0.0, 1000.0], [3.0, 1004.0], [0.5, 100_000.0]];
        assert_close(&distances(&points[..2], Normalize::None), &[5.0]);
        assert_close(&distances(&points[..2], Normalize::Minmax), &[2f64.sqrt()]);
        // The third lies at (1/6, 1) of the ranges 3 and 99,000, the second at (1, 4/99,000).
        let far: f64 = 4.0 / 99_000.0;
        let want = [
            (1.0 + far * far).sqrt(),
            (1.0f64 + 1.0 / 36.0).sqrt(),
            (25.0f64 / 36.0 + (1.0 - far).powi(2)).sqrt(),
        ];
        assert_close(&distances(&points, Normalize::Minmax), &want);
        let decades = [[0.0, 1e4], [1.0, 1e5], [0.0, 1e6]];
        assert_close(
            &distances(&decades, Normalize::LogMinmax),
            &[1.25f64.sqrt(), 1.0, 1.25f64.sqrt()],
        );
    }

    #[test]
    fn an_axis_without_range_has_no_part_and_extremes_stay_finite() {
        assert_close(
            &distances(&[[0.2, 7.0], [0.4, 7.0], [0.6, 7.0]], Normalize::Minmax),
            &[0.5, 1.0, 0.5],
        );
        assert_close(&distances(&[[1.0, 1.0]; 2], Normalize::LogMinmax), &[0.0]);
        for size in [5e-324, 1e-310, 1e-200, 1e200, f64::MAX] {
            let points = [[-size, size], [size, -size], [0.0, 0.0]];
            let normalised = distances(&points, Normalize::Minmax);
            assert_close(&normalised, &[2f64.sqrt(), 0.5f64.sqrt(), 0.5f64.sqrt()]);
            assert!(distances(&points, Normalize::None).iter().all(|d| *d > 0.0));
        }
    }

    #[test]
    fn evenly_spaced_points_stay_evenly_spaced() {
        let line: Vec<Vec<f64>> =
            (0..10).map(|i| vec![f64::from(i) * 7.0, f64::from(9 - i)]).collect();
        let points = Points::new(line, Normalize::Minmax).unwrap();
        let steps: Vec<DoubleDouble> = (1..10).map(|i| points.squared_distance(i - 1, i)).collect();
        assert!(steps.iter().all(|step| *step == steps[0]), "{steps:?}");
    }

    #[test]
    fn bad_vectors_are_refused_with_their_place() {
        let error = |objectives: &[&[f64]], normalize| {
            Points::new(objectives.iter().map(|v| v.to_vec()).collect(), normalize)
                .unwrap_err()
                .to_string()
        };
        assert!(error(&[&[1.0]], Normalize::None).contains("objectives[0] has 1 values"));
        assert!(
            error(&[&[1.0, 2.0], &[1.0, 2.0, 3.0]], Normalize::None)
                .contains("objectives[1] has 3 values")
        );
        assert!(error(&[&[1.0, f64::NAN]], Normalize::None).contains("objectives[0][1] is NaN"));
        assert!(
            error(&[&[f64::INFINITY, 1.0]], Normalize::Minmax).contains("objectives[0][0] is inf")
        );
        assert!(
            error(&[&[0.0, 1.0], &[0.0, 0.0]], Normalize::LogMinmax)
                .contains("objectives[1][1] is 0")
        );
        assert!(error(&[&[0.0; 101]], Normalize::None).contains("2 to 100"));
        assert!(
            Points::new(vec![vec![0.0, 1.0]], Normalize::LogMinmax).is_ok(),
            "the first objective may be 0"
        );
    }
}
