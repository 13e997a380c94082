//! Evaluation of a population: in full or, with `search.halving`, by successive halving (Jamieson
//! and Talwalkar 2016), in which the weaker half stops at each rung. Candidates are compared by
//! Pareto rank.

use super::candidate::Candidate;
use super::task::{Outcome, Outcomes};
use crate::moea::nsga2;
use anyhow::Result;
use common::network::counts::Counts;
use common::profile::SearchSettings;
use common::search::archive::Individual;
use common::search::evaluation::Evaluation;

/// A training of a candidate up to an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartialTraining {
    /// Index of the candidate in the population.
    pub candidate: usize,
    /// Epoch after which the accuracy is needed.
    pub epoch: usize,
}

/// Receives outcomes of partial trainings by their indices in the list of partial trainings.
pub type OnOutcomes<'a> = &'a mut dyn FnMut(Outcomes) -> Result<()>;

/// The evaluation of one population.
pub struct SuccessiveHalving<'a> {
    /// The population.
    pub population: &'a [Candidate],
    /// The archive, whose members are ranked with the population.
    pub archive: &'a [Individual],
    /// Epochs and rungs.
    pub settings: &'a SearchSettings,
}

/// What one candidate has reached.
#[derive(Clone, Default)]
struct Progress {
    /// Accuracies at the rungs so far.
    rungs: Vec<f64>,
    /// Whether its evaluation has ended.
    ended: bool,
}

