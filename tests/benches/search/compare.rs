//! Searches replayed from the table: how much of the best hypervolume they have after how many epochs of training.

use anyhow::{Context, Result};
use common::accuracy_table::AccuracyTable;
use common::profile::{SearchSettings, Strategy, Surrogate};
use common::search_files::{Evaluation, SearchConfig};
use explore::hypervolume::Scale;
use explore::table::Table;
use std::fmt::Write;

/// Seeds that each kind of search is made with.
const SEEDS: u64 = 20;
/// The share of the epochs after which halving stops the weaker half.
const HALVING: [f64; 2] = [0.4, 0.7];

/// A kind of search.
struct Kind {
    name: &'static str,
    strategy: Strategy,
    surrogate: Option<Surrogate>,
    halving: bool,
}

/// All that are compared.
const KINDS: [Kind; 6] = [
    Kind { name: "random", strategy: Strategy::Random, surrogate: None, halving: false },
    Kind { name: "NSGA-II", strategy: Strategy::Nsga2, surrogate: None, halving: false },
    Kind { name: "SPEA-II", strategy: Strategy::Spea2, surrogate: None, halving: false },
    Kind { name: "SPEA-II + forest", strategy: Strategy::Spea2, surrogate: Some(Surrogate::Forest), halving: false },
    Kind { name: "SPEA-II + halving", strategy: Strategy::Spea2, surrogate: None, halving: true },
    Kind {
        name: "SPEA-II + forest + halving",
        strategy: Strategy::Spea2,
        surrogate: Some(Surrogate::Forest),
        halving: true,
    },
];

/// Where plain SPEA-II is among them.
const PLAIN: usize = 2;

/// The course of one search: after each evaluation in full or in part, the epochs trained so far and the share of the
/// best hypervolume.
type Course = Vec<(usize, f64)>;

/// The best there is.
struct Truth {
    scale: Scale,
    /// Hypervolume of the whole table.
    best: f64,
    table: Table,
    epochs: usize,
}

impl Truth {
    fn new(table: &AccuracyTable) -> Result<Truth> {
        let first = || table.rows.iter().filter(|row| row.seed == 0);
        let points = || {
            let last = first().map(|row| (row.accuracy.get(table.epochs - 1).copied(), row.parameters));
            last.map(|(accuracy, parameters)| [1.0 - accuracy.unwrap_or(0.0), parameters as f64])
        };
        let scale = Scale::of(points()).context("the table is empty")?;
        Ok(Truth { scale, best: scale.hypervolume(points()), table: Table::new(table), epochs: table.epochs })
    }

    /// Replays one search.
    fn course(&self, config: &SearchConfig, kind: &Kind, seed: u64) -> Result<Course> {
        let search = SearchSettings {
            strategy: kind.strategy,
            surrogate: kind.surrogate,
            halving: if kind.halving { HALVING.to_vec() } else { Vec::new() },
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
}

/// The share that a course has come to after so many epochs.
fn after(course: &Course, epochs: usize) -> f64 {
    course.iter().take_while(|(spent, _)| *spent <= epochs).last().map_or(0.0, |(_, share)| *share)
}

/// The epochs after which a course has come to a share.
fn until(course: &Course, share: f64) -> Option<usize> {
    course.iter().find(|(_, reached)| *reached >= share).map(|(epochs, _)| *epochs)
}

/// Searches of all kinds, as a table: the median share of the best hypervolume after so many epochs, and in how many of
/// the seeds a search comes to what plain SPEA-II has at its end, with half of its epochs.
pub(crate) fn compare(table: &AccuracyTable, search: SearchSettings) -> Result<String> {
    let truth = Truth::new(table)?;
    let all = search.population * search.iterations * search.epochs;
    let config = SearchConfig {
        seed: 0,
        dataset: table.dataset.clone(),
        data_sha256: table.data_sha256.clone(),
        space: table.space.clone(),
        template: table.template.clone(),
        search,
        training: table.training.clone(),
    };
    let courses = |kind| (0..SEEDS).map(|seed| truth.course(&config, kind, seed)).collect::<Result<Vec<Course>>>();
    let plain = courses(&KINDS[PLAIN])?;
    let marks: Vec<usize> = (1..=8).map(|eighth| all * eighth / 8).collect();
    let mut text = String::from("| epochs |");
    marks.iter().try_for_each(|epochs| write!(text, " {epochs} |"))?;
    writeln!(
        text,
        " seeds that reach SPEA-II's last with half of its epochs |\n|---|{}",
        "---|".repeat(marks.len() + 1)
    )?;
    for kind in &KINDS {
        let courses = courses(kind)?;
        write!(text, "| {} |", kind.name)?;
        for epochs in &marks {
            write!(text, " {:.4} |", median(courses.iter().map(|course| after(course, *epochs)).collect()))?;
        }
        let last = |course: &Course| course.last().map_or(0.0, |(_, share)| *share);
        let pairs = plain.iter().zip(&courses);
        let early = pairs.filter(|(plain, course)| until(course, last(plain)).is_some_and(|epochs| epochs <= all / 2));
        writeln!(text, " {} of {SEEDS} |", early.count())?;
    }
    Ok(text)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    (values[middle] + values[values.len() - 1 - middle]) / 2.0
}
