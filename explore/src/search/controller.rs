//! The controller: Algorithm 1 of the paper over networks. It uses no files and starts no processes;
//! its populations depend only on the configuration and on the evaluations that it is given, so a
//! replayed search takes the same course.

use super::archive;
use super::network_problem::{Features, NetworkProblem, individual};
use super::state::SearchState;
use crate::algorithm::archive::Member;
use crate::algorithm::evolution::Evolution;
use crate::algorithm::settings::Settings;
use crate::evaluate::candidate::Candidate;
use anyhow::{Result, ensure};
use common::network::counts::Counts;
use common::search::config::SearchConfig;
use common::search::evaluation::Evaluation;
use common::search::genome::Genome;
use std::collections::BTreeMap;

/// Algorithm 1 as a state machine: it returns populations and takes their evaluations. It makes
/// `search.iterations` populations including the initial one, or fewer if the space is exhausted.
pub struct Controller<'a, C> {
    config: &'a SearchConfig,
    evolution: Evolution<NetworkProblem<'a, C>>,
    state: SearchState,
}

impl<'a, C: Fn(&Genome) -> Result<Counts>> Controller<'a, C> {
    /// Creates a search that has not begun. `count` returns parameters and MACs of a genome's
    /// network, or an error if the genome is not feasible.
    pub fn new(config: &'a SearchConfig, count: C) -> Self {
        Controller::with_features(config, count, Box::new(|_, _| None))
    }

    /// Creates a search that has not begun, with what the time of a genome's crate on a board depends
    /// on, by which a Gaussian process knows latencies before they are measured.
    pub fn with_features(config: &'a SearchConfig, count: C, features: Features<'a>) -> Self {
        let search = &config.search;
        let settings = Settings {
            seed: config.seed,
            strategy: search.strategy,
            fitness: search.fitness,
            surrogate: search.surrogate,
            worst_error: search.worst_error,
            population: search.population,
            archive_size: search.archive_size,
        };
        let problem = NetworkProblem::new(&config.space, &search.objectives, count)
            .within(&config.criteria)
            .with_features(features);
        let evolution = Evolution::new(problem, settings);
        Controller { config, evolution, state: SearchState::new() }
    }

    /// Returns the state after the last iteration.
    pub fn state(&self) -> &SearchState {
        &self.state
    }

    /// Returns the next population. `None` if the search is over: after its last iteration, when an
    /// individual meets all criteria, or when the space is exhausted. The last population can be
    /// smaller than `search.population`.
    ///
    /// # Errors
    /// Fails if no genome of the space is feasible.
    pub fn next_population(&mut self) -> Result<Option<Vec<Candidate>>> {
        let iteration = self.state.archive.iterations;
        if iteration == self.config.search.iterations
            || self.state.archive.criteria_met_by.is_some()
        {
            return Ok(None);
        }
        let proposals = self.evolution.next_population()?;
        let candidate = |(index, genome): (usize, Vec<usize>)| -> Result<Candidate> {
            let (genome, counts) = self.evolution.problem().counted(&genome)?;
            Ok(Candidate { iteration, index, genome, counts, memory: BTreeMap::new() })
        };
        let population: Vec<Candidate> = proposals
            .into_iter()
            .map(|(genome, _)| genome)
            .enumerate()
            .map(candidate)
            .collect::<Result<_>>()?;
        ensure!(
            iteration > 0 || !population.is_empty(),
            "no genome of the space gives a network for images of this size within \
             search.max_parameters, search.max_macs, search.max_arena_bytes and \
             search.max_flash_bytes"
        );
        Ok(Some(population).filter(|population| !population.is_empty()))
    }

    /// Takes the evaluations of a whole population, in its order, and performs environmental
    /// selection.
    ///
    /// # Errors
    /// Fails if an objective that is compared by its logarithm is not positive.
    pub fn add_population(&mut self, evaluations: Vec<Evaluation>) -> Result<()> {
        let problem = self.evolution.problem();
        let trials = evaluations.iter().map(|e| problem.trial(e)).collect::<Result<_>>()?;
        self.state.evaluations.extend(evaluations);
        self.evolution.add_population(trials)?;
        self.state.archive.iterations += 1;
        self.take_archive();
        Ok(())
    }

    /// Replaces the evaluations with the same ids and selects once more. Evaluations that are on
    /// the front only now join the union: the accuracy with one seed, higher by chance, of another
    /// one may have kept them out of the archive.
    ///
    /// # Errors
    /// Fails as [`Controller::add_population`] does.
    pub fn revise(&mut self, evaluations: Vec<Evaluation>) -> Result<()> {
        let mut trials = Vec::new();
        for evaluation in evaluations {
            let known = &mut self.state.evaluations;
            if let Some(index) = known.iter().position(|known| known.id == evaluation.id) {
                trials.push((index, self.evolution.problem().trial(&evaluation)?));
                known[index] = evaluation;
            }
        }
        self.evolution.revise(trials)?;
        self.take_archive();
        Ok(())
    }

