//! Options of `explore run` that take precedence over the profile's section `search`.

use anyhow::{Result, bail, ensure};
use clap::{Args, ValueEnum};
use common::profile::{MatingFitness, SearchSettings, Strategy, Surrogate};
use common::search::limit::MemoryLimit;
use common::search::objective::Objective;
use common::search::on_board::OnBoard;
use std::fmt::Display;

/// Rungs of successive halving if the profile has none, as fractions of the epochs.
const HALVING: [f64; 2] = [0.4, 0.7];

#[derive(Debug, Args)]
pub(crate) struct SearchArgs {
    /// Algorithm of the search [default: the profile's, as for the following options]
    #[arg(long, value_name = "NAME", value_enum)]
    strategy: Option<StrategyName>,
    /// Objectives, all minimised: error, and one or more of params, macs, arena_bytes, flash_bytes,
    /// latency_s, energy_j, separated by commas; the last four with the board where there are
    /// several, as in latency_s@host
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    objectives: Option<Vec<Objective>>,
    /// Fitness that SPEA-II's tournaments compare
    #[arg(long, value_name = "NAME", value_enum)]
    fitness: Option<FitnessName>,
    /// Model that screens offspring before training
    #[arg(long, value_name = "NAME", value_enum)]
    surrogate: Option<SurrogateName>,
    /// Stop the weaker half of a population after 0.4 and 0.7 of the epochs, or at the rungs of the
    /// profile
    #[arg(long)]
    halving: bool,
    /// Number of populations, the initial one included; with --resume, the search goes on to this
    /// number
    #[arg(long, value_name = "N")]
    pub(crate) iterations: Option<usize>,
    /// Largest number of trainable parameters of a candidate
    #[arg(long, value_name = "N")]
    max_params: Option<u64>,
    /// Largest number of multiply-adds of a candidate for one image
    #[arg(long, value_name = "N")]
    max_macs: Option<u64>,
    /// Largest number of bytes of working memory of a candidate's crate; N@NAME where boards have
    /// different platforms, as for the next option
    #[arg(long, value_name = "N")]
    max_arena_bytes: Vec<OnBoard<u64>>,
    /// Largest number of bytes of constants of a candidate's crate and, on a microcontroller, of
    /// code
    #[arg(long, value_name = "N")]
    max_flash_bytes: Vec<OnBoard<u64>>,
    /// Train the front with a second seed and use the mean accuracy
    #[arg(long)]
    reseed_front: bool,
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

impl SearchArgs {
    /// Overrides settings of the profile by the options, except for limits of memory. Resets each
    /// setting of the profile that an option leaves without effect to its default, and returns a
    /// sentence for it.
    ///
    /// # Errors
    /// Fails if an option or a setting has no effect, or only a partial one.
    pub(crate) fn apply(&self, search: &mut SearchSettings) -> Result<Vec<String>> {
        match self.strategy {
            None => {}
            Some(StrategyName::Spea2) => search.strategy = Strategy::Spea2,
            Some(StrategyName::Nsga2) => search.strategy = Strategy::Nsga2,
            Some(StrategyName::Random) => search.strategy = Strategy::Random,
        }
        if let Some(objectives) = &self.objectives {
            search.objectives.clone_from(objectives);
        }
        search.iterations = self.iterations.unwrap_or(search.iterations);
        if self.halving && search.halving.is_empty() {
            search.halving = HALVING.to_vec();
        }
        search.max_parameters = self.max_params.or(search.max_parameters);
        search.max_macs = self.max_macs.or(search.max_macs);
        search.reseed_front |= self.reseed_front;
        let ignored = [
            self.apply_fitness(search)?,
            self.apply_surrogate(search)?,
            self.apply_worst_error(search)?,
        ];
        Ok(ignored.into_iter().flatten().collect())
    }

    /// Sets the limits of memory, of which each may name its board.
    ///
    /// # Errors
    /// Fails if one is there twice, or outside its range.
    pub(crate) fn set_memory_limits(&self, search: &mut SearchSettings) -> Result<()> {
        for (limit, given) in [
            (MemoryLimit::ArenaBytes, &self.max_arena_bytes),
            (MemoryLimit::FlashBytes, &self.max_flash_bytes),
        ] {
            for OnBoard { what, board } in given {
                let of_board = OnBoard { what: limit, board: board.clone() };
                let earlier = search.set_memory_limit(of_board, *what);
                ensure!(earlier.is_none(), "{} is there twice", option(limit, board.as_deref()));
            }
        }
        search.check()
    }

