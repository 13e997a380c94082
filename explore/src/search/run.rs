//! A run of a search: Algorithm 1 with trainings, measurements and files.

use super::checkpoint::{Checkpoint, Resume};
use super::controller::Controller;
use super::feasibility::Feasibility;
use super::progress_display::ProgressDisplay;
use super::quality;
use super::reorder_buffer::ReorderBuffer;
use super::state::SearchState;
use super::winners;
use crate::evaluate::candidate::Candidate;
use crate::evaluate::crate_planner::PlatformPlanner;
use crate::evaluate::evaluator::Evaluator;
use crate::evaluate::hardware::{self, Target};
use crate::evaluate::quantizer::Quantizer;
use crate::evaluate::successive_halving::{OnOutcomes, PartialTraining, SuccessiveHalving};
use crate::evaluate::task::{Outcome, Outcomes, Task};
use crate::figures::Drawings;
use anyhow::{Context, Result, ensure};
use common::diagnostics;
use common::files::json;
use common::network::Input;
use common::network::counts::Counts;
use common::profile::{FinalSettings, Surrogate};
use common::search::archive::Individual;
use common::search::config::SearchConfig;
use common::search::evaluation::Evaluation;
use common::search::genome::Genome;
use std::path::Path;

/// What a run of a search needs besides the configuration of the search.
#[derive(Debug)]
pub struct RunOptions<'a> {
    /// Folder of all files.
    pub folder: &'a Path,
    /// The images that networks take.
    pub input: Input,
    /// Names of the classes.
    pub classes: Vec<String>,
    /// The source of outcomes.
    pub evaluator: Evaluator,
    /// What makes candidates' int8 forms, which count if it is there.
    pub quantizer: Option<Quantizer>,
    /// The planners of crates, as far as the search needs them.
    pub planners: Vec<PlatformPlanner>,
    /// The boards on which networks are measured, sorted by name.
    pub targets: Vec<Target>,
    /// What to do with a search that the folder contains.
    pub resume: Resume,
    /// Which members of the front become the winners, and how many.
    pub finals: FinalSettings,
}

/// Runs a search and writes all files, `winners` last.
///
/// # Errors
/// Fails if [`Checkpoint::open`], [`Evaluator::evaluate`] or [`winners::write`] does, if no network
/// of the first iteration has an accuracy, if a measurement fails, or if a file cannot be written.
pub fn run(config: &SearchConfig, options: &RunOptions<'_>) -> Result<SearchState> {
    let feasibility = Feasibility {
        template: &config.template,
        search: &config.search,
        input: &options.input,
        classes: &options.classes,
        planners: &options.planners,
    };
    let checkpoint = Checkpoint::open(options.folder, config, options.resume)?;
    check_environment(config, options, &feasibility)?;
    let mut evaluation =
        PopulationEvaluation { config, options, checkpoint, display: ProgressDisplay::new(config) };
    let mut drawings = Drawings::new(options.folder, config);
    let mut controller = Controller::with_features(
        config,
        |genome| feasibility.count(genome),
        Box::new(|genome, board| feasibility.features(genome, board)),
    );
    loop {
        let population = controller.next_population();
        // A failed plan must not make a genome infeasible: the population would be another one.
        options
            .planners
            .iter()
            .try_for_each(|of_platform| of_platform.planner.check())
            .context("codegen cannot be used; correct the cause and use --resume")?;
        let Some(mut population) = population? else { break };
        for candidate in &mut population {
            candidate.memory = feasibility.memory(&candidate.genome)?;
        }
        let mut evaluations =
            evaluation.evaluate(&population, &controller.state().archive.individuals)?;
        evaluation.measure(&mut evaluations, |target| has_objective(config, target))?;
        controller.add_population(evaluations)?;
        evaluation.refine_front(&mut controller)?;
        let state = controller.state();
        evaluation.display.iteration_finished(state);
        let recorded = evaluation.checkpoint.recorded();
        // While an earlier run is replayed, the folder has the archive of a later iteration.
        if recorded == 0 {
            json::write(&options.folder.join("archive.json"), &state.archive)?;
        }
        drawings.after_iteration(state, recorded)?;
    }
    let state = controller.state();
    drawings.at_end(state)?;
    evaluation.display.search_finished(state, &config.criteria);
    winners::write(options.folder, &state.archive, &config.criteria, &options.finals)?;
    Ok(state.clone())
}

