//! Start and end of a stage's program.

use crate::{console, parent, program};
use anyhow::{Context, Result};
use clap::{ArgMatches, Command, Parser};
use common::diagnostics;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Reads the command line of a program, runs it, and returns its exit code: 0 for `Ok`, else 1, with
/// a line on stderr that says what failed, where and why. The program ends with the stage that has
/// started it, if one has.
///
/// `commit` is what the program was built from. Each `main.rs` names it, so that a new commit
/// compiles these small files again and nothing else.
pub fn main<A: Parser>(
    commit: Option<&'static str>,
    run: impl FnOnce(A) -> Result<()>,
) -> ExitCode {
    program::start(commit);
    let args = parse(command::<A>());
    parent::watch();
    let outcome = survive_file_size_limit().and_then(|()| run(args));
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

/// Reads the arguments. Wrong ones end the program with exit code 2, `--help` and `--version` with
/// 0.
fn parse<A: Parser>(mut command: Command) -> A {
    let matches: ArgMatches = command.get_matches_mut();
    console::apply(&matches);
    A::from_arg_matches(&matches).unwrap_or_else(|error| error.format(&mut command).exit())
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
