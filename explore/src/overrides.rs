//! Options of `explore run` that go before the profile's section `search`.

use clap::{Args, ValueEnum};
use common::objective::Objective;
use common::profile::{MatingFitness, SearchSettings, Strategy, Surrogate};

/// Where weak candidates are stopped if the profile does not say.
const HALVING: [f64; 2] = [0.4, 0.7];

#[derive(Debug, Args)]
pub(crate) struct Overrides {
    /// What chooses archive and populations [default: the profile's, as for all that follow]
    #[arg(long, value_enum)]
    strategy: Option<StrategyName>,
    /// What is minimised: error, and one or more of params, macs, arena_bytes, latency_s, energy_j, separated by commas
    #[arg(long, value_delimiter = ',', value_parser = parse_objective)]
    objectives: Option<Vec<Objective>>,
    /// What decides SPEA-II's tournaments
    #[arg(long, value_enum)]
    fitness: Option<FitnessName>,
    /// What screens offspring before training
    #[arg(long, value_enum)]
    surrogate: Option<SurrogateName>,
    /// Train the weaker half of a population no further than 0.4 and 0.7 of the epochs, or where the profile says
    #[arg(long)]
    halving: bool,
    /// Most trainable parameters of a candidate
    #[arg(long)]
    max_params: Option<u64>,
    /// Most multiply-adds of a candidate for one image
    #[arg(long)]
    max_macs: Option<u64>,
    /// Most bytes of working memory of a candidate's crate
    #[arg(long)]
    max_arena_bytes: Option<u64>,
    /// Train the front with a second seed, too, and go by the mean
    #[arg(long)]
    reseed_front: bool,
}

fn parse_objective(name: &str) -> Result<Objective, String> {
    let known = Objective::ALL.into_iter().find(|objective| objective.to_string() == name);
    known.ok_or_else(|| format!("the objectives are {}", Objective::ALL.map(|o| o.to_string()).join(", ")))
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum StrategyName {
    Spea2,
    Nsga2,
    Random,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum FitnessName {
    Spea2,
    Score,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum SurrogateName {
    None,
    Forest,
    Gaussian,
}

impl Overrides {
    /// Puts what was given in the place of the profile's.
    pub(crate) fn apply(&self, search: &mut SearchSettings) {
        match self.strategy {
            None => {}
            Some(StrategyName::Spea2) => search.strategy = Strategy::Spea2,
            Some(StrategyName::Nsga2) => search.strategy = Strategy::Nsga2,
            Some(StrategyName::Random) => search.strategy = Strategy::Random,
        }
        if let Some(objectives) = &self.objectives {
            search.objectives.clone_from(objectives);
        }
        match self.fitness {
            None => {}
            Some(FitnessName::Spea2) => search.fitness = MatingFitness::Spea2,
            Some(FitnessName::Score) => search.fitness = MatingFitness::Score,
        }
        match self.surrogate {
            None => {}
            Some(SurrogateName::None) => search.surrogate = None,
            Some(SurrogateName::Forest) => search.surrogate = Some(Surrogate::Forest),
            Some(SurrogateName::Gaussian) => search.surrogate = Some(Surrogate::Gaussian),
        }
        if self.halving && search.halving.is_empty() {
            search.halving = HALVING.to_vec();
        }
        search.max_parameters = self.max_params.or(search.max_parameters);
        search.max_macs = self.max_macs.or(search.max_macs);
        search.max_arena_bytes = self.max_arena_bytes.or(search.max_arena_bytes);
        search.reseed_front |= self.reseed_front;
    }
}
