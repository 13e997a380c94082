//! Searches replayed from the table: the fraction of the best hypervolume that they reach, by
//! epochs of training.

use crate::peers::Request;
use anyhow::{Context, Result};
use common::profile::{SearchSettings, Strategy, Surrogate};
use common::search::accuracy_table::AccuracyTable;
use common::search::config::SearchConfig;
use common::search::evaluation::Evaluation;
use common::search::genome::Genome;
use common::search::hypervolume::Scale;
use common::search::region::worst_error;
use explore::evaluate::table::TableEvaluator;
use explore::search::replay::replay;
use std::collections::{HashMap, HashSet};
use std::path::Path;

/// Number of seeds of each kind of search.
pub(crate) const SEEDS: u64 = 20;
/// Fractions of the epochs after which successive halving stops the weaker half.
const HALVING: [f64; 2] = [0.4, 0.7];

/// A kind of search.
struct Kind {
    name: &'static str,
    strategy: Strategy,
    surrogate: Option<Surrogate>,
    halving: bool,
    /// Size of a population; the number of candidates of a whole search is always the same.
    population: usize,
}

/// All kinds of search that are compared.
const KINDS: [Kind; 10] = [
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
    Kind {
        name: "SPEA-II + Gaussian, populations of 4",
        strategy: Strategy::Spea2,
        surrogate: Some(Surrogate::Gaussian),
        halving: false,
        population: 4,
    },
    Kind {
        name: "SPEA-II + Gaussian + halving, populations of 8",
        strategy: Strategy::Spea2,
        surrogate: Some(Surrogate::Gaussian),
        halving: true,
        population: 8,
    },
];

/// Index of plain SPEA-II in `KINDS`.
const PLAIN: usize = 2;

/// The trajectory of one search: after each evaluation, in full or in part, the epochs trained so
/// far and the fraction of the best hypervolume.
pub(crate) type Trajectory = Vec<(usize, f64)>;

/// A scale, and the hypervolume of all networks of the table by it.
#[derive(Clone, Copy)]
struct Measure {
    scale: Scale,
    best: f64,
}

impl Measure {
    fn share(&self, points: impl IntoIterator<Item = [f64; 2]>) -> f64 {
        self.scale.hypervolume(points) / self.best
    }
}

/// The table that searches are replayed from.
pub(crate) struct Reference {
    /// Over all errors, and up to the worst error of interest.
    measures: [Measure; 2],
    table: TableEvaluator,
    epochs: usize,
}

impl Reference {
    pub(crate) fn new(table: &AccuracyTable) -> Result<Reference> {
        let first = || table.rows.iter().filter(|row| row.seed == 0);
        let points = || {
            let last =
                first().map(|row| (row.accuracy.get(table.epochs - 1).copied(), row.parameters));
            last.map(|(accuracy, parameters)| [1.0 - accuracy.unwrap_or(0.0), parameters as f64])
        };
        let least = points().map(|[error, _]| error).fold(1.0, f64::min);
        let scale = Scale::of(points()).context("the table is empty")?;
        let region = scale.up_to(worst_error(least)).context("all errors are equal")?;
        let measure = |scale: Scale| Measure { scale, best: scale.hypervolume(points()) };
        Ok(Reference {
            measures: [scale, region].map(measure),
            table: TableEvaluator::new(table),
            epochs: table.epochs,
        })
    }

    /// Replays one search.
    fn trajectories(
        &self,
        config: &SearchConfig,
        kind: &Kind,
        seed: u64,
    ) -> Result<[Trajectory; 2]> {
        let search = SearchSettings {
            strategy: kind.strategy,
            surrogate: kind.surrogate,
            halving: if kind.halving { HALVING.to_vec() } else { Vec::new() },
            population: kind.population,
            iterations: config.search.population * config.search.iterations / kind.population,
            ..config.search.clone()
        };
        let config = SearchConfig { seed, search, ..config.clone() };
        let evaluations = replay(&self.table, &config)?.evaluations;
        Ok(self.measures.map(|measure| self.trajectory_of(&evaluations, measure)))
    }

