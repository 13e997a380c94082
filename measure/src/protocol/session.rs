//! One run of a crate's `bench` while its board's meter is read.
//!
//! `bench` prints a line when a window begins and when it ends; the counters are read when such a
//! line arrives.

use super::instruments::Instruments;
use super::windows::{MeasuredWindow, Ready};
use crate::interrupt::INTERRUPT;
use crate::meter::{Interval, Reading};
use crate::runner::{BenchCommand, OutputFraming};
use crate::shell::is_mark;
use anyhow::{Context, Result, bail, ensure};
use common::files::json;
use common::measurement::bench_protocol::BenchEvent;
use common::profile::MeasurementSettings;
use process::lines::{LineProgram, Waited};
use std::time::{Duration, Instant};

/// Longest times to wait.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timeouts {
    /// `bench` is killed if it takes this much longer than twice its time.
    pub(crate) grace: Duration,
    /// Longest time between two readings of the meter, short enough that no wrap of a counter is
    /// missed: half of the shortest known range, 65 kJ, takes 10 s at 3.2 kW.
    pub(crate) reading_every: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Timeouts { grace: Duration::from_secs(60), reading_every: Duration::from_secs(10) }
    }
}

/// Reads the meter at both ends of a time in which nothing runs, and often enough in between;
/// returns `None` if the time is 0.
///
/// # Errors
/// Fails if a termination signal has been received.
pub(crate) fn idle(
    instruments: &mut dyn Instruments,
    time_s: f64,
    timeouts: &Timeouts,
) -> Result<Option<Interval>> {
    let mut left = duration(time_s);
    if left.is_zero() {
        return Ok(None);
    }
    let mut readings = vec![instruments.read()];
    while !left.is_zero() {
        let step = left.min(timeouts.reading_every);
        instruments.sleep(step)?;
        readings.push(instruments.read());
        left -= step;
    }
    Ok(Some(Interval::spanned_by(&readings, instruments.counters())))
}

/// Runs `bench` through all of its windows. `begins` is called with the number of each window, from
/// 1, when it begins.
///
/// # Errors
/// Fails if `bench` does not follow its protocol, ends early, fails, measures nothing, or hangs. It
/// is killed then.
pub(crate) fn run(
    BenchCommand { command, framing }: BenchCommand,
    settings: &MeasurementSettings,
    timeouts: &Timeouts,
    instruments: &mut dyn Instruments,
    begins: &mut dyn FnMut(usize),
) -> Result<(Ready, Vec<MeasuredWindow>)> {
    let process = LineProgram::start(command, "bench", INTERRUPT)?;
    let mut session = Session { process, timeouts, instruments, readings: vec![] };
    let ready = session.ready(settings.warmup_s, framing)?;
    let mut windows = Vec::with_capacity(settings.windows);
    for number in 1..=settings.windows {
        session.start(number)?;
        begins(number);
        windows.push(session.window(number, settings.window_s)?);
    }
    match framing {
        OutputFraming::Plain | OutputFraming::AfterMark => session.end()?,
        OutputFraming::Probe => {}
    }
    Ok((ready, windows))
}

struct Session<'a> {
    process: LineProgram,
    timeouts: &'a Timeouts,
    instruments: &'a mut dyn Instruments,
    /// Readings since the beginning of the current window.
    readings: Vec<Reading>,
}

