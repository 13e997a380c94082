//! `measure compare`: compares records with a baseline.

use crate::cli::CompareArgs;
use crate::comparison;
use anyhow::{Context, Result, bail};
use common::files::json;
use common::measurement::Measurement;
use process::cli::print_line;
use std::path::PathBuf;

/// Prints the comparison of each record with the baseline, for people.
///
/// # Errors
/// Fails if a record cannot be read, if no or several records have the baseline's name, or if
/// records of emulated and of real boards are mixed.
pub(crate) fn run(args: &CompareArgs) -> Result<()> {
    let records = read(&args.records)?;
    let baseline = match &args.baseline {
        None => 0,
        Some(name) => position(&records, name)?,
    };
    check_emulated(&records)?;
    let mut lines = vec![format!("baseline: {}", comparison::title(&records[baseline]))];
    for (index, record) in records.iter().enumerate().filter(|(index, _)| *index != baseline) {
        lines.push(format!("{}: {}", args.records[index].display(), comparison::title(record)));
        let compared = comparison::lines(&records[baseline], record);
        lines.extend(compared.into_iter().map(|line| format!("  {line}")));
    }
    print_line(&lines.join("\n"))
}

fn read(files: &[PathBuf]) -> Result<Vec<Measurement>> {
    files
        .iter()
        .map(|file| json::read::<Measurement>(file).with_context(|| "cannot compare this record"))
        .collect()
}

/// Fails if some records are of emulated boards and others are not: the times of an emulated board
/// are those of its emulator.
fn check_emulated(records: &[Measurement]) -> Result<()> {
    let board = |emulated| {
        records.iter().find(|record| record.emulated == emulated).map(|record| &record.board)
    };
    if let (Some(emulated), Some(real)) = (board(true), board(false)) {
        bail!(
            "{emulated} is emulated: its times are not those of a board, and cannot be compared \
             with those on {real}"
        );
    }
    Ok(())
}

/// Returns the index of the only record of a crate of this name.
fn position(records: &[Measurement], name: &str) -> Result<usize> {
    let found: Vec<usize> = records
        .iter()
        .enumerate()
        .filter_map(|(index, record)| (record.ran.name == name).then_some(index))
        .collect();
    match found[..] {
        [index] => Ok(index),
        [] => {
            let names: Vec<&str> = records.iter().map(|record| record.ran.name.as_str()).collect();
            bail!(
                "no record is of {name:?}, only of {}; give --baseline one of these",
                names.join(", ")
            )
        }
        [..] => {
            bail!(
                "{} records are of {name:?}; leave out --baseline and name the baseline's file \
                 first",
                found.len()
            )
        }
    }
}
