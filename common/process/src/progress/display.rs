//! What a program tells of its progress.

use super::bar::{self, Bar};
use super::step;
use super::words::about;
use common::diagnostics::{self, Verbosity};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The progress of work that is counted in units, such as images.
#[derive(Debug)]
pub struct Progress {
    display: Display,
    total: u64,
    done: AtomicU64,
    /// Units of these that an earlier run has done.
    earlier: AtomicU64,
    started: Instant,
}

#[derive(Debug)]
enum Display {
    Bar(Bar),
    Step(step::Sender),
    Lines,
}

impl Progress {
    /// Shows work of `total` units.
    pub fn new(total: u64) -> Progress {
        let display = match step::Sender::new() {
            Some(sender) => Display::Step(sender),
            None => Bar::new("").map_or(Display::Lines, Display::Bar),
        };
        let started = Instant::now();
        let none = AtomicU64::default;
        let progress = Progress { display, total, done: none(), earlier: none(), started };
        progress.show(None);
        progress
    }

    /// Shows that an earlier run has done `count` more units.
    pub fn skip(&self, count: u64) {
        self.earlier.fetch_add(count, Ordering::Relaxed);
        self.advance(count);
    }

    /// Shows that `count` more units are done.
    pub fn advance(&self, count: u64) {
        self.done.fetch_add(count, Ordering::Relaxed);
        self.show(None);
    }

    /// Tells what has happened or begins: in a line of its own, or, on a terminal, beside the bar.
    pub fn tell(&self, event: &str) {
        let beside_bar = matches!(self.display, Display::Bar(_));
        if !beside_bar || diagnostics::verbosity() == Verbosity::Verbose {
            diagnostics::say(&with_time_left(event, self.left()));
        }
        self.show(Some(event));
    }

    /// Returns the time since the start of this run.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Returns the time that the rest takes at the speed of this run; `None` if nothing is known
    /// of it, or nothing left.
    fn left(&self) -> Option<Duration> {
        let done = self.done.load(Ordering::Relaxed);
        let here = done.saturating_sub(self.earlier.load(Ordering::Relaxed));
        (here > 0 && done < self.total)
            .then(|| self.elapsed().mul_f64((self.total - done) as f64 / here as f64))
    }

    fn show(&self, event: Option<&str>) {
        let share = self.done.load(Ordering::Relaxed) as f64 / self.total.max(1) as f64;
        match &self.display {
            Display::Bar(bar) => bar.show(share, self.left(), event),
            Display::Step(sender) => sender.send(share, self.left(), event),
            Display::Lines => {}
        }
    }
}

/// Asks the person at the terminal, behind whose question the answer will be typed on stdin.
///
/// # Errors
/// Fails if stderr is closed.
pub fn ask(question: &str) -> std::io::Result<()> {
    if step::can_ask() {
        step::ask(question);
        return Ok(());
    }
    bar::write_question(question)
}

/// Returns a line with the time that is left behind it, where that is known.
fn with_time_left(line: &str, left: Option<Duration>) -> String {
    match left {
        Some(left) => format!("{line}, {} left", about(left)),
        None => line.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(done: u64, total: u64, earlier: u64) -> Progress {
        let started = Instant::now() - Duration::from_secs(30);
        let [done, earlier] = [done, earlier].map(AtomicU64::new);
        Progress { display: Display::Lines, total, done, earlier, started }
    }

    #[test]
    fn the_time_left_counts_this_run_only() {
        let left =
            |done, total, earlier| progress(done, total, earlier).left().map(|t| t.as_secs());
        assert_eq!(left(5, 10, 2), Some(50));
        assert_eq!(left(2, 10, 2), None);
        assert_eq!(left(10, 10, 2), None);
        assert_eq!(left(11, 10, 2), None);
    }

    #[test]
    fn a_line_tells_the_time_that_is_left() {
        let line = with_time_left("epoch 1", Some(Duration::from_secs(240)));
        assert_eq!(line, "epoch 1, about 4 minutes left");
        assert_eq!(with_time_left("epoch 1", None), "epoch 1");
    }
}
