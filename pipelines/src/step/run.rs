//! Runs the command of a step.

use super::args::StepArgs;
use super::display::Display;
use super::log::Log;
use super::output::Output;
use anyhow::{Context, Result};
use process::child::{Ending, Guarded};
use process::interrupt::Interrupt;
use process::parent;
use process::progress::step;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Interval between checks of the running command.
const POLL: Duration = Duration::from_millis(50);
/// Time that a command has to end after SIGTERM: it may have stages of its own to end.
const GRACE: Duration = Duration::from_secs(10);

/// Runs the command.
///
/// # Errors
/// Fails if the command cannot be started, fails, or is interrupted, or if the log cannot be
/// written.
pub fn run(args: &StepArgs) -> Result<()> {
    let interrupt = Interrupt::catch("the same make command goes on from here")?;
    parent::die_with_parent();
    let log = Log::open(&args.log(), &args.command)?;
    let mut display = Display::new(args);
    let mut child = start(args)?;
    let output = Output::read(&mut child, log);
    let status = loop {
        while let Some(shown) = output.next(POLL) {
            display.show(shown);
        }
        interrupt.check()?;
        if let Some(status) = child.ended()? {
            break status;
        }
    };
    output.rest().for_each(|shown| display.show(shown));
    display.end(status, &interrupt)
}

/// Starts the command. Its output is piped, and its input is that of make: a person may be asked.
fn start(args: &StepArgs) -> Result<Guarded> {
    let (program, arguments) = args.command.split_first().context("there is no command")?;
    let mut command = Command::new(program);
    command.args(arguments).env(step::VARIABLE, step::variable());
    if args.table {
        command.stdout(Stdio::inherit());
    } else {
        command.stdout(Stdio::piped());
    }
    command.stderr(Stdio::piped());
    Guarded::start(&mut command, Ending::Terminate(GRACE))
}
