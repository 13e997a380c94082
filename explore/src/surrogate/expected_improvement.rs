//! Expected hypervolume improvement: a Gaussian process learns errors, and those candidates are
//! selected that can be expected to add most to the hypervolume of the front (Emmerich,
//! Giannakoglou, Naujoks 2006). Candidates are selected one after the other, each as if those
//! before it had been observed and were as predicted.

use super::front::{Estimate, Front, POWER};
use super::gaussian_process::{GaussianProcess, Prediction, Value};
use super::kernel::Point;

/// Beyond the worst error of interest, differences are learned at this fraction: they say less about
/// the errors that matter, but still which genes are bad.
const BEYOND: f64 = 0.5;

/// A point of the design space.
#[derive(Clone, Debug)]
pub struct Design {
    /// Labels of categorical genes, which are either equal or not.
    pub categories: Vec<usize>,
    /// Values of the other genes by their order in the space, scaled to 0..1.
    pub quantities: Vec<f64>,
    /// The second objective, which is known before training, as log10.
    pub size: f64,
}

/// A design whose error is known.
#[derive(Clone, Debug)]
pub struct Observation {
    /// The design.
    pub design: Design,
    /// Its error, 0 to 1, or an estimate of it.
    pub error: f64,
    /// Whether the error is that of a training in full, so that the design can be on the front.
    pub in_full: bool,
}

/// What candidates are selected for.
#[derive(Clone, Debug)]
pub struct Aim<'a> {
    /// Number of labels of each category.
    pub labels: &'a [usize],
    /// Errors beyond this one are of no interest.
    pub worst_error: f64,
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
        let scale = Scale::of(designs.clone().chain(candidates));
        let known: Vec<Point> = designs.map(|design| scale.point(design)).collect();
        let value = |observation: &Observation| Value {
            value: self.learned(observation.error),
            uncertain: !observation.in_full,
        };
        let values: Vec<Value> = observations.iter().map(value).collect();
        let Some(process) = GaussianProcess::fit(&known, &values, self.labels) else {
            return (0..candidates.len().min(count)).collect();
        };
        let in_full = observations.iter().zip(&known).filter(|(known, _)| known.in_full);
        let learned = in_full.map(|(observation, point)| {
            let error = process.predict(point).mean.max(0.0).powi(POWER);
            [scale.of_size(observation.design.size), error]
        });
        let front = Front::new(learned.collect(), self.worst_error);
        let candidate = |(index, design): (usize, &Design)| {
            let point = scale.point(design);
            let prediction = process.predict(&point);
            Candidate { index, size: scale.of_size(design.size), point, prediction }
        };
        let candidates = candidates.iter().enumerate().map(candidate);
        let (mut inside, beyond): (Vec<Candidate>, Vec<Candidate>) =
            candidates.partition(|candidate| candidate.error() < self.worst_error);
        if inside.len() < count {
            inside.extend(beyond);
        }
        select_greedily(&process, inside, front, count)
    }
}

/// Range of sizes, which are scaled to 0..1.
struct Scale {
    low: f64,
    range: f64,
}

impl Scale {
    fn of<'a>(designs: impl Iterator<Item = &'a Design>) -> Scale {
        let sizes = designs.map(|design| design.size);
        let (low, high) =
            sizes.fold((f64::MAX, f64::MIN), |(low, high), size| (low.min(size), high.max(size)));
        Scale { low, range: if high > low { high - low } else { 1.0 } }
    }

    fn of_size(&self, size: f64) -> f64 {
        (size - self.low) / self.range
    }

    fn point(&self, design: &Design) -> Point {
        let size = self.of_size(design.size);
        Point {
            labels: design.categories.clone(),
            numbers: design.quantities.iter().copied().chain([size]).collect(),
        }
    }
}

/// A candidate with what is predicted for it.
struct Candidate {
    /// Position in the list of candidates.
    index: usize,
    /// Size, 0 to 1.
    size: f64,
    point: Point,
    prediction: Prediction,
}

impl Candidate {
    /// Returns the predicted error.
    fn error(&self) -> f64 {
        self.prediction.mean.max(0.0).powi(POWER)
    }

    fn estimate(&self) -> Estimate {
        let Prediction { mean, variance, .. } = self.prediction;
        Estimate { size: self.size, mean, deviation: variance.sqrt() }
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
        let improvements: Vec<f64> =
            left.iter().map(|candidate| front.improvement(candidate.estimate())).collect();
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

    fn design(category: usize, quantity: f64, size: f64) -> Design {
        Design { categories: vec![category], quantities: vec![quantity], size }
    }

    /// Errors fall with the quantity; those of category 1 are large.
    fn observations() -> Vec<Observation> {
        let of = |index: usize| {
            let (category, quantity) = (index % 2, index as f64 / 15.0);
            let error = 0.3 - 0.2 * quantity + 0.5 * category as f64;
            Observation { design: design(category, quantity, 3.0), error, in_full: true }
        };
        (0..16).map(of).collect()
    }

    fn selected(candidates: &[Design], worst_error: f64, count: usize) -> Vec<usize> {
        Aim { labels: &[2], worst_error }.select(candidates, &observations(), count)
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
        assert_eq!(Aim { labels: &[2], worst_error: 1.0 }.select(&candidates, &[], 1), [0]);
    }
}
