//! Tables of earlier trainings: the accuracy of every network of a small design space after every
//! epoch. A search that looks up its evaluations there takes milliseconds and can be compared with
//! the optimum.

use crate::files::json::Document;
use crate::files::ranges::{MACS, PARAMETERS, PLANNED, SHARE, all_within, within};
use crate::files::{json, reading};
use crate::network::template::Template;
use crate::profile::TrainingSettings;
use crate::search::genome::Genome;
use crate::search::space::SearchSpace;
use anyhow::{Context, Result, ensure};
use flate2::read::GzDecoder;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::io::Read;
use std::path::Path;

/// The first bytes of gzip files (RFC 1952).
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Maximum size of a table after unpacking; that of the digits has 3 MB.
const MAX_BYTES: u64 = 256 << 20;

/// A table of accuracies: `accuracy-table.json`, also compressed with gzip.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccuracyTable {
    /// Contents and origin, for people.
    pub about: String,
    /// Name of the data set.
    pub dataset: String,
    /// Fingerprint of the data ([`crate::dataset::Identity::sha256`]).
    pub data_sha256: String,
    /// Design space; each of its functions has a row.
    pub space: SearchSpace,
    /// Template: everything that the genes leave open.
    pub template: Template,
    /// Settings of the trainings.
    pub training: TrainingSettings,
    /// Epochs of each training.
    pub epochs: usize,
    /// Trainings.
    pub rows: Vec<TableRow>,
}

/// One training of an [`AccuracyTable`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableRow {
    /// Genome that was trained; it stands for all genomes of the same function.
    pub genome: Genome,
    /// Seed: 0, or 1 for a second training of the same function.
    pub seed: u64,
    /// Trainable parameters.
    pub parameters: u64,
    /// Multiply-adds for one image.
    pub macs: u64,
    /// Validation accuracy (0..1) after each epoch; fewer than the table's epochs if the training
    /// diverged.
    pub accuracy: Vec<f64>,
}

impl Document for AccuracyTable {
    const KIND: &'static str = "accuracy-table";

    fn check(&self) -> Result<()> {
        self.space.check()?;
        self.template.check()?;
        self.training.check()?;
        within("epochs", self.epochs, &PLANNED)?;
        for (index, row) in self.rows.iter().enumerate() {
            let valid = row.accuracy.len() <= self.epochs
                && row.accuracy.iter().all(|a| (0.0..=1.0).contains(a));
            ensure!(valid, "rows[{index}].accuracy must be at most {} values of 0..1", self.epochs);
            row.check().with_context(|| format!("rows[{index}]"))?;
        }
        Ok(())
    }
}

impl Document for TableRow {
    const KIND: &'static str = "accuracy-table-row";

    fn check(&self) -> Result<()> {
        self.genome.check().context("genome")?;
        within("parameters", self.parameters, &PARAMETERS)?;
        within("macs", self.macs, &MACS)?;
        all_within("accuracy", self.accuracy.iter().copied(), &SHARE)
    }
}

impl AccuracyTable {
    /// Reads a table, compressed or not.
    ///
    /// # Errors
    /// Fails if the file cannot be read, or lacks a function of its space.
    pub fn read(path: &Path) -> Result<AccuracyTable> {
        let place = || path.display().to_string();
        let bytes = reading::read(path, MAX_BYTES)?;
        let mut text = String::new();
        if bytes.starts_with(&GZIP_MAGIC) {
            GzDecoder::new(bytes.as_slice())
                .take(MAX_BYTES)
                .read_to_string(&mut text)
                .with_context(place)?;
            ensure!(
                (text.len() as u64) < MAX_BYTES,
                "{}: it unpacks to over {MAX_BYTES} bytes",
                path.display()
            );
        } else {
            text = String::from_utf8(bytes).with_context(place)?;
        }
        let table: AccuracyTable = json::parse(&text).with_context(place)?;
        table.check_complete().with_context(place)?;
        Ok(table)
    }

    /// Returns the rows by function and seed.
    pub fn by_function(&self) -> HashMap<(Genome, u64), &TableRow> {
        self.rows.iter().map(|row| ((row.genome.canonical(), row.seed), row)).collect()
    }

    fn check_complete(&self) -> Result<()> {
        let rows = self.by_function();
        ensure!(
            rows.len() == self.rows.len(),
            "there are two rows with the same function and seed"
        );
        let missing =
            self.space.genomes().find(|genome| !rows.contains_key(&(genome.canonical(), 0)));
        missing.map_or(Ok(()), |genome| {
            Err(anyhow::anyhow!("there is no row with seed 0 for the genome {genome}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::Write;

    fn table() -> AccuracyTable {
        let full = SearchSpace::default();
        let space = SearchSpace {
            left_activation: full.left_activation[..1].to_vec(),
            optimizer: full.optimizer[..1].to_vec(),
            condense_layers: vec![1],
            feature_extraction_layers: vec![16],
            kernel_size: vec![3],
            ..full
        };
        let functions = space.genomes().filter(|genome| genome.canonical() == *genome);
        let rows = functions.map(|genome| TableRow {
            genome,
            seed: 0,
            parameters: 9,
            macs: 90,
            accuracy: vec![0.5, 0.75],
        });
        AccuracyTable {
            about: "made up".into(),
            dataset: "made-up".into(),
            data_sha256: "0".repeat(64),
            template: Template::default(),
            training: TrainingSettings::default(),
            epochs: 2,
            rows: rows.collect(),
            space,
        }
    }

    fn read(bytes: &[u8]) -> Result<AccuracyTable, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("table");
        std::fs::write(&path, bytes).unwrap();
        AccuracyTable::read(&path).map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn tables_are_read_compressed_or_not() {
        let text = json::to_text(&table()).unwrap();
        assert_eq!(read(text.as_bytes()).unwrap(), table());
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(text.as_bytes()).unwrap();
        let bytes = encoder.finish().unwrap();
        assert_eq!(read(&bytes).unwrap(), table());
        assert!(read(&bytes[..bytes.len() / 2]).is_err());
    }

    #[test]
    fn an_incomplete_table_is_refused() {
        let error_of = |change: fn(&mut AccuracyTable)| {
            let mut table = table();
            change(&mut table);
            read(json::to_text(&table).unwrap().as_bytes()).unwrap_err()
        };
        assert_eq!(table().rows.len(), 5);
        assert!(
            error_of(|table| drop(table.rows.pop())).contains("no row with seed 0 for the genome")
        );
        assert!(
            error_of(|table| table.rows[2].seed = 1).contains("no row with seed 0 for the genome")
        );
        assert!(
            error_of(|table| table.rows.push(table.rows[0].clone()))
                .contains("two rows with the same function")
        );
        assert!(error_of(|table| table.rows[3].accuracy[1] = 1.5).contains("rows[3].accuracy"));
        assert!(error_of(|table| table.rows[3].accuracy.push(0.5)).contains("rows[3].accuracy"));
    }
}