    /// Returns the trajectory of a search. Stopped candidates contribute their epochs, but not to
    /// the hypervolume.
    fn trajectory_of(&self, evaluations: &[Evaluation], measure: Measure) -> Trajectory {
        let (mut epochs, mut points, mut trajectory) = (0, Vec::new(), Vec::new());
        for evaluation in evaluations {
            epochs += evaluation.stopped_after.unwrap_or(self.epochs);
            if evaluation.stopped_after.is_none() {
                points.push(evaluation.objectives());
            }
            trajectory.push((epochs, measure.share(points.iter().copied())));
        }
        trajectory
    }

    /// Returns the trajectories of a search that evaluates genomes in an order. A genome costs its
    /// epochs the first time only.
    pub(crate) fn cached_trajectories(
        &self,
        genomes: &[usize],
        points: &[[f64; 2]],
    ) -> [Trajectory; 2] {
        self.measures.map(|measure| {
            let (mut seen, mut trajectory) = (HashSet::new(), Vec::new());
            for genome in genomes {
                if seen.insert(*genome) {
                    let found = seen.iter().map(|genome| points[*genome]);
                    trajectory.push((seen.len() * self.epochs, measure.share(found)));
                }
            }
            trajectory
        })
    }
}

/// Searches of one kind, one for each seed.
pub(crate) struct Searches {
    pub(crate) name: String,
    /// Over all errors.
    pub(crate) trajectories: Vec<Trajectory>,
    /// Up to the worst error of interest.
    pub(crate) regional: Vec<Trajectory>,
}

impl Searches {
    fn new(name: &str, searches: impl IntoIterator<Item = [Trajectory; 2]>) -> Searches {
        let (trajectories, regional) = searches.into_iter().map(|[all, part]| (all, part)).unzip();
        Searches { name: name.into(), trajectories, regional }
    }
}

/// A comparison of searches.
pub(crate) struct Comparison {
    /// Epochs of a search without successive halving.
    pub(crate) epochs: usize,
    pub(crate) searches: Vec<Searches>,
    /// Index of plain SPEA-II.
    pub(crate) plain: usize,
    /// Version of pymoo, if it is compared.
    pub(crate) pymoo: Option<String>,
}

/// Runs searches of all kinds, and pymoo's if there is a Python interpreter.
pub(crate) fn compare(
    table: &AccuracyTable,
    search: &SearchSettings,
    python: Option<&Path>,
) -> Result<Comparison> {
    let reference = Reference::new(table)?;
    let epochs = search.population * search.iterations * search.epochs;
    let config = SearchConfig::from_table(table, search, 0);
    let searches = |kind: &Kind| -> Result<Searches> {
        let searches = (0..SEEDS).map(|seed| reference.trajectories(&config, kind, seed));
        Ok(Searches::new(kind.name, searches.collect::<Result<Vec<_>>>()?))
    };
    let mut searches = KINDS.iter().map(searches).collect::<Result<Vec<_>>>()?;
    let pymoo =
        python.map(|python| peers(table, &reference, &config.search, python)).transpose()?;
    let pymoo = pymoo.map(|(version, theirs)| {
        searches.extend(theirs);
        version
    });
    Ok(Comparison { epochs, searches, plain: PLAIN, pymoo })
}

/// Returns pymoo's version and searches. A genome that a search evaluates again costs nothing; a
/// genome of the same function as another one is trained like any other.
fn peers(
    table: &AccuracyTable,
    reference: &Reference,
    search: &SearchSettings,
    python: &Path,
) -> Result<(String, Vec<Searches>)> {
    let points = points(table)?;
    let request = Request {
        space: &table.space,
        objectives: points.iter().map(|[error, parameters]| [*error, parameters.log10()]).collect(),
        population: search.population,
        generations: search.iterations,
        seeds: SEEDS,
    };
    let answer = request.run(python)?;
    let searches = answer.methods.into_iter().map(|method| {
        let evaluated = method.evaluated.iter();
        let searches = evaluated.map(|genomes| reference.cached_trajectories(genomes, &points));
        Searches::new(&method.name, searches)
    });
    Ok((answer.version, searches.collect()))
}

/// Returns error and parameters of each genome of the space, in the order of the space.
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
