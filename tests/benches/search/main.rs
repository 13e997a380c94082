//! Quality of searches by training time: each function of a small space is trained once, and
//! searches are then replayed from the table of these trainings. Run with `make bench-search`; it
//! prints a table.

mod compare;
mod figure;
mod peers;
mod report;
mod several;
mod train_table;

use anyhow::{Context, Result};
use clap::Parser;
use common::files::json;
use common::profile::Profile;
use common::search::accuracy_table::AccuracyTable;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Trains the table and compares searches on it. Paths are relative to the repository.
#[derive(Debug, Parser)]
struct Args {
    /// The table; trained first if it does not exist
    #[arg(long, value_name = "FILE", default_value = "tests/data/digits-table.json.gz")]
    table: PathBuf,
    /// Folder for the trainings of an unfinished table
    #[arg(long, value_name = "DIR", default_value = "target/bench-search")]
    work: PathBuf,
    /// Number of functions that are trained with a second seed
    #[arg(long, value_name = "N", default_value_t = 560)]
    second_seeds: usize,
    /// Python interpreter with pymoo
    #[arg(long, value_name = "FILE", default_value = "target/bench-search-venv/bin/python")]
    python: PathBuf,
    /// Replace the results in this file and draw figures/search.svg beside it
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
    /// Compare searches with three objectives (error, params, macs) instead
    #[arg(long, conflicts_with = "write")]
    several: bool,
    /// Passed by cargo to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

fn run(args: Args) -> Result<()> {
    let repository = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    std::env::set_current_dir(repository)
        .with_context(|| format!("{repository}: cannot go there"))?;
    if !args.table.exists() {
        train_table::make(&args.table, &args.work, args.second_seeds)?;
    }
    let table = AccuracyTable::read(&args.table)?;
    let profile: Profile = json::read(Path::new(train_table::PROFILE))?;
    if args.several {
        return process::cli::print_line(&several::table(&table, &profile.search)?);
    }
    let has_pymoo = args.python.is_file();
    let python = has_pymoo.then_some(args.python.as_path());
    if !has_pymoo {
        eprintln!(
            "PYMOO IS MISSING, so its searches are left out: {} does not exist; `make \
             bench-search` makes it where python3 and a network are at hand",
            args.python.display()
        );
    }
    let comparison = compare::compare(&table, &profile.search, python)?;
    process::cli::print_line(&report::table(&comparison)?)?;
    let Some(path) = args.write else { return Ok(()) };
    report::write(&path, &comparison)?;
    figure::write(&path.with_file_name("figures").join("search.svg"), &comparison)
}

fn main() -> ExitCode {
    train::memory::keep();
    process::cli::main(None, None, run)
}
