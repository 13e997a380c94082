//! `bench`: measures how long an inference takes. Prints each event at once as a line of JSON.

use __LIBRARY__::{CLASSES, ENOUGH_BLOCKS, INPUT_LEN, Input, Model, NAME, Output, Times};
use std::hint::black_box;
use std::io::Write;
use std::process::ExitCode;
use std::time::{Duration, Instant};

const USAGE: &str = "\
usage: bench [--windows N] [--window-s S] [--warmup-s S] [--batch N] [--blocks N]

  --windows N    how many windows are timed (default 5)
  --window-s S   how long each is at least, in seconds (default 1)
  --warmup-s S   how long the warm-up is at most, in seconds (default 5); it ends
                 when the latency's coefficient of variation is under 2 %
  --batch N      how many images an inference takes (default 1)
  --blocks N     each step runs with the fewest blocks that are at least this many
                 (default 128)

Example: bench --windows 3 --window-s 0.5";

/// The recorded images.
static IMAGES: &[u8] = include_bytes!("../../golden/inputs.bin");

/// The warm-up ends when the latency's coefficient of variation is under this.
const STEADY: f64 = 0.02;
/// The least number and duration of inferences over which the latency is judged.
const JUDGED: (usize, Duration) = (20, Duration::from_millis(100));

struct Settings {
    windows: usize,
    window: Duration,
    warmup: Duration,
    batch: usize,
    blocks: usize,
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
    let (window, warmup) = (Duration::from_secs(1), Duration::from_secs(5));
    let mut settings = Settings { windows: 5, window, warmup, batch: 1, blocks: ENOUGH_BLOCKS };
    let mut rest = arguments.iter();
    while let Some(name) = rest.next() {
        let value = rest.next().map(String::as_str).unwrap_or_default();
        let seconds = || {
            let duration = value.parse().ok().and_then(|s| Duration::try_from_secs_f64(s).ok());
            duration.ok_or_else(|| format!("{name} needs a number of seconds"))
        };
        let number = || {
            let number = value.parse().ok().filter(|number: &usize| *number > 0);
            number.ok_or_else(|| format!("{name} needs a whole number above 0"))
        };
        match name.as_str() {
            "--windows" => settings.windows = number()?,
            "--batch" => settings.batch = number()?,
            "--blocks" => settings.blocks = number()?,
            "--window-s" => settings.window = seconds()?,
            "--warmup-s" => settings.warmup = seconds()?,
            _ => return Err(format!("there is no option {name}")),
        }
    }
    Ok(settings)
}

fn run(settings: &Settings) -> Result<(), String> {
    let batch = settings.batch;
    let mut bench = Bench::new(batch, settings.blocks)?;
    let latency = bench.warm_up(settings.warmup)?;
    let (kernels, target) = (bench.model.description().replace(['"', '\\'], ""), env!("TARGET"));
    print(&format!(
        "\"event\":\"ready\",\"name\":\"{NAME}\",\"kernels\":\"{kernels}\",\"target\":\"{target}\",\
         \"threads\":1,\"batch\":{batch}"
    ))?;
    // Capacity for twice the expected number, so that usual windows do not reallocate.
    let expected = settings.window.as_secs_f64() / latency.as_secs_f64().max(1e-9);
    let room = ((2.0 * expected) as usize).min(1 << 22);
    bench.times.reserve(room);
    bench.parts.iter_mut().for_each(|part| part.reserve(room));
    for window in 1..=settings.windows {
        print(&format!("\"event\":\"start\",\"window\":{window}"))?;
        let seconds = bench.window(settings.window)?.as_secs_f64();
        let inferences = bench.times.len();
        let [p50, p90, p99] = [50, 90, 99].map(|percent| percentile(&mut bench.times, percent));
        let [h2d, kernel, d2h] = &mut bench.parts;
        let [h2d, kernel, d2h] = [h2d, kernel, d2h].map(|part| percentile(part, 50));
        print(&format!(
            "\"event\":\"window\",\"window\":{window},\"inferences\":{inferences},\"seconds\":{seconds:?},\
             \"p50_s\":{p50:?},\"p90_s\":{p90:?},\"p99_s\":{p99:?},\
             \"communication\":{{\"h2d_s\":{h2d:?},\"kernel_s\":{kernel:?},\"d2h_s\":{d2h:?}}}"
        ))?;
    }
    Ok(())
}

