//! A whole search: Algorithm 1 with trainings and files around it.

use crate::candidates::Candidates;
use crate::checkpoint::Checkpoint;
use crate::controller::{Candidate, Controller, Search};
use crate::evaluator::{Outcome, Task, Trainer};
use crate::progress::Progress;
use crate::{figure, winners};
use anyhow::{Result, ensure};
use common::json;
use common::network::Input;
use common::search_files::{Evaluation, SearchConfig};
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
    pub trainer: Trainer,
    /// Whether to go on with a search that the folder holds.
    pub resume: bool,
    /// How many winners there shall be.
    pub winners: usize,
}

/// Searches and writes all files, `winners` last.
///
/// # Errors
/// Those of [`Checkpoint::open`], [`Trainer::train`] and [`winners::write`]; all trainings of the first iteration
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
        controller.evaluated(evaluations.of(&population)?)?;
        let search = controller.search();
        json::write(&setting.folder.join("archive.json"), &search.archive)?;
        figure::write(&setting.folder.join("front.svg"), search, config.search.iterations)?;
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
    fn of(&mut self, population: &[Candidate]) -> Result<Vec<Evaluation>> {
        let mut evaluations = self.checkpoint.take(population)?;
        if all_failed(population, &evaluations) {
            // Whatever made every training fail has been mended by now, or they fail again.
            evaluations.clear();
            self.checkpoint.restart()?;
        }
        self.progress.iteration(population[0].iteration, &evaluations);
        evaluations.extend(self.train(&population[evaluations.len()..])?);
        ensure!(
            !all_failed(population, &evaluations),
            "all {} trainings of the first iteration failed; {}: {}",
            population.len(),
            evaluations[0].failure.as_deref().unwrap_or_default(),
            self.setting.trainer.log_end(&self.task(&population[0]))
        );
        Ok(evaluations)
    }

    /// Trains what an earlier run has not trained; each evaluation is logged when all before it are.
    fn train(&mut self, candidates: &[Candidate]) -> Result<Vec<Evaluation>> {
        let trainer = &self.setting.trainer;
        let mut in_order = InOrder::new(candidates);
        let (mut waiting, mut tasks) = (Vec::new(), Vec::new());
        for candidate in candidates {
            let task = self.task(candidate);
            match self.setting.resume.then(|| trainer.earlier_outcome(&task)).flatten() {
                Some(outcome) => self.finished(&mut in_order, candidate, outcome)?,
                None => {
                    waiting.push(candidate);
                    tasks.push(task);
                }
            }
        }
        trainer.train(&tasks, |position, outcome| self.finished(&mut in_order, waiting[position], outcome))?;
        Ok(in_order.evaluations)
    }

    fn task(&self, candidate: &Candidate) -> Task {
        Task {
            folder: format!("individuals/{}", candidate.id()),
            genome: candidate.genome,
            seed: self.config.seed,
            epochs: self.config.search.epochs,
            subset: self.config.search.subset,
        }
    }

    fn finished(&mut self, in_order: &mut InOrder, candidate: &Candidate, outcome: Outcome) -> Result<()> {
        let evaluation = candidate.evaluated(outcome);
        self.progress.evaluated(&evaluation);
        in_order.insert(evaluation).iter().try_for_each(|evaluation| self.checkpoint.append(evaluation))
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
    fn new(candidates: &[Candidate]) -> InOrder {
        let next = candidates.first().map_or(0, |candidate| candidate.index);
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
        let mut in_order = InOrder::new(&candidates[2..]);
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
