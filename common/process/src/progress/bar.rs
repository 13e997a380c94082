//! The bar on a terminal.

use super::words::about;
use common::diagnostics::{self, Verbosity};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Length of the bar in units of its own.
const LENGTH: u64 = 1000;
/// Drawings in a second.
const RATE: u8 = 10;

/// The bar that is on the terminal: other lines are written above it.
static SHOWN: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// A bar on the terminal of stderr. It is removed when this is dropped.
#[derive(Debug)]
pub struct Bar {
    bar: ProgressBar,
    title: String,
    /// What has happened last.
    event: Mutex<String>,
}

impl Bar {
    /// Shows a bar behind the words `title`. Returns `None` if stderr is no terminal, or if the
    /// program is quiet.
    pub fn new(title: &str) -> Option<Bar> {
        let target = ProgressDrawTarget::stderr_with_hz(RATE);
        if target.is_hidden() || diagnostics::verbosity() == Verbosity::Quiet {
            return None;
        }
        let bar = ProgressBar::with_draw_target(Some(LENGTH), target);
        let style = ProgressStyle::with_template("{prefix}[{bar:10}] {percent:>3} %{wide_msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "));
        *SHOWN.lock().unwrap_or_else(PoisonError::into_inner) = Some(bar.clone());
        diagnostics::set_writer(write_line);
        let bar = Bar { bar, title: title.to_string(), event: Mutex::default() };
        bar.show(0.0, None, None);
        Some(bar)
    }

    /// Shows the share of the work that is done, the time that the rest takes, and what has
    /// happened last; `None` leaves that as it is.
    pub fn show(&self, share: f64, left: Option<Duration>, event: Option<&str>) {
        let mut last = self.event.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(event) = event {
            *last = format!(", {event}");
        }
        let title = Some(self.title.clone()).filter(|title| !title.is_empty());
        let left = left.map(|left| format!("{} left", about(left)));
        let before: Vec<String> = title.into_iter().chain(left).collect();
        // A question has ended it.
        if self.bar.is_finished() {
            self.bar.reset();
        }
        self.bar.set_position((share.clamp(0.0, 1.0) * LENGTH as f64) as u64);
        // A narrow terminal cuts the event off.
        self.bar.set_prefix(before.join(", ") + if before.is_empty() { "" } else { " " });
        self.bar.set_message(last.clone());
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
        *SHOWN.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// Writes a line to stderr, above the bar if there is one.
fn write_line(line: &str) {
    // A line that cannot be written is dropped.
    let write = || drop(writeln!(std::io::stderr(), "{line}"));
    match SHOWN.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
        Some(bar) => bar.suspend(write),
        None => write(),
    }
}

/// Writes a question to stderr, behind which the answer will be typed; removes the bar until it is
/// shown again.
///
/// # Errors
/// Fails if stderr is closed.
pub(super) fn write_question(question: &str) -> std::io::Result<()> {
    if let Some(bar) = SHOWN.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
        bar.finish_and_clear();
    }
    let mut stderr = std::io::stderr();
    write!(stderr, "{question} ")?;
    stderr.flush()
}
