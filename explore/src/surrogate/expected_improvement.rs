//! Expected hypervolume improvement: a Gaussian process learns errors, and those candidates are
//! selected that can be expected to add most to the hypervolume of the front (Emmerich,
//! Giannakoglou, Naujoks 2006), times the probability that they are within the limits of what is
//! measured (Schonlau, Welch, Jones 1998). Candidates are selected one after the other, each as if those
//! before it had been observed and were as predicted.

use super::design::{Design, Observation, points};
use super::front::{Estimate, Front, POWER};
use super::gaussian_process::{GaussianProcess, Prediction, Value};
use super::kernel::Point;
use super::measured::{Outlook, Quantity};
use super::scaling::scaled;

/// Beyond the worst error of interest, differences are learned at this fraction: they say less about
/// the errors that matter, but still which genes are bad.
const BEYOND: f64 = 0.5;

/// What candidates are selected for.
#[derive(Clone, Debug)]
pub struct Aim<'a> {
    /// Number of labels of each category.
    pub labels: &'a [usize],
    /// Errors beyond this one are of no interest.
    pub worst_error: f64,
    /// What is measured after trainings.
    pub quantities: &'a [Quantity],
}

impl Aim<'_> {
    /// Returns what the process learns of an error.
    fn learned(&self, error: f64) -> f64 {
        let (root, worst) = (error.cbrt(), self.worst_error.cbrt());
        if root > worst { worst + BEYOND * (root - worst) } else { root }
    }

    /// Returns the positions of the `count` most promising candidates, the best first. Without
    /// observations, returns the first `count` candidates.
    ///
    /// Those with a predicted error beyond the worst one are left out if the others suffice: what may
    /// be gained by them is a matter of chance. The front is that of the errors which the process
    /// has learned: that of the observed ones is a collection of lucky trainings.
    pub fn select(
        &self,
        candidates: &[Design],
        observations: &[Observation],
        count: usize,
    ) -> Vec<usize> {
        let designs = observations.iter().map(|observation| &observation.design);
        let designs: Vec<&Design> = designs.chain(candidates).collect();
        let points = points(&designs);
        let (known, children) = points.split_at(observations.len());
        let value = |observation: &Observation| Value {
            value: self.learned(observation.error),
            uncertain: !observation.in_full,
        };
        let values: Vec<Value> = observations.iter().map(value).collect();
        let Some(process) = GaussianProcess::fit(known, &values, self.labels) else {
            return (0..candidates.len().min(count)).collect();
        };
        let outlook = Outlook::new(self.quantities, &designs, &points, observations, self.labels);
        let mut costs = scaled(outlook.costs.iter());
        let costs_of_children = costs.split_off(observations.len());
        let in_full = observations.iter().zip(known).zip(costs).filter(|((o, _), _)| o.in_full);
        let learned = in_full.map(|((_, point), mut costs)| {
            costs.push(process.predict(point).mean.max(0.0).powi(POWER));
            costs
        });
        let front = Front::new(learned.collect(), self.worst_error);
        let within = &outlook.within[observations.len()..];
        let candidate = |(index, (point, costs)): (usize, (&Point, Vec<f64>))| {
            let (point, prediction) = (point.clone(), process.predict(point));
            Candidate { index, costs, within: within[index], point, prediction }
        };
        let candidates = children.iter().zip(costs_of_children).enumerate().map(candidate);
        let (mut inside, beyond): (Vec<Candidate>, Vec<Candidate>) =
            candidates.partition(|candidate| candidate.error() < self.worst_error);
        if inside.len() < count {
            inside.extend(beyond);
        }
        select_greedily(&process, inside, front, count)
    }
}

/// A candidate with what is predicted for it.
struct Candidate {
    /// Position in the list of candidates.
    index: usize,
    /// Costs, 0 to 1.
    costs: Vec<f64>,
    /// Probability that it is within the limits.
    within: f64,
    point: Point,
    prediction: Prediction,
}

impl Candidate {
    /// Returns the predicted error.
    fn error(&self) -> f64 {
        self.prediction.mean.max(0.0).powi(POWER)
    }

    fn estimate(&self) -> Estimate<'_> {
        let Prediction { mean, variance, .. } = self.prediction;
        Estimate { costs: &self.costs, mean, deviation: variance.sqrt() }
    }
}

fn select_greedily(
    process: &GaussianProcess<'_>,
    mut left: Vec<Candidate>,
    mut front: Front,
    count: usize,
) -> Vec<usize> {
    let mut selected = Vec::new();
    while selected.len() < count && !left.is_empty() {
        let improvement =
            |candidate: &Candidate| front.improvement(candidate.estimate()) * candidate.within;
        let improvements: Vec<f64> = left.iter().map(improvement).collect();
        let best = (1..left.len()).fold(0, |best, next| {
            if improvements[next] > improvements[best] { next } else { best }
        });
        let best = left.swap_remove(best);
        front = front.with(best.estimate());
        for other in &mut left {
            let of_other = (&other.point, &mut other.prediction);
            process.observe((&best.point, &best.prediction), of_other);
        }
        selected.push(best.index);
    }
    selected
}

