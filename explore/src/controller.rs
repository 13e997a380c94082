//! The controller: Algorithm 1 of the paper. It knows nothing of files and processes; its result
//! depends on the configuration and on what `evaluate` returns, so a replayed search takes the same
//! course.

use crate::moea::nsga2;
use crate::moea::operators::crossover;
use crate::novelty::Novelty;
use crate::{archive, forest, improvement};
use anyhow::{Result, ensure};
use common::counts::Counts;
use common::genome::Genome;
use common::profile::{MatingFitness, SearchSettings, Strategy, Surrogate};
use common::search_files::{Archive, Evaluation, Individual, SearchConfig};
use common::seed;
use rand::{Rng, RngExt};

/// A genome of a population, before its evaluation.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// Iteration, from 0.
    pub iteration: usize,
    /// Position in the iteration's population, from 0.
    pub index: usize,
    /// What is to be evaluated.
    pub genome: Genome,
    /// Parameters and MACs of its network.
    pub counts: Counts,
    /// Bytes of working memory of its crate, where the search has a use for it.
    pub arena_bytes: Option<u64>,
}

impl Candidate {
    /// `i<iteration>-<index>`.
    pub fn id(&self) -> String {
        format!("i{:02}-{:02}", self.iteration, self.index)
    }

    /// The evaluation with a validation accuracy (0..1), or with why there is none, of a training
    /// in full.
    pub fn evaluated(&self, outcome: Result<f64, String>) -> Evaluation {
        let (accuracy, failure) = match outcome {
            Ok(accuracy) => (Some(accuracy), None),
            Err(failure) => (None, Some(failure)),
        };
        Evaluation {
            id: self.id(),
            iteration: self.iteration,
            index: self.index,
            genome: self.genome,
            parameters: self.counts.parameters,
            macs: self.counts.macs,
            arena_bytes: self.arena_bytes,
            accuracy,
            second_accuracy: None,
            latency_s: None,
            energy_j: None,
            stopped_after: None,
            rungs: Vec::new(),
            failure,
        }
    }
}

/// A search, or what is known of it after an iteration.
#[derive(Clone, Debug, PartialEq)]
pub struct Search {
    /// Every evaluation made, in order of iteration and index.
    pub evaluations: Vec<Evaluation>,
    /// The archive after the last finished iteration.
    pub archive: Archive,
}

/// Algorithm 1, to be asked for populations and told their evaluations: `search.iterations`
/// populations in all, the initial one included, or fewer where nothing unseen is left in the
/// space.
pub struct Controller<'a, C> {
    config: &'a SearchConfig,
    novelty: Novelty<'a, C>,
    search: Search,
    /// Places in `search.evaluations` of the last union of population and archive, and of the
    /// archive's individuals.
    union: Vec<usize>,
    archived: Vec<usize>,
}

impl<'a, C: Fn(&Genome) -> Result<Counts>> Controller<'a, C> {
    /// A search that has not begun. `count` gives parameters and MACs of a genome's network, or an
    /// error where the template cannot be expanded for the images.
    pub fn new(config: &'a SearchConfig, count: C) -> Self {
        let archive = Archive {
            iterations: 0,
            evaluations: 0,
            criteria_met_by: None,
            individuals: Vec::new(),
            dropped: Vec::new(),
        };
        let search = Search { evaluations: Vec::new(), archive };
        let novelty = Novelty::new(&config.space, count);
        Controller { config, novelty, search, union: Vec::new(), archived: Vec::new() }
    }

    /// What is known so far.
    pub fn search(&self) -> &Search {
        &self.search
    }

    /// Steps 0, 3, 4 and 5: the initial population is random; later ones come from the archive by
    /// mating selection, crossover and forced mutation. `None` when the search is over: after its
    /// last iteration, or when an individual meets all criteria. The last population can be smaller
    /// than asked for.
    ///
    /// # Errors
    /// No genome of the space can be expanded.
    pub fn next_population(&mut self) -> Result<Option<Vec<Candidate>>> {
        let iteration = self.search.archive.iterations;
        if iteration == self.config.search.iterations
            || self.search.archive.criteria_met_by.is_some()
        {
            return Ok(None);
        }
        let mut rng = seed::stream(self.config.seed, &format!("search/iteration-{iteration}"));
        let size = self.config.search.population;
        let offered = match (self.config.search.strategy, self.config.search.surrogate) {
            (Strategy::Spea2 | Strategy::Nsga2, Some(surrogate)) if iteration > 0 => {
                let pool = self.offspring(size * pool_per_child(surrogate), &mut rng)?;
                self.screened(pool, surrogate, size)?
            }
            (Strategy::Spea2 | Strategy::Nsga2, _) if iteration > 0 => {
                self.offspring(size, &mut rng)?
            }
            (Strategy::Spea2 | Strategy::Nsga2 | Strategy::Random, _) => {
                std::iter::from_fn(|| self.novelty.random(&mut rng)).take(size).collect()
            }
        };
        let candidate = |(index, (genome, counts))| Candidate {
            iteration,
            index,
            genome,
            counts,
            arena_bytes: None,
        };
        let population: Vec<Candidate> = offered.into_iter().enumerate().map(candidate).collect();
        ensure!(
            iteration > 0 || !population.is_empty(),
            "no genome of the space gives a network for images of this size within search.max_parameters and \
             search.max_macs"
        );
        Ok(Some(population).filter(|population| !population.is_empty()))
    }

