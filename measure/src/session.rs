//! One run of a crate's `bench` with its board's meter read beside it: idle, warm-up, windows,
//! idle.
//!
//! `bench` says on its output when a window begins and ends; the counters are read when such a line
//! arrives.

use crate::files::is_mark;
use crate::meter::counter::{Counter, Interval, Reading};
use crate::process::{Process, Waited};
use anyhow::{Context, Result, bail, ensure};
use common::bench::BenchEvent;
use common::json;
use common::measurement::Communication;
use common::profile::MeasurementSettings;
use std::process::Command;
use std::time::{Duration, Instant};

/// A clock and a meter. Tests have their own, so that none of them depends on how fast a machine
/// is.
pub(crate) trait Instruments {
    /// The meter's counters; none without a meter.
    fn counters(&self) -> &[Counter];
    /// What clock and meter show now.
    fn read(&mut self) -> Reading;
    /// Waits.
    ///
    /// # Errors
    /// The program was asked to end.
    fn sleep(&mut self, time: Duration) -> Result<()>;
}

/// How long is waited for what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// A crate may take this much longer than twice its time before it is killed.
    pub(crate) grace: Duration,
    /// Longest time between two readings of the meter: short enough that no counter wraps unseen.
    /// The shortest range known, 65 kJ, is half passed after 10 s at 3.2 kW.
    pub(crate) reading_every: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Patience { grace: Duration::from_secs(60), reading_every: Duration::from_secs(10) }
    }
}

/// What `bench` said of itself after its warm-up.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ready {
    /// The instruction set that the kernels chose.
    pub(crate) kernels: String,
    /// Target triple.
    pub(crate) target: String,
    /// Threads.
    pub(crate) threads: usize,
    /// Images per inference.
    pub(crate) batch: usize,
    /// Number of the process on this machine that it runs in or is reached by.
    pub(crate) pid: u32,
}

/// One window: what `bench` said and what the meter showed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct MeasuredWindow {
    /// Inferences in it, at least one.
    pub(crate) inferences: u64,
    /// Its length on the board's clock.
    pub(crate) seconds: f64,
    /// Median time of one inference.
    pub(crate) p50_s: f64,
    /// 90th percentile.
    pub(crate) p90_s: f64,
    /// 99th percentile.
    pub(crate) p99_s: f64,
    /// Copying and computing, where they are apart.
    pub(crate) communication: Option<Communication>,
    /// The meter between the window's two lines.
    pub(crate) interval: Interval,
}

/// Reads the meter at both ends of some time in which nothing runs; `None` if that time is 0.
///
/// # Errors
/// The program was asked to end.
pub(crate) fn idle(
    instruments: &mut dyn Instruments,
    time_s: f64,
    patience: &Patience,
) -> Result<Option<Interval>> {
    let mut left = duration(time_s);
    if left.is_zero() {
        return Ok(None);
    }
    let mut readings = vec![instruments.read()];
    while !left.is_zero() {
        let step = left.min(patience.reading_every);
        instruments.sleep(step)?;
        readings.push(instruments.read());
        left -= step;
    }
    Ok(Some(Interval::spanned_by(&readings, instruments.counters())))
}

/// How a command shows what `bench` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shows {
    /// As it is, to the end.
    Output,
    /// As it is behind a board's mark, to the end: before it are words of the board's shell.
    OutputAfterMark,
    /// After words of its own, and without an end: a microcontroller does not end.
    ProbeOutput,
}

/// Runs `bench` through all of its windows. `progress` gets a line for people now and then.
///
/// # Errors
/// It prints something else than its protocol, ends early, fails, measures nothing, or hangs. Then
/// it is dead.
pub(crate) fn run(
    (command, shows): (Command, Shows),
    settings: &MeasurementSettings,
    patience: &Patience,
    instruments: &mut dyn Instruments,
    progress: &mut dyn FnMut(&str),
) -> Result<(Ready, Vec<MeasuredWindow>)> {
    let process = Process::start(command)?;
    let mut session = Session { process, patience, instruments, readings: vec![] };
    let ready = session.ready(settings.warmup_s, shows)?;
    let mut windows = Vec::with_capacity(settings.windows);
    for number in 1..=settings.windows {
        session.start(number)?;
        progress(&format!("window {number} of {}, {} s", settings.windows, settings.window_s));
        windows.push(session.window(number, settings.window_s)?);
    }
    match shows {
        Shows::Output | Shows::OutputAfterMark => session.end()?,
        Shows::ProbeOutput => {}
    }
    Ok((ready, windows))
}

struct Session<'a> {
    process: Process,
    patience: &'a Patience,
    instruments: &'a mut dyn Instruments,
    /// Readings since the current window's beginning.
    readings: Vec<Reading>,
}

impl Session<'_> {
    fn ready(&mut self, warmup_s: f64, shows: Shows) -> Result<Ready> {
        let waiting = "its warm-up";
        let mut event = self.line(warmup_s, waiting)?;
        match shows {
            Shows::Output => {}
            Shows::OutputAfterMark => {
                while event.as_ref().is_some_and(|line| !is_mark(line)) {
                    event = self.line(warmup_s, waiting)?;
                }
                event = self.line(warmup_s, waiting)?;
            }
            Shows::ProbeOutput => {
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
                // What was read before belongs to no window.
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
                ensure!(
                    inferences > 0,
                    "bench made no inference in window {number}; is `window_s` long enough?"
                );
                let ordered = 0.0 < p50_s && p50_s <= p90_s && p90_s <= p99_s && p99_s.is_finite();
                ensure!(
                    ordered && seconds > 0.0 && seconds.is_finite(),
                    "bench's times of window {number} cannot be right: {seconds} s with percentiles {p50_s}, {p90_s} \
                     and {p99_s} s"
                );
                let parts = communication.iter().flat_map(|c| [c.h2d_s, c.kernel_s, c.d2h_s]);
                ensure!(
                    parts.into_iter().all(|part| part.is_finite() && part > 0.0),
                    "bench's times of copying and computing in window {number} cannot be right: {communication:?}"
                );
                let interval = Interval::spanned_by(&self.readings, self.instruments.counters());
                Ok(MeasuredWindow {
                    inferences,
                    seconds,
                    p50_s,
                    p90_s,
                    p99_s,
                    communication,
                    interval,
                })
            }
            event @ (BenchEvent::Ready { .. }
            | BenchEvent::Start { .. }
            | BenchEvent::Window { .. }) => unexpected(&event, &waiting),
        }
    }

    fn end(mut self) -> Result<()> {
        match self.line(0.0, "the end of bench")? {
            Some(line) => bail!("bench went on after its last window: {}", shown(&line)),
            None => self.process.finish(self.patience.grace),
        }
    }

    /// The next event, due in `time_s`. The meter is read the moment it comes.
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
                self.process.epitaph(self.patience.grace)
            ),
        }
    }

    fn line(&mut self, time_s: f64, waiting: &str) -> Result<Option<String>> {
        let limit = duration(2.0 * time_s).saturating_add(self.patience.grace);
        let start = Instant::now();
        loop {
            let left = limit.saturating_sub(start.elapsed());
            let waited = self.process.wait_for_line(left.min(self.patience.reading_every))?;
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

/// The beginning of a line that may be anything.
fn shown(line: &str) -> String {
    let short: String = line.chars().take(80).collect();
    format!("{short:?}")
}

/// As long as can be where it is too long to be.
fn duration(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests;
