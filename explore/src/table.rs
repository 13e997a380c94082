//! Evaluations from a table of trainings made beforehand (`--evaluator table:FILE`).

use crate::checkpoint::difference;
use crate::controller::{Controller, Search};
use crate::evaluator::{Outcome, Task};
use crate::halving::Race;
use anyhow::{Context, Result, bail, ensure};
use common::accuracy_table::{AccuracyTable, TableRow};
use common::counts::Counts;
use common::genome::Genome;
use common::search_files::SearchConfig;
use std::collections::HashMap;
use std::path::Path;

/// A table's rows by function and seed.
#[derive(Debug)]
pub struct Table {
    rows: HashMap<(Genome, u64), TableRow>,
    /// The seed of a search, whose trainings are the table's with seed 0; those with the next one
    /// are its seed 1.
    seed: u64,
}

impl Table {
    /// Reads the table for a search.
    ///
    /// # Errors
    /// The file is no whole table, or its trainings are not those of the search; the difference is
    /// named.
    pub fn read(path: &Path, config: &SearchConfig) -> Result<Table> {
        let place = || path.display().to_string();
        let table = AccuracyTable::read(path)?;
        check_same(&table, config).with_context(place)?;
        let table = Table { seed: config.seed, ..Table::new(&table) };
        let seeds = 0..=u64::from(config.search.reseed_front);
        let lacks = |genome: &Genome| seeds.clone().any(|seed| table.row(genome, seed).is_none());
        let missing = config.space.genomes().find(lacks);
        match missing {
            None => Ok(table),
            Some(genome) => {
                bail!("{}: it has no rows for the genome {genome} of the search's space", place())
            }
        }
    }

    /// The rows of a table, for a search with seed 0.
    pub fn new(table: &AccuracyTable) -> Table {
        let row = |row: &TableRow| ((row.genome.canonical(), row.seed), row.clone());
        Table { rows: table.rows.iter().map(row).collect(), seed: 0 }
    }

    fn row(&self, genome: &Genome, seed: u64) -> Option<&TableRow> {
        self.rows.get(&(genome.canonical(), seed))
    }

    /// The outcome of a task: the accuracy after the epoch that it goes to.
    pub fn outcome(&self, task: &Task) -> Outcome {
        self.after(
            &task.genome,
            task.seed.wrapping_sub(self.seed),
            task.stop_after.unwrap_or(task.epochs),
        )
    }

    fn after(&self, genome: &Genome, seed: u64, epoch: usize) -> Outcome {
        let accuracy = self.row(genome, seed).and_then(|row| row.accuracy.get(epoch - 1));
        accuracy
            .copied()
            .ok_or_else(|| "the training diverged: its loss became NaN or infinite".into())
    }

    fn counts(&self, genome: &Genome) -> Result<Counts> {
        let row = self.row(genome, 0).context("the table has no such genome")?;
        Ok(Counts { parameters: row.parameters, macs: row.macs })
    }

    /// A whole search in memory, without files.
    ///
    /// # Errors
    /// Those of the controller.
    pub fn replay(&self, config: &SearchConfig) -> Result<Search> {
        let mut controller = Controller::new(config, |genome| self.counts(genome));
        while let Some(population) = controller.next_population()? {
            let archive = &controller.search().archive.individuals;
            let race = Race { population: &population, archive, search: &config.search };
            let mut evaluations = Vec::new();
            race.run(
                &[],
                |legs, told| {
                    let mut outcomes = legs
                        .iter()
                        .map(|l| self.after(&population[l.place].genome, 0, l.epoch))
                        .enumerate();
                    outcomes.try_for_each(|(position, outcome)| told(position, outcome))
                },
                |evaluation| {
                    evaluations.push(evaluation);
                    Ok(())
                },
            )?;
            evaluations.sort_by_key(|evaluation| evaluation.index);
            controller.evaluated(evaluations)?;
        }
        Ok(controller.search().clone())
    }
}

/// A table is of use only where the search would make the same trainings.
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
