//! Expected hypervolume improvement: a Gaussian process learns errors, and those candidates are
//! selected that can be expected to add most to the hypervolume of the front (Emmerich,
//! Giannakoglou, Naujoks 2006). Candidates are selected one after the other, each as if the
//! predictions for those before it had come true.

use super::gaussian_process::{GaussianProcess, Point};

/// The process learns the cube root of errors, because the noise of an error grows with the error,
/// while that of its cube root hardly does.
const POWER: i32 = 3;
/// Range over which predictions are integrated, in standard deviations, and its step.
const REACH: f64 = 4.0;
const STEP: f64 = 0.2;
/// Distance of the reference point from the largest network, as a fraction of the range of sizes.
const MARGIN: f64 = 0.05;

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
    /// Its error, 0 to 1.
    pub error: f64,
    /// Whether the error is that of a training in full, so that the design can be on the front.
    pub in_full: bool,
}

impl Point for Design {
    fn distances(&self, other: &Self) -> Vec<f64> {
        let categories = self.categories.iter().zip(&other.categories);
        let categories = categories.map(|(a, b)| f64::from(u8::from(a != b)));
        let quantities = self.quantities.iter().zip(&other.quantities);
        let quantities = quantities.map(|(a, b)| (a - b).powi(2));
        categories.chain(quantities).chain([(self.size - other.size).powi(2)]).collect()
    }
}

/// Returns the positions of the `count` most promising candidates, the best first. Without
/// observations, returns the first `count` candidates.
pub fn select(candidates: &[Design], observations: &[Observation], count: usize) -> Vec<usize> {
    let known = observations.iter().map(|observation| &observation.design);
    let sizes = known.chain(candidates).map(|design| design.size);
    let (low, high) =
        sizes.fold((f64::MAX, f64::MIN), |(low, high), size| (low.min(size), high.max(size)));
    let range = if high > low { high - low } else { 1.0 };
    let scaled = |design: &Design| Design { size: (design.size - low) / range, ..design.clone() };

    let known: Vec<Design> =
        observations.iter().map(|observation| scaled(&observation.design)).collect();
    let roots: Vec<f64> = observations.iter().map(|observation| observation.error.cbrt()).collect();
    let Some(process) = GaussianProcess::fit(&known, &roots) else {
        return (0..candidates.len().min(count)).collect();
    };
    let predict = |candidate: &Design| {
        let design = scaled(candidate);
        let (mean, deviation) = process.predict(&design);
        Prediction { size: design.size, mean, deviation }
    };
    let predictions: Vec<Prediction> = candidates.iter().map(predict).collect();
    let in_full = observations.iter().zip(&known).filter(|(observation, _)| observation.in_full);
    let front = in_full.map(|(observation, design)| [design.size, observation.error]).collect();
    select_greedily(&predictions, Front::new(front), count)
}

/// A candidate's size (0 to 1), and mean and standard deviation of the cube root of its error.
struct Prediction {
    size: f64,
    mean: f64,
    deviation: f64,
}

/// Sizes and errors of networks that do not dominate each other, in ascending order of size.
struct Front(Vec<[f64; 2]>);

impl Front {
    fn new(mut points: Vec<[f64; 2]>) -> Front {
        points.sort_by(|a, b| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])));
        let mut least = f64::MAX;
        points.retain(|[_, error]| {
            *error < least && {
                least = *error;
                true
            }
        });
        Front(points)
    }

    fn with(&self, candidate: &Prediction) -> Front {
        let expected = [candidate.size, candidate.mean.max(0.0).powi(POWER)];
        Front::new(self.0.iter().copied().chain([expected]).collect())
    }

    /// Returns the expected hypervolume improvement by a candidate: the sum over the steps of the
    /// front of the step's width beyond the candidate's size, times the expected distance of the
    /// candidate's error below the step.
    fn improvement(&self, candidate: &Prediction) -> f64 {
        let starts = [[f64::MIN, 1.0]].into_iter().chain(self.0.iter().copied());
        let ends = self.0.iter().map(|[size, _]| *size).chain([1.0 + MARGIN]);
        let steps = starts
            .zip(ends)
            .map(|([start, error], end)| ((end - start.max(candidate.size)).max(0.0), error));
        steps
            .filter(|(width, _)| *width > 0.0)
            .map(|(width, error)| width * candidate.expected_below(error))
            .sum()
    }
}

