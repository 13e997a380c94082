//! Records of measurements, beside the networks that they belong to.

use super::known::Known;
use super::walk::files_named;
use anyhow::{Context, Result, bail, ensure};
use common::board::Board;
use common::files::json;
use common::measurement::Measurement;
use common::precision::Precision;
use common::prediction_report::Quantity;
use common::quantized::INT8_FOLDER;
use std::path::{Path, PathBuf};

/// The name of a network's file.
pub(crate) const NETWORK: &str = "network.json";

/// Which records count.
pub(crate) struct Records<'a> {
    /// The board that they were made on.
    pub(crate) board: &'a Board,
    /// The precision of what ran.
    pub(crate) precision: Precision,
    /// The processor and the kernels of the first record, and its file.
    machine: Option<(String, PathBuf)>,
}

impl<'a> Records<'a> {
    /// Returns the records of a board in a precision.
    pub(crate) fn new(board: &'a Board, precision: Precision) -> Records<'a> {
        Records { board, precision, machine: None }
    }

    /// Returns the quantity that is taken from a board's records: an emulator's times say nothing.
    pub(crate) fn quantity(&self) -> Quantity {
        match self.board.is_emulated() {
            true => Quantity::Instructions,
            false => Quantity::LatencyS,
        }
    }

    /// Adds the networks of a folder, measured or not, or of a record.
    ///
    /// # Errors
    /// Fails if there is no such file or folder, or if a record is damaged, of another board, or was
    /// made on another machine or with other kernels than the first one.
    pub(crate) fn add(&mut self, path: &Path, known: &mut Known) -> Result<()> {
        if path.is_file() {
            ensure!(
                precision_of(path) == self.precision,
                "{}: this record is in {}, and not in {}: see --precision",
                path.display(),
                precision_of(path),
                self.precision
            );
            return self.add_record(path, known);
        }
        networks_in(path)?.into_iter().for_each(|network| known.add(network));
        let name = format!("measurement-{}.json", self.board.name);
        for record in files_named(&name, path)? {
            if precision_of(&record) == self.precision {
                self.add_record(&record, known)?;
            }
        }
        Ok(())
    }

    fn add_record(&mut self, path: &Path, known: &mut Known) -> Result<()> {
        let record: Measurement = json::read(path)?;
        self.check(path, &record).with_context(|| path.display().to_string())?;
        let value = match self.quantity() {
            Quantity::LatencyS => quietest_s(&record),
            Quantity::Instructions => {
                let counted = record.instructions.value.as_ref();
                counted
                    .with_context(|| format!("{}: no instructions were counted", path.display()))?
                    .per_inference
            }
        };
        known.add_measured(network_of(path)?, value);
        Ok(())
    }

    /// Fails if a record is not comparable with the others.
    fn check(&mut self, path: &Path, record: &Measurement) -> Result<()> {
        ensure!(
            record.board == self.board.name,
            "this record is of the board {}, and not of {}",
            record.board,
            self.board.name
        );
        let kernels = format!("the kernels {}", record.ran.kernels);
        let machine = match (self.quantity(), record.host.cpu.value.as_deref()) {
            (Quantity::LatencyS, Some(cpu)) => format!("{cpu} with {kernels}"),
            (_, _) => kernels,
        };
        let (first, file) = self.machine.get_or_insert((machine.clone(), path.to_path_buf()));
        ensure!(
            machine == *first,
            "measured on {machine}, but {} on {first}: predictions are for one machine",
            file.display()
        );
        Ok(())
    }
}

/// Returns the median latency of the quietest window, in seconds: what else a machine does only adds
/// time.
fn quietest_s(record: &Measurement) -> f64 {
    record.windows.iter().map(|window| window.p50_s).fold(f64::INFINITY, f64::min)
}

/// Returns the networks in a folder, or the network that a path names.
///
/// # Errors
/// Fails if there is no such file or folder, or no network in the folder.
pub(crate) fn networks_in(path: &Path) -> Result<Vec<PathBuf>> {
    if path.is_file() {
        return Ok(vec![path.to_path_buf()]);
    }
    let found = files_named(NETWORK, path)?;
    ensure!(!found.is_empty(), "{}: there is no {NETWORK} in it", path.display());
    Ok(found)
}

/// Returns the precision of what a record is of: the int8 form of a network is in a folder of its
/// own.
fn precision_of(record: &Path) -> Precision {
    match is_int8(record) {
        true => Precision::Int8,
        false => Precision::F32,
    }
}

fn is_int8(record: &Path) -> bool {
    record.parent().is_some_and(|folder| folder.file_name().is_some_and(|name| name == INT8_FOLDER))
}

/// Returns the file of the network that a record is of.
fn network_of(record: &Path) -> Result<PathBuf> {
    let beside = record.with_file_name(NETWORK);
    let network = match (is_int8(record), record.parent()) {
        (true, Some(folder)) => folder.with_file_name(NETWORK),
        (_, _) => beside,
    };
    if !network.is_file() {
        bail!("{}: there is no {} for it", record.display(), network.display());
    }
    Ok(network)
}
