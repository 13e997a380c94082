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
    /// Returns whether it is minimised or limited.
    pub(crate) fn matters(&self) -> bool {
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

#[cfg(test)]
mod tests {
    use super::super::design::points;
    use super::*;

    fn design(quantity: f64) -> Design {
        let costs = vec![1.0, 2.0 - quantity];
        Design { quantities: vec![quantity], costs, ..Design::default() }
    }

    /// Returns what is expected of designs at 0.5 and 3, of which the logarithms of two quantities
    /// were measured at 0 to 1: the first is -3 + x, the second -1.
    fn outlook(quantities: [Quantity; 2], measurements: usize) -> Outlook {
        let observation = |index: usize| {
            let x = index as f64 / 11.0;
            let values = [10f64.powf(x - 3.0), 0.1];
            let measured = values.map(|value| (index < measurements).then_some(value)).to_vec();
            Observation { design: design(x), error: 0.5, in_full: true, measured }
        };
        let observations: Vec<Observation> = (0..12).map(observation).collect();
        let children = [0.5, 3.0].map(design);
        let designs: Vec<&Design> =
            observations.iter().map(|known| &known.design).chain(&children).collect();
        let points = points(&designs);
        let mut all = Outlook::new(&quantities, &designs, &points, &observations, &[]);
        Outlook { costs: all.costs.split_off(12), within: all.within.split_off(12) }
    }

    fn limit(limit: f64) -> Quantity {
        Quantity { cost: None, limit: Some(limit) }
    }

    #[test]
    fn what_is_expected_takes_the_place_of_a_cost() {
        let quantities = [Quantity { cost: Some(1), limit: None }, Quantity::default()];
        let learned = outlook(quantities, 12).costs;
        assert_eq!([learned[0][0], learned[1][0]], [1.0; 2]);
        assert!((learned[0][1] + 2.5).abs() < 0.02, "{learned:?}");
        assert_eq!(outlook(quantities, 8).costs.len(), 2);
        assert_eq!(outlook(quantities, 7).costs, [[1.0, 1.5], [1.0, -1.0]]);
    }

    #[test]
    fn limits_weigh_by_their_probabilities() {
        let [tight, wide] = [10f64.powf(-2.7), 10f64.powf(-2.3)];
        let within = |first, second| outlook([limit(first), limit(second)], 12).within;
        assert!(within(tight, 1.0)[0] < 1e-3 && within(wide, 1.0)[0] > 0.999);
        // Far away, the line along the cost goes on.
        assert!(within(wide, 1.0)[1] < 0.01, "{:?}", within(wide, 1.0));
        // The second quantity, whose limit is just what it is.
        let both = within(wide, 0.1)[0];
        assert!((both - 0.5).abs() < 0.01, "{both}");
        assert_eq!(outlook([limit(tight), limit(0.1)], 7).within, [1.0; 2]);
    }
}
