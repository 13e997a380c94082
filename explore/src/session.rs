//! A whole search: Algorithm 1 with trainings and files around it.

use crate::arena::Arena;
use crate::candidates::Candidates;
use crate::checkpoint::Checkpoint;
use crate::console::log_line;
use crate::controller::{Candidate, Controller, Search};
use crate::evaluator::{Evaluator, Outcome, Task};
use crate::figures::Drawings;
use crate::halving::{Leg, Race, Told};
use crate::progress::Progress;
use crate::{on_board, winners};
use anyhow::{Context, Result, ensure};
use common::counts::Counts;
use common::genome::Genome;
use common::json;
use common::network::Input;
use common::search_files::{Evaluation, Individual, SearchConfig};
use stages::on_board::OnBoard;
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
    /// What tells the working memory of networks' crates, where an objective or a limit needs it.
    pub arena: Option<Arena>,
    /// What measures networks, where an objective or a criterion needs it.
    pub on_board: Option<OnBoard>,
    /// Whether to go on with a search that the folder holds.
    pub resume: bool,
    /// How many winners there shall be.
    pub winners: usize,
}

/// Searches and writes all files, `winners` last.
///
/// # Errors
/// Those of [`Checkpoint::open`], [`Evaluator::evaluate`] and [`winners::write`]; no network of the
/// first iteration has an accuracy; files that cannot be written.
pub fn run(config: &SearchConfig, setting: &Setting<'_>) -> Result<Search> {
    let candidates = Candidates {
        template: &config.template,
        search: &config.search,
        input: &setting.input,
        classes: &setting.classes,
        arena: setting.arena.as_ref(),
    };
    let checkpoint = Checkpoint::open(setting.folder, config, setting.resume)?;
    try_out(config, setting, &candidates)?;
    let mut evaluations =
        Evaluations { config, setting, checkpoint, progress: Progress::new(config) };
    let mut drawings = Drawings::new(setting.folder, config);
    let mut controller = Controller::new(config, |genome| candidates.count(genome));
    loop {
        let population = controller.next_population();
        // Else it would have left out genomes that it takes at other times.
        setting
            .arena
            .as_ref()
            .map_or(Ok(()), Arena::check)
            .context("--resume goes on once this is mended")?;
        let Some(mut population) = population? else { break };
        for candidate in &mut population {
            candidate.arena_bytes = candidates.arena_bytes(&candidate.genome)?;
        }
        let mut evaluated =
            evaluations.of(&population, &controller.search().archive.individuals)?;
        if config.search.objectives.iter().any(|objective| objective.is_measured()) {
            evaluations.measure(evaluated.iter_mut())?;
        }
        controller.evaluated(evaluated)?;
        evaluations.look_closer(&mut controller)?;
        let search = controller.search();
        evaluations.progress.finished(search);
        let recorded = evaluations.checkpoint.recorded();
        // While an earlier run is replayed, the folder has what came later.
        if recorded == 0 {
            json::write(&setting.folder.join("archive.json"), &search.archive)?;
        }
        drawings.after_iteration(search, recorded)?;
    }
    drawings.at_end(controller.search())?;
    evaluations.progress.end(controller.search(), &config.criteria);
    winners::write(
        setting.folder,
        &controller.search().archive,
        &config.criteria,
        setting.winners,
    )?;
    Ok(controller.search().clone())
}

/// Asks `codegen` and the board about the first genome that has a network: what cannot work ends
/// the search here.
fn try_out(
    config: &SearchConfig,
    setting: &Setting<'_>,
    candidates: &Candidates<'_>,
) -> Result<()> {
    let Some(genome) = config.space.genomes().find(|genome| candidates.network(genome).is_ok())
    else {
        return Ok(());
    };
    candidates.arena_bytes(&genome)?;
    match &setting.on_board {
        Some(on_board) => on_board::try_out(on_board, &candidates.network(&genome)?),
        None => Ok(()),
    }
}

/// Where evaluations come from: the log of an earlier run, individuals that it trained, or new
/// trainings.
struct Evaluations<'a> {
    config: &'a SearchConfig,
    setting: &'a Setting<'a>,
    checkpoint: Checkpoint,
    progress: Progress,
}

