//! The command line.

use crate::meter::MeterInputs;
use clap::{Parser, Subcommand};
use std::path::PathBuf;

/// Measures the time and energy of a generated crate on a board.
#[derive(Debug, Parser)]
#[command(
    name = "measure",
    version,
    after_help = "Example:\n  measure run --crate runs/digits-smoke/networks/1/dense/crate-x86_64 \
    --board host --out measurement.json"
)]
pub struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Builds and runs a crate on a board and records its latency and energy.
    Run(Box<RunArgs>),
    /// Lists the known boards, and which meters this machine has, as JSON.
    Boards(BoardsArgs),
    /// Compares records with a baseline: speedup and energy efficiency, each with its interval.
    Compare(CompareArgs),
}

/// Arguments of `measure run`.
#[derive(Debug, Parser)]
#[command(
    after_help = "Example:\n  measure run --crate runs/digits-smoke/networks/1/dense/crate-x86_64 \
    --board host --out measurement.json\n\n\
    The path of the record is printed on standard output, a summary on standard error. Without a \
    meter, latency is measured all the same, and the record says why there is no energy. A \
    measurement shorter than the full protocol is marked `short`, and so is one with a window of \
    fewer than 100 updates of the meter's counters (RAPL: every millisecond, so less than 0.1 s)."
)]
pub(crate) struct RunArgs {
    /// Folder of the crate, as `codegen generate` writes it.
    #[arg(long = "crate", value_name = "DIR")]
    pub(crate) crate_dir: PathBuf,
    /// Name of a board (`measure boards` lists them), or the file of one: with a `/` in it, or
    /// ending in .json.
    #[arg(long, value_name = "NAME|FILE")]
    pub(crate) board: String,
    /// File to which the record is written.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Profile whose section `measurement` says how long to measure; without it, the full protocol
    /// (75 s).
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Address of the board: user@raspberrypi.local with the runner `ssh`, whose key must be known
    /// to ssh; the serial number of a device with the runner `adb`, if there are several.
    #[arg(long, value_name = "USER@HOST")]
    pub(crate) board_host: Option<String>,
    /// Configuration that ssh reads instead of ~/.ssh/config.
    #[arg(long, value_name = "FILE", requires = "board_host")]
    pub(crate) ssh_config: Option<PathBuf>,
    /// Fail before the build if the board's energy cannot be read, and write nothing if it was not
    /// measured.
    #[arg(long)]
    pub(crate) require_energy: bool,
    /// Also count the instructions of one inference, in separate runs, with perf or valgrind on
    /// this machine; on emulated boards they are always counted.
    #[arg(long)]
    pub(crate) count_instructions: bool,
    #[command(flatten)]
    pub(crate) meter: MeterArgs,
}

/// Arguments for meters.
#[derive(Debug, Parser)]
pub(crate) struct MeterArgs {
    /// Folder to read instead of /sys; on the board, if that is another machine.
    #[arg(long, value_name = "DIR", default_value = "/sys")]
    sysfs_root: PathBuf,
    /// Library to load instead of the NVIDIA driver's libnvidia-ml.so.1.
    #[arg(long, value_name = "FILE")]
    nvml_library: Option<PathBuf>,
    /// For the meter `csv`: the logger's file, lines of `unix_s,watts`, to which the logger appends
    /// during the measurement.
    #[arg(long, value_name = "FILE")]
    meter_csv: Option<PathBuf>,
    /// For the meter `manual`: what its display showed (docs/formats.md has an example). Without
    /// it, the readings are asked for on the terminal.
    #[arg(long, value_name = "FILE")]
    manual_json: Option<PathBuf>,
}

impl MeterArgs {
    /// Returns the files from which meters are read.
    pub(crate) fn inputs(&self) -> MeterInputs {
        MeterInputs {
            sysfs_root: self.sysfs_root.clone(),
            nvml_library: self.nvml_library.clone(),
            csv_log: self.meter_csv.clone(),
            manual_reading: self.manual_json.clone(),
        }
    }
}

#[derive(Debug, Parser)]
#[command(after_help = "Example:\n  measure boards\n\n\
    Boards, meters and runners are printed as JSON on standard output; on standard error, one line \
    for each meter and runner says whether it can be used here and what is missing.")]
pub(crate) struct BoardsArgs {
    /// Folder to read instead of /sys.
    #[arg(long, value_name = "DIR", default_value = "/sys")]
    sysfs_root: PathBuf,
    /// Library to load instead of the NVIDIA driver's libnvidia-ml.so.1.
    #[arg(long, value_name = "FILE")]
    nvml_library: Option<PathBuf>,
}

impl BoardsArgs {
    /// Returns the files from which this machine's meters are read.
    pub(crate) fn inputs(&self) -> MeterInputs {
        MeterInputs {
            sysfs_root: self.sysfs_root.clone(),
            nvml_library: self.nvml_library.clone(),
            csv_log: None,
            manual_reading: None,
        }
    }
}

#[derive(Debug, Parser)]
#[command(after_help = "Example:\n  measure compare before.json after.json\n\n\
    A speedup or energy efficiency above 1 x is in favour of the record, below 1 x of the \
    baseline. Intervals are bootstrapped over the windows of each record (10,000 resamples, seed \
    0); they do not cover what differs between two runs of one program, such as the memory that \
    it gets. A difference is therefore within noise if its interval contains 1 x or comes within \
    2 % of it.")]
pub(crate) struct CompareArgs {
    /// Records of `measure run`, two or more.
    #[arg(value_name = "FILE", num_args = 2.., required = true)]
    pub(crate) records: Vec<PathBuf>,
    /// Name of the crate with which the others are compared; without it, the first record.
    #[arg(long, value_name = "NAME")]
    pub(crate) baseline: Option<String>,
}
