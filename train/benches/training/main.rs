//! Training speed: ours against PyTorch and plain Candle, interleaved in one run. Run with
//! `make bench-train`; docs/benchmarks.md says what is compared and keeps the results.

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
    /// A Python that has torch
    #[arg(long, default_value = "target/bench-venv/bin/python")]
    python: PathBuf,
    /// Only what has this in its name, e.g. "FEL16/1" or "batch 64"
    #[arg(long, default_value = "")]
    only: String,
    /// A first look: 2 rounds, and no torch.compile, whose compilation takes most of the time
    #[arg(long)]
    quick: bool,
    /// Replace the results in this file
    #[arg(long)]
    write: Option<PathBuf>,
    /// Answer asks on standard input, as one of our own peers
    #[arg(long, hide = true)]
    worker: Option<worker::Kind>,
    /// Cargo says this to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

fn run(args: Args) -> Result<()> {
    if let Some(kind) = args.worker {
        return worker::run(kind);
    }
    let repository = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    std::env::set_current_dir(repository)
        .with_context(|| format!("{repository}: cannot go there"))?;
    ensure!(
        args.python.is_file(),
        "{}: there is no such program; `make bench-train` makes it",
        args.python.display()
    );
    let results =
        rounds::Plan { python: &args.python, only: &args.only, quick: args.quick }.run()?;
    let text = report::markdown(&results, &command())?;
    common::stage::print_line(&text)?;
    args.write.map_or(Ok(()), |path| report::replace_results(&path, &text))
}

/// The make command of this run.
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
    // The allocator is the one of `train` itself; plain Candle gets it too.
    train::memory::keep();
    let args = Args::parse();
    common::stage::main(|| run(args))
}