/// Prints an event and flushes stdout: a meter may be read at that moment.
fn print(fields: &str) -> Result<(), String> {
    let mut out = std::io::stdout().lock();
    let written =
        writeln!(out, "{{\"schema\":\"neuropower/bench/1\",{fields}}}").and_then(|()| out.flush());
    written.map_err(|error| format!("cannot write to standard output: {error}"))
}

struct Bench {
    model: Model,
    images: Vec<Input>,
    /// The images of one inference, and their logits.
    batch: Vec<Input>,
    outputs: Vec<Output>,
    next: usize,
    /// The times of a window's inferences, in seconds.
    times: Vec<f64>,
    /// The times for copying to the GPU, computing, and copying back.
    parts: [Vec<f64>; 3],
}

impl Bench {
    fn new(batch: usize, blocks: usize) -> Result<Bench, String> {
        let values: Vec<f32> =
            IMAGES.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        let images: Vec<Input> =
            values.chunks_exact(INPUT_LEN).filter_map(|image| image.try_into().ok()).collect();
        let model = Model::with_blocks(batch, blocks).map_err(|error| error.to_string())?;
        let (outputs, batch) = (vec![[0.0; CLASSES.len()]; batch], vec![[0.0; INPUT_LEN]; batch]);
        Ok(Bench {
            model,
            images,
            batch,
            outputs,
            next: 0,
            times: Vec::new(),
            parts: [const { Vec::new() }; 3],
        })
    }

    /// Runs inferences until the latency is steady or the time is over. Returns the mean of the
    /// last latencies.
    fn warm_up(&mut self, limit: Duration) -> Result<Duration, String> {
        let start = Instant::now();
        loop {
            self.window(JUDGED.1.min(limit))?;
            while self.times.len() < JUDGED.0 && start.elapsed() < limit {
                self.infer(&mut Instant::now())?;
            }
            let (mean, variation) = mean_and_variation(&self.times);
            if variation < STEADY || start.elapsed() >= limit {
                return Ok(Duration::from_secs_f64(mean));
            }
        }
    }

    /// Runs inferences for at least this long. Returns the exact duration.
    fn window(&mut self, length: Duration) -> Result<Duration, String> {
        self.times.clear();
        self.parts.iter_mut().for_each(Vec::clear);
        let start = Instant::now();
        let mut last = start;
        loop {
            self.infer(&mut last)?;
            if last - start >= length {
                return Ok(last - start);
            }
        }
    }

    /// Runs one inference; its time is that from `last` until now.
    fn infer(&mut self, last: &mut Instant) -> Result<(), String> {
        for image in &mut self.batch {
            image.copy_from_slice(&self.images[self.next]);
            self.next = (self.next + 1) % self.images.len();
        }
        let times = self
            .model
            .forward(black_box(&self.batch), &mut self.outputs)
            .map_err(|error| error.to_string())?;
        black_box(&self.outputs);
        let Times { h2d_s, kernel_s, d2h_s } = times;
        self.parts
            .iter_mut()
            .zip([h2d_s, kernel_s, d2h_s])
            .for_each(|(part, time)| part.push(time));
        let now = Instant::now();
        self.times.push((now - *last).as_secs_f64());
        *last = now;
        Ok(())
    }
}

/// Returns the mean and the coefficient of variation.
fn mean_and_variation(times: &[f64]) -> (f64, f64) {
    let count = times.len() as f64;
    let mean = times.iter().sum::<f64>() / count;
    let variance = times.iter().map(|time| (time - mean).powi(2)).sum::<f64>() / count;
    (mean, variance.sqrt() / mean)
}

/// Returns the smallest time that at least `percent` percent of all times do not exceed.
fn percentile(times: &mut [f64], percent: usize) -> f64 {
    let rank = (times.len() * percent).div_ceil(100).max(1);
    *times.select_nth_unstable_by(rank - 1, f64::total_cmp).1
}