    /// Overrides the fitness of tournaments, which has an effect with SPEA-II alone.
    fn apply_fitness(&self, search: &mut SearchSettings) -> Result<Option<String>> {
        let has_effect = search.strategy == Strategy::Spea2;
        let strategy = search.strategy.name();
        match self.fitness {
            Some(_) if !has_effect => bail!(
                "--fitness decides tournaments of SPEA-II, which the strategy {strategy} does not \
                 have: leave it out, or choose --strategy spea2"
            ),
            Some(FitnessName::Spea2) => search.fitness = MatingFitness::Spea2,
            Some(FitnessName::Score) => search.fitness = MatingFitness::Score,
            None if has_effect || search.fitness == MatingFitness::default() => {}
            None => {
                search.fitness = MatingFitness::default();
                return self.ignored("search.fitness", strategy).map(Some);
            }
        }
        Ok(None)
    }

    /// Overrides the surrogate. Random populations are not screened.
    fn apply_surrogate(&self, search: &mut SearchSettings) -> Result<Option<String>> {
        let strategy = search.strategy;
        let given = self.surrogate.and_then(SurrogateName::surrogate);
        if self.surrogate.is_some() {
            search.surrogate = given;
        }
        if strategy == Strategy::Random && search.surrogate.is_some() {
            ensure!(
                given.is_none(),
                "--surrogate screens offspring, which the strategy random does not have: leave it \
                 out, or choose another --strategy"
            );
            search.surrogate = None;
            return self.ignored("search.surrogate", strategy.name()).map(Some);
        }
        Ok(None)
    }

    /// Drops the worst error of interest if the surrogate, which alone looks at it, is another one by
    /// an option.
    fn apply_worst_error(&self, search: &mut SearchSettings) -> Result<Option<String>> {
        if search.worst_error.is_none() || search.surrogate == Some(Surrogate::Gaussian) {
            return Ok(None);
        }
        ensure!(
            self.surrogate.is_some() || self.strategy.is_some(),
            "search.worst_error of the profile has an effect with search.surrogate gaussian alone: \
             leave it out, or choose that surrogate"
        );
        search.worst_error = None;
        let sentence = "search.worst_error of the profile is ignored: it has an effect with the \
                        surrogate gaussian alone";
        Ok(Some(sentence.into()))
    }