impl Evaluations<'_> {
    /// Trains the front with a second seed, until all of it has one, and then measures it.
    fn look_closer<C: Fn(&Genome) -> Result<Counts>>(
        &mut self,
        controller: &mut Controller<'_, C>,
    ) -> Result<()> {
        let front =
            |controller: &Controller<'_, C>, known: fn(&Evaluation) -> bool| -> Vec<Evaluation> {
                let individuals = controller.search().archive.individuals.iter();
                let front = individuals
                    .filter(|individual| individual.on_front)
                    .map(|individual| &individual.evaluation);
                front.filter(|evaluation| !known(evaluation)).cloned().collect()
            };
        while self.config.search.reseed_front {
            let mut lucky = front(controller, |evaluation| evaluation.second_accuracy.is_some());
            if lucky.is_empty() {
                break;
            }
            self.train_again(&mut lucky)?;
            controller.revised(lucky)?;
        }
        if self.setting.on_board.is_some() {
            let mut fastest = front(controller, |evaluation| evaluation.latency_s.is_some());
            self.measure(fastest.iter_mut())?;
            controller.revised(fastest)?;
        }
        Ok(())
    }

    /// Gives evaluations their accuracy with a second seed.
    fn train_again(&mut self, evaluations: &mut [Evaluation]) -> Result<()> {
        let task = |evaluation: &Evaluation| Task {
            folder: format!("individuals/{}-second", evaluation.id),
            genome: evaluation.genome,
            seed: self.config.seed.wrapping_add(1),
            epochs: self.config.search.epochs,
            stop_after: None,
            subset: self.config.search.subset,
        };
        let tasks: Vec<Task> = evaluations.iter().map(task).collect();
        self.setting.train(&tasks, &mut |position, outcome| {
            let evaluation = &mut evaluations[position];
            let second = outcome.unwrap_or_else(|why| {
                log_line(&format!(
                    "{}: the training with a second seed failed: {why}",
                    evaluation.id
                ));
                0.0
            });
            evaluation.second_accuracy = Some(second);
            evaluation.accuracy = evaluation.accuracy.map(|first| (first + second) / 2.0);
            self.progress.trained_again(evaluation);
            Ok(())
        })
    }

    /// Measures those that have a network.
    fn measure<'a>(&mut self, evaluations: impl Iterator<Item = &'a mut Evaluation>) -> Result<()> {
        let Some(on_board) = &self.setting.on_board else { return Ok(()) };
        for evaluation in evaluations.filter(|evaluation| evaluation.accuracy.is_some()) {
            on_board::measure(on_board, evaluation)?;
            self.progress.measured(evaluation);
        }
        Ok(())
    }

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
            |legs, told| {
                let task = |leg: &Leg| task(config, &population[leg.place], leg.epoch);
                setting.train(&legs.iter().map(task).collect::<Vec<_>>(), told)
            },
            |evaluation| {
                self.progress.evaluated(&evaluation);
                in_order
                    .insert(evaluation)
                    .iter()
                    .try_for_each(|evaluation| self.checkpoint.append(evaluation))
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

impl Setting<'_> {
    /// Trains what an earlier run has not trained as far.
    fn train(&self, tasks: &[Task], told: Told<'_>) -> Result<()> {
        let (mut waiting, mut left) = (Vec::new(), Vec::new());
        for (position, task) in tasks.iter().enumerate() {
            match self.resume.then(|| self.evaluator.earlier_outcome(task)).flatten() {
                Some(outcome) => told(position, outcome)?,
                None => {
                    waiting.push(position);
                    left.push(task.clone());
                }
            }
        }
        self.evaluator
            .evaluate(&left, |position, outcome: Outcome| told(waiting[position], outcome))
    }
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
    use crate::test_support::{candidate, config};

    #[test]
    fn evaluations_wait_for_those_before_them() {
        let space = config(1, 1).space;
        let candidate = |(index, genome)| candidate(1, index, genome);
        let candidates: Vec<Candidate> =
            space.genomes().take(6).enumerate().map(candidate).collect();
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
