//! The table of trainings: all functions of a space, trained in this process. Each training is
//! logged in a line, so that an interrupted run can be resumed.

use anyhow::{Context, Result, anyhow};
use common::dataset::{Dataset, Images};
use common::files::{atomic, json};
use common::network::counts;
use common::profile::Profile;
use common::search::accuracy_table::{AccuracyTable, TableRow};
use common::search::genome::Genome;
use common::seed;
use flate2::Compression;
use flate2::write::GzEncoder;
use rand::seq::SliceRandom;
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use train::fit::Training;
use train::init;
use train::ops::simd::Level;

/// Profile with space, template and training of the table.
pub(crate) const PROFILE: &str = "pipelines/profiles/digits-table.json";
const DATASET: &str = "data/digits";
/// Accuracies are rounded to multiples of 1 / `PARTS`: far finer than one image, short in the file.
const PARTS: f64 = 1e6;

/// The inputs of the trainings.
struct TableTraining {
    profile: Profile,
    dataset: Dataset,
    images: Images,
    validation: Images,
}

/// Runs the trainings that are not in the log yet and writes the table.
pub(crate) fn make(path: &Path, work: &Path, second_seeds: usize) -> Result<()> {
    let profile: Profile = json::read(Path::new(PROFILE))?;
    let dataset = Dataset::describe(Path::new(DATASET))?;
    let set = Dataset::load_training_set(Path::new(DATASET))?;
    let training =
        TableTraining { profile, dataset, images: set.training, validation: set.validation };
    let planned = training.planned(second_seeds);
    let log_path = work.join("rows.jsonl");
    let mut rows: Vec<TableRow> =
        if log_path.exists() { json::read_lines(&log_path)? } else { Vec::new() };
    let log = json::rewrite_lines(&log_path, &rows)?;
    let done: HashSet<(Genome, u64)> = rows.iter().map(|row| (row.genome, row.seed)).collect();
    let left: Vec<(Genome, u64)> =
        planned.iter().filter(|task| !done.contains(task)).copied().collect();
    rows.extend(training.train(&left, log)?);
    let mut by_task: HashMap<(Genome, u64), TableRow> =
        rows.into_iter().map(|row| ((row.genome, row.seed), row)).collect();
    training.write(path, planned.iter().filter_map(|task| by_task.remove(task)).collect())
}

impl TableTraining {
    /// Returns each function with seed 0, in the order of the space, then some, drawn at random,
    /// with seed 1.
    fn planned(&self, second_seeds: usize) -> Vec<(Genome, u64)> {
        let functions: Vec<Genome> =
            self.profile.space.genomes().filter(|g| g.canonical() == *g).collect();
        let mut lot = functions.clone();
        lot.shuffle(&mut seed::stream(0, "second seeds"));
        lot.truncate(second_seeds);
        functions
            .into_iter()
            .map(|genome| (genome, 0))
            .chain(lot.into_iter().map(|genome| (genome, 1)))
            .collect()
    }

    /// Trains on all cores, one training on each, and logs each training as it ends.
    fn train(&self, tasks: &[(Genome, u64)], log: File) -> Result<Vec<TableRow>> {
        let (log, next) = (Mutex::new(log), AtomicUsize::new(0));
        let work = || -> Result<Vec<TableRow>> {
            let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
            let mut rows = Vec::new();
            while let Some((genome, seed)) = tasks.get(next.fetch_add(1, Ordering::Relaxed)) {
                let row = one_thread.install(|| self.row(genome, *seed))?;
                let line = json::to_line(&row)? + "\n";
                let mut log = log.lock().map_err(|_| anyhow!("the log's other user panicked"))?;
                log.write_all(line.as_bytes()).context("cannot write the log of trainings")?;
                rows.push(row);
                eprintln!(
                    "{} of {} trainings under way or done",
                    next.load(Ordering::Relaxed),
                    tasks.len()
                );
            }
            Ok(rows)
        };
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        let rows: Result<Vec<Vec<TableRow>>> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().map_err(|_| anyhow!("a training panicked"))?)
                .collect()
        });
        Ok(rows?.concat())
    }

    fn row(&self, genome: &Genome, seed: u64) -> Result<TableRow> {
        let TableTraining { profile, dataset, images, validation } = self;
        let network = profile.template.expand(genome, dataset.input(), dataset.classes.clone())?;
        let counts = counts::count(&network)?;
        let training = Training {
            network: &network,
            engine: Level::detected().into(),
            optimizer: genome.optimizer,
            settings: &profile.training,
            rate_scale: 1.0,
            epochs: profile.search.epochs,
            stop_after: None,
            seed,
            images,
            validation: Some(validation),
        };
        let trained = training.run(&init::weights(&network, seed), None)?;
        let short = |accuracy: f64| (accuracy * PARTS).round() / PARTS;
        let accuracy =
            trained.curve.iter().filter_map(|epoch| epoch.validation_accuracy).map(short).collect();
        Ok(TableRow {
            genome: *genome,
            seed,
            parameters: counts.parameters,
            macs: counts.macs,
            accuracy,
        })
    }

    fn write(&self, path: &Path, rows: Vec<TableRow>) -> Result<()> {
        let TableTraining { profile, dataset, images, .. } = self;
        let again = rows.iter().filter(|row| row.seed == 1).count();
        let table = AccuracyTable {
            about: format!(
                "Every function of the space in {PROFILE}, trained on {} images of {}; {again} of \
                 them a second time. Made by `make bench-search`.",
                images.len(),
                dataset.name
            ),
            dataset: dataset.name.clone(),
            data_sha256: images.sha256.clone(),
            space: profile.space.clone(),
            template: profile.template.clone(),
            training: profile.training.clone(),
            epochs: profile.search.epochs,
            rows,
        };
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(json::to_line(&table)?.as_bytes())?;
        atomic::write(path, &encoder.finish()?)
    }
}
