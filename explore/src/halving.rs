//! How a population is evaluated: all of it in full or, with `search.halving`, the weaker half only
//! up to a rung. (Successive halving: Jamieson and Talwalkar 2016; here by Pareto rank.)

use crate::controller::Candidate;
use crate::evaluator::Outcome;
use crate::moea::nsga2;
use anyhow::Result;
use common::counts::Counts;
use common::profile::SearchSettings;
use common::search_files::{Evaluation, Individual};

/// A training up to an epoch: the candidate's place in the population, and the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leg {
    /// Place in the population.
    pub place: usize,
    /// The epoch after which its accuracy is wanted.
    pub epoch: usize,
}

/// Told the outcome of a leg by its position in the list of legs.
pub type Told<'a> = &'a mut dyn FnMut(usize, Outcome) -> Result<()>;

/// A population under evaluation.
pub struct Race<'a> {
    /// Who takes part.
    pub population: &'a [Candidate],
    /// The archive, whose members are ranked with the population.
    pub archive: &'a [Individual],
    /// The epochs and rungs.
    pub search: &'a SearchSettings,
}

/// What is known of one candidate.
#[derive(Clone, Default)]
struct Course {
    rungs: Vec<f64>,
    over: bool,
}

impl Race<'_> {
    /// Evaluates those after the first ones, whose evaluations are known. `train` makes some legs
    /// and tells each outcome; `finished` gets each evaluation once, in any order.
    ///
    /// # Errors
    /// Those of `train` and `finished`.
    pub fn run(
        &self,
        known: &[Evaluation],
        mut train: impl FnMut(&[Leg], Told<'_>) -> Result<()>,
        mut finished: impl FnMut(Evaluation) -> Result<()>,
    ) -> Result<()> {
        let mut courses = vec![Course::default(); self.population.len()];
        for (course, evaluation) in courses.iter_mut().zip(known) {
            course.rungs.clone_from(&evaluation.rungs);
        }
        let waiting = |courses: &[Course], epoch| -> Vec<Leg> {
            let places = (known.len()..courses.len()).filter(|place| !courses[*place].over);
            places.map(|place| Leg { place, epoch }).collect()
        };
        for (rung, epoch) in self.search.rungs().into_iter().enumerate() {
            let legs = waiting(&courses, epoch);
            train(&legs, &mut |position, outcome| {
                let place = legs[position].place;
                match outcome {
                    Ok(accuracy) => courses[place].rungs.push(accuracy),
                    Err(_) => {
                        courses[place].over = true;
                        finished(Evaluation {
                            rungs: courses[place].rungs.clone(),
                            ..self.population[place].evaluated(outcome)
                        })?;
                    }
                }
                Ok(())
            })?;
            let survivors = self.survivors(&courses, rung);
            for place in legs.iter().map(|leg| leg.place).filter(|place| !survivors.contains(place))
            {
                let course = &mut courses[place];
                if !course.over {
                    course.over = true;
                    finished(Evaluation {
                        stopped_after: Some(epoch),
                        rungs: course.rungs.clone(),
                        ..self.population[place].evaluated(Ok(course.rungs[rung]))
                    })?;
                }
            }
        }
        let legs = waiting(&courses, self.search.epochs);
        train(&legs, &mut |position, outcome| {
            let place = legs[position].place;
            finished(Evaluation {
                rungs: courses[place].rungs.clone(),
                ..self.population[place].evaluated(outcome)
            })
        })
    }

    /// Of those that came to a rung, the better half by their Pareto rank there, archive included;
    /// by error where ranks are equal.
    fn survivors(&self, courses: &[Course], rung: usize) -> Vec<usize> {
        let there: Vec<usize> =
            (0..courses.len()).filter(|place| courses[*place].rungs.len() > rung).collect();
        let point = |accuracy: f64, counts: Counts| -> Vec<f64> {
            self.search
                .objectives
                .iter()
                .map(|objective| objective.before(1.0 - accuracy, counts))
                .collect()
        };
        let of_population =
            there.iter().map(|p| point(courses[*p].rungs[rung], self.population[*p].counts));
        let of_archive = self.archive.iter().map(|individual| &individual.evaluation);
        let of_archive = of_archive.filter_map(|e| {
            let counts = Counts { parameters: e.parameters, macs: e.macs };
            e.rungs.get(rung).map(|accuracy| point(*accuracy, counts))
        });
        let points: Vec<Vec<f64>> = of_population.chain(of_archive).collect();
        let ranks = nsga2::ranks(&points);
        let mut order: Vec<usize> = (0..there.len()).collect();
        order.sort_by(|a, b| {
            ranks[*a].cmp(&ranks[*b]).then(points[*a][0].total_cmp(&points[*b][0]))
        });
        order.truncate(there.len().div_ceil(2));
        order.into_iter().map(|position| there[position]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{candidate, config};
    use common::search_files::SearchConfig;

    fn halving() -> SearchConfig {
        let mut config = config(8, 1);
        (config.search.epochs, config.search.halving) = (10, vec![0.4, 0.7]);
        config
    }

    fn population(config: &SearchConfig) -> Vec<Candidate> {
        let genomes = config.space.genomes().step_by(101).take(8).enumerate();
        genomes.map(|(index, genome)| candidate(0, index, genome)).collect()
    }

    /// Accuracy grows with the place and the epoch; the one at place 3 fails after epoch 4.
    fn outcome(leg: &Leg) -> Outcome {
        let failed = leg.place == 3 && leg.epoch > 4;
        if failed {
            Err("made up".into())
        } else {
            Ok(0.1 * leg.place as f64 + 0.01 * leg.epoch as f64)
        }
    }

    fn run(known: &[Evaluation]) -> (Vec<Evaluation>, Vec<Leg>) {
        let config = halving();
        let mut population = population(&config);
        // All of one size: the Pareto rank is the order of accuracy, but for the last, which is
        // smaller.
        population.iter_mut().for_each(|c| c.counts.parameters = 100);
        population[0].counts.parameters = 10;
        let race = Race { population: &population, archive: &[], search: &config.search };
        let (mut evaluations, mut trained) = (known.to_vec(), Vec::new());
        race.run(
            known,
            |legs, told| {
                trained.extend_from_slice(legs);
                // The last one first: outcomes come in any order.
                (0..legs.len())
                    .rev()
                    .try_for_each(|position| told(position, outcome(&legs[position])))
            },
            |evaluation| {
                evaluations.push(evaluation);
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
        // The smallest survives though it is the least accurate.
        let at = Some;
        assert_eq!(stopped, [None, at(4), at(4), at(4), at(4), at(7), at(7), None]);
        assert_eq!(evaluations[5].rungs.len(), 2);
        assert_eq!(evaluations[5].accuracy, Some(evaluations[5].rungs[1]));
        assert_eq!(trained.len(), 8 + 4 + 2);
        assert!(evaluations.iter().all(|e| e.failure.is_none()));
    }

    #[test]
    fn what_is_known_is_not_trained_again_and_changes_nothing() {
        let (all, _) = run(&[]);
        for count in 0..=8 {
            let (again, trained) = run(&all[..count]);
            assert_eq!(again, all);
            assert!(trained.iter().all(|leg| leg.place >= count));
        }
    }
}