/// Plans and measures the first feasible genome, so that a program or board that does not work ends
/// the search before any training.
fn check_environment(
    config: &SearchConfig,
    options: &RunOptions<'_>,
    feasibility: &Feasibility<'_>,
) -> Result<()> {
    let Some(genome) = config.space.genomes().find(|genome| feasibility.network(genome).is_ok())
    else {
        return Ok(());
    };
    feasibility.memory(&genome)?;
    let network = feasibility.network(&genome)?;
    hardware::check(&options.targets, options.quantizer.as_ref(), &network)
}

/// Returns whether whole populations are measured on a board, not the front alone.
fn has_objective(config: &SearchConfig, target: &Target) -> bool {
    let objectives = &config.search.objectives;
    objectives.iter().any(|objective| objective.is_measured() && objective.board == target.name)
}

/// Evaluates populations: takes evaluations from the log of an earlier run and from individuals
/// that it trained, and trains the rest.
struct PopulationEvaluation<'a> {
    config: &'a SearchConfig,
    options: &'a RunOptions<'a>,
    checkpoint: Checkpoint,
    display: ProgressDisplay,
}

impl PopulationEvaluation<'_> {
    /// Returns the evaluations of a population, in its order.
    fn evaluate(
        &mut self,
        population: &[Candidate],
        archive: &[Individual],
    ) -> Result<Vec<Evaluation>> {
        let mut evaluations = self.checkpoint.take(population)?;
        if all_failed(population, &evaluations) {
            // Try once more: the cause of the failures may be gone.
            evaluations.clear();
            self.checkpoint.restart()?;
        }
        self.display.iteration_started(population[0].iteration, &evaluations);
        let mut in_order = ReorderBuffer::new(evaluations.len());
        let (options, config) = (self.options, self.config);
        SuccessiveHalving { population, archive, settings: &config.search }.run(
            &evaluations,
            |trainings, on_outcomes| {
                let task = |training: &PartialTraining| {
                    task(config, &population[training.candidate], training.epoch)
                };
                options.train(&trainings.iter().map(task).collect::<Vec<_>>(), on_outcomes)
            },
            |evaluations| {
                evaluations.iter().for_each(|evaluation| self.display.evaluated(evaluation));
                self.checkpoint.append(in_order.insert(evaluations))
            },
        )?;
        evaluations.extend(in_order.into_evaluations());
        ensure!(
            !all_failed(population, &evaluations),
            "all {} trainings of the first iteration failed; {}: {}",
            population.len(),
            evaluations[0].failure.as_deref().unwrap_or_default(),
            options.evaluator.log_end(&task(config, &population[0], config.search.epochs))
        );
        Ok(evaluations)
    }

    /// Trains the front with a second seed, if configured, until every individual on it has one, up
    /// to the worst error of interest with a Gaussian process. Then measures the front on all boards.
    fn refine_front<C: Fn(&Genome) -> Result<Counts>>(
        &mut self,
        controller: &mut Controller<'_, C>,
    ) -> Result<()> {
        while self.config.search.reseed_front {
            let worst = worst_error(self.config, controller.state());
            let mut unconfirmed = front(controller.state(), |evaluation| {
                evaluation.second_accuracy.is_none() && evaluation.objectives()[0] <= worst
            });
            if unconfirmed.is_empty() {
                break;
            }
            self.train_with_second_seed(&mut unconfirmed)?;
            controller.revise(unconfirmed)?;
        }
        let targets = &self.options.targets;
        if !targets.is_empty() {
            let mut unmeasured = front(controller.state(), |evaluation| {
                targets.iter().any(|target| target.lacks(evaluation))
            });
            self.measure(&mut unmeasured, |_| true)?;
            controller.revise(unmeasured)?;
        }
        Ok(())
    }

    /// Trains evaluated networks with a second seed and sets their accuracy to the mean.
    fn train_with_second_seed(&mut self, evaluations: &mut [Evaluation]) -> Result<()> {
        let task = |evaluation: &Evaluation| Task {
            folder: format!("individuals/{}-second", evaluation.id),
            genome: evaluation.genome,
            seed: self.config.seed.wrapping_add(1),
            epochs: self.config.search.epochs,
            stop_after: None,
            subset: self.config.search.subset,
        };
        let tasks: Vec<Task> = evaluations.iter().map(task).collect();
        self.options.train(&tasks, &mut |outcomes| {
            for (index, outcome) in outcomes {
                let evaluation = &mut evaluations[index];
                let second = outcome.unwrap_or_else(|reason| {
                    diagnostics::say(&format!(
                        "{}: the training with a second seed failed: {reason}",
                        evaluation.id
                    ));
                    0.0
                });
                evaluation.second_accuracy = Some(second);
                evaluation.accuracy = evaluation.accuracy.map(|first| (first + second) / 2.0);
                self.display.retrained(evaluation);
            }
            Ok(())
        })
    }

    /// Measures the networks of evaluations on some of the boards, as far as they have an accuracy
    /// and were not measured yet.
    fn measure(
        &mut self,
        evaluations: &mut [Evaluation],
        chosen: impl Fn(&Target) -> bool,
    ) -> Result<()> {
        let options = self.options;
        let targets: Vec<&Target> = options.targets.iter().filter(|t| chosen(t)).collect();
        for evaluation in evaluations {
            let lacking: Vec<&Target> =
                targets.iter().copied().filter(|target| target.lacks(evaluation)).collect();
            let show = |target: &Target, evaluation: &Evaluation| {
                self.display.measured(evaluation, target.name.as_deref());
            };
            hardware::measure(&lacking, options.quantizer.as_ref(), evaluation, show)?;
        }
        Ok(())
    }
}

