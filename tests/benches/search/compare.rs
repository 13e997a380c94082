//! Searches replayed from the table: how much of the best hypervolume they have after how many
//! epochs of training.

use crate::peers::Ask;
use anyhow::{Context, Result};
use common::accuracy_table::AccuracyTable;
use common::criteria::Criteria;
use common::device::Backend;
use common::genome::Genome;
use common::profile::{SearchSettings, Strategy, Surrogate};
use common::search_files::{Evaluation, SearchConfig};
use explore::hypervolume::Scale;
use explore::table::Table;
use std::collections::{HashMap, HashSet};
use std::path::Path;

/// Seeds that each kind of search is made with.
pub(crate) const SEEDS: u64 = 20;
/// The share of the epochs after which halving stops the weaker half.
const HALVING: [f64; 2] = [0.4, 0.7];

/// A kind of search.
struct Kind {
    name: &'static str,
    strategy: Strategy,
    surrogate: Option<Surrogate>,
    halving: bool,
    /// Of the same number of candidates in all, how many are trained before the next ones are
    /// chosen.
    population: usize,
}

/// All that are compared.
const KINDS: [Kind; 8] = [
    Kind {
        name: "random",
        strategy: Strategy::Random,
        surrogate: None,
        halving: false,
        population: 32,
    },
    Kind {
        name: "NSGA-II",
        strategy: Strategy::Nsga2,
        surrogate: None,
        halving: false,
        population: 32,
    },
    Kind {
        name: "SPEA-II",
        strategy: Strategy::Spea2,
        surrogate: None,
        halving: false,
        population: 32,
    },
    Kind {
        name: "SPEA-II + forest",
        strategy: Strategy::Spea2,
        surrogate: Some(Surrogate::Forest),
        halving: false,
        population: 32,
    },
    Kind {
        name: "SPEA-II + halving",
        strategy: Strategy::Spea2,
        surrogate: None,
        halving: true,
        population: 32,
    },
    Kind {
        name: "SPEA-II + forest + halving",
        strategy: Strategy::Spea2,
        surrogate: Some(Surrogate::Forest),
        halving: true,
        population: 32,
    },
    Kind {
        name: "SPEA-II, populations of 8",
        strategy: Strategy::Spea2,
        surrogate: None,
        halving: false,
        population: 8,
    },
    Kind {
        name: "SPEA-II + Gaussian, populations of 8",
        strategy: Strategy::Spea2,
        surrogate: Some(Surrogate::Gaussian),
        halving: false,
        population: 8,
    },
];

/// Where plain SPEA-II is among them.
const PLAIN: usize = 2;

/// The course of one search: after each evaluation in full or in part, the epochs trained so far
/// and the share of the best hypervolume.
pub(crate) type Course = Vec<(usize, f64)>;

/// The best there is.
pub(crate) struct Truth {
    scale: Scale,
    /// Hypervolume of the whole table.
    best: f64,
    table: Table,
    epochs: usize,
}

impl Truth {
    pub(crate) fn new(table: &AccuracyTable) -> Result<Truth> {
        let first = || table.rows.iter().filter(|row| row.seed == 0);
        let points = || {
            let last =
                first().map(|row| (row.accuracy.get(table.epochs - 1).copied(), row.parameters));
            last.map(|(accuracy, parameters)| [1.0 - accuracy.unwrap_or(0.0), parameters as f64])
        };
        let scale = Scale::of(points()).context("the table is empty")?;
        Ok(Truth {
            scale,
            best: scale.hypervolume(points()),
            table: Table::new(table),
            epochs: table.epochs,
        })
    }

    /// Replays one search.
    fn course(&self, config: &SearchConfig, kind: &Kind, seed: u64) -> Result<Course> {
        let search = SearchSettings {
            strategy: kind.strategy,
            surrogate: kind.surrogate,
            halving: if kind.halving { HALVING.to_vec() } else { Vec::new() },
            population: kind.population,
            iterations: config.search.population * config.search.iterations / kind.population,
            ..config.search.clone()
        };
        let config = SearchConfig { seed, search, ..config.clone() };
        let evaluations = self.table.replay(&config)?.evaluations;
        Ok(self.of(&evaluations))
    }

