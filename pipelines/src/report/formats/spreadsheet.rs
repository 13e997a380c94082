//! The networks as CSV for a spreadsheet: a row for each network and board.

use crate::report::data::{NetworkData, OnBoard, RunData};
use anyhow::{Context, Result};

/// First characters of a text that a spreadsheet would take for a formula.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// Names of the columns. Units are in the names.
const COLUMNS: [&str; 31] = [
    "run",
    "dataset",
    "network",
    "rank",
    "individual",
    "kind",
    "precision",
    "genome",
    "validation_accuracy",
    "validation_images",
    "test_accuracy",
    "test_correct",
    "test_images",
    "test_accuracy_low",
    "test_accuracy_high",
    "parameters",
    "macs",
    "nid",
    "board",
    "emulated",
    "short_protocol",
    "latency_p50_s",
    "latency_p50_low_s",
    "latency_p50_high_s",
    "latency_p99_s",
    "energy_j",
    "power_w",
    "flash_bytes",
    "arena_bytes",
    "not_tested_because",
    "not_measured_because",
];

/// A cell.
#[derive(Clone, Debug, PartialEq)]
enum Cell {
    Empty,
    Text(String),
    Number(f64),
}

impl From<&str> for Cell {
    fn from(text: &str) -> Cell {
        Cell::Text(text.to_string())
    }
}

impl From<f64> for Cell {
    fn from(number: f64) -> Cell {
        Cell::Number(number)
    }
}

impl From<u64> for Cell {
    fn from(number: u64) -> Cell {
        // Counts in files are below 2^53.
        Cell::Number(number as f64)
    }
}

impl From<usize> for Cell {
    fn from(number: usize) -> Cell {
        Cell::Number(number as f64)
    }
}

impl From<bool> for Cell {
    fn from(flag: bool) -> Cell {
        Cell::Text(flag.to_string())
    }
}

impl<T> From<Option<T>> for Cell
where
    Cell: From<T>,
{
    fn from(value: Option<T>) -> Cell {
        value.map_or(Cell::Empty, Cell::from)
    }
}

impl Cell {
    /// Returns the text of the cell in the file. A text that a spreadsheet would compute gets an
    /// apostrophe in front; a number stays one.
    fn to_field(&self) -> String {
        match self {
            Cell::Empty => String::new(),
            Cell::Number(number) => number.to_string(),
            Cell::Text(text) if text.starts_with(FORMULA) => format!("'{text}"),
            Cell::Text(text) => text.clone(),
        }
    }
}

/// Returns the CSV text, with a first line of names.
///
/// # Errors
/// Fails if it cannot be written.
pub(crate) fn csv(data: &RunData) -> Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS)?;
    for network in &data.networks {
        let boards: Vec<(Option<&str>, Option<&OnBoard>)> = match network.boards.is_empty() {
            true => vec![(None, None)],
            false => {
                network.boards.iter().map(|(name, on)| (Some(name.as_str()), Some(on))).collect()
            }
        };
        for (board, on_board) in boards {
            let row = row(data, network, board, on_board);
            writer.write_record(row.iter().map(Cell::to_field))?;
        }
    }
    let bytes = writer.into_inner().context("cannot write CSV")?;
    String::from_utf8(bytes).context("cannot write CSV")
}

fn row(
    data: &RunData,
    network: &NetworkData,
    board: Option<&str>,
    on_board: Option<&OnBoard>,
) -> [Cell; COLUMNS.len()] {
    let (test, validation) = (network.test, network.validation);
    let interval = on_board.and_then(|on| on.latency_interval_s);
    [
        data.name.as_str().into(),
        data.dataset.as_deref().into(),
        network.name.as_str().into(),
        network.rank.into(),
        network.individual.as_deref().into(),
        network.kind.into(),
        network.precision.name().into(),
        network.genome.as_deref().into(),
        validation.map(|validation| validation.accuracy).into(),
        validation.and_then(|validation| validation.n).into(),
        test.map(|test| test.accuracy).into(),
        test.map(|test| test.correct).into(),
        test.map(|test| test.n).into(),
        test.map(|test| test.interval[0]).into(),
        test.map(|test| test.interval[1]).into(),
        network.parameters.into(),
        network.macs.into(),
        network.nid.into(),
        board.into(),
        on_board.map(|on| on.emulated).into(),
        on_board.map(|on| on.short).into(),
        on_board.and_then(|on| on.latency_s).into(),
        interval.map(|interval| interval[0]).into(),
        interval.map(|interval| interval[1]).into(),
        on_board.and_then(|on| on.latency_p99_s).into(),
        on_board.and_then(|on| on.energy_j).into(),
        on_board.and_then(|on| on.power_w).into(),
        on_board.and_then(|on| on.flash_bytes).into(),
        on_board.and_then(|on| on.arena_bytes).into(),
        network.reason.as_deref().into(),
        on_board.and_then(|on| on.reason.as_deref()).into(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_would_be_computed_are_quoted_and_numbers_are_not() {
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "-"] {
            assert_eq!(Cell::from(formula).to_field(), format!("'{formula}"));
        }
        for plain in ["a=b", "1/dense", "", "'=1", " =1"] {
            assert_eq!(Cell::from(plain).to_field(), plain);
        }
        assert_eq!(Cell::from(-1.5e-4).to_field(), "-0.00015");
        assert_eq!(Cell::from(65_074u64).to_field(), "65074");
        assert_eq!(Cell::from(None::<f64>).to_field(), "");
        assert_eq!(Cell::from(Some(true)).to_field(), "true");
    }
}