impl Prediction {
    /// Returns the expected distance of the predicted error below `error`, counted as 0 where it
    /// lies above.
    fn expected_below(&self, error: f64) -> f64 {
        let (mut sum, mut weights) = (0.0, 0.0);
        for step in 0..=(2.0 * REACH / STEP).round() as usize {
            let z = step as f64 * STEP - REACH;
            let weight = (-0.5 * z * z).exp();
            let own = (self.mean + self.deviation * z).max(0.0).powi(POWER);
            sum += weight * (error - own).max(0.0);
            weights += weight;
        }
        sum / weights
    }
}

fn select_greedily(candidates: &[Prediction], mut front: Front, count: usize) -> Vec<usize> {
    let mut left: Vec<usize> = (0..candidates.len()).collect();
    let mut selected = Vec::new();
    while selected.len() < count && !left.is_empty() {
        let improvements: Vec<f64> =
            left.iter().map(|index| front.improvement(&candidates[*index])).collect();
        let best = (1..left.len()).fold(0, |best, next| {
            if improvements[next] > improvements[best] { next } else { best }
        });
        let index = left.swap_remove(best);
        front = front.with(&candidates[index]);
        selected.push(index);
    }
    selected
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(size: f64, error: f64, deviation: f64) -> Prediction {
        Prediction { size, mean: error.cbrt(), deviation }
    }

    /// Computes the hypervolume of a front numerically, over small boxes.
    fn volume(points: &[[f64; 2]]) -> f64 {
        let side = 1e-3;
        let boxes = (0..1050).map(|i| (f64::from(i) + 0.5) * side);
        let least =
            |size: f64| points.iter().filter(|p| p[0] <= size).map(|p| p[1]).fold(1.0, f64::min);
        boxes.map(|size| (1.0 - least(size)) * side).sum()
    }

    #[test]
    fn without_deviation_the_improvement_is_that_of_the_hypervolume() {
        let points = [[0.1, 0.6], [0.5, 0.25], [0.8, 0.5], [0.9, 0.1]];
        for (size, error) in
            [(0.0, 0.7), (0.05, 0.3), (0.3, 0.25), (0.6, 0.05), (1.0, 0.05), (0.7, 0.3)]
        {
            let want = volume(&[&points[..], &[[size, error]]].concat()) - volume(&points);
            let got = Front::new(points.to_vec()).improvement(&candidate(size, error, 0.0));
            assert!((got - want).abs() < 1e-3, "{size} {error}: {got} is not {want}");
        }
    }

    /// A cube root with mean 0 and deviation 1/2: its half below 0 counts as an error of 0; for the
    /// other half, the cube's mean up to 1 is 2 * (1/2)^3 / sqrt(2 pi) * (1 - 3 / e^2), by partial
    /// integration.
    #[test]
    fn the_deviation_is_integrated_over() {
        let above: f64 = 0.954_499_736; // Within two standard deviations.
        let tail = (1.0 - above) / 2.0;
        let cube = 0.25 / (2.0 * std::f64::consts::PI).sqrt() * (1.0 - 3.0 * (-2.0f64).exp());
        let got = Prediction { size: 0.0, mean: 0.0, deviation: 0.5 }.expected_below(1.0);
        assert!((got - (1.0 - tail - cube)).abs() < 2e-3, "{got}");
        assert!(
            candidate(0.0, 0.5, 0.2).expected_below(0.4) > 0.0
                && candidate(0.0, 0.5, 0.0).expected_below(0.4) == 0.0
        );
    }

    #[test]
    fn equal_candidates_are_not_selected_together() {
        let candidates = [
            candidate(0.1, 0.2, 0.01),
            candidate(0.1, 0.2, 0.01),
            candidate(0.7, 0.1, 0.01),
            candidate(0.5, 0.9, 0.01),
        ];
        let selected = |count| select_greedily(&candidates, Front::new(vec![[0.5, 0.5]]), count);
        assert_eq!(selected(2), [0, 2]);
        let mut all = selected(9);
        all.sort_unstable();
        assert_eq!(all, [0, 1, 2, 3]);
    }
}
