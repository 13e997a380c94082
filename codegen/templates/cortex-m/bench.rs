//! `bench`: measures how long an inference takes. Prints each event at once as a line of JSON.
#![no_std]
#![no_main]

#[path = "../machine.rs"]
mod machine;

use __LIBRARY__::{__BENCH_IMPORTS__};
use core::fmt::{self, Write};
use core::hint::black_box;
use cortex_m_rt::entry;
use machine::{Clock, Console};

const USAGE: &str = "\
usage: bench [--windows N] [--window-s S] [--warmup-s S]

  --windows N    how many windows are timed (default 5)
  --window-s S   how long each is at least, in seconds (default 1)
  --warmup-s S   how long the warm-up is, in seconds (default 0: this processor has \
                 nothing to warm up)

The host's debugger passes these; where it cannot, set BENCH_ARGUMENTS when building.
Example: bench --windows 3 --window-s 0.5";

/// The arguments that are used if the program gets none when it runs.
const BUILT_IN: Option<&str> = option_env!("BENCH_ARGUMENTS");
/// The first recorded images; few, since they take flash.
static IMAGES: &[u8] = include_bytes!("../../golden/bench.bin");

/// A duration in seconds.
struct Seconds(u64);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}.{:09}", self.0 / 1_000_000_000, self.0 % 1_000_000_000)
    }
}

struct Settings {
    windows: u64,
    window: u64,
    warmup: u64,
}

#[entry]
fn main() -> ! {
    static mut ARENA: Arena = Arena::new();
__BENCH_INPUT__    static mut TIMES: Times = Times::new();
    static mut LINE: [u8; 256] = [0; 256];
    let told = machine::command_line(LINE);
    let settings = match told.split_once(' ').map(|(_, rest)| rest).or(BUILT_IN) {
        Some(arguments) => parse(arguments),
        None => parse(""),
    };
    let mut bench =
        Bench { model: Model::new(), arena: ARENA, __BENCH_FIELD__clock: Clock::start(), next: 0 };
    if bench.run(&settings, TIMES).is_err() {
        machine::exit(1);
    }
    machine::exit(0)
}

fn parse(arguments: &str) -> Settings {
    let mut settings = Settings { windows: 5, window: 1_000_000_000, warmup: 0 };
    let mut rest = arguments.split_ascii_whitespace();
    while let Some(name) = rest.next() {
        let value = rest.next().unwrap_or_default();
        let seconds = || {
            nanoseconds(value).unwrap_or_else(|| {
                machine::fail(2, format_args!("{name} needs a number of seconds\n\n{USAGE}"))
            })
        };
        match name {
            "--windows" => match value.parse() {
                Ok(windows) if windows > 0 => settings.windows = windows,
                Ok(_) | Err(_) => machine::fail(
                    2,
                    format_args!("--windows needs a whole number above 0\n\n{USAGE}"),
                ),
            },
            "--window-s" => settings.window = seconds(),
            "--warmup-s" => settings.warmup = seconds(),
            _ => machine::fail(2, format_args!("there is no option {name}\n\n{USAGE}")),
        }
    }
    settings
}

/// Parses a decimal number of seconds.
fn nanoseconds(seconds: &str) -> Option<u64> {
    let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, "0"));
    let digits =
        |text: &str| (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())).then_some(());
    digits(whole)?;
    digits(fraction)?;
    let fraction = fraction.get(..9).unwrap_or(fraction);
    let scale = 10u64.pow(9 - fraction.len() as u32);
    whole
        .parse::<u32>()
        .ok()
        .map(|whole| u64::from(whole) * 1_000_000_000 + fraction.parse().unwrap_or(0) * scale)
}

/// The times of a window, as many as fit; of a longer window every second time, every fourth, and
/// so on.
struct Times {
    /// In units of [`Times::UNIT`] nanoseconds: RAM is scarce.
    times: [u32; Times::MOST],
    len: usize,
    /// How often the distance between the times that are kept has doubled.
    doublings: u32,
    count: u64,
}

impl Times {
    const MOST: usize = 512;
    const UNIT: u64 = 16;

    const fn new() -> Times {
        Times { times: [0; Times::MOST], len: 0, doublings: 0, count: 0 }
    }

    fn clear(&mut self) {
        (self.len, self.doublings, self.count) = (0, 0, 0);
    }

    fn push(&mut self, time: u64) {
        if self.count.trailing_zeros() >= self.doublings {
            if self.len == Times::MOST {
                (1..Times::MOST / 2).for_each(|i| self.times[i] = self.times[2 * i]);
                (self.len, self.doublings) = (Times::MOST / 2, self.doublings + 1);
            }
            self.times[self.len] = u32::try_from(time / Times::UNIT).unwrap_or(u32::MAX);
            self.len += 1;
        }
        self.count += 1;
    }

    /// Sorts the times by insertion, which takes the least code.
    fn sort(&mut self) {
        for end in 1..self.len {
            let mut at = end;
            while at > 0 && self.times[at - 1] > self.times[at] {
                self.times.swap(at - 1, at);
                at -= 1;
            }
        }
    }

    /// Returns the smallest of the sorted times that at least `percent` percent do not exceed.
    fn percentile(&self, percent: usize) -> Seconds {
        let rank = (self.len * percent).div_ceil(100).max(1);
        Seconds(u64::from(self.times[rank - 1]) * Times::UNIT)
    }
}

struct Bench {
    model: Model,
    arena: &'static mut Arena,
__BENCH_FIELD_TYPE__    clock: Clock,
    next: usize,
}

impl Bench {
    fn run(&mut self, settings: &Settings, times: &mut Times) -> fmt::Result {
        let mut console = Console::output();
        let (kernels, target) = (self.model.kernels().name(), env!("TARGET"));
        self.window(settings.warmup, times);
        print(
            &mut console,
            format_args!(
                "\"event\":\"ready\",\"name\":\"{NAME}\",\"kernels\":\"{kernels}\",\
                 \"target\":\"{target}\",\"threads\":1,\"batch\":1"
            ),
        )?;
        for window in 1..=settings.windows {
            print(&mut console, format_args!("\"event\":\"start\",\"window\":{window}"))?;
            let seconds = Seconds(self.window(settings.window, times));
            times.sort();
            let [p50, p90, p99] = [50, 90, 99].map(|percent| times.percentile(percent));
            let count = times.count;
            print(
                &mut console,
                format_args!(
                    "\"event\":\"window\",\"window\":{window},\"inferences\":{count},\"seconds\":{seconds},\
                     \"p50_s\":{p50},\"p90_s\":{p90},\"p99_s\":{p99}"
                ),
            )?;
        }
        Ok(())
    }

    /// Runs inferences for at least this long and records their times. Returns the exact duration.
    fn window(&mut self, length: u64, times: &mut Times) -> u64 {
        times.clear();
        let start = self.clock.nanoseconds();
        let mut last = start;
        loop {
            self.infer();
            let now = self.clock.nanoseconds();
            times.push(now - last);
            last = now;
            if last - start >= length {
                return last - start;
            }
        }
    }

    fn infer(&mut self) {
        let mut output: Output = [__ZERO__; CLASSES.len()];
        let images = IMAGES.len() / INPUT_LEN;
__INFER__        black_box(&output);
        self.next = (self.next + 1) % images;
    }
}

/// Prints an event at once: a meter may be read at that moment.
fn print(console: &mut Console, fields: fmt::Arguments) -> fmt::Result {
    writeln!(console, "{{\"schema\":\"neuropower/bench/1\",{fields}}}")?;
    console.flush()
}
