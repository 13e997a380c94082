//! What `explore run --engine slurm` costs by the number of tasks at once: its processor time and
//! memory, and the time that it adds to the tasks' own. Slurm's programs and `train` are stubs, so
//! tasks take a known time and no machine: what is measured is the controller alone. Run with
//! `make bench-cluster`; it prints a Markdown table.

mod figure;
mod stubs;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Largest share of the tasks' time that the controller may add.
const MOST: f64 = 0.01;
/// Clock ticks of /proc in a second; Linux has no other value for programs.
const TICKS: f64 = 100.0;

/// Measures the controller of a search on a cluster.
#[derive(Debug, Parser)]
struct Args {
    /// Numbers of tasks at once
    #[arg(
        long,
        value_name = "N,...",
        value_delimiter = ',',
        default_value = "1,10,100,1000,10000"
    )]
    tasks: Vec<usize>,
    /// Seconds that each task takes
    #[arg(long, value_name = "X", default_value_t = 60.0)]
    seconds: f64,
    /// Times of tasks differ by up to this share of them, in both directions
    #[arg(long, value_name = "X", default_value_t = 0.0)]
    spread: f64,
    /// Write the figure to this file
    #[arg(long, value_name = "FILE")]
    figure: Option<PathBuf>,
    /// Passed by cargo to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

/// What was measured with a number of tasks.
struct Row {
    tasks: usize,
    /// Time of the search, from start to end, in seconds.
    wall_s: f64,
    /// Time of the longest task, and the sum over all tasks, in seconds.
    longest_s: f64,
    sum_s: f64,
    /// Processor time of the controller and of Slurm's programs that it ran, in seconds.
    cpu_s: f64,
    /// Largest memory of the controller in bytes.
    memory_bytes: f64,
}

impl Row {
    /// Returns the share of the machines' time in which they wait: for the longest task, and for the
    /// controller.
    fn idle(&self) -> (f64, f64) {
        let slots = self.tasks as f64;
        let straggling = 1.0 - self.sum_s / (slots * self.longest_s);
        (straggling, (self.wall_s - self.longest_s) / self.longest_s)
    }
}

