//! `bench`: measures how long an inference takes. Prints each event at once as a line of JSON.

use __LIBRARY__::runtime::dispatch::Kernels;
use __LIBRARY__::{Arena, CLASSES, INPUT_LEN, Input, Model, NAME, Output};
use std::hint::black_box;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::{Duration, Instant};

const USAGE: &str = "\
usage: bench [--windows N] [--window-s S] [--warmup-s S]

  --windows N    how many windows are timed (default 5)
  --window-s S   how long each is at least, in seconds (default 1)
  --warmup-s S   how long the warm-up is at most, in seconds (default 5); it ends
                 when the latency's coefficient of variation is under 2 %

Example: bench --windows 3 --window-s 0.5";

/// The recorded images.
static IMAGES: &[u8] = include_bytes!("../../golden/__INPUTS__.bin");
static ARENA: Mutex<Arena> = Mutex::new(Arena::new());

/// The warm-up ends when the latency's coefficient of variation is under this.
const STEADY: f64 = 0.02;
/// The least number and duration of inferences over which the latency is judged.
const JUDGED: (usize, Duration) = (20, Duration::from_millis(100));

struct Settings {
    windows: usize,
    window: Duration,
    warmup: Duration,
}

fn main() -> ExitCode {
    let arguments: Vec<String> =
        std::env::args_os().skip(1).map(|a| a.to_string_lossy().into_owned()).collect();
    if arguments.iter().any(|argument| argument == "--help" || argument == "-h") {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    match parse(&arguments) {
        Ok(settings) => match run(&settings) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("error: {error}");
                ExitCode::FAILURE
            }
        },
        Err(error) => {
            eprintln!("error: {error}\n\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn parse(arguments: &[String]) -> Result<Settings, String> {
    let mut settings =
        Settings { windows: 5, window: Duration::from_secs(1), warmup: Duration::from_secs(5) };
    let mut rest = arguments.iter();
    while let Some(name) = rest.next() {
        let value = rest.next().map(String::as_str).unwrap_or_default();
        let seconds = || {
            let duration = value.parse().ok().and_then(|s| Duration::try_from_secs_f64(s).ok());
            duration.ok_or_else(|| format!("{name} needs a number of seconds"))
        };
        match name.as_str() {
            "--windows" => match value.parse() {
                Ok(windows) if windows > 0 => settings.windows = windows,
                Ok(_) | Err(_) => return Err("--windows needs a whole number above 0".to_string()),
            },
            "--window-s" => settings.window = seconds()?,
            "--warmup-s" => settings.warmup = seconds()?,
            _ => return Err(format!("there is no option {name}")),
        }
    }
    Ok(settings)
}

fn run(settings: &Settings) -> Result<(), String> {
    let mut bench = Bench::new(model()?);
    let latency = bench.warm_up(settings.warmup);
    let (kernels, target) = (bench.model.kernels().name(), env!("TARGET"));
    print(&format!(
        "\"event\":\"ready\",\"name\":\"{NAME}\",\"kernels\":\"{kernels}\",\"target\":\"{target}\",\
         \"threads\":1,\"batch\":1"
    ))?;
    // Capacity for twice the expected number, so that usual windows do not reallocate.
    let expected = settings.window.as_secs_f64() / latency.as_secs_f64().max(1e-9);
    let mut times = Vec::with_capacity(((2.0 * expected) as usize).min(1 << 22));
    for window in 1..=settings.windows {
        print(&format!("\"event\":\"start\",\"window\":{window}"))?;
        let seconds = bench.window(settings.window, &mut times).as_secs_f64();
        let [p50, p90, p99] =
            [50, 90, 99].map(|percent| percentile(&mut times, percent).as_secs_f64());
        print(&format!(
            "\"event\":\"window\",\"window\":{window},\"inferences\":{},\"seconds\":{seconds:?},\
             \"p50_s\":{p50:?},\"p90_s\":{p90:?},\"p99_s\":{p99:?}",
            times.len()
        ))?;
    }
    Ok(())
}

/// Prints an event and flushes stdout: a meter may be read at that moment.
fn print(fields: &str) -> Result<(), String> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{{\"schema\":\"neuropower/bench/1\",{fields}}}")
        .and_then(|()| out.flush())
        .map_err(|error| format!("cannot write to standard output: {error}"))
}

__MODEL_FN__struct Bench {
    model: Model,
    images: Vec<Input>,
    next: usize,
}

impl Bench {
    fn new(model: Model) -> Bench {
        let images = IMAGES.chunks_exact(size_of::<Input>()).map(image).collect();
        Bench { model, images, next: 0 }
    }

    /// Runs inferences until the latency is steady or the time is over. Returns the mean of the
    /// last latencies.
    fn warm_up(&mut self, limit: Duration) -> Duration {
        let (start, mut times) = (Instant::now(), Vec::new());
        loop {
            self.window(JUDGED.1.min(limit), &mut times);
            while times.len() < JUDGED.0 && start.elapsed() < limit {
                self.infer(&mut times, &mut Instant::now());
            }
            let (mean, variation) = mean_and_variation(&times);
            if variation < STEADY || start.elapsed() >= limit {
                return Duration::from_secs_f64(mean);
            }
        }
    }

    /// Runs inferences for at least this long and records their times. Returns the exact duration.
    fn window(&mut self, length: Duration, times: &mut Vec<Duration>) -> Duration {
        times.clear();
        let start = Instant::now();
        let mut last = start;
        loop {
            self.infer(times, &mut last);
            if last - start >= length {
                return last - start;
            }
        }
    }

    /// Runs one inference; its time is that from `last` until now.
    fn infer(&mut self, times: &mut Vec<Duration>, last: &mut Instant) {
        let mut output: Output = [__ZERO__; CLASSES.len()];
        let mut arena = ARENA.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        self.model.forward(&mut arena, black_box(&self.images[self.next]), &mut output);
        black_box(&output);
        self.next = (self.next + 1) % self.images.len();
        let now = Instant::now();
        times.push(now - *last);
        *last = now;
    }
}

__BENCH_IMAGE__
/// Returns the mean and the coefficient of variation.
fn mean_and_variation(times: &[Duration]) -> (f64, f64) {
    let count = times.len() as f64;
    let mean = times.iter().map(Duration::as_secs_f64).sum::<f64>() / count;
    let variance =
        times.iter().map(|time| (time.as_secs_f64() - mean).powi(2)).sum::<f64>() / count;
    (mean, variance.sqrt() / mean)
}

/// Returns the smallest time that at least `percent` percent of all times do not exceed.
fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    let rank = (times.len() * percent).div_ceil(100).max(1);
    *times.select_nth_unstable(rank - 1).1
}