#[cfg(test)]
mod tests {
    use super::*;
    use common::seed::stream;
    use rand::RngExt;

    fn design(category: usize, quantity: f64, size: f64) -> Design {
        let (categories, quantities) = (vec![category], vec![quantity]);
        Design { categories, quantities, costs: vec![size], forecasts: vec![] }
    }

    /// Errors fall with the quantity; those of category 1 are large.
    fn observations() -> Vec<Observation> {
        let of = |index: usize| {
            let (category, quantity) = (index % 2, index as f64 / 15.0);
            let error = 0.3 - 0.2 * quantity + 0.5 * category as f64;
            observed(design(category, quantity, 3.0), error)
        };
        (0..16).map(of).collect()
    }

    fn observed(design: Design, error: f64) -> Observation {
        Observation { design, error, in_full: true, measured: vec![] }
    }

    fn aim(worst_error: f64) -> Aim<'static> {
        Aim { labels: &[2], worst_error, quantities: &[] }
    }

    fn selected(candidates: &[Design], worst_error: f64, count: usize) -> Vec<usize> {
        aim(worst_error).select(candidates, &observations(), count)
    }

    /// Draws designs of several costs, which grow with the quantity.
    fn drawn(costs: usize, count: usize, seed: u64) -> Vec<Design> {
        let mut rng = stream(seed, "designs");
        let mut number = || rng.random_range(0.0..1.0);
        let mut one = || {
            let quantity = number();
            let costs = (0..costs).map(|_| 2.0 * quantity + number()).collect();
            Design { costs, ..design(usize::from(number() < 0.5), quantity, 0.0) }
        };
        (0..count).map(|_| one()).collect()
    }

    fn drawn_observations(costs: usize, count: usize) -> Vec<Observation> {
        let error =
            |design: &Design| 0.5 - 0.4 * design.quantities[0] + 0.2 * design.categories[0] as f64;
        drawn(costs, count, 0)
            .into_iter()
            .map(|d| (error(&d), d))
            .map(|(e, d)| observed(d, e))
            .collect()
    }

    #[test]
    fn the_order_of_costs_and_observations_is_of_no_account() {
        for costs in [2, 3, 6] {
            let (mut observations, mut candidates) =
                (drawn_observations(costs, 40), drawn(costs, 60, 1));
            let before = aim(0.6).select(&candidates, &observations, 4);
            let turn = |design: &mut Design| design.costs.rotate_left(1);
            observations.reverse();
            observations.iter_mut().for_each(|observation| turn(&mut observation.design));
            candidates.iter_mut().for_each(turn);
            assert_eq!(aim(0.6).select(&candidates, &observations, 4), before, "{costs}");
        }
    }

    /// A second cost that is the first one times a number, and one that is always the same.
    #[test]
    fn costs_that_say_nothing_new_are_handled() {
        let more = |design: &mut Design| {
            let first = design.costs[0];
            design.costs.extend([first, first + 2.0, 5.0]);
        };
        let (mut observations, mut candidates) = (drawn_observations(1, 30), drawn(1, 40, 1));
        observations.iter_mut().for_each(|observation| more(&mut observation.design));
        candidates.iter_mut().for_each(more);
        let mut selected = aim(0.6).select(&candidates, &observations, 8);
        selected.sort_unstable();
        selected.dedup();
        assert_eq!(selected.len(), 8);
    }

    #[test]
    fn equal_candidates_are_not_selected_together() {
        let candidates =
            [design(0, 1.0, 3.0), design(0, 1.0, 3.0), design(0, 0.8, 2.0), design(1, 0.0, 3.5)];
        let mut first = selected(&candidates, 1.0, 2);
        first.sort_unstable();
        assert_eq!(first, [0, 2]);
        let mut all = selected(&candidates, 1.0, 9);
        all.sort_unstable();
        assert_eq!(all, [0, 1, 2, 3]);
    }

    /// The smallest candidate adds most to the whole plane, although its error is large.
    #[test]
    fn what_lies_beyond_the_worst_error_is_of_no_interest() {
        let candidates = [design(1, 0.5, 1.0), design(0, 1.0, 2.9)];
        assert_eq!(selected(&candidates, 1.0, 1), [0]);
        assert_eq!(selected(&candidates, 0.3, 1), [1]);
    }

    /// The first candidate may add most, since nothing is known around it, but no more than the worst
    /// error is expected of it.
    #[test]
    fn what_is_predicted_beyond_the_worst_error_comes_after_the_others() {
        let candidates = [design(0, -3.0, 0.0), design(0, 0.9, 3.0)];
        assert_eq!(selected(&candidates, 0.24, 1), [1]);
        assert_eq!(selected(&candidates, 0.24, 2), [0, 1]);
    }

    #[test]
    fn without_observations_the_first_candidates_are_selected() {
        let candidates = [design(0, 0.0, 1.0), design(1, 0.0, 1.0)];
        assert_eq!(aim(1.0).select(&candidates, &[], 1), [0]);
    }
}
