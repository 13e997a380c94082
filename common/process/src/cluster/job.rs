//! A command that runs somewhere, and how it ended.

use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::ExitStatus;

/// A command with its log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// The program and its arguments.
    pub command: Vec<OsString>,
    /// File for what the program writes to stderr.
    pub log: PathBuf,
}

/// The way in which a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// By itself, with an exit code.
    Code(i32),
    /// By a signal.
    Signal(i32),
    /// Without a trace, with what the scheduler says about it.
    Lost(String),
}

/// What a shell adds to the number of a signal that ended a program.
const SIGNAL_BASE: i32 = 128;

impl End {
    /// Returns the end of a command whose status a shell reported.
    pub(super) fn of_shell(code: i32) -> End {
        match code {
            code if code > SIGNAL_BASE => End::Signal(code - SIGNAL_BASE),
            code => End::Code(code),
        }
    }
}

impl From<ExitStatus> for End {
    fn from(status: ExitStatus) -> End {
        match (status.signal(), status.code()) {
            (Some(signal), _) => End::Signal(signal),
            (None, code) => End::Code(code.unwrap_or(-1)),
        }
    }
}
