//! The mean function of the Gaussian process: errors fall, and times rise, along the cost.

use super::kernel::Point;

/// Variance of values around the line, divided by the prior variance of its slope: with a few
/// observations the slope stays small. Chosen on the digits table and CIFAR-10 (docs/search.md).
const RIDGE: f64 = 0.16;

/// A line along the cost of points, found by ridge regression (Hoerl and Kennard 1970).
#[derive(Clone, Copy, Debug)]
pub(super) struct Trend {
    /// Mean of the values and of the costs.
    value: f64,
    cost: f64,
    slope: f64,
}

impl Trend {
    /// Returns the line through values at points, of which there is at least one.
    pub(super) fn of(points: &[Point], values: &[f64]) -> Trend {
        let count = values.len() as f64;
        let value = values.iter().sum::<f64>() / count;
        let cost = points.iter().map(|point| point.cost).sum::<f64>() / count;
        let pairs = points.iter().zip(values).map(|(p, v)| (p.cost - cost, v - value));
        let (product, square) = pairs.fold((0.0, RIDGE), |(product, square), (along, up)| {
            (product + along * up, square + along * along)
        });
        Trend { value, cost, slope: product / square }
    }

    /// Returns the line's value at a point.
    pub(super) fn at(&self, point: &Point) -> f64 {
        self.value + self.slope * (point.cost - self.cost)
    }

    /// Returns a line without slope.
    #[cfg(test)]
    pub(super) fn level(value: f64) -> Trend {
        Trend { value, cost: 0.0, slope: 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trend(pairs: &[(f64, f64)]) -> Trend {
        let point = |cost| Point { labels: vec![], numbers: vec![], cost };
        let points: Vec<Point> = pairs.iter().map(|(cost, _)| point(*cost)).collect();
        let values: Vec<f64> = pairs.iter().map(|(_, value)| *value).collect();
        Trend::of(&points, &values)
    }

    /// Costs 0 and 1, values 3 and 1: the slope is (-1/2 * 1 + 1/2 * -1) / (1/2 + RIDGE).
    #[test]
    fn two_points_by_hand() {
        let line = trend(&[(0.0, 3.0), (1.0, 1.0)]);
        assert!((line.slope + 1.0 / 0.66).abs() < 1e-12, "{line:?}");
        assert_eq!((line.value, line.cost), (2.0, 0.5));
    }

    #[test]
    fn many_points_determine_the_slope_and_equal_costs_give_none() {
        let of = |index: u32| (f64::from(index) / 999.0, 2.0 - 0.5 * f64::from(index) / 999.0);
        let line = trend(&(0..1000).map(of).collect::<Vec<_>>());
        assert!((line.slope + 0.5).abs() < 0.002, "{line:?}");
        assert_eq!(trend(&[(0.5, 1.0), (0.5, 3.0)]).slope, 0.0);
    }
}
