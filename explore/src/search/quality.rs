//! Quality of a search's evaluations in full: the hypervolume inside the region of interest.

use common::search::evaluation::Evaluation;
use common::search::hypervolume::Scale;
use common::search::region::worst_error;

/// Returns errors and parameters of the evaluations in full.
pub fn points(evaluations: &[Evaluation]) -> impl Iterator<Item = [f64; 2]> {
    evaluations
        .iter()
        .filter(|evaluation| evaluation.is_fully_trained())
        .map(Evaluation::objectives)
}

/// Returns the worst error of interest: that of the settings, or the one [found](worst_error) from
/// the smallest error of the evaluations in full; `None` if none is in full.
pub fn worst_of_interest(evaluations: &[Evaluation], settings: Option<f64>) -> Option<f64> {
    let least = points(evaluations).map(|[error, _]| error).reduce(f64::min)?;
    Some(settings.unwrap_or_else(|| worst_error(least)))
}

/// Returns the scale of the evaluations in full, up to the [worst error](worst_of_interest); `None` if
/// none has less.
pub fn scale(evaluations: &[Evaluation], worst: Option<f64>) -> Option<Scale> {
    Scale::of(points(evaluations))?.up_to(worst_of_interest(evaluations, worst)?)
}

/// Returns the hypervolume of evaluations by their own [`scale`]. A later evaluation that widens a
/// range changes the scale, so values at different times of a search are only roughly comparable.
pub fn hypervolume(evaluations: &[Evaluation], worst: Option<f64>) -> Option<f64> {
    scale(evaluations, worst).map(|scale| scale.hypervolume(points(evaluations)))
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
        // Scaled: (0, 1) and, if errors up to 0.92 are of interest, (20/21, 0).
        let volume = |worst| hypervolume(&evaluations, worst).unwrap();
        let close = |got: f64, want: f64| assert!((got - want).abs() < 1e-12, "{got}, not {want}");
        close(volume(Some(0.92)), 1.05 * 0.05 + 0.05);
        // The smallest error is 0.5, so they are up to 0.71.
        close(volume(None), 1.05 * 0.05);
        assert_eq!(hypervolume(&evaluations, Some(0.5)), None);
        assert_eq!(hypervolume(&evaluations[..2], None), None);
    }
}
