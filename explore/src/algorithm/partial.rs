//! What a stopped evaluation says about the error that it would have had in full.

use super::trial::Trial;

/// By rung: the factor from the cube root of an error there to that of the error in full.
pub(super) struct Corrections(Vec<f64>);

impl Corrections {
    /// Learns the factors from the trials in full that passed the rungs, by least squares.
    pub(super) fn of(trials: &[Trial]) -> Corrections {
        let rungs = trials.iter().map(|trial| trial.rungs.len()).max().unwrap_or(0);
        let factor = |rung: usize| {
            let in_full = trials.iter().filter(|trial| trial.in_full());
            let pairs = in_full.filter_map(|t| Some((t.rungs.get(rung)?.cbrt(), t.error().cbrt())));
            let (product, square) = pairs.fold((0.0, 0.0), |(product, square), (there, end)| {
                (product + there * end, square + there * there)
            });
            if square > 0.0 { product / square } else { 1.0 }
        };
        Corrections((0..rungs).map(factor).collect())
    }

    /// Returns the error of a trial in full, or what is expected of a stopped one.
    pub(super) fn error(&self, trial: &Trial) -> f64 {
        let factor = match trial.rungs.len() {
            passed if passed > 0 && trial.is_stopped() => self.0[passed - 1],
            _ => 1.0,
        };
        trial.error() * factor.powi(3)
    }
}

#[cfg(test)]
mod tests {
    use super::super::problem::Known;
    use super::super::trial::{Extent, Standing};
    use super::*;

    fn trial(rungs: &[f64], error: f64, extent: Extent) -> Trial {
        Trial {
            genome: vec![0],
            known: Known { costs: vec![1.0], size: 1.0 },
            score: None,
            rungs: rungs.to_vec(),
            measured: vec![],
            standing: Standing { objectives: vec![Some(error), Some(1.0)], extent },
        }
    }

    #[test]
    fn a_stopped_error_falls_as_those_in_full_did() {
        let trials = [
            trial(&[0.4, 0.2], 0.05, Extent::InFull),
            trial(&[0.8, 0.4], 0.1, Extent::InFull),
            trial(&[0.6], 0.6, Extent::Stopped),
            trial(&[0.9, 0.5], 0.5, Extent::Stopped),
            trial(&[], 1.0, Extent::Failed),
        ];
        let corrections = Corrections::of(&trials);
        let errors = trials.iter().map(|trial| corrections.error(trial));
        for (error, want) in errors.zip([0.05, 0.1, 0.075, 0.125, 1.0]) {
            assert!((error - want).abs() < 1e-12, "{error} is not {want}");
        }
    }

    #[test]
    fn without_trials_in_full_nothing_is_corrected() {
        let trials = [trial(&[0.6], 0.6, Extent::Stopped)];
        assert_eq!(Corrections::of(&trials).error(&trials[0]), 0.6);
    }
}
