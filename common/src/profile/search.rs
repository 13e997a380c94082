//! Section `search` of a profile.

use crate::files::ranges::{BYTES, IMAGES, MACS, PARAMETERS, PLANNED, all_within, within};
use crate::profile::measurement::MeasurementSettings;
use crate::search::criteria::Criteria;
use crate::search::limit::MemoryLimit;
use crate::search::objective::{Dependence, Objective, Quantity};
use crate::search::on_board::OnBoard;
use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The section `search` of a profile. The default is the paper's (section 5.2).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SearchSettings {
    /// Strategy that selects the archive and the next population.
    pub strategy: Strategy,
    /// Objectives, which are minimised: the error first, then at least one more.
    pub objectives: Vec<Objective>,
    /// Fitness that decides SPEA-II's tournaments.
    pub fitness: MatingFitness,
    /// Number of genomes in each iteration's population.
    pub population: usize,
    /// Number of genomes in the archive.
    pub archive_size: usize,
    /// Number of iterations, including the initial population.
    pub iterations: usize,
    /// Number of epochs of a candidate's training.
    pub epochs: usize,
    /// Number of training images of a candidate; `null` for the number in `training`.
    pub subset: Option<usize>,
    /// Model that screens offspring before any training; `null` for none.
    pub surrogate: Option<Surrogate>,
    /// Error (0..1) beyond which networks are of no interest to the surrogate `gaussian`; found from
    /// the trainings so far if it is not given. Left out of files if it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worst_error: Option<f64>,
    /// Shares (0..1) of the epochs after which the training of the weaker half of a population is
    /// stopped, in rising order; empty for never.
    pub halving: Vec<f64>,
    /// Maximum number of trainable parameters of a candidate; `null` for no limit.
    pub max_parameters: Option<u64>,
    /// Maximum number of multiply-adds of a candidate for one image; `null` for no limit.
    pub max_macs: Option<u64>,
    /// Maximum number of bytes of working memory of a candidate's crate; `null` for no limit.
    pub max_arena_bytes: Option<u64>,
    /// Maximum number of bytes of constants of a candidate's crate and, on a microcontroller, of
    /// code; `null` for no limit.
    pub max_flash_bytes: Option<u64>,
    /// Limits of memory on boards of several, such as `max_arena_bytes@host`, in bytes. No other key
    /// is read into it.
    #[serde(flatten)]
    pub memory_limits: BTreeMap<OnBoard<MemoryLimit>, u64>,
    /// `true` if members of the front are trained with a second seed and the mean accuracy counts,
    /// since a front favours results that are high by chance.
    pub reseed_front: bool,
    /// Settings of measurements, which are made if an objective or a criterion needs them.
    pub measurement: MeasurementSettings,
    /// Criteria that end the search early, each unless the command line has another one. Left out
    /// of files if there are none, and of `search.json`, whose own `criteria` are those in effect.
    #[serde(skip_serializing_if = "requires_nothing")]
    pub criteria: Criteria,
}

fn requires_nothing(criteria: &Criteria) -> bool {
    !criteria.any()
}

/// Default of a candidate's measurement: long enough to distinguish networks, short enough to be
/// repeated often.
const CANDIDATE_MEASUREMENT: MeasurementSettings =
    MeasurementSettings { idle_s: 1.0, warmup_s: 0.5, windows: 5, window_s: 0.5 };

/// A strategy that selects the archive and the next population.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Strategy {
    /// SPEA-II (TIK-Report 103), the strategy of the paper.
    #[default]
    Spea2,
    /// NSGA-II (Deb et al. 2002): non-dominated sorting and crowding distance, with the same
    /// operators.
    Nsga2,
    /// Random search: every population is drawn uniformly from the unseen genomes.
    Random,
}

impl Strategy {
    /// Returns the name in a profile and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Strategy::Spea2 => "spea2",
            Strategy::Nsga2 => "nsga2",
            Strategy::Random => "random",
        }
    }
}

/// A fitness that decides SPEA-II's tournaments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MatingFitness {
    /// Raw fitness and density (TIK-Report 103).
    #[default]
    Spea2,
    /// Score (paper, equation 1): accuracy divided by parameters. It favours the smallest networks.
    Score,
}

/// A model that screens offspring before any training.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Surrogate {
    /// Random forest (Breiman 2001) that predicts errors from genes.
    Forest,
    /// Gaussian process that predicts errors from genes with their uncertainty, and prefers genomes
    /// with the largest expected hypervolume improvement.
    Gaussian,
}

