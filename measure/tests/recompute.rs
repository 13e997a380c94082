//! Every total of a record can be computed again from its raw readings, with every meter; and a
//! known power is measured correctly.

mod support;

use common::measurement::{CounterReading, IdleReading, Measurement, Window};
use std::fs;
use std::path::PathBuf;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use support::{Case, PROFILE, windows};

/// A thread that writes a meter's file about every millisecond until it is stopped.
struct Writer(Sender<()>, JoinHandle<f64>);

impl Writer {
    /// Starts the thread. `write` gets the seconds since the previous call.
    fn start(mut write: impl FnMut(f64) + Send + 'static) -> Writer {
        let (stop, stopped) = channel();
        write(0.0);
        let writer = thread::spawn(move || {
            let (mut last, mut longest) = (Instant::now(), 0.0_f64);
            while stopped.recv_timeout(Duration::from_millis(1)) == Err(RecvTimeoutError::Timeout) {
                let now = Instant::now();
                write((now - last).as_secs_f64());
                longest = longest.max((now - last).as_secs_f64());
                last = now;
            }
            longest
        });
        Writer(stop, writer)
    }

    /// Stops the thread. Returns the longest time between two writes, by which readings may be old.
    fn stop(self) -> f64 {
        drop(self.0);
        self.1.join().unwrap()
    }
}

/// Writes a file so that readers never see a part of it.
fn write_whole(file: &PathBuf, text: &str) {
    let new = file.with_extension("new");
    fs::write(&new, text).unwrap();
    fs::rename(&new, file).unwrap();
}

/// Half a second in each window, during which the file `busy` exists.
const BUSY: &str = "sh touch busy; sleep 0.5; rm busy";

fn case() -> Case {
    let case = Case::doing(&windows([1, 1, 1], BUSY));
    case.write("profile.json", &PROFILE.replace("\"idle_s\":0.01", "\"idle_s\":0.3"));
    case
}