    /// Returns the sentence about a setting of the profile that an option leaves without effect.
    ///
    /// # Errors
    /// Fails if the profile itself, not an option, leaves it without effect.
    fn ignored(&self, key: &str, strategy: &str) -> Result<String> {
        ensure!(
            self.strategy.is_some(),
            "{key} of the profile has no effect with its search.strategy {strategy}: leave one of \
             them out"
        );
        Ok(format!("{key} of the profile is ignored: it has no effect with --strategy {strategy}"))
    }
}

/// Returns the option of a limit on a board, such as `--max-latency-s ...@host`.
pub(crate) fn option(limit: impl Display, board: Option<&str>) -> String {
    let value = board.map(|board| format!(" ...@{board}"));
    format!("--{}{}", limit.to_string().replace('_', "-"), value.unwrap_or_default())
}

impl SurrogateName {
    fn surrogate(self) -> Option<Surrogate> {
        match self {
            SurrogateName::None => None,
            SurrogateName::Forest => Some(Surrogate::Forest),
            SurrogateName::Gaussian => Some(Surrogate::Gaussian),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Options {
        #[command(flatten)]
        search_args: SearchArgs,
    }

    /// Applies options to the settings of a profile; returns the sentences or the error, and the
    /// settings.
    fn apply(
        options: &str,
        mut profile: SearchSettings,
    ) -> (Result<Vec<String>, String>, SearchSettings) {
        let options =
            Options::try_parse_from(std::iter::once("explore").chain(options.split_whitespace()))
                .unwrap();
        let sentences = options.search_args.apply(&mut profile);
        (sentences.map_err(|error| error.to_string()), profile)
    }

    fn profile(
        strategy: Strategy,
        surrogate: Option<Surrogate>,
        fitness: MatingFitness,
    ) -> SearchSettings {
        SearchSettings { strategy, surrogate, fitness, ..SearchSettings::default() }
    }

    #[test]
    fn an_option_without_effect_is_refused() {
        let spea2 = || profile(Strategy::Spea2, None, MatingFitness::Spea2);
        let random = || profile(Strategy::Random, None, MatingFitness::Spea2);
        for (options, profile, word) in [
            ("--strategy random --surrogate forest", spea2(), "--surrogate screens offspring"),
            ("--strategy random --surrogate gaussian", spea2(), "--surrogate screens offspring"),
            ("--strategy random --fitness score", spea2(), "--fitness decides tournaments"),
            ("--strategy random --fitness spea2", spea2(), "--fitness decides tournaments"),
            ("--strategy nsga2 --fitness score", spea2(), "--fitness decides tournaments"),
            ("--surrogate forest", random(), "--surrogate screens offspring"),
            ("--fitness score", random(), "--fitness decides tournaments"),
        ] {
            let error = apply(options, profile).0.unwrap_err();
            assert!(error.starts_with(word), "{options}: {error}");
        }
        for options in ["--strategy random --surrogate none", "--strategy nsga2 --surrogate forest"]
        {
            assert_eq!(apply(options, spea2()).0, Ok(vec![]), "{options}");
        }
        assert_eq!(
            apply("--strategy spea2 --surrogate forest --fitness score", random()).0,
            Ok(vec![])
        );
    }

    #[test]
    fn settings_that_an_option_leaves_without_effect_are_named_and_reset() {
        let laptop = profile(Strategy::Spea2, Some(Surrogate::Gaussian), MatingFitness::Score);
        let (sentences, settings) = apply("--strategy random", laptop.clone());
        let sentences = sentences.unwrap();
        assert_eq!(sentences.len(), 2);
        assert_eq!(
            sentences[0],
            "search.fitness of the profile is ignored: it has no effect with --strategy random"
        );
        assert_eq!(
            sentences[1],
            "search.surrogate of the profile is ignored: it has no effect with --strategy random"
        );
        assert_eq!((settings.surrogate, settings.fitness), (None, MatingFitness::Spea2));
        let (sentences, settings) = apply("--strategy nsga2", laptop);
        assert_eq!((sentences.unwrap().len(), settings.surrogate), (1, Some(Surrogate::Gaussian)));
    }

    #[test]
    fn a_contradictory_profile_is_refused_unless_an_option_resolves_it() {
        let surrogate = profile(Strategy::Random, Some(Surrogate::Forest), MatingFitness::Spea2);
        let error = apply("", surrogate.clone()).0.unwrap_err();
        assert!(error.starts_with(
            "search.surrogate of the profile has no effect with its search.strategy random"
        ));
        assert_eq!(apply("--surrogate none", surrogate.clone()).0, Ok(vec![]));
        assert_eq!(apply("--strategy spea2", surrogate).0, Ok(vec![]));
        let error = apply("", profile(Strategy::Nsga2, None, MatingFitness::Score)).0.unwrap_err();
        assert!(error.starts_with(
            "search.fitness of the profile has no effect with its search.strategy nsga2"
        ));
    }

    #[test]
    fn the_worst_error_needs_the_gaussian_process() {
        let profile = |surrogate| SearchSettings {
            worst_error: Some(0.3),
            surrogate,
            ..SearchSettings::default()
        };
        let (sentences, search) = apply("", profile(Some(Surrogate::Gaussian)));
        assert_eq!((sentences.unwrap().len(), search.worst_error), (0, Some(0.3)));
        let (sentences, search) = apply("--surrogate none", profile(Some(Surrogate::Gaussian)));
        assert_eq!((sentences.unwrap().len(), search.worst_error), (1, None));
        let error = apply("", profile(None)).0.unwrap_err();
        assert!(error.contains("search.worst_error of the profile has an effect"), "{error}");
    }

    #[test]
    fn every_surrogate_takes_several_objectives() {
        for options in ["gaussian", "forest"] {
            let options = format!("--objectives error,params,macs --surrogate {options}");
            let profile = profile(Strategy::Spea2, None, MatingFitness::Spea2);
            assert_eq!(apply(&options, profile).0, Ok(vec![]), "{options}");
        }
    }
}