impl Default for SearchSettings {
    fn default() -> Self {
        SearchSettings {
            strategy: Strategy::default(),
            objectives: Objective::PAPER.to_vec(),
            fitness: MatingFitness::default(),
            population: 45,
            archive_size: 45,
            iterations: 8,
            epochs: 16,
            subset: None,
            surrogate: None,
            worst_error: None,
            halving: Vec::new(),
            max_parameters: None,
            max_macs: None,
            max_arena_bytes: None,
            max_flash_bytes: None,
            memory_limits: BTreeMap::new(),
            reseed_front: false,
            measurement: CANDIDATE_MEASUREMENT,
            criteria: Criteria::default(),
        }
    }
}

impl SearchSettings {
    /// Checks the ranges of all fields.
    ///
    /// # Errors
    /// Fails with the field that is outside its range.
    pub fn check(&self) -> Result<()> {
        for objective in &self.objectives {
            let quantity = objective.what;
            ensure!(
                objective.board.is_none() || quantity.dependence() != Dependence::None,
                "search.objectives: {objective}: {quantity} is the same on every board, so leave \
                 the board out"
            );
        }
        let twice = |(index, objective)| self.objectives[..index].contains(objective);
        ensure!(
            self.objectives.len() >= 2
                && self.objectives[0] == OnBoard::of(Quantity::Error)
                && !self.objectives.iter().enumerate().any(twice),
            "search.objectives must be \"error\" and then at least one of {}, each once",
            Quantity::ALL[1..].iter().map(Quantity::to_string).collect::<Vec<_>>().join(", ")
        );
        // Every individual is compared with every other.
        within("search.population", self.population, &(1..=10_000))?;
        within("search.archive_size", self.archive_size, &(1..=10_000))?;
        within("search.iterations", self.iterations, &PLANNED)?;
        within("search.epochs", self.epochs, &PLANNED)?;
        all_within("search.subset", self.subset, &IMAGES)?;
        all_within("search.max_parameters", self.max_parameters, &PARAMETERS)?;
        all_within("search.max_macs", self.max_macs, &MACS)?;
        all_within("search.max_arena_bytes", self.max_arena_bytes, &BYTES)?;
        all_within("search.max_flash_bytes", self.max_flash_bytes, &BYTES)?;
        for (limit, most) in &self.memory_limits {
            within(&format!("search.{limit}"), *most, &BYTES)?;
        }
        ensure!(
            self.subset.is_none_or(|images| images >= 2),
            "search.subset must be at least 2, or null for all images"
        );
        ensure!(
            self.worst_error.is_none_or(|error| error > 0.0 && error <= 1.0),
            "search.worst_error must be above 0 and at most 1"
        );
        let inside = self.halving.iter().all(|share| *share > 0.0 && *share < 1.0);
        ensure!(
            inside && self.halving.windows(2).all(|pair| pair[0] < pair[1]),
            "search.halving {:?} must be between 0 and 1, in rising order",
            self.halving
        );
        self.measurement.check()?;
        self.criteria.check().context("search.criteria")
    }

    /// Returns the limit of a kind of memory on a board of several, in bytes; `None` names the only
    /// board, or all.
    pub fn memory_limit(&self, limit: MemoryLimit, board: Option<&str>) -> Option<u64> {
        match (board, limit) {
            (None, MemoryLimit::ArenaBytes) => self.max_arena_bytes,
            (None, MemoryLimit::FlashBytes) => self.max_flash_bytes,
            (Some(board), limit) => {
                let of_board = OnBoard { what: limit, board: Some(board.to_string()) };
                self.memory_limits.get(&of_board).copied()
            }
        }
    }

    /// Returns all limits of memory, each with its board, in bytes.
    pub fn all_memory_limits(&self) -> Vec<(OnBoard<MemoryLimit>, u64)> {
        let general = |limit| Some((OnBoard::of(limit), self.memory_limit(limit, None)?));
        let of_boards = self.memory_limits.iter().map(|(limit, most)| (limit.clone(), *most));
        MemoryLimit::ALL.into_iter().filter_map(general).chain(of_boards).collect()
    }

    /// Sets a limit of memory in bytes, and returns an earlier one of the same kind and board.
    pub fn set_memory_limit(&mut self, limit: OnBoard<MemoryLimit>, most: u64) -> Option<u64> {
        match (&limit.board, limit.what) {
            (None, MemoryLimit::ArenaBytes) => self.max_arena_bytes.replace(most),
            (None, MemoryLimit::FlashBytes) => self.max_flash_bytes.replace(most),
            (Some(_), _) => self.memory_limits.insert(limit, most),
        }
    }

    /// Returns whether a kind of memory is needed for an objective or a limit; `board` as for
    /// [`SearchSettings::memory_limit`].
    pub fn needs_memory(&self, limit: MemoryLimit, board: Option<&str>) -> bool {
        let is_it = |objective: &Objective| {
            objective.what == limit.quantity() && objective.board.as_deref() == board
        };
        self.memory_limit(limit, board).is_some() || self.objectives.iter().any(is_it)
    }