fn close(a: f64, b: f64, what: &str) {
    assert!((a / b - 1.0).abs() < 1e-9, "{what}: {a} is not {b}");
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Asserts that a record has the totals that follow from the joules of its windows and of its idle
/// readings.
fn assert_totals(record: &Measurement, joules: &[f64], idle: [f64; 2]) {
    let energy = &record.energy;
    let windows = || record.windows.iter().zip(joules);
    for (window, joules) in windows() {
        close(window.joules.unwrap(), *joules, "joules of a window");
    }
    // Inferences are made in the board's window; joules are read between this machine's times.
    let power = |(w, j): (&Window, &f64)| j / (w.t1_s - w.t0_s);
    let gross = |pair: (&Window, &f64)| power(pair) * pair.0.seconds / pair.0.inferences as f64;
    close(energy.gross_j.unwrap(), median(windows().map(gross).collect()), "gross");
    close(energy.gross_w.unwrap(), median(windows().map(power).collect()), "power");
    let seconds = |reading: &IdleReading| reading.t1_s - reading.t0_s;
    let before_w = idle[0] / seconds(record.idle_before.as_ref().unwrap());
    let after_w = idle[1] / seconds(record.idle_after.as_ref().unwrap());
    close(energy.idle_before_w.unwrap(), before_w, "idle before");
    close(energy.idle_after_w.unwrap(), after_w, "idle after");
    let idle_w = (before_w + after_w) / 2.0;
    let net =
        |pair: (&Window, &f64)| (power(pair) - idle_w) * pair.0.seconds / pair.0.inferences as f64;
    close(energy.net_j.unwrap(), median(windows().map(net).collect()), "net");
    close(record.latency.p50_s, median(record.windows.iter().map(|w| w.p50_s).collect()), "p50");
    close(record.latency.p99_s, median(record.windows.iter().map(|w| w.p99_s).collect()), "p99");
}

fn advanced(counters: &[CounterReading]) -> f64 {
    let steps =
        |c: &CounterReading| (c.end + c.wraps.unwrap() * c.range.unwrap_or(0) - c.start) as f64;
    counters.iter().map(|c| c.unit_j * steps(c)).sum()
}

/// A package with one power, and another one while the file `busy` exists.
fn package(case: &Case, [idle_w, busy_w]: [f64; 2]) -> Writer {
    case.write("sys/class/powercap/intel-rapl:0/name", "package-0\n");
    case.write("sys/class/powercap/intel-rapl:0/max_energy_range_uj", "262143328850\n");
    let (file, busy) = (case.path("sys/class/powercap/intel-rapl:0/energy_uj"), case.path("busy"));
    let mut joules = 1.0;
    Writer::start(move |seconds| {
        joules += seconds * if busy.exists() { busy_w } else { idle_w };
        write_whole(&file, &format!("{}\n", (joules * 1e6) as u64));
    })
}

#[test]
fn a_known_power_is_found() {
    let case = case();
    let writer = package(&case, [10.0; 2]);
    let record = case.measures(&[]);
    let old_s = 2.0 * writer.stop();
    let idle = [&record.idle_before, &record.idle_after].map(|reading| reading.as_ref().unwrap());
    let windows = record.windows.iter().map(|w| (w.joules.unwrap(), w.t1_s - w.t0_s));
    for (joules, seconds) in
        windows.chain(idle.map(|reading| (reading.joules.unwrap(), reading.t1_s - reading.t0_s)))
    {
        // Within 1 %, and the delay of the writer itself.
        assert!(
            (joules - 10.0 * seconds).abs() <= 10.0 * (0.01 * seconds + 2.0 * old_s),
            "{joules} J in {seconds} s"
        );
    }
}

#[test]
fn from_counters() {
    let case = case();
    let writer = package(&case, [4.0, 20.0]);
    let record = case.measures(&[]);
    writer.stop();
    let joules: Vec<f64> = record.windows.iter().map(|w| advanced(&w.counters)).collect();
    let idle =
        [&record.idle_before, &record.idle_after].map(|r| advanced(&r.as_ref().unwrap().counters));
    assert_totals(&record, &joules, idle);
}

/// Integrates samples by the trapezoidal rule, interpolated at both ends.
fn integral(samples: &[[f64; 2]], from_s: f64, to_s: f64) -> f64 {
    let piece = |pair: &[[f64; 2]]| {
        let [[a_s, a_w], [b_s, b_w]] = [pair[0], pair[1]];
        let (x, y) = (a_s.max(from_s), b_s.min(to_s));
        let at = |t: f64| a_w + (b_w - a_w) * (t - a_s) / (b_s - a_s);
        if y > x { (y - x) * (at(x) + at(y)) / 2.0 } else { 0.0 }
    };
    samples.windows(2).map(piece).sum()
}

#[test]
fn from_a_loggers_samples() {
    let case = case();
    case.board(r#""target":null,"runner":"local","meter":"csv""#);
    let (file, busy, mut log) =
        (case.path("power.csv"), case.path("busy"), "unix_s,watts\n".to_string());
    let mut lines = 0;
    let writer = Writer::start(move |_| {
        let unix_s = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
        let watts = if busy.exists() { 20.0 } else { 4.0 };
        lines += 1;
        log += &format!("{unix_s:.6},{watts}\n");
        if lines % 20 == 1 {
            write_whole(&file, &log);
        }
    });
    let record = case.measures(&["--board", "b.json", "--meter-csv", "power.csv"]);
    writer.stop();
    let samples = &record.energy.log.as_ref().unwrap().samples;
    let joules: Vec<f64> =
        record.windows.iter().map(|w| integral(samples, w.t0_s, w.t1_s)).collect();
    let idle = [&record.idle_before, &record.idle_after].map(|reading| {
        let reading = reading.as_ref().unwrap();
        integral(samples, reading.t0_s, reading.t1_s)
    });
    assert_totals(&record, &joules, idle);
    // Only these samples are kept: most of a log is from other times.
    let all = fs::read_to_string(case.path("power.csv")).unwrap().lines().count();
    assert!(samples.len() < all, "{} of {all}", samples.len());
}

#[test]
fn from_what_a_display_showed() {
    let case = case();
    case.board(r#""target":null,"runner":"local","meter":"manual""#);
    case.write(
        "typed.json",
        r#"{"schema":"neuropower/manual/1","name":"tiny","meter":"P4400","read_by":"Ada","idle_w":4,"load_w":20,"duration_s":60,
            "resolution_w":0.5}"#,
    );
    let record = case.measures(&["--board", "b.json", "--manual-json", "typed.json"]);
    let energy = &record.energy;
    let typed = energy.manual.as_ref().unwrap();
    let time_s = median(record.windows.iter().map(|w| w.seconds / w.inferences as f64).collect());
    close(energy.gross_j.unwrap(), typed.load_w * time_s, "gross");
    close(energy.gross_w.unwrap(), typed.load_w, "power");
    close(energy.net_j.unwrap(), (typed.load_w - typed.idle_w) * time_s, "net");
    for window in &record.windows {
        close(window.joules.unwrap(), typed.load_w * window.seconds, "joules of a window");
    }
    let gross = energy.gross_interval_j.unwrap();
    let times: Vec<f64> = record.windows.iter().map(|w| w.seconds / w.inferences as f64).collect();
    close(gross[0], times.iter().fold(f64::INFINITY, |a, b| a.min(*b)) * 19.5, "lower end");
    close(gross[1], times.iter().fold(0.0, |a: f64, b| a.max(*b)) * 20.5, "upper end");
}
