//! The measure stage: builds a generated crate, runs its `bench` on a board, reads the board's
//! meter beside it, and records latency and energy of one inference with every raw number they come
//! from.

mod after;
mod clock;
mod compare;
mod energy;
#[cfg(test)]
mod fake_sysfs;
mod files;
mod host;
mod instructions;
mod instruments;
mod interrupt;
mod meter;
mod process;
mod qemu_plugin;
mod record;
mod runner;
mod session;
mod stats;
mod take;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use common::board::KnownBoards;
use common::boards;
use common::json;
use common::stage::print_line;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Measures the time and energy of a generated crate on a board.
#[derive(Debug, Parser)]
#[command(
    name = "measure",
    version,
    after_help = "Example: measure run --crate runs/digits-smoke/networks/1/dense/crate-x86_64 --board host \
    --out measurement.json"
)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Builds and runs a crate on a board and records its latency and energy.
    Run(Box<RunArgs>),
    /// Lists the known boards, and which meters this machine has, as JSON.
    Boards(BoardsArgs),
    /// Compares records with a baseline: speedup and energy efficiency, each with its interval.
    Compare(CompareArgs),
}

/// What `measure run` takes.
#[derive(Debug, Parser)]
#[command(
    after_help = "Example: measure run --crate runs/digits-smoke/networks/1/dense/crate-x86_64 --board host --out measurement.json\n\n\
    The path of the record is printed on standard output, a summary on standard error. Without a meter the record says \
    why, and latency is measured all the same. A measurement below the full protocol is marked `short`, and so is one \
    with a window under 100 updates of the meter's counters (RAPL: every millisecond, so under 0.1 s)."
)]
pub struct RunArgs {
    /// Folder of the crate, as `codegen generate` makes it.
    #[arg(long = "crate", value_name = "DIR")]
    crate_dir: PathBuf,
    /// Name of a board (`measure boards` lists them), or the file of one: with a `/` in it, or
    /// ending in .json.
    #[arg(long, value_name = "F|NAME")]
    board: String,
    /// Where the record goes.
    #[arg(long, value_name = "F")]
    out: PathBuf,
    /// Profile whose section `measurement` says how long to measure; without it, the full protocol
    /// (75 s).
    #[arg(long, value_name = "F")]
    config: Option<PathBuf>,
    /// Where the board is: user@raspberrypi.local with the runner `ssh`, whose key must be known to
    /// ssh; the serial number of a device with the runner `adb`, if there are several.
    #[arg(long, value_name = "USER@HOST")]
    board_host: Option<String>,
    /// Configuration that ssh reads in the place of ~/.ssh/config.
    #[arg(long, value_name = "F", requires = "board_host")]
    ssh_config: Option<PathBuf>,
    /// Fail, before anything is built, when the board's energy cannot be read; write nothing when
    /// it was not measured.
    #[arg(long)]
    require_energy: bool,
    /// Count the instructions of an inference, too, in runs of their own, with perf or valgrind on
    /// this machine; on emulated boards they are always counted.
    #[arg(long)]
    count_instructions: bool,
    #[command(flatten)]
    meter: MeterArgs,
}

/// Where a meter is read.
#[derive(Debug, Parser)]
struct MeterArgs {
    /// What takes the place of /sys, on the board if that is another machine.
    #[arg(long, value_name = "DIR", default_value = "/sys")]
    sysfs_root: PathBuf,
    /// What takes the place of the NVIDIA driver's library, libnvidia-ml.so.1.
    #[arg(long, value_name = "F")]
    nvml_library: Option<PathBuf>,
    /// For the meter `csv`: the logger's file, lines of `unix_s,watts`, which is being written
    /// meanwhile.
    #[arg(long, value_name = "F")]
    meter_csv: Option<PathBuf>,
    /// For the meter `manual`: what was read from its display (docs/formats.md has an example).
    /// Without it, a terminal asks.
    #[arg(long, value_name = "F")]
    manual_json: Option<PathBuf>,
}

#[derive(Debug, Parser)]
#[command(after_help = "Example: measure boards\n\n\
    Boards, meters and runners are printed as JSON on standard output; on standard error, one line for each meter and \
    runner says whether it can be used here and what is missing.")]
struct BoardsArgs {
    /// What takes the place of /sys.
    #[arg(long, value_name = "DIR", default_value = "/sys")]
    sysfs_root: PathBuf,
    /// What takes the place of the NVIDIA driver's library, libnvidia-ml.so.1.
    #[arg(long, value_name = "F")]
    nvml_library: Option<PathBuf>,
}

#[derive(Debug, Parser)]
#[command(after_help = "Example: measure compare before.json after.json\n\n\
    A speedup or energy efficiency above 1 x is in favour of the record, below 1 x of the baseline. Intervals are \
    bootstrapped over the windows of each record (10,000 resamples, seed 0); they say nothing of \
    what differs from one run of a program to the next, such as the memory it gets. So where one holds 1 x, or comes \
    within 2 % of it, the difference is within noise.")]
struct CompareArgs {
    /// Records of `measure run`, two or more.
    #[arg(value_name = "F", num_args = 2.., required = true)]
    records: Vec<PathBuf>,
    /// Name of the crate that the others are compared with; the first record without it.
    #[arg(long, value_name = "NAME")]
    baseline: Option<String>,
}

/// Does what the command line says.
pub fn run(args: &Args) -> Result<()> {
    match &args.command {
        Command::Run(run) => {
            take::run(run)?;
            print_line(&run.out.display().to_string())
        }
        Command::Boards(args) => list_boards(args),
        Command::Compare(args) => {
            print_line(compare::run(&args.records, args.baseline.as_deref())?.trim_end())
        }
    }
}

fn list_boards(args: &BoardsArgs) -> Result<()> {
    let BoardsArgs { sysfs_root, nvml_library } = args;
    let args = MeterArgs {
        sysfs_root: sysfs_root.clone(),
        nvml_library: nvml_library.clone(),
        meter_csv: None,
        manual_json: None,
    };
    let boards = boards::known(Path::new(boards::FOLDER)).context("cannot list the boards")?;
    let known = KnownBoards {
        boards: boards.into_values().collect(),
        meters: meter::on_host(&args),
        runners: runner::on_host(),
    };
    let meters = known
        .meters
        .iter()
        .map(|m| ("meter ", m.meter.to_string(), m.usable, &m.counters, &m.reason, &m.tried));
    let runners = known
        .runners
        .iter()
        .map(|r| ("runner", r.runner.to_string(), r.usable, &r.tools, &r.reason, &r.tried));
    for (kind, name, usable, there, missing, tried) in meters.chain(runners) {
        let usable = if usable { "yes" } else { "no" };
        let words =
            [there.join(", "), missing.clone().unwrap_or_default(), format!("tried with {tried}")];
        let words = words
            .iter()
            .filter(|text| !text.is_empty())
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join("; ");
        // The list is not lost because nobody reads this.
        let _ = writeln!(
            std::io::stderr(),
            "{}",
            format!("{kind} {name:<8} {usable:<3} {words}").trim_end()
        );
    }
    print_line(json::to_text(&known)?.trim_end())
}