    /// Steps 4 and 5: so many children, or fewer where nothing unseen is left.
    fn offspring(&mut self, count: usize, rng: &mut impl Rng) -> Result<Vec<(Genome, Counts)>> {
        let archive = &self.search.archive.individuals;
        let keys = mating_keys(archive, &self.config.search);
        let positions =
            |individual: &Individual| self.config.space.positions(&individual.evaluation.genome);
        let mut children = Vec::new();
        while children.len() < count {
            let (first, second) = (tournament(&keys, rng), tournament(&keys, rng));
            let child = crossover(&positions(&archive[first])?, &positions(&archive[second])?, rng);
            let Some(mutant) = self.novelty.forced_mutation(&child, rng) else { break };
            children.push(mutant);
        }
        Ok(children)
    }

    /// Of some children the most promising. The others stay unseen.
    fn screened(
        &mut self,
        pool: Vec<(Genome, Counts)>,
        surrogate: Surrogate,
        size: usize,
    ) -> Result<Vec<(Genome, Counts)>> {
        let chosen = match surrogate {
            Surrogate::Forest => forest::choose(&pool, &self.search, self.config, size)?,
            Surrogate::Gaussian => improvement::choose(&pool, &self.search, self.config, size)?,
        };
        let (mut taken, mut left) = (Vec::new(), Vec::new());
        for (index, child) in pool.into_iter().enumerate() {
            if chosen.contains(&index) { taken.push(child) } else { left.push(child) }
        }
        left.iter().for_each(|(genome, _)| self.novelty.put_back(genome));
        Ok(taken)
    }

    /// Steps 1 and 2: takes the evaluations of a whole population, in its order; fitness over the
    /// union of population and archive, and environmental selection.
    ///
    /// # Errors
    /// Objectives that have no place in a plane.
    pub fn evaluated(&mut self, population: Vec<Evaluation>) -> Result<()> {
        let first = self.search.evaluations.len();
        self.search.evaluations.extend(population);
        self.union =
            (first..self.search.evaluations.len()).chain(self.archived.iter().copied()).collect();
        self.search.archive.iterations += 1;
        self.select()
    }

    /// Puts evaluations of which more is known now in the place of those with the same ids, and
    /// selects once more. Whoever is on the front by now takes part again: a first seed's luck may
    /// have kept them out of the archive.
    ///
    /// # Errors
    /// Those of [`Controller::evaluated`].
    pub fn revised(&mut self, evaluations: Vec<Evaluation>) -> Result<()> {
        for evaluation in evaluations {
            if let Some(place) =
                self.search.evaluations.iter().position(|known| known.id == evaluation.id)
            {
                self.search.evaluations[place] = evaluation;
            }
        }
        let mut front = archive::front(&self.search.evaluations, &self.config.search.objectives);
        front.retain(|place| !self.union.contains(place));
        self.union.extend(front);
        self.select()
    }

    fn select(&mut self) -> Result<()> {
        let search = &mut self.search;
        let members = archive::next(&self.union, &search.evaluations, &self.config.search)?;
        (self.archived, search.archive.individuals) = members.into_iter().unzip();
        search.archive.evaluations = search.evaluations.len();
        let outside = (0..search.evaluations.len()).filter(|place| !self.archived.contains(place));
        let outside = outside.map(|place| &search.evaluations[place]);
        search.archive.dropped =
            outside.filter(|evaluation| evaluation.is_revised()).cloned().collect();
        let meeting = archive::meeting(&search.archive.individuals, &self.config.criteria);
        search.archive.criteria_met_by = meeting.map(|individual| individual.evaluation.id.clone());
        Ok(())
    }
}

