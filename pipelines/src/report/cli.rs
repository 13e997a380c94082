//! The command line of `report`.

use clap::{Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Writes the page and figures of a run, and prints its table; compares several runs.
#[derive(Debug, Parser)]
#[command(
    name = "report",
    version,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "Examples:\n  report --run runs/digits-smoke --out runs/digits-smoke/report\n  \
        report --run runs/digits-smoke --format csv > networks.csv\n  \
        report --run runs/first --run runs/second --out runs/compared\n  \
        report query --profile pipelines/profiles/smoke.json winners method"
)]
pub struct Args {
    /// Folder of the run; given more than once, the searches of these runs are compared
    #[arg(long, value_name = "DIR", required = true)]
    pub run: Vec<PathBuf>,
    /// Folder for index.html and the figures
    #[arg(long, value_name = "DIR", required_unless_present = "format")]
    pub out: Option<PathBuf>,
    /// Print the results in this form instead of the table; without --out, no files are written
    #[arg(long, value_name = "NAME")]
    pub format: Option<Format>,
    /// Compare all networks with this one: `1/dense`, `2/pruned`, `1/dense/int8`, the name of a
    /// crate, or of a folder in `baselines`
    #[arg(long, value_name = "NAME")]
    pub baseline: Option<String>,
    /// Leave pictures of wrongly classified images out of the page
    #[arg(long)]
    pub no_images: bool,
    /// Other commands
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// A form of the results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// All numbers of the page
    Json,
    /// A row for each network and board
    Csv,
    /// The table of results, with intervals
    Markdown,
    /// The page
    Html,
}

/// The commands of `report` besides writing a page.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Prints what make needs to know of a profile, a board or a run, one word a line
    Query(QueryArgs),
}

/// Options of `report query`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  report query --board pipelines/boards/host.json platform")]
pub struct QueryArgs {
    /// Profile, for `winners`, `method` and `precision`
    #[arg(long, value_name = "FILE")]
    pub profile: Option<PathBuf>,
    /// Board, for `platform`
    #[arg(long, value_name = "NAME|FILE")]
    pub board: Option<String>,
    /// Folder of the run, for `dataset`, `diverged` and `refused`, and for `precision` if it
    /// exists
    #[arg(long, value_name = "DIR")]
    pub run: Option<PathBuf>,
    /// What to print, in this order
    #[arg(required = true)]
    pub questions: Vec<Question>,
}

/// A question that `report query` answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Question {
    /// Number of networks that the profile trains in full
    Winners,
    /// Name of the data set of the run's search; nothing if there is no search
    Dataset,
    /// Platform of the board
    Platform,
    /// Method by which the profile prunes
    Method,
    /// Networks of the run whose training diverged, such as 1/dense; one a line
    Diverged,
    /// Precisions of crates: f32, int8 or both; those that were asked for last in the run, or else
    /// the profile's
    Precision,
    /// Networks of the run that `train quantize` refused, such as 1/dense; one a line
    Refused,
}