fn main() -> ExitCode {
    let name = std::env::args_os().next().map(PathBuf::from).unwrap_or_default();
    let outcome = match name.file_name().and_then(|name| name.to_str()) {
        Some(stub) if stubs::NAMES.contains(&stub) => stubs::run(stub),
        Some(_) | None => run(&Args::parse()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<()> {
    println!(
        "| tasks at once | search | added by the controller | machines wait for the longest task | \
         processor time per task | share of the tasks' time | memory |\n|---|---|---|---|---|---|---|"
    );
    let mut rows = Vec::new();
    for tasks in &args.tasks {
        let row = measure(*tasks, args)?;
        let (straggling, added) = row.idle();
        println!(
            "| {} | {:.2} s | {:.2} s, {:.2} % | {:.1} % | {:.2} ms | {:.5} % | {:.1} MB |",
            row.tasks,
            row.wall_s,
            row.wall_s - row.longest_s,
            100.0 * added,
            100.0 * straggling,
            1e3 * row.cpu_s / row.tasks as f64,
            100.0 * row.cpu_s / row.sum_s,
            row.memory_bytes / 1e6,
        );
        rows.push(row);
    }
    if let Some(path) = &args.figure {
        figure::write(path, &rows)?;
    }
    let slowest = rows.iter().map(|row| row.cpu_s / row.sum_s).fold(0.0, f64::max);
    ensure!(
        slowest < MOST,
        "the controller takes {:.2} % of the tasks' processor time, over {:.0} %",
        100.0 * slowest,
        100.0 * MOST
    );
    Ok(())
}

/// Runs a search of one population on the stub of a cluster.
fn measure(tasks: usize, args: &Args) -> Result<Row> {
    let dir = tempfile::tempdir()?;
    let at = |name: &str| dir.path().join(name);
    write_inputs(dir.path(), tasks)?;
    let own = std::env::current_exe()?;
    fs::create_dir(at("bin"))?;
    for stub in stubs::NAMES {
        std::os::unix::fs::symlink(&own, at("bin").join(stub))?;
    }
    let path = std::env::var("PATH")?;
    let mut explore = Command::new(env!("CARGO_BIN_EXE_explore"));
    explore.arg("run").arg("--config").arg(at("profile.json")).arg("--dataset").arg(at("data"));
    explore.arg("--out").arg(at("out")).arg("--bin-dir").arg(at("bin")).args(["--engine", "slurm"]);
    explore.env("PATH", format!("{}:{path}", at("bin").display()));
    explore
        .env(stubs::SECONDS, args.seconds.to_string())
        .env(stubs::SPREAD, args.spread.to_string());
    explore.env(stubs::QUEUE, at("queue")).env_remove("NEUROPOWER_KERNELS");
    explore.stdout(Stdio::null()).stderr(fs::File::create(at("said"))?);
    let begun = Instant::now();
    let mut child = explore.spawn().context("explore cannot be started")?;
    let (mut cpu_s, mut memory_bytes) = (0.0, 0.0);
    let status = loop {
        if let Some((cpu, memory)) = usage(child.id()) {
            (cpu_s, memory_bytes) = (cpu, memory);
        }
        match child.try_wait()? {
            Some(status) => break status,
            None => sleep(Duration::from_millis(20)),
        }
    };
    let wall_s = begun.elapsed().as_secs_f64();
    let said = fs::read_to_string(at("said"))?;
    ensure!(status.success(), "the search failed: {}", said.lines().last().unwrap_or_default());
    let times: Vec<f64> =
        (0..tasks).map(|task| stubs::duration(task, args.seconds, args.spread)).collect();
    let longest_s = times.iter().copied().fold(0.0, f64::max);
    Ok(Row { tasks, wall_s, longest_s, sum_s: times.iter().sum(), cpu_s, memory_bytes })
}

/// Returns the processor time of a process and its ended children in seconds, and its largest
/// memory in bytes; `None` if it has ended.
fn usage(process: u32) -> Option<(f64, f64)> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: f64 = fields.get(11..15)?.iter().filter_map(|field| field.parse::<f64>().ok()).sum();
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some((ticks / TICKS, kilobytes * 1024.0))
}

/// Writes a tiny data set, and a profile with a population of `tasks` genomes.
fn write_inputs(folder: &Path, tasks: usize) -> Result<()> {
    let data = folder.join("data");
    fs::create_dir_all(&data)?;
    let images = [&[0, 0, 8, 3, 0, 0, 0, 4, 0, 0, 0, 8, 0, 0, 0, 8][..], &[7; 4 * 64]].concat();
    fs::write(data.join("images"), images)?;
    fs::write(data.join("labels"), [0, 0, 8, 1, 0, 0, 0, 4, 0, 1, 0, 1])?;
    let files = json!([{"path": "images", "sha256": null}, {"path": "labels", "sha256": null}]);
    let dataset = json!({
        "schema": "neuropower/dataset/1", "name": "made-up", "about": "", "format": "idx",
        "channels": 1, "height": 8, "width": 8, "classes": ["a", "b"],
        "normalisation": {"mean": [0.5], "std": [0.5]},
        "validation": {"fraction": 0.5, "seed": 0},
        "train": files, "test": files, "sources": [],
    });
    fs::write(data.join("dataset.json"), dataset.to_string())?;
    let depths: Vec<usize> = (1..=20).map(|blocks| 4 + 3 * blocks).collect();
    let profile = json!({
        "schema": "neuropower/profile/1",
        "space": {"feature_extraction_layers": depths},
        "search": {"population": tasks, "archive_size": 100, "iterations": 1, "epochs": 1},
        "final": {"winners": 1},
        "cluster": {"trainings_per_task": 1},
    });
    Ok(fs::write(folder.join("profile.json"), profile.to_string())?)
}