/// How many children are screened for each that is trained.
fn pool_per_child(surrogate: Surrogate) -> usize {
    match surrogate {
        Surrogate::Forest => forest::POOL,
        Surrogate::Gaussian => improvement::POOL,
    }
}

/// What tournaments compare: the smaller key wins.
fn mating_keys(individuals: &[Individual], settings: &SearchSettings) -> Vec<(u64, f64)> {
    match (settings.strategy, settings.fitness) {
        (Strategy::Nsga2, _) => {
            let points =
                archive::points(individuals.iter().map(|i| &i.evaluation), &settings.objectives);
            let ranks = nsga2::ranks(&points);
            let crowding = nsga2::crowding(&points, &ranks);
            ranks.iter().zip(crowding).map(|(rank, crowding)| (*rank as u64, -crowding)).collect()
        }
        (Strategy::Spea2 | Strategy::Random, MatingFitness::Spea2) => {
            individuals.iter().map(|i| (i.raw_fitness, i.density)).collect()
        }
        (Strategy::Spea2 | Strategy::Random, MatingFitness::Score) => {
            individuals.iter().map(|i| (0, -i.nid.unwrap_or(0.0))).collect()
        }
    }
}

/// Mating selection: binary tournament with replacement; the winner's place.
fn tournament(keys: &[(u64, f64)], rng: &mut impl Rng) -> usize {
    let [a, b] = [(); 2].map(|()| rng.random_range(0..keys.len()));
    if keys[b] < keys[a] { b } else { a }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{config, count, search};
    use std::collections::HashSet;

    /// A made-up accuracy that grows with size and depends on the other genes.
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
    fn a_search_has_the_asked_for_size_and_never_repeats_a_function() {
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
    fn selection_does_better_than_chance() {
        // Ten seeds: sum over the front of the best accuracy at or below some sizes, against random
        // search.
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
        // Two lefts, one distinct right (relu and elu agree), four condense counts, two depths.
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
        let best = |search: &Search, iterations| {
            let until = search.evaluations.iter().filter(|e| e.iteration < iterations);
            until.filter_map(|e| e.accuracy).fold(0.0, f64::max)
        };
        let whole = search(&config, outcome);
        let (first, last) = (best(&whole, 1), best(&whole, 6));
        assert!(first < last);
        config.criteria.min_accuracy = Some(last);
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
    fn what_is_revised_moves_the_archive() {
        let config = config(10, 1);
        let mut controller = Controller::new(&config, count);
        let population = controller.next_population().unwrap().unwrap();
        controller.evaluated(population.iter().map(|c| c.evaluated(outcome(c))).collect()).unwrap();
        let before = controller.search().clone();
        let lucky =
            before.archive.individuals.iter().rfind(|i| i.on_front).unwrap().evaluation.clone();
        controller.revised(vec![Evaluation { accuracy: Some(0.0), ..lucky.clone() }]).unwrap();
        let individuals = &controller.search().archive.individuals;
        assert!(individuals.iter().all(|i| i.evaluation.id != lucky.id || !i.on_front));
        controller.revised(vec![lucky]).unwrap();
        assert_eq!(*controller.search(), before);
    }
    /// An archive with one place: who was lucky leaves it, and who had no place beside them comes
    /// back. What is known of the lucky one goes on the list of the dropped.
    #[test]
    fn whom_luck_had_kept_out_comes_back() {
        let mut config = config(2, 2);
        config.search.archive_size = 1;
        let mut controller = Controller::new(&config, count);
        let mut told = |accuracies: [f64; 2], stopped: [Option<usize>; 2]| {
            let population = controller.next_population().unwrap().unwrap();
            let evaluated = population.iter().zip(accuracies).zip(stopped).map(
                |((candidate, accuracy), stopped_after)| Evaluation {
                    parameters: 100,
                    stopped_after,
                    ..candidate.evaluated(Ok(accuracy))
                },
            );
            controller.evaluated(evaluated.collect()).unwrap();
            controller.search().archive.individuals[0].evaluation.clone()
        };
        let lucky = told([0.9, 0.8], [None, None]);
        assert_eq!(lucky.id, "i00-00");
        assert_eq!(told([0.5, 0.95], [None, Some(1)]), lucky);
        assert!(controller.search().archive.dropped.is_empty());
        let revised = Evaluation { accuracy: Some(0.7), second_accuracy: Some(0.5), ..lucky };
        controller.revised(vec![revised.clone()]).unwrap();
        let archive = &controller.search().archive;
        assert_eq!(
            (archive.individuals[0].evaluation.id.as_str(), archive.individuals[0].on_front),
            ("i00-01", true)
        );
        assert_eq!(archive.dropped, [revised]);
    }
}