impl Session<'_> {
    fn ready(&mut self, warmup_s: f64, framing: OutputFraming) -> Result<Ready> {
        let waiting = "its warm-up";
        let mut event = self.line(warmup_s, waiting)?;
        match framing {
            OutputFraming::Plain => {}
            OutputFraming::AfterMark => {
                while event.as_ref().is_some_and(|line| !is_mark(line)) {
                    event = self.line(warmup_s, waiting)?;
                }
                event = self.line(warmup_s, waiting)?;
            }
            OutputFraming::Probe => {
                while event.as_ref().is_some_and(|line| !line.starts_with('{')) {
                    event = self.line(warmup_s, waiting)?;
                }
            }
        }
        match self.parsed(event, waiting)? {
            BenchEvent::Ready { name: _, kernels, target, threads, batch } => {
                ensure!(
                    threads >= 1 && batch >= 1,
                    "bench says that it has {threads} threads and {batch} images"
                );
                Ok(Ready { kernels, target, threads, batch, pid: self.process.id() })
            }
            event @ (BenchEvent::Start { .. } | BenchEvent::Window { .. }) => {
                unexpected(&event, waiting)
            }
        }
    }

    fn start(&mut self, number: usize) -> Result<()> {
        let waiting = format!("the start of window {number}");
        match self.event(0.0, &waiting)? {
            BenchEvent::Start { window } if window == number => {
                // Earlier readings belong to no window.
                self.readings.drain(..self.readings.len() - 1);
                Ok(())
            }
            event @ (BenchEvent::Ready { .. }
            | BenchEvent::Start { .. }
            | BenchEvent::Window { .. }) => unexpected(&event, &waiting),
        }
    }

    fn window(&mut self, number: usize, window_s: f64) -> Result<MeasuredWindow> {
        let waiting = format!("the end of window {number}");
        match self.event(window_s, &waiting)? {
            BenchEvent::Window {
                window,
                inferences,
                seconds,
                p50_s,
                p90_s,
                p99_s,
                communication,
            } if window == number => {
                let interval = Interval::spanned_by(&self.readings, self.instruments.counters());
                let window = MeasuredWindow {
                    inferences,
                    seconds,
                    p50_s,
                    p90_s,
                    p99_s,
                    communication,
                    interval,
                };
                window.check(number)?;
                Ok(window)
            }
            event @ (BenchEvent::Ready { .. }
            | BenchEvent::Start { .. }
            | BenchEvent::Window { .. }) => unexpected(&event, &waiting),
        }
    }

    fn end(mut self) -> Result<()> {
        match self.line(0.0, "the end of bench")? {
            Some(line) => bail!("bench went on after its last window: {}", shown(&line)),
            None => self.process.finish(self.timeouts.grace),
        }
    }

    /// Waits for the next event, due in `time_s`, and reads the meter when it arrives.
    fn event(&mut self, time_s: f64, waiting: &str) -> Result<BenchEvent> {
        let line = self.line(time_s, waiting)?;
        self.parsed(line, waiting)
    }

    fn parsed(&mut self, line: Option<String>, waiting: &str) -> Result<BenchEvent> {
        match line {
            Some(line) => json::parse(&line)
                .with_context(|| format!("bench printed {} instead of {waiting}", shown(&line))),
            None => bail!(
                "bench ended before {waiting} ({})",
                self.process.exit_reason(self.timeouts.grace)
            ),
        }
    }

    /// Waits for the next line, due in `time_s`; returns `None` if the output has ended.
    fn line(&mut self, time_s: f64, waiting: &str) -> Result<Option<String>> {
        let limit = duration(2.0 * time_s).saturating_add(self.timeouts.grace);
        let start = Instant::now();
        loop {
            let left = limit.saturating_sub(start.elapsed());
            let waited = self.process.wait_for_line(left.min(self.timeouts.reading_every))?;
            self.readings.push(self.instruments.read());
            match waited {
                Waited::Line(line) => return Ok(Some(line)),
                Waited::End => return Ok(None),
                Waited::Nothing if left.is_zero() => {
                    bail!(
                        "bench hangs: {} s passed without {waiting}; it was killed",
                        limit.as_secs_f64()
                    )
                }
                Waited::Nothing => {}
            }
        }
    }
}

fn unexpected<T>(event: &BenchEvent, waiting: &str) -> Result<T> {
    bail!("bench printed {} instead of {waiting}", shown(&json::to_line(event)?))
}

/// Returns the beginning of a line, quoted, for an error message.
fn shown(line: &str) -> String {
    let short: String = line.chars().take(80).collect();
    format!("{short:?}")
}

/// Converts seconds to a duration, the longest one if they are too many.
fn duration(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests;
