//! The options `--quiet` and `--verbose`, which all programs have.

use clap::{Arg, ArgAction, ArgMatches, Command};
use common::diagnostics::{self, Verbosity};

const QUIET: &str = "quiet";
const VERBOSE: &str = "verbose";

/// Returns a program's command line with the options that all programs have.
pub fn with_options(command: Command) -> Command {
    let flag = |name: &'static str, short, help| {
        let flag = Arg::new(name).long(name).short(short).help(help);
        flag.action(ArgAction::SetTrue).global(true).display_order(1000)
    };
    command
        .arg(
            flag(QUIET, 'q', "Print no progress, only warnings and errors").conflicts_with(VERBOSE),
        )
        .arg(flag(VERBOSE, 'v', "Print lines beside the progress bar"))
}

/// Applies the options that were given; without one, all stays as it is.
pub fn apply(matches: &ArgMatches) {
    if matches.get_flag(QUIET) {
        diagnostics::set_verbosity(Verbosity::Quiet);
    } else if matches.get_flag(VERBOSE) {
        diagnostics::set_verbosity(Verbosity::Verbose);
    }
}
