//! Algorithm 1 as a state machine: it proposes populations and takes their trials. Its populations
//! depend only on the settings and on the trials that it is given.

use super::archive::{self, Member};
use super::problem::{Genome, Known, Problem};
use super::settings::Settings;
use super::trial::{Standing, Trial};
use super::unseen::Unseen;
use super::{mating, screening};
use crate::moea::operators::crossover;
use anyhow::Result;
use common::profile::{Strategy, Surrogate};
use common::search::region::worst_error;
use common::seed;
use rand::Rng;

/// A search under way.
pub struct Evolution<P> {
    settings: Settings,
    unseen: Unseen<P>,
    /// All trials, in the order in which they were added.
    trials: Vec<Trial>,
    /// Number of populations added.
    iterations: usize,
    /// Indices of the last union of population and archive.
    union: Vec<usize>,
    archive: Vec<Member>,
}

impl<P: Problem> Evolution<P> {
    /// Creates a search that has not begun.
    pub fn new(problem: P, settings: Settings) -> Self {
        Evolution {
            settings,
            unseen: Unseen::new(problem),
            trials: Vec::new(),
            iterations: 0,
            union: Vec::new(),
            archive: Vec::new(),
        }
    }

    /// Returns the space that is searched.
    pub fn problem(&self) -> &P {
        self.unseen.problem()
    }

    /// Returns the archive after the last iteration.
    pub fn archive(&self) -> &[Member] {
        &self.archive
    }

    /// Steps 0, 3, 4 and 5: returns the next population. The initial one is random, and a Latin
    /// hypercube if a Gaussian process is to learn from it, so that a small one has as many labels
    /// as possible; later ones come from the archive by mating selection, crossover and forced
    /// mutation. It is smaller than `population`, or empty, once the space is exhausted.
    ///
    /// # Errors
    /// Fails if a surrogate cannot be fitted.
    pub fn next_population(&mut self) -> Result<Vec<(Genome, Known)>> {
        let iteration = self.iterations;
        let mut rng = seed::stream(self.settings.seed, &format!("search/iteration-{iteration}"));
        let size = self.settings.population;
        match (self.settings.strategy, self.settings.surrogate) {
            (Strategy::Spea2 | Strategy::Nsga2, Some(surrogate)) if iteration > 0 => {
                let pool_size = size * screening::children_per_trial(surrogate);
                let pool = self.offspring(pool_size, &mut rng);
                self.screen(pool, surrogate, size)
            }
            (Strategy::Spea2 | Strategy::Nsga2, _) if iteration > 0 => {
                Ok(self.offspring(size, &mut rng))
            }
            (Strategy::Spea2 | Strategy::Nsga2, Some(Surrogate::Gaussian)) => {
                Ok(self.unseen.latin_hypercube(size, &mut rng))
            }
            (Strategy::Spea2 | Strategy::Nsga2 | Strategy::Random, _) => {
                Ok(std::iter::from_fn(|| self.unseen.random(&mut rng)).take(size).collect())
            }
        }
    }

    /// Steps 4 and 5: returns `count` children, or fewer if the space is exhausted.
    fn offspring(&mut self, count: usize, rng: &mut impl Rng) -> Vec<(Genome, Known)> {
        let keys = mating::tournament_keys(&self.archive, &self.trials, &self.settings);
        let mut children = Vec::new();
        while children.len() < count {
            let [first, second] = [(); 2].map(|()| mating::tournament(&keys, rng));
            let genome = |member: usize| &self.trials[self.archive[member].trial].genome;
            let child = crossover(genome(first), genome(second), rng);
            let Some(mutant) = self.unseen.forced_mutation(&child, rng) else { break };
            children.push(mutant);
        }
        children
    }

    /// Returns the most promising children, in the order of the pool. The others stay unseen.
    fn screen(
        &mut self,
        pool: Vec<(Genome, Known)>,
        surrogate: Surrogate,
        size: usize,
    ) -> Result<Vec<(Genome, Known)>> {
        let errors = self.trials.iter().filter(|trial| trial.in_full()).map(Trial::error);
        let found = || worst_error(errors.fold(1.0, f64::min));
        let worst_error = self.settings.worst_error.unwrap_or_else(found);
        let (trials, archive) = (&self.trials, &self.archive);
        let problem = self.unseen.problem();
        let known = screening::Experience { trials, archive, worst_error, problem };
        let selected = known.select(surrogate, &pool, self.settings.seed, size)?;
        let (mut kept, mut rejected) = (Vec::new(), Vec::new());
        for (index, child) in pool.into_iter().enumerate() {
            if selected.contains(&index) { kept.push(child) } else { rejected.push(child) }
        }
        rejected.iter().for_each(|(genome, _)| self.unseen.put_back(genome));
        Ok(kept)
    }

    /// Steps 1 and 2: takes the trials of a whole population, in its order, computes the fitness
    /// over the union of population and archive, and performs environmental selection.
    ///
    /// # Errors
    /// Fails if an objective that is compared by its logarithm is not positive.
    pub fn add_population(&mut self, trials: Vec<Trial>) -> Result<()> {
        let first = self.trials.len();
        self.trials.extend(trials);
        let archived = self.archive.iter().map(|member| member.trial);
        self.union = (first..self.trials.len()).chain(archived).collect();
        self.iterations += 1;
        self.select()
    }

    /// Replaces trials, by index, and selects once more. Trials that are on the front only now join
    /// the union: a result of another one, better by chance, may have kept them out of the archive.
    ///
    /// # Errors
    /// Fails as [`Evolution::add_population`] does.
    pub fn revise(&mut self, trials: Vec<(usize, Trial)>) -> Result<()> {
        for (index, trial) in trials {
            self.trials[index] = trial;
        }
        let standings: Vec<&Standing> = self.trials.iter().map(|trial| &trial.standing).collect();
        let mut front = archive::front(&standings);
        front.retain(|index| !self.union.contains(index));
        self.union.extend(front);
        self.select()
    }

    fn select(&mut self) -> Result<()> {
        self.archive = archive::select(&self.union, &self.trials, &self.settings)?;
        Ok(())
    }
}
