//! Quality of a search's evaluations in full: the hypervolume.

use common::search::evaluation::Evaluation;
use common::search::hypervolume::Scale;

/// Returns errors and parameters of the evaluations in full.
pub fn points(evaluations: &[Evaluation]) -> impl Iterator<Item = [f64; 2]> {
    evaluations
        .iter()
        .filter(|evaluation| evaluation.is_fully_trained())
        .map(Evaluation::objectives)
}

/// Returns the hypervolume of evaluations, scaled by the ranges of these evaluations themselves;
/// `None` if none is in full. A later evaluation that widens a range changes the scale, so values
/// at different times of a search are only roughly comparable.
pub fn hypervolume(evaluations: &[Evaluation]) -> Option<f64> {
    Scale::of(points(evaluations)).map(|scale| scale.hypervolume(points(evaluations)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{config, search};

    #[test]
    fn only_evaluations_in_full_count() {
        let mut evaluations =
            search(&config(4, 1), |c| if c.index == 0 { Err("made up".into()) } else { Ok(0.5) })
                .evaluations;
        let numbers = [(50_000, 0.9), (10, 0.9), (1000, 0.5), (10, 0.1)];
        for (evaluation, (parameters, accuracy)) in evaluations.iter_mut().zip(numbers) {
            evaluation.parameters = parameters;
            evaluation.accuracy = evaluation.accuracy.map(|_| accuracy);
        }
        evaluations[1].stopped_after = Some(1);
        let scores: Vec<Option<f64>> = evaluations.iter().map(Evaluation::score).collect();
        assert_eq!(scores, [None, None, Some(500.0), Some(10_000.0)]);
        // Scaled: (0, 1) and (1, 0).
        let want = 1.05 * 0.05 + 0.05;
        assert!((hypervolume(&evaluations).unwrap() - want).abs() < 1e-12);
        assert_eq!(hypervolume(&evaluations[..2]), None);
    }
}