    /// Copies the algorithm's archive into the state.
    fn take_archive(&mut self) {
        let (state, members) = (&mut self.state, self.evolution.archive());
        let of = |member: &Member| individual(member, &state.evaluations[member.trial]);
        state.archive.individuals = members.iter().map(of).collect();
        state.archive.evaluations = state.evaluations.len();
        let archived = |index: usize| members.iter().any(|member| member.trial == index);
        let outside = (0..state.evaluations.len()).filter(|index| !archived(*index));
        let outside = outside.map(|index| &state.evaluations[index]);
        state.archive.dropped =
            outside.filter(|evaluation| evaluation.is_revised()).cloned().collect();
        let best = archive::best_meeting(&state.archive.individuals, &self.config.criteria);
        state.archive.criteria_met_by = best.map(|individual| individual.evaluation.id.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{config, count, search};
    use std::collections::HashSet;

    /// Returns an artificial accuracy that grows with the size and depends on the other genes.
    fn accuracy(genome: &Genome) -> f64 {
        let size = (genome.condense_layers * genome.feature_extraction_layers) as f64;
        let rest =
            genome.left_activation as usize + 2 * genome.optimizer as usize + genome.kernel_size;
        0.5 + size / 500.0 + rest as f64 / 200.0
    }

    fn outcome(candidate: &Candidate) -> Result<f64, String> {
        Ok(accuracy(&candidate.genome))
    }

    #[test]
    fn a_search_has_the_configured_size_and_never_repeats_a_function() {
        let config = config(10, 6);
        let search = search(&config, outcome);
        assert_eq!(
            (search.archive.iterations, search.archive.evaluations, search.evaluations.len()),
            (6, 60, 60)
        );
        let functions: HashSet<Genome> =
            search.evaluations.iter().map(|e| e.genome.canonical()).collect();
        assert_eq!(functions.len(), 60);
        let ids: Vec<&str> = search.evaluations.iter().map(|e| e.id.as_str()).collect();
        assert_eq!((ids[0], ids[9], ids[10], ids[59]), ("i00-00", "i00-09", "i01-00", "i05-09"));
    }

    #[test]
    fn the_archive_is_ordered_and_its_front_is_that_of_all_evaluations() {
        let config = config(12, 5);
        let search = search(&config, outcome);
        let individuals = &search.archive.individuals;
        assert_eq!(individuals.len(), config.search.archive_size);
        let order: Vec<[f64; 2]> =
            individuals.iter().map(|i| i.evaluation.objectives()).map(|[e, p]| [p, e]).collect();
        assert!(order.is_sorted());
        let best = search.evaluations.iter().filter_map(|e| e.accuracy).fold(0.0, f64::max);
        let of_archive = individuals
            .iter()
            .filter(|i| i.on_front)
            .filter_map(|i| i.evaluation.accuracy)
            .fold(0.0, f64::max);
        assert_eq!(best, of_archive);
        assert!(individuals.iter().filter(|i| i.on_front).all(|i| i.raw_fitness == 0));
    }

    #[test]
    fn equal_seeds_give_equal_searches() {
        let run = |seed| {
            let config = SearchConfig { seed, ..config(8, 4) };
            search(&config, outcome)
        };
        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
    }

    #[test]
    fn selection_is_better_than_random_search() {
        // With ten seeds, compares the sum of the best accuracies at or below some sizes.
        let area = |evaluations: &[Evaluation]| -> f64 {
            let best = |limit: u64| {
                let small = evaluations.iter().filter(|e| e.parameters <= limit);
                small.filter_map(|e| e.accuracy).fold(0.0, f64::max)
            };
            [30, 60, 90, 120, 200].map(best).iter().sum()
        };
        let better = (0..10).filter(|seed| {
            let searched = SearchConfig { seed: *seed, ..config(12, 8) };
            let random = SearchConfig { seed: *seed, ..config(96, 1) };
            let of = |config| area(&search(config, outcome).evaluations);
            of(&searched) > of(&random)
        });
        assert!(better.count() >= 8);
    }

    #[test]
    fn a_small_space_is_exhausted_and_ends_cleanly() {
        let mut config = config(10, 8);
        config.space.left_activation.truncate(2);
        config.space.right_activation.truncate(2);
        config.space.optimizer.truncate(1);
        // Two left activations, one distinct right one (relu and elu agree above 0), four counts of
        // Condense Layers, two depths.
        let functions = config.space.distinct_functions();
        let search = search(&config, outcome);
        assert_eq!((functions, search.evaluations.len(), search.archive.iterations), (16, 16, 2));
    }

    #[test]
    fn a_space_without_networks_is_an_error() {
        let config = config(4, 2);
        let error =
            Controller::new(&config, |_| anyhow::bail!("too small")).next_population().unwrap_err();
        assert!(error.to_string().contains("no genome of the space"), "{error}");
    }

    #[test]
    fn failed_trainings_get_the_worst_error_and_are_not_on_the_front() {
        let some_fail = |c: &Candidate| {
            if c.index.is_multiple_of(3) { Err("made up".into()) } else { outcome(c) }
        };
        let search = search(&config(9, 3), some_fail);
        assert_eq!(search.evaluations.iter().filter(|e| e.failure.is_some()).count(), 9);
        let failed: Vec<_> =
            search.archive.individuals.iter().filter(|i| i.evaluation.accuracy.is_none()).collect();
        assert!(
            failed
                .iter()
                .all(|i| !i.on_front && i.nid.is_none() && i.evaluation.objectives()[0] == 1.0)
        );
    }

    #[test]
    fn the_search_ends_with_the_iteration_whose_individual_meets_the_criteria() {
        let mut config = config(10, 6);
        let best = |search: &SearchState, iterations| {
            let until = search.evaluations.iter().filter(|e| e.iteration < iterations);
            until.filter_map(|e| e.accuracy).fold(0.0, f64::max)
        };
        let whole = search(&config, outcome);
        let (first, last) = (best(&whole, 1), best(&whole, 6));
        assert!(first < last);
        config.criteria.general.min_accuracy = Some(last);
        let shorter = search(&config, outcome);
        let end = shorter.archive.iterations;
        assert!(best(&whole, end) >= last && best(&whole, end - 1) < last);
        assert_eq!(shorter.evaluations[..], whole.evaluations[..shorter.evaluations.len()]);
        let met_by = shorter.archive.criteria_met_by.unwrap();
        assert_eq!(
            shorter.evaluations.iter().find(|e| e.id == met_by).unwrap().accuracy,
            Some(last)
        );
        assert_eq!(whole.archive.criteria_met_by, None);
    }

    #[test]
    fn a_revision_changes_the_archive() {
        let config = config(10, 1);
        let mut controller = Controller::new(&config, count);
        let population = controller.next_population().unwrap().unwrap();
        controller
            .add_population(population.iter().map(|c| c.evaluated(outcome(c))).collect())
            .unwrap();
        let before = controller.state().clone();
        let unconfirmed =
            before.archive.individuals.iter().rfind(|i| i.on_front).unwrap().evaluation.clone();
        controller.revise(vec![Evaluation { accuracy: Some(0.0), ..unconfirmed.clone() }]).unwrap();
        let individuals = &controller.state().archive.individuals;
        assert!(individuals.iter().all(|i| i.evaluation.id != unconfirmed.id || !i.on_front));
        controller.revise(vec![unconfirmed]).unwrap();
        assert_eq!(*controller.state(), before);
    }

    /// The archive holds one individual. One whose first accuracy was too high leaves it, and the
    /// one that it displaced returns; the revised evaluation is listed as dropped.
    #[test]
    fn an_individual_displaced_by_chance_returns() {
        let mut config = config(2, 2);
        config.search.archive_size = 1;
        let mut controller = Controller::new(&config, count);
        let mut add_population = |accuracies: [f64; 2], stopped: [Option<usize>; 2]| {
            let population = controller.next_population().unwrap().unwrap();
            let evaluated = population.iter().zip(accuracies).zip(stopped).map(
                |((candidate, accuracy), stopped_after)| Evaluation {
                    parameters: 100,
                    stopped_after,
                    ..candidate.evaluated(Ok(accuracy))
                },
            );
            controller.add_population(evaluated.collect()).unwrap();
            controller.state().archive.individuals[0].evaluation.clone()
        };
        let unconfirmed = add_population([0.9, 0.8], [None, None]);
        assert_eq!(unconfirmed.id, "i00-00");
        assert_eq!(add_population([0.5, 0.95], [None, Some(1)]), unconfirmed);
        assert!(controller.state().archive.dropped.is_empty());
        let revised = Evaluation { accuracy: Some(0.7), second_accuracy: Some(0.5), ..unconfirmed };
        controller.revise(vec![revised.clone()]).unwrap();
        let archive = &controller.state().archive;
        assert_eq!(
            (archive.individuals[0].evaluation.id.as_str(), archive.individuals[0].on_front),
            ("i00-01", true)
        );
        assert_eq!(archive.dropped, [revised]);
    }
}
