//! Outcomes from a table of trainings made beforehand (`--evaluator table:FILE`).

use super::task::{Outcome, Task};
use crate::json_difference::difference;
use anyhow::{Context, Result, bail, ensure};
use common::network::counts::Counts;
use common::search::accuracy_table::{AccuracyTable, TableRow};
use common::search::config::SearchConfig;
use common::search::genome::Genome;
use std::collections::HashMap;
use std::path::Path;

/// The rows of a table, by function and seed.
#[derive(Debug)]
pub struct TableEvaluator {
    rows: HashMap<(Genome, u64), TableRow>,
    /// Seed of the search. It corresponds to the table's seed 0, and the next seed to 1.
    seed: u64,
}

impl TableEvaluator {
    /// Reads the table for a search.
    ///
    /// # Errors
    /// Fails if the file is not a complete table, or if its trainings differ from those of the
    /// search; the error names the difference.
    pub fn read(path: &Path, config: &SearchConfig) -> Result<TableEvaluator> {
        let file = || path.display().to_string();
        let table = AccuracyTable::read(path)?;
        check_same(&table, config).with_context(file)?;
        let table = TableEvaluator { seed: config.seed, ..TableEvaluator::new(&table) };
        let seeds = 0..=u64::from(config.search.reseed_front);
        let lacks = |genome: &Genome| seeds.clone().any(|seed| table.row(genome, seed).is_none());
        let missing = config.space.genomes().find(lacks);
        match missing {
            None => Ok(table),
            Some(genome) => {
                bail!("{}: it has no rows for the genome {genome} of the search's space", file())
            }
        }
    }

    /// Takes the rows of a table, for a search with seed 0.
    pub fn new(table: &AccuracyTable) -> TableEvaluator {
        let row = |row: &TableRow| ((row.genome.canonical(), row.seed), row.clone());
        TableEvaluator { rows: table.rows.iter().map(row).collect(), seed: 0 }
    }

    fn row(&self, genome: &Genome, seed: u64) -> Option<&TableRow> {
        self.rows.get(&(genome.canonical(), seed))
    }

    /// Returns the outcome of a task: the accuracy after the task's last epoch.
    pub fn outcome(&self, task: &Task) -> Outcome {
        self.outcome_after(
            &task.genome,
            task.seed.wrapping_sub(self.seed),
            task.stop_after.unwrap_or(task.epochs),
        )
    }

    /// Returns the accuracy of a genome after an epoch, counted from 1, with a seed of the table.
    pub(crate) fn outcome_after(&self, genome: &Genome, seed: u64, epoch: usize) -> Outcome {
        let accuracy = self.row(genome, seed).and_then(|row| row.accuracy.get(epoch - 1));
        accuracy
            .copied()
            .ok_or_else(|| "the training diverged: its loss became NaN or infinite".into())
    }

    /// Returns parameters and MACs of a genome's network.
    ///
    /// # Errors
    /// Fails if the table does not contain the genome.
    pub(crate) fn counts(&self, genome: &Genome) -> Result<Counts> {
        let row = self.row(genome, 0).context("the table has no such genome")?;
        Ok(Counts { parameters: row.parameters, macs: row.macs })
    }
}

/// Fails if the search would run other trainings than those of the table.
fn check_same(table: &AccuracyTable, config: &SearchConfig) -> Result<()> {
    let SearchConfig { data_sha256, template, training, search, .. } = config;
    ensure!(
        table.data_sha256 == *data_sha256,
        "its trainings are of other data than {}: their data_sha256 is {}, not {data_sha256}",
        config.dataset,
        table.data_sha256
    );
    ensure!(
        table.epochs == search.epochs,
        "its trainings have {} epochs, but search.epochs is {}",
        table.epochs,
        search.epochs
    );
    let differences = [
        difference(
            "template",
            &serde_json::to_value(&table.template)?,
            &serde_json::to_value(template)?,
        ),
        difference(
            "training",
            &serde_json::to_value(&table.training)?,
            &serde_json::to_value(training)?,
        ),
    ];
    match differences.into_iter().flatten().next() {
        None => Ok(()),
        Some((key, there, here)) => {
            bail!("{key} is {there} in the table, but {here} in the profile")
        }
    }
}
