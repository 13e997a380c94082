//! Running other stages' programs.

use anyhow::{Context, Result, ensure};
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};

/// Runs a program to its end, with what it says in a log. Standard output is for the result of pruning: all of the
/// program's result is in its files.
///
/// # Errors
/// The log cannot be written, or the program cannot be started or fails (with the last line of the log).
pub(crate) fn run(mut command: Command, log: &Path) -> Result<()> {
    let file = File::create(log).with_context(|| format!("{}: cannot write the file", log.display()))?;
    let program = Path::new(command.get_program()).display().to_string();
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(file);
    let status = command.status().with_context(|| format!("{program}: cannot run it"))?;
    ensure!(status.success(), "{program} failed ({status}): {}; all it said is in {}", last_line(log), log.display());
    Ok(())
}

fn last_line(log: &Path) -> String {
    let text = fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let line = text.lines().rev().map(str::trim).find(|line| !line.is_empty());
    line.unwrap_or("it did not say why").to_string()
}