    /// Returns the epochs after which weak candidates are stopped, in rising order: each value of
    /// `halving` times `epochs`, rounded, if at least one epoch comes before and after it.
    pub fn rungs(&self) -> Vec<usize> {
        let epoch = |share: &f64| (share * self.epochs as f64).round() as usize;
        let mut rungs: Vec<usize> =
            self.halving.iter().map(epoch).filter(|e| (1..self.epochs).contains(e)).collect();
        rungs.dedup();
        rungs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(halving: &[f64], epochs: usize) -> SearchSettings {
        SearchSettings { halving: halving.to_vec(), epochs, ..SearchSettings::default() }
    }

    #[test]
    fn rungs_are_whole_epochs_inside_the_training() {
        let rungs = |epochs| settings(&[0.4, 0.7], epochs).rungs();
        assert_eq!(
            [1, 2, 3, 5, 10, 16].map(rungs),
            [vec![], vec![1], vec![1, 2], vec![2, 4], vec![4, 7], vec![6, 11]]
        );
    }

    #[test]
    fn objectives_must_be_the_error_and_others() {
        use Quantity::{ArenaBytes, EnergyJ, Error, LatencyS, Params};
        let check = |quantities: &[Quantity]| {
            let objectives = quantities.iter().map(|quantity| OnBoard::of(*quantity)).collect();
            SearchSettings { objectives, ..SearchSettings::default() }.check()
        };
        for objectives in
            [&[][..], &[Error], &[Params, Error], &[Error, Error], &[Error, Params, Params]]
        {
            let error = check(objectives).unwrap_err().to_string();
            assert!(error.starts_with("search.objectives must be \"error\" and then"), "{error}");
        }
        check(&[Error, LatencyS]).unwrap();
        check(&[Error, Params, ArenaBytes, EnergyJ]).unwrap();
    }

    #[test]
    fn criteria_are_read_and_left_out_if_there_are_none() {
        let none = serde_json::to_string(&SearchSettings::default()).unwrap();
        assert!(!none.contains("criteria"), "{none}");
        let parse = |text: &str| serde_json::from_str::<SearchSettings>(text).unwrap();
        let settings = parse(r#"{"criteria": {"max_latency_s": 0.001}}"#);
        assert_eq!(settings.criteria.general.max_latency_s, Some(0.001));
        settings.check().unwrap();
        let again = parse(&serde_json::to_string(&settings).unwrap());
        assert_eq!(again, settings);
        let error = parse(r#"{"criteria": {"min_accuracy": 2}}"#).check().unwrap_err();
        assert!(format!("{error:#}").starts_with("search.criteria: min_accuracy"), "{error:#}");
    }

    #[test]
    fn each_board_may_have_its_own_limits_and_objectives() {
        let parse = |text: &str| serde_json::from_str::<SearchSettings>(text);
        let text = r#"{"objectives": ["error", "latency_s@a", "latency_s@b"],
            "max_arena_bytes": 30, "max_arena_bytes@a": 20, "max_flash_bytes@b": 10}"#;
        let settings = parse(text).unwrap();
        settings.check().unwrap();
        let arena = |board| settings.memory_limit(MemoryLimit::ArenaBytes, board);
        assert_eq!([None, Some("a"), Some("b")].map(arena), [Some(30), Some(20), None]);
        assert!(settings.needs_memory(MemoryLimit::FlashBytes, Some("b")));
        assert!(!settings.needs_memory(MemoryLimit::FlashBytes, Some("a")));
        let again = serde_json::to_string(&settings).unwrap();
        assert_eq!(parse(&again).unwrap(), settings);
        for wrong in [r#"{"populatoin": 1}"#, r#"{"max_macs@a": 1}"#] {
            let error = parse(wrong).unwrap_err().to_string();
            assert!(error.contains("unknown field `"), "{error}");
        }
        for (wrong, words) in [
            (r#"{"objectives": ["error", "params@a"]}"#, "params is the same on every board"),
            (
                r#"{"max_arena_bytes@a": 9007199254740992}"#,
                "search.max_arena_bytes@a 9007199254740992 must be 0 to",
            ),
        ] {
            let error = parse(wrong).unwrap().check().unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn invalid_shares_of_halving_are_refused() {
        for halving in [&[0.0][..], &[1.0], &[0.7, 0.4], &[0.4, 0.4], &[f64::NAN]] {
            let error = settings(halving, 10).check().unwrap_err().to_string();
            assert!(error.starts_with("search.halving ["), "{error}");
        }
        settings(&[0.4, 0.7], 10).check().unwrap();
    }
}
