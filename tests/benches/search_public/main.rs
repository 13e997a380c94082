//! Searches on tables of trainings that others made, NAS-Bench-201: evaluations until a search has
//! found a share of the true hypervolume. Run with `make bench-search-public`; it prints tables.

mod ours;
mod peers;
mod progress;
mod report;
mod table;

use anyhow::{Context, Result};
use clap::Parser;
use ours::KINDS;
use peers::{BOTORCH, Library, OPTUNA, PYMOO};
use progress::Yardstick;
use rayon::prelude::*;
use report::Row;
use std::path::PathBuf;
use std::process::ExitCode;
use table::{Cells, Cost, DATASETS, Dataset, Table};

/// Compares searches on the tables. Paths are relative to the repository.
#[derive(Debug, Parser)]
struct Args {
    /// Folder of the tables that tables.py has written
    #[arg(long, value_name = "DIR", default_value = "target/bench-search-public")]
    tables: PathBuf,
    /// Python interpreter with the peers
    #[arg(long, value_name = "FILE", default_value = "target/bench-search-venv/bin/python")]
    python: PathBuf,
    /// Data sets: cifar10, cifar100, imagenet
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "cifar10")]
    datasets: Vec<String>,
    /// Number of seeds of each kind of search
    #[arg(long, value_name = "N", default_value_t = 20)]
    seeds: u64,
    /// Largest number of evaluations of a search
    #[arg(long, value_name = "N", default_value_t = 8000)]
    evaluations: usize,
    /// Leave out kinds of search whose names do not contain this
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,
    /// Within five minutes: 3 seeds and up to 400 evaluations
    #[arg(long)]
    quick: bool,
    /// Run Optuna's TPE and NSGA-III too, up to 1,000 evaluations; takes minutes more
    #[arg(long)]
    optuna: bool,
    /// Run BoTorch's qNEHVI too, 5 seeds and up to 400 evaluations; takes an hour more for each table
    #[arg(long)]
    botorch: bool,
    /// Passed by cargo to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

fn run(mut args: Args) -> Result<()> {
    let repository = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    std::env::set_current_dir(repository)
        .with_context(|| format!("{repository}: cannot go there"))?;
    if args.quick {
        (args.seeds, args.evaluations) = (3, 400);
    }
    if !args.python.is_file() {
        eprintln!(
            "PYMOO IS MISSING, so its searches are left out: {} does not exist; `make \
             bench-search-public` makes it where python3 and a network are at hand",
            args.python.display()
        );
    }
    for name in &args.datasets {
        let dataset = DATASETS
            .iter()
            .find(|dataset| dataset.file == name)
            .with_context(|| format!("there is no data set {name}: cifar10, cifar100, imagenet"))?;
        let table = Table::read(&args.tables, dataset)?;
        for cost in Cost::ALL {
            let rows = rows(&table, dataset, cost, &args)?;
            process::cli::print_line(&report::table(dataset, cost, &rows, args.seeds))?;
        }
    }
    Ok(())
}

/// Runs all searches for the error and one cost.
fn rows(table: &Table, dataset: &Dataset, cost: Cost, args: &Args) -> Result<Vec<Row>> {
    let yardstick = Yardstick::new(table.truth(cost), dataset.worst_error);
    let mut rows = Vec::new();
    for kind in KINDS.iter().filter(|kind| kind.name.contains(&args.only)) {
        let search = |seed| {
            let seen = table.seen(cost, seed);
            kind.run(&Cells::new(&seen), seed, args.evaluations, yardstick.progress())
        };
        let reached = (0..args.seeds).into_par_iter().map(search).collect::<Result<_>>()?;
        rows.push(Row { name: kind.name.into(), budget: args.evaluations.min(kind.most), reached });
    }
    let libraries = [(&PYMOO, true), (&OPTUNA, args.optuna), (&BOTORCH, args.botorch)];
    let wanted =
        |(library, wanted): &(&Library, bool)| *wanted && library.name.contains(&args.only);
    for (library, _) in libraries.into_iter().filter(|_| args.python.is_file()).filter(wanted) {
        let seeds = 0..args.seeds.min(library.seeds);
        let seen: Vec<_> = seeds.map(|seed| table.seen(cost, seed)).collect();
        let budget = args.evaluations.min(library.most);
        for method in library.run(&args.python, &seen, yardstick.reference, budget)? {
            let reached = method.evaluated.iter().map(|cells| yardstick.reached(cells)).collect();
            rows.push(Row { name: method.name, budget, reached });
        }
    }
    Ok(rows)
}

fn main() -> ExitCode {
    process::cli::main(None, None, run)
}
