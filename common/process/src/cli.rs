//! Start and end of a stage's program.

use crate::{console, parent, program};
use anyhow::{Context, Result};
use clap::{Command, Parser};
use common::diagnostics;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Reads a program's command line, runs the program and returns its exit code: 0 for `Ok`, 2 for
/// wrong usage, else 1, with a line on stderr that says what failed, where and why. The program ends
/// with the stage, or the step of a pipeline, that has started it, if one has.
///
/// `commit` is what the program was built from. Each `main.rs` names it, so that a new commit
/// compiles these small files again and nothing else. `kernels` is the instruction set that it
/// computes with, if there is a choice.
pub fn main<A: Parser>(
    commit: Option<&'static str>,
    kernels: Option<&str>,
    run: impl FnOnce(A) -> Result<()>,
) -> ExitCode {
    program::start(commit);
    let outcome = match parse(command::<A>().version(program::version(kernels))) {
        Ok(args) => {
            parent::watch();
            survive_file_size_limit().and_then(|()| run(args))
        }
        Err(error) if error.use_stderr() => error.exit(),
        Err(help) => written(help.print()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            diagnostics::error(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Returns the command line of a program, with the options that all programs have.
pub fn command<A: Parser>() -> Command {
    console::with_options(A::command())
}

/// Reads the arguments.
fn parse<A: Parser>(command: Command) -> Result<A, clap::Error> {
    let matches = command.try_get_matches()?;
    console::apply(&matches);
    A::from_arg_matches(&matches)
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

/// Prints one result line on stdout. Nothing is wrong if its reader wants no more: the pipe is closed
/// below `head`, for example.
///
/// # Errors
/// Fails if stdout cannot be written, as on a full disk, where `println!` would panic.
pub fn print_line(text: &str) -> Result<()> {
    written(writeln!(std::io::stdout(), "{text}"))
}

/// Returns whether all that was written to stdout has arrived, or nobody reads it any more.
fn written(outcome: io::Result<()>) -> Result<()> {
    match outcome.and_then(|()| std::io::stdout().flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome.context("cannot write to standard output"),
    }
}
