//! The options of `neuropower step`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// Options of `neuropower step`.
#[derive(Debug, clap::Args)]
pub struct StepArgs {
    /// Folder of the run; the output goes into the folder `log` there
    #[arg(long, value_name = "DIR")]
    pub run: PathBuf,
    /// Names of all stages, in their order
    #[arg(long, value_name = "NAMES", value_delimiter = ',', required = true)]
    pub stages: Vec<String>,
    /// The stage of the command, one of these
    #[arg(long, value_name = "NAME")]
    pub stage: String,
    /// Position of what the command makes among the stage's results, from 1
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub item: u32,
    /// Number of the stage's results
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub items: u32,
    /// Show all lines of the command
    #[arg(long)]
    pub show: bool,
    /// Leave standard output to the command, which prints a table for the terminal
    #[arg(long)]
    pub table: bool,
    /// Say lines in place of a bar: other steps run beside this one
    #[arg(long)]
    pub no_bar: bool,
    /// The command and its arguments, which need not be UTF-8
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

impl StepArgs {
    /// Returns the path of the log.
    pub(super) fn log(&self) -> PathBuf {
        self.run.join("log").join(format!("{}.log", self.stage))
    }

    /// Returns the time that is left in the stage, if a result took `elapsed` so far and takes
    /// `left` more: each of the others takes as long as this one.
    pub(super) fn left(&self, elapsed: Duration, left: Duration) -> Duration {
        left + (elapsed + left) * self.items.saturating_sub(self.item)
    }
}
