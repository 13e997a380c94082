//! Replacing this program by another one.

use super::places;
use anyhow::{Error, Result, anyhow};
use common::diagnostics::{self, Verbosity};
use std::ffi::OsString;
use std::io::ErrorKind;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Variables with which another make, further up, would change what this one does.
const OF_MAKE: [&str; 6] =
    ["MAKEFLAGS", "MFLAGS", "GNUMAKEFLAGS", "MAKELEVEL", "MAKEFILES", "MAKEOVERRIDES"];

/// How make is called.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    /// How much is printed.
    pub(super) verbosity: Verbosity,
    /// Commands are printed, and not run.
    pub(super) dry_run: bool,
}

/// Replaces this program by that of a stage, which prints as much as this one was asked to.
///
/// # Errors
/// Fails if the program cannot be started.
pub(super) fn program(stage: &str, words: &[OsString]) -> Result<()> {
    let program = places::programs()?.join(stage);
    let option = match diagnostics::verbosity() {
        Verbosity::Quiet => Some("--quiet"),
        Verbosity::Normal => None,
        Verbosity::Verbose => Some("--verbose"),
    };
    let error = Command::new(&program).args(option).args(words).exec();
    Err(Error::new(error).context(format!("{}: cannot start the program", program.display())))
}

/// Replaces this program by make, which makes the goal in the current folder.
///
/// # Errors
/// Fails if there is no make, or if the rules of the pipeline are not there.
pub(super) fn make(goal: &str, manner: Manner, variables: &[OsString]) -> Result<()> {
    let rules = places::rules()?;
    // Where the system's make is an old one or not GNU's, GNU make is called gmake.
    for make in ["gmake", "make"] {
        let mut command = Command::new(make);
        command.arg("-f").arg(&rules).arg(goal).args(variables);
        command.args(match manner.verbosity {
            Verbosity::Quiet => Some("-s"),
            Verbosity::Normal => None,
            Verbosity::Verbose => Some("VERBOSE=1"),
        });
        command.args(manner.dry_run.then_some("-n"));
        for variable in OF_MAKE {
            command.env_remove(variable);
        }
        let error = command.exec();
        if error.kind() != ErrorKind::NotFound {
            return Err(Error::new(error).context(format!("{make}: cannot start the program")));
        }
    }
    Err(anyhow!("there is no make in the folders of PATH: install GNU make 4.3 or later"))
}
