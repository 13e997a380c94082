//! A table of NAS-Bench-201: what a search sees of it, and what is true.

use anyhow::{Context, Result, ensure};
use common::seed;
use explore::algorithm::problem::{Gene, Genome, Known, Problem};
use rand::RngExt;
use serde::Deserialize;
use std::path::Path;

/// Number of genes of a cell, and of operations that each can be.
pub(crate) const GENES: usize = 6;
pub(crate) const OPERATIONS: usize = 5;
/// Number of cells.
pub(crate) const CELLS: usize = OPERATIONS.pow(GENES as u32);

/// A data set.
pub(crate) struct Dataset {
    /// Name of its file.
    pub(crate) file: &'static str,
    /// Name in reports.
    pub(crate) name: &'static str,
    /// The error of the reference point: cells beyond it count for nothing.
    pub(crate) worst_error: f64,
}

/// All data sets; settings are chosen on the first one alone.
pub(crate) const DATASETS: [Dataset; 3] = [
    Dataset { file: "cifar10", name: "CIFAR-10", worst_error: 0.3 },
    Dataset { file: "cifar100", name: "CIFAR-100", worst_error: 0.6 },
    Dataset { file: "imagenet", name: "ImageNet16-120", worst_error: 0.8 },
];

/// What is minimised beside the error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cost {
    Size,
    Latency,
}

impl Cost {
    pub(crate) const ALL: [Cost; 2] = [Cost::Size, Cost::Latency];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Cost::Size => "size",
            Cost::Latency => "latency",
        }
    }
}

/// The trainings of all cells on one data set, by [`index`].
#[derive(Debug, Deserialize)]
pub(crate) struct Table {
    /// Errors, 0 to 1, of two or three trainings of each cell.
    pub(crate) errors: Vec<Vec<f64>>,
    /// Parameters in millions.
    pub(crate) size: Vec<f64>,
    /// Seconds.
    pub(crate) latency: Vec<f64>,
}

impl Table {
    /// Reads a table that `tables.py` has written.
    ///
    /// # Errors
    /// Fails if the file is not a table of all cells.
    pub(crate) fn read(folder: &Path, dataset: &Dataset) -> Result<Table> {
        let path = folder.join(dataset.file).with_extension("json");
        let text = std::fs::read(&path)
            .with_context(|| format!("{}: make bench-search-public writes it", path.display()))?;
        let table: Table = serde_json::from_slice(&text)
            .with_context(|| format!("{}: it is not a table", path.display()))?;
        let complete = table.errors.len() == CELLS
            && table.size.len() == CELLS
            && table.latency.len() == CELLS
            && table.errors.iter().all(|errors| !errors.is_empty());
        ensure!(complete, "{}: the table is not complete", path.display());
        Ok(table)
    }

    /// Returns mean error and cost of each cell, which no search sees.
    pub(crate) fn truth(&self, cost: Cost) -> Vec<[f64; 2]> {
        let mean = |errors: &Vec<f64>| errors.iter().sum::<f64>() / errors.len() as f64;
        self.errors.iter().map(mean).zip(self.costs(cost)).map(|(e, c)| [e, *c]).collect()
    }

    /// Returns error and cost of each cell as the search with a seed sees them: the error is that
    /// of one training.
    pub(crate) fn seen(&self, cost: Cost, seed: u64) -> Vec<[f64; 2]> {
        let mut rng = seed::stream(seed, "trainings of the table");
        let drawn = self.errors.iter().map(|errors| errors[rng.random_range(0..errors.len())]);
        drawn.zip(self.costs(cost)).map(|(error, cost)| [error, *cost]).collect()
    }

    fn costs(&self, cost: Cost) -> &[f64] {
        match cost {
            Cost::Size => &self.size,
            Cost::Latency => &self.latency,
        }
    }
}

/// Returns the position of a cell in a table.
pub(crate) fn index(genome: &[usize]) -> usize {
    genome.iter().fold(0, |index, operation| index * OPERATIONS + operation)
}

/// The cells as a space that our algorithm searches. Each cell counts as a function of its own, as
/// its trainings differ from those of cells that compute the same.
pub(crate) struct Cells<'a> {
    /// Error and cost of each cell.
    pub(crate) points: &'a [[f64; 2]],
    genes: Vec<Gene>,
    /// The largest cost. Our search compares costs by their logarithms, but the hypervolume here is
    /// that of the costs themselves, so the search is told powers.
    largest: f64,
}

impl<'a> Cells<'a> {
    pub(crate) fn new(points: &'a [[f64; 2]]) -> Cells<'a> {
        let largest = points.iter().map(|point| point[1]).fold(0.0, f64::max);
        Cells { points, genes: vec![Gene::categories(OPERATIONS); GENES], largest }
    }
}

impl Problem for Cells<'_> {
    fn genes(&self) -> &[Gene] {
        &self.genes
    }

    fn canonical(&self, genome: &[usize]) -> Genome {
        genome.to_vec()
    }

    fn known(&self, genome: &[usize]) -> Option<Known> {
        let [_, cost] = self.points[index(genome)];
        Some(Known { costs: vec![10f64.powf(cost / self.largest)], size: cost })
    }
}
