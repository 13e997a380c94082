//! Quantities that are measured after a training: what is expected of them for designs without a
//! measurement, and whether they will be within limits.

use super::design::{Design, Observation};
use super::gaussian_process::{GaussianProcess, Prediction, Value};
use super::kernel::Point;
use super::normal::Normal;

/// Least number of measurements from which a quantity is learned.
const ENOUGH: usize = 8;
/// Least standard deviation of log10 of a value that a limit is compared with, about 2 %: two designs
/// that are both far beyond the limit still differ then.
const LEAST_DEVIATION: f64 = 0.01;

/// A quantity that is measured after a training, above 0.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Quantity {
    /// Position of the cost that stands for it until it is learned, if it is minimised.
    pub cost: Option<usize>,
    /// Largest value of use; `None` for no limit.
    pub limit: Option<f64>,
}

/// What is expected of designs beside their errors.
pub(super) struct Outlook {
    /// Costs as log10 of each design, with those in place that measurements tell.
    pub(super) costs: Vec<Vec<f64>>,
    /// Probability of each design that it is within all limits.
    pub(super) within: Vec<f64>,
}

impl Outlook {
    /// Learns quantities from the observations, whose designs are the first of all designs. The
    /// points are those of the designs.
    pub(super) fn new(
        quantities: &[Quantity],
        designs: &[&Design],
        points: &[Point],
        observations: &[Observation],
        labels: &[usize],
    ) -> Outlook {
        let costs = designs.iter().map(|design| design.costs.clone()).collect();
        let mut outlook = Outlook { costs, within: vec![1.0; designs.len()] };
        for (index, quantity) in quantities.iter().enumerate().filter(|(_, q)| q.matters()) {
            let measured = |observation: &Observation| *observation.measured.get(index)?;
            let forecast = |design: &&Design| *design.forecasts.get(index)?;
            let forecasts: Option<Vec<Normal>> = designs.iter().map(forecast).collect();
            let learned = || learn(points, observations.iter().map(measured), labels);
            if let Some(expected) = forecasts.or_else(learned) {
                outlook.take(quantity, &expected);
            }
        }
        outlook
    }

    /// Takes what is expected of log10 of a quantity.
    fn take(&mut self, quantity: &Quantity, expected: &[Normal]) {
        if let Some(cost) = quantity.cost {
            let places = self.costs.iter_mut().zip(expected);
            places.for_each(|(costs, expected)| costs[cost] = expected.mean);
        }
        if let Some(limit) = quantity.limit {
            let log = limit.log10();
            let of = |expected: &Normal| {
                let deviation = expected.deviation.max(LEAST_DEVIATION);
                Normal { deviation, ..*expected }.probability_up_to(log)
            };
            let places = self.within.iter_mut().zip(expected);
            places.for_each(|(within, expected)| *within *= of(expected));
        }
    }
}

impl Quantity {
    fn matters(&self) -> bool {
        self.cost.is_some() || self.limit.is_some()
    }
}

/// Returns what a process expects of log10 of a quantity at each point, having learned from those
/// of the first points where it was measured; `None` if they are too few.
fn learn(
    points: &[Point],
    measured: impl Iterator<Item = Option<f64>>,
    labels: &[usize],
) -> Option<Vec<Normal>> {
    let known = points.iter().zip(measured).filter_map(|(point, value)| {
        let value = value.filter(|value| *value > 0.0)?.log10();
        Some((point.clone(), Value { value, uncertain: false }))
    });
    let (points_of, values): (Vec<Point>, Vec<Value>) = known.unzip();
    if values.len() < ENOUGH {
        return None;
    }
    let process = GaussianProcess::fit(&points_of, &values, labels)?;
    let expected = |point| {
        let Prediction { mean, variance, .. } = process.predict(point);
        Normal { mean, deviation: variance.sqrt() }
    };
    Some(points.iter().map(expected).collect())
}
