//! The log of a stage: each command with all that it printed.

use anyhow::{Context, Result};
use common::files::atomic;
use std::ffi::OsString;
use std::fs::File;
use std::io::Write;
use std::path::Path;

/// A log that is appended to, line by line.
#[derive(Debug)]
pub(super) struct Log(File);

impl Log {
    /// Opens a log and writes the command into it.
    ///
    /// # Errors
    /// Fails if it cannot be written.
    pub(super) fn open(path: &Path, command: &[OsString]) -> Result<Log> {
        let failed = || format!("{}: cannot write the log", path.display());
        if let Some(folder) = path.parent() {
            atomic::create_dir_all(folder)?;
        }
        let mut file = File::options().create(true).append(true).open(path).with_context(failed)?;
        let words: Vec<String> = command.iter().map(|word| word.display().to_string()).collect();
        let line = words.join(" ").replace(char::is_control, " ");
        writeln!(file, "$ {line}").with_context(failed)?;
        Ok(Log(file))
    }

    /// Returns another handle on the log, for another thread.
    ///
    /// # Errors
    /// Fails if the system has no more handles.
    pub(super) fn try_clone(&self) -> Result<Log> {
        self.0.try_clone().map(Log).context("cannot write the log")
    }

    /// Appends a line. If that fails, what the command makes is worth more than its log.
    pub(super) fn line(&mut self, line: &str) {
        let _ = self.0.write_all(format!("{line}\n").as_bytes());
    }
}
