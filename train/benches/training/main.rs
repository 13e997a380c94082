//! Training speed compared with PyTorch and plain Candle, interleaved in one run. Run with
//! `make bench-train`; docs/benchmarks.md describes the comparison and has the results.

mod bars;
mod cells;
mod machine;
mod ours;
mod peer;
mod plain_candle;
mod protocol;
mod report;
mod results;
mod rounds;
mod worker;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use std::path::PathBuf;
use std::process::ExitCode;

/// Measures training speed against PyTorch and plain Candle. Paths are relative to the repository.
#[derive(Debug, Parser)]
struct Args {
    /// Python interpreter with torch
    #[arg(long, default_value = "target/bench-venv/bin/python")]
    python: PathBuf,
    /// Measure only cells whose name contains this, e.g. "FEL16/1" or "batch 64"
    #[arg(long, default_value = "")]
    only: String,
    /// Measure 2 rounds, and leave out torch.compile, whose compilation takes most of the time
    #[arg(long)]
    quick: bool,
    /// Replace the results in this Markdown file
    #[arg(long)]
    write: Option<PathBuf>,
    /// Respond to requests on standard input, as one of the peers in Rust
    #[arg(long, hide = true)]
    worker: Option<worker::Kind>,
    /// Passed to every benchmark by Cargo
    #[arg(long, hide = true)]
    bench: bool,
}

fn run(args: Args) -> Result<()> {
    if let Some(kind) = args.worker {
        return worker::run(kind);
    }
    let repository = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    std::env::set_current_dir(repository)
        .with_context(|| format!("{repository}: cannot change to this folder"))?;
    ensure!(
        args.python.is_file(),
        "{}: there is no such program; `make bench-train` installs it",
        args.python.display()
    );
    let results =
        rounds::Run { python: &args.python, only: &args.only, quick: args.quick }.run()?;
    let text = report::markdown(&results, &command())?;
    process::cli::print_line(&text)?;
    args.write.map_or(Ok(()), |path| report::replace_results(&path, &text))
}

/// Returns the make command of this run.
fn command() -> String {
    let mut given = std::env::args().skip(1).filter(|arg| arg != "--bench");
    let mut options = Vec::new();
    while let Some(arg) = given.next() {
        match arg.as_str() {
            "--python" => drop(given.next()),
            _ if arg.contains(' ') => options.push(format!("'{arg}'")),
            _ => options.push(arg),
        }
    }
    let options = options.join(" ");
    if options.is_empty() {
        "make bench-train".into()
    } else {
        format!("make bench-train BENCH_ARGS=\"{options}\"")
    }
}

fn main() -> ExitCode {
    // Plain Candle gets the allocator of `train`, too.
    train::memory::keep();
    process::cli::main(None, None, run)
}
