//! The files from which meters are read.

use super::csv_log::CsvLog;
use anyhow::{Result, ensure};
use common::board::{Board, Meter};
use common::files::json;
use common::measurement::manual_reading::ManualReading;
use std::path::PathBuf;

/// The files and folders from which meters are read.
#[derive(Clone, Debug)]
pub(crate) struct MeterInputs {
    /// Root of sysfs, on the board.
    pub(crate) sysfs_root: PathBuf,
    /// Library that is loaded instead of the NVIDIA driver's own.
    pub(crate) nvml_library: Option<PathBuf>,
    /// Log of the meter `csv`.
    pub(crate) csv_log: Option<PathBuf>,
    /// Reading of the meter `manual`.
    pub(crate) manual_reading: Option<PathBuf>,
}

impl MeterInputs {
    /// Checks that each given file belongs to the board's meter and can be read.
    ///
    /// # Errors
    /// Fails if a file is for another meter, cannot be read, or is about another crate.
    pub(crate) fn check(&self, board: &Board, crate_name: &str) -> Result<()> {
        let Board { name, meter, .. } = board;
        for (option, given, needed) in [
            ("--meter-csv", self.csv_log.is_some(), Meter::Csv),
            ("--manual-json", self.manual_reading.is_some(), Meter::Manual),
            ("--nvml-library", self.nvml_library.is_some(), Meter::Nvml),
        ] {
            ensure!(
                !given || *meter == needed,
                "{option} is for boards with the meter {needed}, but that of {name} is {meter}"
            );
        }
        if let Some(file) = &self.manual_reading {
            let reading: ManualReading = json::read(file)?;
            ensure!(
                reading.name == crate_name,
                "{}: it was read while {} ran, and says nothing about {crate_name}",
                file.display(),
                reading.name
            );
        }
        self.csv_log.as_deref().map_or(Ok(()), |file| CsvLog::open(file).map(|_| ()))
    }
}
