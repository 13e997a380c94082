//! A shell on a board that answers one question after the other.

use crate::interrupt::INTERRUPT;
use crate::reason::Reason;
use anyhow::Result;
use process::lines::{LineProgram, Waited};
use std::cell::RefCell;
use std::process::Command;
use std::time::{Duration, Instant};

/// Longest time to wait for an answer before the board is taken for unreachable.
const TIMEOUT: Duration = Duration::from_secs(20);

/// The line that a script on a board prints first. The board's shell may print lines of its own
/// before it, such as a greeting.
pub(crate) const MARK: &str = "@neuropower begins";

/// Returns whether a script's own output begins after this line. The shell's last words may stand
/// before the mark on the same line.
pub(crate) fn is_mark(line: &str) -> bool {
    line.trim_end().ends_with(MARK)
}

/// A shell on a board that runs for as long as the measurement takes.
#[derive(Debug)]
pub(crate) struct Shell(RefCell<LineProgram>);

impl Shell {
    /// Starts the command, whose input and output are those of a shell.
    ///
    /// # Errors
    /// Fails if the command cannot be started.
    pub(crate) fn start(command: Command) -> Result<Shell> {
        let mut process = LineProgram::start(command, "bench", INTERRUPT)?;
        // Error messages are recognised by their English words. If this cannot be sent, the first
        // script fails, too.
        let _ = process.say("LC_ALL=C; export LC_ALL");
        Ok(Shell(RefCell::new(process)))
    }

    /// Runs a script and returns what it prints.
    ///
    /// # Errors
    /// Returns what the script printed if it failed, or that the board does not answer.
    pub(crate) fn run(&self, script: &str) -> Result<String, Reason> {
        let mut process = self.0.borrow_mut();
        // Of all lines of the answer, only the last one contains `@neuropower ` and a number.
        process
            .say(&format!("echo '{MARK}'; {{ {script}; }} 2>&1; echo \"@neuropower $?\""))
            .map_err(|error| Reason::from(format!("the board does not answer ({error})")))?;
        let (start, mut begun, mut printed) = (Instant::now(), false, String::new());
        loop {
            let left = TIMEOUT.saturating_sub(start.elapsed());
            let waited = process.wait_for_line(left);
            match waited.map_err(|error| Reason::from(format!("{error:#}")))? {
                Waited::Line(line) if !begun => begun = is_mark(&line),
                Waited::Line(line) => match line.split_once("@neuropower ") {
                    Some((rest, "0")) => return Ok(printed + rest),
                    Some((rest, _)) => {
                        return Err((printed + rest).trim().replace('\n', " ").into());
                    }
                    None => printed = printed + &line + "\n",
                },
                Waited::End => {
                    let exit = process.exit_reason(Duration::from_secs(1));
                    return Err(format!("the board is gone ({exit})").into());
                }
                Waited::Nothing => {
                    let seconds = TIMEOUT.as_secs();
                    return Err(format!("the board has not answered for {seconds} s").into());
                }
            }
        }
    }
}
