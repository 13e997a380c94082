//! A whole search: Algorithm 1 with trainings and files around it.

use crate::candidates::Candidates;
use crate::checkpoint::Checkpoint;
use crate::controller::{Candidate, Controller, Search};
use crate::evaluator::{Evaluator, Outcome, Task};
use crate::halving::{Leg, Race, Told};
use crate::progress::Progress;
use crate::{figures, winners};
use anyhow::{Result, ensure};
use common::json;
use common::network::Input;
use common::search_files::{Evaluation, Individual, SearchConfig};
use std::collections::BTreeMap;
use std::path::Path;

/// What a search needs besides its configuration.
#[derive(Debug)]
pub struct Setting<'a> {
    /// Where all files go.
    pub folder: &'a Path,
    /// The images that networks take.
    pub input: Input,
    /// Names of the classes.
    pub classes: Vec<String>,
    /// What evaluates genomes.
    pub evaluator: Evaluator,
    /// Whether to go on with a search that the folder holds.
    pub resume: bool,
    /// How many winners there shall be.
    pub winners: usize,
}

/// Searches and writes all files, `winners` last.
///
/// # Errors
/// Those of [`Checkpoint::open`], [`Evaluator::evaluate`] and [`winners::write`]; all trainings of the first iteration
/// failed; files that cannot be written.
pub fn run(config: &SearchConfig, setting: &Setting<'_>) -> Result<Search> {
    let candidates = Candidates {
        template: &config.template,
        search: &config.search,
        input: &setting.input,
        classes: &setting.classes,
    };
    let checkpoint = Checkpoint::open(setting.folder, config, setting.resume)?;
    let mut evaluations = Evaluations { config, setting, checkpoint, progress: Progress::new(config) };
    let mut controller = Controller::new(config, |genome| candidates.count(genome));
    while let Some(population) = controller.next_population()? {
        let archive = &controller.search().archive.individuals;
        let evaluated = evaluations.of(&population, archive)?;
        controller.evaluated(evaluated)?;
        let search = controller.search();
        json::write(&setting.folder.join("archive.json"), &search.archive)?;
        figures::write_all(setting.folder, search, config)?;
        evaluations.progress.finished(search);
    }
    evaluations.progress.end(controller.search());
    winners::write(setting.folder, &controller.search().archive, setting.winners)?;
    Ok(controller.search().clone())
}

/// Where evaluations come from: the log of an earlier run, individuals that it trained, or new trainings.
struct Evaluations<'a> {
    config: &'a SearchConfig,
    setting: &'a Setting<'a>,
    checkpoint: Checkpoint,
    progress: Progress,
}

impl Evaluations<'_> {
    fn of(&mut self, population: &[Candidate], archive: &[Individual]) -> Result<Vec<Evaluation>> {
        let mut evaluations = self.checkpoint.take(population)?;
        if all_failed(population, &evaluations) {
            // Whatever made every training fail has been mended by now, or they fail again.
            evaluations.clear();
            self.checkpoint.restart()?;
        }
        self.progress.iteration(population[0].iteration, &evaluations);
        let mut in_order = InOrder::new(evaluations.len());
        let race = Race { population, archive, search: &self.config.search };
        let (setting, config) = (self.setting, self.config);
        race.run(
            &evaluations,
            |legs, told| train(setting, config, population, legs, told),
            |evaluation| {
                self.progress.evaluated(&evaluation);
                in_order.insert(evaluation).iter().try_for_each(|evaluation| self.checkpoint.append(evaluation))
            },
        )?;
        evaluations.extend(in_order.evaluations);
        ensure!(
            !all_failed(population, &evaluations),
            "all {} trainings of the first iteration failed; {}: {}",
            population.len(),
            evaluations[0].failure.as_deref().unwrap_or_default(),
            setting.evaluator.log_end(&task(config, &population[0], config.search.epochs))
        );
        Ok(evaluations)
    }
}

/// Trains what an earlier run has not trained as far.
fn train(
    setting: &Setting<'_>,
    config: &SearchConfig,
    population: &[Candidate],
    legs: &[Leg],
    told: Told<'_>,
) -> Result<()> {
    let (mut waiting, mut tasks) = (Vec::new(), Vec::new());
    for (position, leg) in legs.iter().enumerate() {
        let task = task(config, &population[leg.place], leg.epoch);
        match setting.resume.then(|| setting.evaluator.earlier_outcome(&task)).flatten() {
            Some(outcome) => told(position, outcome)?,
            None => {
                waiting.push(position);
                tasks.push(task);
            }
        }
    }
    setting.evaluator.evaluate(&tasks, |position, outcome: Outcome| told(waiting[position], outcome))
}

fn task(config: &SearchConfig, candidate: &Candidate, epoch: usize) -> Task {
    Task {
        folder: format!("individuals/{}", candidate.id()),
        genome: candidate.genome,
        seed: config.seed,
        epochs: config.search.epochs,
        stop_after: (epoch < config.search.epochs).then_some(epoch),
        subset: config.search.subset,
    }
}

/// Puts the evaluations of a population in order.
struct InOrder {
    /// The index within the population that the next evaluation in order has.
    next: usize,
    /// Evaluations that are finished before others of a lower index.
    early: BTreeMap<usize, Evaluation>,
    /// Evaluations in order.
    evaluations: Vec<Evaluation>,
}

impl InOrder {
    fn new(next: usize) -> InOrder {
        InOrder { next, early: BTreeMap::new(), evaluations: Vec::new() }
    }

    /// Takes an evaluation and returns those, in order, that waited for it alone, itself included.
    fn insert(&mut self, evaluation: Evaluation) -> &[Evaluation] {
        let before = self.evaluations.len();
        self.early.insert(evaluation.index, evaluation);
        while let Some(evaluation) = self.early.remove(&self.next) {
            self.evaluations.push(evaluation);
            self.next += 1;
        }
        &self.evaluations[before..]
    }
}

/// Whether these are the evaluations of the whole first population, and none has an accuracy.
fn all_failed(population: &[Candidate], evaluations: &[Evaluation]) -> bool {
    population[0].iteration == 0
        && evaluations.len() == population.len()
        && evaluations.iter().all(|evaluation| evaluation.accuracy.is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{config, count};

    #[test]
    fn evaluations_wait_for_those_before_them() {
        let space = config(1, 1).space;
        let candidate = |(index, genome)| Candidate { iteration: 1, index, genome, counts: count(&genome).unwrap() };
        let candidates: Vec<Candidate> = space.genomes().take(6).enumerate().map(candidate).collect();
        let mut in_order = InOrder::new(2);
        let mut insert = |index: usize| -> Vec<usize> {
            in_order.insert(candidates[index].evaluated(Ok(0.5))).iter().map(|e| e.index).collect()
        };
        assert!(insert(4).is_empty());
        assert_eq!(insert(2), [2]);
        assert!(insert(5).is_empty());
        assert_eq!(insert(3), [3, 4, 5]);
        assert_eq!(in_order.evaluations.len(), 4);
    }
}