impl SuccessiveHalving<'_> {
    /// Evaluates the population except its first candidates, whose evaluations are `known`. `train`
    /// runs partial trainings and reports the outcome of each; `on_evaluations` gets each evaluation
    /// once, in any order, those together that are known at the same time.
    ///
    /// # Errors
    /// Fails if `train` or `on_evaluations` does.
    pub fn run(
        &self,
        known: &[Evaluation],
        mut train: impl FnMut(&[PartialTraining], OnOutcomes<'_>) -> Result<()>,
        mut on_evaluations: impl FnMut(Vec<Evaluation>) -> Result<()>,
    ) -> Result<()> {
        let mut progress = vec![Progress::default(); self.population.len()];
        for (progress, evaluation) in progress.iter_mut().zip(known) {
            progress.rungs.clone_from(&evaluation.rungs);
        }
        let next_trainings = |progress: &[Progress], epoch| -> Vec<PartialTraining> {
            let active = (known.len()..progress.len()).filter(|index| !progress[*index].ended);
            active.map(|candidate| PartialTraining { candidate, epoch }).collect()
        };
        for (rung, epoch) in self.settings.rungs().into_iter().enumerate() {
            let trainings = next_trainings(&progress, epoch);
            train(&trainings, &mut |outcomes| {
                let mut failed = Vec::new();
                for (index, outcome) in outcomes {
                    let candidate = trainings[index].candidate;
                    let progress = &mut progress[candidate];
                    match outcome {
                        Ok(accuracy) => progress.rungs.push(accuracy),
                        Err(_) => {
                            progress.ended = true;
                            failed.push(self.evaluation(candidate, &progress.rungs, outcome));
                        }
                    }
                }
                on_evaluations(failed)
            })?;
            let survivors = self.survivors(&progress, rung);
            let mut stopped = Vec::new();
            let candidates = trainings.iter().map(|training| training.candidate);
            for candidate in candidates.filter(|candidate| !survivors.contains(candidate)) {
                let progress = &mut progress[candidate];
                if !progress.ended {
                    progress.ended = true;
                    stopped.push(Evaluation {
                        stopped_after: Some(epoch),
                        ..self.evaluation(candidate, &progress.rungs, Ok(progress.rungs[rung]))
                    });
                }
            }
            on_evaluations(stopped)?;
        }
        let trainings = next_trainings(&progress, self.settings.epochs);
        train(&trainings, &mut |outcomes| {
            let evaluation = |(index, outcome): (usize, Outcome)| {
                let candidate = trainings[index].candidate;
                self.evaluation(candidate, &progress[candidate].rungs, outcome)
            };
            on_evaluations(outcomes.into_iter().map(evaluation).collect())
        })
    }

    fn evaluation(&self, candidate: usize, rungs: &[f64], outcome: Outcome) -> Evaluation {
        Evaluation { rungs: rungs.to_vec(), ..self.population[candidate].evaluated(outcome) }
    }

    /// Returns the better half of the candidates that have reached a rung: by Pareto rank among
    /// these and the archive, then by error.
    fn survivors(&self, progress: &[Progress], rung: usize) -> Vec<usize> {
        let reached: Vec<usize> =
            (0..progress.len()).filter(|index| progress[*index].rungs.len() > rung).collect();
        let point = |accuracy: f64, counts: Counts| -> Vec<f64> {
            self.settings
                .objectives
                .iter()
                .map(|objective| objective.what.proxy(1.0 - accuracy, counts))
                .collect()
        };
        let of_population = reached
            .iter()
            .map(|index| point(progress[*index].rungs[rung], self.population[*index].counts));
        let of_archive = self.archive.iter().map(|individual| &individual.evaluation);
        let of_archive = of_archive.filter_map(|e| {
            let counts = Counts { parameters: e.parameters, macs: e.macs };
            e.rungs.get(rung).map(|accuracy| point(*accuracy, counts))
        });
        let points: Vec<Vec<f64>> = of_population.chain(of_archive).collect();
        let ranks = nsga2::ranks(&points);
        let mut order: Vec<usize> = (0..reached.len()).collect();
        order.sort_by(|a, b| {
            ranks[*a].cmp(&ranks[*b]).then(points[*a][0].total_cmp(&points[*b][0]))
        });
        order.truncate(reached.len().div_ceil(2));
        order.into_iter().map(|index| reached[index]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{candidate, config};
    use common::search::config::SearchConfig;

    fn halving() -> SearchConfig {
        let mut config = config(8, 1);
        (config.search.epochs, config.search.halving) = (10, vec![0.4, 0.7]);
        config
    }

    fn population(config: &SearchConfig) -> Vec<Candidate> {
        let genomes = config.space.genomes().step_by(101).take(8).enumerate();
        genomes.map(|(index, genome)| candidate(0, index, genome)).collect()
    }

    /// The accuracy grows with index and epoch; candidate 3 fails after epoch 4.
    fn outcome(training: &PartialTraining) -> Outcome {
        let failed = training.candidate == 3 && training.epoch > 4;
        if failed {
            Err("made up".into())
        } else {
            Ok(0.1 * training.candidate as f64 + 0.01 * training.epoch as f64)
        }
    }

    fn run(known: &[Evaluation]) -> (Vec<Evaluation>, Vec<PartialTraining>) {
        let config = halving();
        let mut population = population(&config);
        // All candidates but the first have one size, so that the Pareto rank is the order of
        // accuracy; the first is smaller.
        population.iter_mut().for_each(|c| c.counts.parameters = 100);
        population[0].counts.parameters = 10;
        let halving =
            SuccessiveHalving { population: &population, archive: &[], settings: &config.search };
        let (mut evaluations, mut trained) = (known.to_vec(), Vec::new());
        halving
            .run(
                known,
                |trainings, on_outcomes| {
                    trained.extend_from_slice(trainings);
                    // In reverse, because outcomes come in any order.
                    (0..trainings.len()).rev().try_for_each(|index| {
                        on_outcomes(vec![(index, outcome(&trainings[index]))])
                    })
                },
                |some| {
                    evaluations.extend(some);
                    Ok(())
                },
            )
            .unwrap();
        evaluations.sort_by_key(|evaluation| evaluation.index);
        (evaluations, trained)
    }

    #[test]
    fn the_weaker_half_is_stopped_at_each_rung() {
        let (evaluations, trained) = run(&[]);
        let stopped: Vec<Option<usize>> = evaluations.iter().map(|e| e.stopped_after).collect();
        // The smallest candidate survives although it is the least accurate.
        let at = Some;
        assert_eq!(stopped, [None, at(4), at(4), at(4), at(4), at(7), at(7), None]);
        assert_eq!(evaluations[5].rungs.len(), 2);
        assert_eq!(evaluations[5].accuracy, Some(evaluations[5].rungs[1]));
        assert_eq!(trained.len(), 8 + 4 + 2);
        assert!(evaluations.iter().all(|e| e.failure.is_none()));
    }

    #[test]
    fn known_evaluations_are_not_trained_again_and_change_nothing() {
        let (all, _) = run(&[]);
        for count in 0..=8 {
            let (again, trained) = run(&all[..count]);
            assert_eq!(again, all);
            assert!(trained.iter().all(|training| training.candidate >= count));
        }
    }
}
