//! Start and end of a stage's program.

use crate::{parent, program};
use anyhow::{Context, Result};
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Runs a stage and returns its exit code: 0 for `Ok`, else 1, with a line on stderr that says what
/// failed, where and why. The program ends with the stage that has started it, if one has.
///
/// `commit` is what the program was built from. Each `main.rs` names it, so that a new commit
/// compiles these small files again and nothing else.
pub fn main(commit: Option<&'static str>, run: impl FnOnce() -> Result<()>) -> ExitCode {
    program::start(commit);
    parent::watch();
    let outcome = survive_file_size_limit().and_then(|()| run());
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let line = format!("{error:#}").replace('\n', " ");
            // Nothing is left to do if even stderr is closed.
            let _ = writeln!(std::io::stderr(), "error: {line}");
            ExitCode::FAILURE
        }
    }
}

/// Makes a write past the file-size limit fail with an error, which is reported, rather than kill
/// the process.
fn survive_file_size_limit() -> Result<()> {
    #[cfg(unix)]
    {
        const SIGXFSZ: i32 = 25;
        signal_hook::flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)))
            .context("cannot install a signal handler")?;
    }
    Ok(())
}

/// Prints one result line on stdout.
///
/// # Errors
/// Fails if stdout is closed, where `println!` would panic.
pub fn print_line(text: &str) -> Result<()> {
    writeln!(std::io::stdout(), "{text}").context("cannot write to standard output")
}