    /// Candidates that were stopped count with their epochs, and not in the hypervolume.
    fn of(&self, evaluations: &[Evaluation]) -> Course {
        let (mut epochs, mut points, mut course) = (0, Vec::new(), Vec::new());
        for evaluation in evaluations {
            epochs += evaluation.stopped_after.unwrap_or(self.epochs);
            if evaluation.stopped_after.is_none() {
                points.push(evaluation.objectives());
            }
            course.push((epochs, self.scale.hypervolume(points.iter().copied()) / self.best));
        }
        course
    }

    /// Each genome costs its epochs the first time only.
    pub(crate) fn of_cached(&self, genomes: &[usize], points: &[[f64; 2]]) -> Course {
        let (mut seen, mut course) = (HashSet::new(), Vec::new());
        for genome in genomes {
            if seen.insert(*genome) {
                let found = seen.iter().map(|genome| points[*genome]);
                course.push((seen.len() * self.epochs, self.scale.hypervolume(found) / self.best));
            }
        }
        course
    }
}

/// Searches of one kind, one for each seed.
pub(crate) struct Searches {
    pub(crate) name: String,
    pub(crate) courses: Vec<Course>,
}

/// What is compared.
pub(crate) struct Comparison {
    /// The epochs of a search that stops nothing early.
    pub(crate) epochs: usize,
    pub(crate) searches: Vec<Searches>,
    /// Where plain SPEA-II is among them.
    pub(crate) plain: usize,
    /// Of pymoo, where it took part.
    pub(crate) pymoo: Option<String>,
}

/// Searches of all kinds, and pymoo's where there is a Python.
pub(crate) fn compare(
    table: &AccuracyTable,
    search: SearchSettings,
    python: Option<&Path>,
) -> Result<Comparison> {
    let truth = Truth::new(table)?;
    let epochs = search.population * search.iterations * search.epochs;
    let config = SearchConfig {
        seed: 0,
        dataset: table.dataset.clone(),
        data_sha256: table.data_sha256.clone(),
        data: None,
        space: table.space.clone(),
        template: table.template.clone(),
        search,
        training: table.training.clone(),
        device: Backend::Cpu,
        board: None,
        criteria: Criteria::default(),
    };
    let searches = |kind: &Kind| -> Result<Searches> {
        let courses =
            (0..SEEDS).map(|seed| truth.course(&config, kind, seed)).collect::<Result<_>>()?;
        Ok(Searches { name: kind.name.into(), courses })
    };
    let mut searches = KINDS.iter().map(searches).collect::<Result<Vec<_>>>()?;
    let pymoo = python.map(|python| peers(table, &truth, &config.search, python)).transpose()?;
    let pymoo = pymoo.map(|(version, theirs)| {
        searches.extend(theirs);
        version
    });
    Ok(Comparison { epochs, searches, plain: PLAIN, pymoo })
}

/// pymoo's version and searches. A genome that one search evaluates again is taken from a cache and
/// costs nothing; a genome of the same function as another one is trained like any other.
fn peers(
    table: &AccuracyTable,
    truth: &Truth,
    search: &SearchSettings,
    python: &Path,
) -> Result<(String, Vec<Searches>)> {
    let points = points(table)?;
    let ask = Ask {
        space: &table.space,
        objectives: points.iter().map(|[error, parameters]| [*error, parameters.log10()]).collect(),
        population: search.population,
        generations: search.iterations,
        seeds: SEEDS,
    };
    let answer = ask.run(python)?;
    let searches = answer.methods.into_iter().map(|method| {
        let courses =
            method.evaluated.iter().map(|genomes| truth.of_cached(genomes, &points)).collect();
        Searches { name: method.name, courses }
    });
    Ok((answer.version, searches.collect()))
}

/// Error and parameters of each genome of the space, in the space's order.
pub(crate) fn points(table: &AccuracyTable) -> Result<Vec<[f64; 2]>> {
    let first = table.rows.iter().filter(|row| row.seed == 0);
    let objectives = first.map(|row| {
        let accuracy = row.accuracy.get(table.epochs - 1).copied().unwrap_or(0.0);
        (row.genome.canonical(), [1.0 - accuracy, row.parameters as f64])
    });
    let by_function: HashMap<Genome, [f64; 2]> = objectives.collect();
    let of = |genome: Genome| {
        by_function.get(&genome.canonical()).copied().context("the table lacks a genome")
    };
    table.space.genomes().map(of).collect()
}
