//! The command line.

use super::assignment;
use super::exec::{self, Manner};
use crate::step::StepArgs;
use crate::task::TaskArgs;
use anyhow::Result;
use clap::{FromArgMatches, Parser, Subcommand};
use common::diagnostics;
use std::ffi::OsString;

/// Designs convolutional networks for the board on your desk.
#[derive(Debug, Parser)]
#[command(
    name = "neuropower",
    version,
    about = "Designs convolutional networks for the board on your desk",
    disable_help_subcommand = true,
    after_help = "Data and runs are in the folders data and runs of the current folder.

The stages explore, train, prune, codegen, measure and report are commands with options of their
own, which --help after the name lists. Followed by VARIABLE=value words only, the name makes that
part of a run, with all that it needs.

Examples:
  neuropower pipeline
  neuropower pipeline DATASET=/path/to/folder SIZE=64
  neuropower measure RUN=runs/digits-smoke BOARD=raspberry-pi-4 BOARD_HOST=pi@192.168.1.7
  neuropower explore space --dataset data/digits"
)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Makes everything of a run, from data to report
    Pipeline(Target),
    /// Fetches and checks a data set, or follows changes of your own images
    Data(Target),
    /// Searches the design space
    Explore(Stage),
    /// Trains the winners in full, or any network
    Train(Stage),
    /// Prunes the winners, or any network
    Prune(Stage),
    /// Writes networks as Rust crates
    Codegen(Stage),
    /// Measures crates on a board
    Measure(Stage),
    /// Writes the page of a run and prints its table
    Report(Stage),
    /// Chooses a network of a finished run for a board
    Choose(Target),
    /// Prunes one winner by all methods, or with several caps
    PruneCompare(Target),
    /// Removes the built files of a run's crates and its log, or with ALL=1 the run
    Clean(Target),
    /// Places, checks and converts images
    FetchData(Stage),
    /// Lists the targets and the values of the variables
    Help(Target),
    /// Runs one command of the pipeline for make, with a progress line and a log
    #[command(hide = true)]
    Step(StepArgs),
    /// Runs one command of the pipeline for make, as a task of a Slurm cluster
    #[command(hide = true)]
    Task(TaskArgs),
}

/// Arguments for the program of a stage, or for make.
#[derive(Debug, clap::Args)]
#[command(disable_help_flag = true)]
pub(super) struct Stage {
    /// Command and options of the stage, or VARIABLE=value words
    #[arg(value_name = "ARGUMENT", trailing_var_arg = true, allow_hyphen_values = true)]
    pub(super) words: Vec<OsString>,
}

/// Arguments of a target of the pipeline.
#[derive(Debug, clap::Args)]
pub(super) struct Target {
    /// Print what would be done, and do nothing
    #[arg(short = 'n', long)]
    pub(super) dry_run: bool,
    /// Values of variables, which `neuropower help` lists
    #[arg(value_name = "VARIABLE=value", value_parser = assignment::parser())]
    pub(super) variables: Vec<OsString>,
}

/// The command line of a target that has the name of a stage.
#[derive(Debug, Parser)]
struct StageTarget {
    #[command(flatten)]
    target: Target,
}

impl Target {
    /// Replaces this program by make, which makes the goal in the current folder.
    ///
    /// # Errors
    /// Fails if there is no make, or if the rules of the pipeline are not there.
    pub(super) fn make(&self, goal: &str) -> Result<()> {
        let manner = Manner { verbosity: diagnostics::verbosity(), dry_run: self.dry_run };
        exec::make(goal, manner, &self.variables)
    }

    /// Returns the arguments of the target with the name of a stage if the words after the name
    /// give values to variables, at least one, and are nothing else but options of targets.
    pub(super) fn from_words(stage: &str, words: &[OsString]) -> Option<Target> {
        words.iter().find(|word| assignment::is_assignment(word))?;
        let name = OsString::from(format!("neuropower {stage}"));
        let line = std::iter::once(&name).chain(words);
        let matches = process::cli::command::<StageTarget>().try_get_matches_from(line).ok()?;
        let target = StageTarget::from_arg_matches(&matches).ok()?.target;
        process::console::apply(&matches);
        Some(target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        process::cli::command::<Args>().debug_assert();
    }

    #[test]
    fn a_stage_with_variables_only_is_a_target() {
        let target = |words: &[&str]| {
            let words: Vec<OsString> = words.iter().map(OsString::from).collect();
            Target::from_words("measure", &words).map(|target| target.variables)
        };
        let variables = vec![OsString::from("RUN=x"), OsString::from("BOARD=y")];
        assert_eq!(target(&["RUN=x", "BOARD=y"]), Some(variables.clone()));
        assert_eq!(target(&["RUN=x", "--quiet", "BOARD=y", "-n"]), Some(variables));
        for words in [&[][..], &["--quiet"], &["run", "RUN=x"], &["--help"], &["boards"]] {
            assert_eq!(target(words), None, "{words:?}");
        }
    }

    #[test]
    fn options_of_a_stage_are_not_those_of_this_program() {
        let words = |line: &[&str]| match Args::try_parse_from(line).unwrap().command {
            Command::Explore(stage) => stage.words,
            command => panic!("{command:?}"),
        };
        for rest in [&["--help"][..], &["run", "--quiet"], &["--version"], &["-x", "--", "y"]] {
            let line = [&["neuropower", "explore"], rest].concat();
            assert_eq!(words(&line), rest, "{rest:?}");
        }
    }
}
