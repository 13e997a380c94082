//! What a person sees of a step.

use super::args::StepArgs;
use super::output::Shown;
use super::title;
use anyhow::{Result, bail};
use common::diagnostics::{self, Verbosity};
use process::interrupt::Interrupt;
use process::progress::step::Message;
use process::progress::{Bar, about, ask, in_words};
use std::process::ExitStatus;
use std::time::{Duration, Instant};

/// Shortest time between two lines of progress where there is no bar.
const LINE_EVERY: Duration = Duration::from_secs(30);
/// Shortest duration of a command that is worth telling.
const WORTH_TELLING: Duration = Duration::from_secs(2);

/// What a person sees of the command.
#[derive(Debug)]
pub(super) struct Display<'a> {
    args: &'a StepArgs,
    title: String,
    bar: Option<Bar>,
    started: Instant,
    /// Time of the last line of progress.
    told: Instant,
    /// Whether the command has said why it failed.
    has_error: bool,
}

impl Display<'_> {
    /// Shows that a command begins.
    pub(super) fn new(args: &StepArgs) -> Display<'_> {
        let title = title::of(args);
        let bar = if args.no_bar { None } else { Bar::new(&title) };
        if bar.is_none() {
            diagnostics::say(&title);
        }
        let started = Instant::now();
        Display { args, title, bar, started, told: started, has_error: false }
    }

    /// Shows something that the command has printed.
    pub(super) fn show(&mut self, shown: Shown) {
        match shown {
            Shown::Message(Message::Progress { share, left_s, event }) => {
                self.progress(share, left_s, event.as_deref());
            }
            Shown::Message(Message::Question(question)) => {
                // Without an answer, the command says what it lacks.
                let _ = ask(&question);
            }
            Shown::Line(line) => self.line(&line),
        }
    }

    fn progress(&mut self, share: f64, left_s: Option<f64>, event: Option<&str>) {
        let left = left_s.and_then(|left| Duration::try_from_secs_f64(left).ok());
        let left = left.map(|left| self.args.left(self.started.elapsed(), left));
        match &self.bar {
            Some(bar) => bar.show(share, left, event),
            None if self.told.elapsed() >= LINE_EVERY => {
                self.told = Instant::now();
                let left = left.map_or(String::new(), |left| format!(", {} left", about(left)));
                diagnostics::say(&format!("{}: {:.0} %{left}", self.title, 100.0 * share));
            }
            None => {}
        }
    }

    /// Shows a line that concerns a person: warnings, errors, and all others if that is asked for.
    fn line(&mut self, line: &str) {
        let is_error = line.starts_with("error: ");
        self.has_error |= is_error;
        if is_error || line.starts_with("warning: ") {
            diagnostics::print(line);
        } else if self.args.show || diagnostics::verbosity() == Verbosity::Verbose {
            diagnostics::say(line);
        }
    }

    /// Says how the command has ended.
    ///
    /// # Errors
    /// Fails if it failed or was interrupted.
    pub(super) fn end(self, status: ExitStatus, interrupt: &Interrupt) -> Result<()> {
        let had_bar = self.bar.is_some();
        drop(self.bar);
        if status.success() {
            if had_bar {
                let took = self.started.elapsed();
                let time = if took < WORTH_TELLING {
                    String::new()
                } else {
                    format!(": {}", in_words(took))
                };
                diagnostics::say(&format!("{}{time}", self.title));
            }
            return Ok(());
        }
        interrupt.check()?;
        interrupt.check_status(status)?;
        let log = self.args.log();
        let why = if self.has_error { "" } else { " without saying why" };
        bail!("{}: it failed{why} ({status}); all that it said is in {}", self.title, log.display())
    }
}
