//! Time of SPEA-II's environmental selection, up to 1,000 of 2,000 non-dominated points, compared
//! with pymoo's on the same points. Run with `make bench-selection`; it prints a Markdown table.
//!
//! The crate `moors` is not compared: its SPEA-2 ranks all points once by their nearest neighbour
//! instead of removing them one by one, so it selects other points, and its dependencies take
//! minutes to build.

use anyhow::{Context, Result, ensure};
use clap::Parser;
use explore::moea::normalize::{Normalize, Points};
use explore::moea::spea2;
use rand::RngExt;
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

/// Number of repetitions of our selection, of which the median is shown.
const ROUNDS: usize = 5;
/// Upper limit of the time of our slowest selection.
const LIMIT_S: f64 = 1.0;
/// Numbers of points, of selected points, and of objectives.
const CASES: [(usize, usize, usize); 4] =
    [(500, 250, 2), (500, 250, 3), (2000, 1000, 2), (2000, 1000, 3)];

/// Measures the time of environmental selection. Paths are relative to the repository.
#[derive(Debug, Parser)]
struct Args {
    /// Python interpreter with pymoo
    #[arg(long, value_name = "FILE", default_value = "target/bench-search-venv/bin/python")]
    python: PathBuf,
    /// Seconds after which pymoo is stopped, for each list
    #[arg(long, value_name = "X", default_value_t = 120.0)]
    patience: f64,
    /// Passed by cargo to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

/// The input of pymoo's program, one line of JSON.
#[derive(Serialize)]
struct Request<'a> {
    objectives: &'a [Vec<f64>],
    survivors: usize,
    patience_s: f64,
}

/// The output of pymoo's program.
#[derive(Deserialize)]
struct Answer {
    version: String,
    /// Seconds of one selection; `None` if it was stopped.
    seconds: Option<f64>,
    /// Indices of the selected points, in ascending order.
    selected: Option<Vec<usize>>,
}

/// Draws points uniformly from the part of the unit circle or sphere where no coordinate is
/// negative; none of them dominates another.
fn points_of_sphere(count: usize, axes: usize) -> Vec<Vec<f64>> {
    let mut rng =
        common::seed::stream(0, &format!("selection of {count} points of {axes} objectives"));
    let mut list = Vec::with_capacity(count);
    while list.len() < count {
        let point: Vec<f64> = (0..axes).map(|_| rng.random::<f64>()).collect();
        let radius = point.iter().map(|x| x * x).sum::<f64>().sqrt();
        if radius > 0.0 && radius <= 1.0 {
            list.push(point.iter().map(|x| x / radius).collect());
        }
    }
    list
}

/// Returns the median seconds of fitness and environmental selection, and the selected points.
fn ours(objectives: &[Vec<f64>], survivors: usize) -> Result<(f64, Vec<usize>)> {
    let (mut seconds, mut selected) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let copy = objectives.to_vec();
        let start = Instant::now();
        let points = Points::new(copy, Normalize::None)?;
        let fitness = spea2::fitness(&points);
        selected = spea2::environmental_selection(&points, &fitness, survivors);
        seconds.push(start.elapsed().as_secs_f64());
        ensure!(
            fitness.raw_fitness.iter().all(|raw| *raw == 0),
            "a point of the sphere dominates another"
        );
    }
    seconds.sort_by(f64::total_cmp);
    Ok((seconds[ROUNDS / 2], selected))
}

fn pymoo(args: &Args, request: &Request) -> Result<Answer> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/selection.py");
    let mut child = Command::new(&args.python)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("{}: cannot start it", args.python.display()))?;
    let mut input = child.stdin.take().context("pymoo's program has no standard input")?;
    input
        .write_all((serde_json::to_string(request)? + "\n").as_bytes())
        .context("cannot write to pymoo's program")?;
    drop(input);
    let output = child.wait_with_output().context("cannot read from pymoo's program")?;
    ensure!(output.status.success(), "pymoo's program failed: {}", output.status);
    serde_json::from_slice(&output.stdout)
        .context("pymoo's program answered with something else than JSON")
}

fn seconds_text(seconds: f64) -> String {
    if seconds < 1.0 { format!("{:.1} ms", seconds * 1e3) } else { format!("{seconds:.1} s") }
}

/// Returns the cells of a row about pymoo: its time, its time divided by ours, and the number of
/// points that both selected.
fn peer_cells(args: &Args, answer: &Answer, seconds: f64, selected: &[usize]) -> String {
    let (Some(theirs), Some(chosen)) = (answer.seconds, &answer.selected) else {
        return format!(
            "over {} | over {:.0} x | - |",
            seconds_text(args.patience),
            args.patience / seconds
        );
    };
    let same = chosen.iter().filter(|point| selected.binary_search(point).is_ok()).count();
    format!("{} | {:.0} x | {same} of {} |", seconds_text(theirs), theirs / seconds, selected.len())
}

fn run(args: &Args) -> Result<()> {
    let repository = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    std::env::set_current_dir(repository)
        .with_context(|| format!("{repository}: cannot go there"))?;
    let has_pymoo = args.python.is_file();
    let mut text = String::from(
        "| points | selected | objectives | ours | pymoo | times as long | the same points |\n",
    );
    text += "|---|---|---|---|---|---|---|";
    let (mut slowest, mut version) = (0.0, None);
    for (count, survivors, axes) in CASES {
        let objectives = points_of_sphere(count, axes);
        let (seconds, selected) = ours(&objectives, survivors)?;
        slowest = f64::max(slowest, seconds);
        let peer = if has_pymoo {
            let answer = pymoo(
                args,
                &Request { objectives: &objectives, survivors, patience_s: args.patience },
            )?;
            let cells = peer_cells(args, &answer, seconds, &selected);
            version = Some(answer.version);
            cells
        } else {
            "missing | - | - |".into()
        };
        text += &format!("\n| {count} | {survivors} | {axes} | {} | {peer}", seconds_text(seconds));
    }
    process::cli::print_line(&text)?;
    match version {
        Some(version) => eprintln!("pymoo {version}; ours: medians of {ROUNDS}, pymoo: once"),
        None => eprintln!(
            "PYMOO IS MISSING, so nothing is compared: {} does not exist; `make bench-selection` \
             makes it where python3 and a network are at hand",
            args.python.display()
        ),
    }
    ensure!(
        slowest < LIMIT_S,
        "a selection took {slowest:.2} s; it must take less than {LIMIT_S} s"
    );
    Ok(())
}

fn main() -> ExitCode {
    process::cli::main(None, None, |args| run(&args))
}
