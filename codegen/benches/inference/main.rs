//! Inference: generated crates against ONNX Runtime and tract, interleaved in one run. Run with
//! `make bench-codegen`; docs/benchmarks.md says what is compared and keeps the results.

mod int8;
mod nets;
mod onnx;
mod peak;
mod peers;
#[path = "../../tests/support/quantized.rs"]
mod quantized;
mod report;
mod rounds;
mod workshop;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Measures generated crates against ONNX Runtime and tract. Paths are relative to the repository.
#[derive(Debug, Parser)]
struct Args {
    /// A Python that has onnxruntime, onnx and numpy; for --int8 also safetensors, tensorflow
    /// and ai_edge_litert
    #[arg(long, default_value = "target/bench-codegen-venv/bin/python")]
    python: PathBuf,
    /// Only networks with this in their names, e.g. "C10-Net.1" or "elu"
    #[arg(long, default_value = "")]
    only: String,
    /// Crates in 8-bit integers, against their f32 form, ONNX Runtime and LiteRT
    #[arg(long)]
    int8: bool,
    /// The ONNX models that we export, against other forms of them
    #[arg(long, conflicts_with = "int8")]
    onnx: bool,
    /// Fewer turns: 3
    #[arg(long)]
    quick: bool,
    /// Replace the results in this file
    #[arg(long)]
    write: Option<PathBuf>,
    /// Passed by cargo to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

fn run(args: Args) -> Result<()> {
    let repository = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    std::env::set_current_dir(repository)
        .with_context(|| format!("{repository}: cannot go there"))?;
    let python = args.python;
    ensure!(
        python.is_file(),
        "{}: there is no such program; `make bench-codegen` makes it",
        python.display()
    );
    let mut nets = match (args.int8, args.onnx) {
        (true, _) => int8::nets()?,
        (_, true) => onnx::nets()?,
        (false, false) => nets::all()?,
    };
    nets.retain(|net| net.name.contains(&args.only));
    ensure!(!nets.is_empty(), "no network has {:?} in its name", args.only);
    let rounds = if args.quick { 3 } else { 9 };
    let text = if args.int8 {
        int8::report::markdown(&int8::measure(&nets, &python, rounds)?, rounds, &command())?
    } else if args.onnx {
        onnx::markdown(&onnx::measure(&nets, &python, rounds)?, rounds, &command())?
    } else {
        f32_report(&nets, &python, rounds)?
    };
    process::cli::print_line(&text)?;
    args.write.map_or(Ok(()), |path| report::replace_results(&path, &text))
}

/// Measures crates in f32 and returns the report.
fn f32_report(nets: &[nets::Net], python: &Path, rounds: usize) -> Result<String> {
    eprintln!("building tract's program");
    let tract = workshop::build_tract()?;
    let mut workshops = Vec::new();
    for net in nets {
        eprintln!("generating and building {}", net.name);
        workshops.push(workshop::Workshop::new(net).with_context(|| net.name.clone())?);
    }
    let mut results = Vec::new();
    for (net, workshop) in nets.iter().zip(&workshops) {
        eprintln!("measuring {}", net.name);
        results.push(
            rounds::measure(net, workshop, python, &tract, rounds)
                .with_context(|| net.name.clone())?,
        );
    }
    report::markdown(&results, rounds, &command())
}

/// Returns the make command of this run.
fn command() -> String {
    let mut given = std::env::args().skip(1).filter(|arg| arg != "--bench");
    let (mut target, mut options) = ("make bench-codegen", Vec::new());
    while let Some(arg) = given.next() {
        match arg.as_str() {
            "--int8" => target = "make bench-int8",
            "--onnx" => target = "make bench-onnx",
            "--python" => drop(given.next()),
            _ if arg.contains(' ') => options.push(format!("'{arg}'")),
            _ => options.push(arg),
        }
    }
    if options.is_empty() {
        target.to_string()
    } else {
        format!("{target} BENCH_ARGS=\"{}\"", options.join(" "))
    }
}

fn main() -> ExitCode {
    process::cli::main(None, None, run)
}