impl RunOptions<'_> {
    /// Runs those trainings that an earlier run has not run far enough, and quantizes the networks
    /// that were trained in full if their int8 forms count.
    fn train(&self, tasks: &[Task], on_outcomes: OnOutcomes<'_>) -> Result<()> {
        let mut on_outcomes = |outcomes: Outcomes| {
            let counted = outcomes.into_iter().map(|(position, outcome)| {
                let outcome = self.counted(&tasks[position], outcome)?;
                Ok((position, outcome))
            });
            on_outcomes(counted.collect::<Result<_>>()?)
        };
        let (mut positions, mut left, mut earlier) = (Vec::new(), Vec::new(), Vec::new());
        let resumes = self.resume != Resume::Never;
        for (position, task) in tasks.iter().enumerate() {
            match resumes.then(|| self.evaluator.earlier_outcome(task)).flatten() {
                Some(outcome) => earlier.push((position, outcome)),
                None => {
                    positions.push(position);
                    left.push(task.clone());
                }
            }
        }
        on_outcomes(earlier)?;
        self.evaluator.evaluate(&left, |outcomes| {
            let of_tasks = outcomes.into_iter().map(|(index, outcome)| (positions[index], outcome));
            on_outcomes(of_tasks.collect())
        })
    }

    /// Returns what counts of a training: the accuracy of the int8 form if there is to be one.
    fn counted(&self, task: &Task, outcome: Outcome) -> Result<Outcome> {
        match (&self.quantizer, outcome) {
            (Some(quantizer), Ok(_)) if task.stop_after.is_none() => {
                quantizer.outcome(&task.folder)
            }
            (Some(_) | None, outcome) => Ok(outcome),
        }
    }
}

/// Returns the error beyond which no network is of interest: that of the region in which a Gaussian
/// process looks for the front, 1 for other searches.
fn worst_error(config: &SearchConfig, state: &SearchState) -> f64 {
    let region = || quality::worst_of_interest(&state.evaluations, config.search.worst_error);
    let gaussian = config.search.surrogate == Some(Surrogate::Gaussian);
    gaussian.then(region).flatten().unwrap_or(1.0)
}

/// Returns the evaluations on the archive's front that satisfy a condition.
fn front(state: &SearchState, condition: impl Fn(&Evaluation) -> bool) -> Vec<Evaluation> {
    let front = state.archive.individuals.iter().filter(|individual| individual.on_front);
    let evaluations = front.map(|individual| &individual.evaluation);
    evaluations.filter(|evaluation| condition(evaluation)).cloned().collect()
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

/// Returns whether these are the evaluations of the whole first population, none with an accuracy.
fn all_failed(population: &[Candidate], evaluations: &[Evaluation]) -> bool {
    population[0].iteration == 0
        && evaluations.len() == population.len()
        && evaluations.iter().all(|evaluation| evaluation.accuracy.is_none())
}
