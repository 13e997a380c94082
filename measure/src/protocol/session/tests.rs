//! Sessions with shell scripts for `bench` and a meter whose clock only the test moves.

use super::*;
use crate::board_files::BoardFiles;
use crate::fake_sysfs::FakeSysfs;
use crate::meter::{Counter, Rapl};
use crate::protocol::energy;
use common::measurement::EnergyStatus;
use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;

const HOUR: Duration = Duration::from_secs(3600);
const LENIENT: Timeouts = Timeouts { grace: HOUR, reading_every: HOUR };
const READY: &str = r#"{"schema":"neuropower/bench/1","event":"ready","name":"n","kernels":"avx2","target":"t","threads":1,"batch":1}"#;

fn start(number: usize) -> String {
    format!(r#"{{"schema":"neuropower/bench/1","event":"start","window":{number}}}"#)
}

fn end(number: usize, inferences: u64) -> String {
    format!(
        r#"{{"schema":"neuropower/bench/1","event":"window","window":{number},"inferences":{inferences},"seconds":2.0,"p50_s":0.01,"p90_s":0.02,"p99_s":0.03}}"#
    )
}

/// A shell script that prints these lines.
fn printing(lines: &[String]) -> String {
    lines.iter().map(|line| format!("echo '{line}'\n")).collect()
}

fn good(windows: usize) -> String {
    let lines = (1..=windows).flat_map(|number| [start(number), end(number, 1000)]);
    printing(&[READY.to_string()].into_iter().chain(lines).collect::<Vec<_>>())
}

fn shell(script: &str) -> BenchCommand {
    let mut command = Command::new("sh");
    command.arg("-c").arg(script);
    BenchCommand { command, framing: OutputFraming::Plain }
}

fn settings(windows: usize) -> MeasurementSettings {
    MeasurementSettings { idle_s: 10.0, warmup_s: 0.0, windows, window_s: 2.0 }
}

/// A clock that advances only when it is read or slept by, and the counters of a fake sysfs that
/// advance with it.
struct Fake<'a> {
    sysfs: &'a FakeSysfs,
    rapl: Rapl,
    now_s: f64,
    /// Advance of the clock at each reading.
    step_s: f64,
    /// For each zone: its counter, the range, and the power in microwatts.
    zones: Vec<(&'a str, u64, u64, u64)>,
    reads: usize,
    /// Set when a window has begun.
    in_window: Rc<Cell<bool>>,
    /// Readings since then.
    reads_in_window: usize,
    /// A file that is created at the fifth of these readings.
    at_fifth: Option<PathBuf>,
}

impl<'a> Fake<'a> {
    fn new(sysfs: &'a FakeSysfs, zones: &[(&'a str, u64, u64, u64)]) -> Fake<'a> {
        for (number, (zone, shows, range, _)) in zones.iter().enumerate() {
            sysfs.zone(zone, &format!("package-{number}"), *shows, Some(*range));
        }
        let rapl = Rapl::open(BoardFiles::Local, sysfs.root()).unwrap();
        Fake {
            sysfs,
            rapl,
            now_s: 0.0,
            step_s: 0.0,
            zones: zones.to_vec(),
            reads: 0,
            in_window: Rc::default(),
            reads_in_window: 0,
            at_fifth: None,
        }
    }

    fn pass(&mut self, time_s: f64) {
        self.now_s += time_s;
        for (zone, shows, range, power) in &mut self.zones {
            *shows = (*shows + (*power as f64 * time_s) as u64) % *range;
            self.sysfs.write(&format!("{zone}/energy_uj"), &shows.to_string());
        }
    }
}

impl Instruments for Fake<'_> {
    fn counters(&self) -> &[Counter] {
        self.rapl.counters()
    }

    fn read(&mut self) -> Reading {
        self.pass(self.step_s);
        self.reads += 1;
        self.reads_in_window += usize::from(self.in_window.get());
        if let Some(file) = self.at_fifth.as_ref().filter(|_| self.reads_in_window == 5) {
            std::fs::write(file, "").unwrap();
        }
        Reading { at_s: self.now_s, values: self.rapl.read() }
    }

    fn sleep(&mut self, time: Duration) -> Result<()> {
        self.pass(time.as_secs_f64());
        Ok(())
    }
}

/// Without a meter, and with a clock that stands still.
struct NoMeter;

impl Instruments for NoMeter {
    fn counters(&self) -> &[Counter] {
        &[]
    }

    fn read(&mut self) -> Reading {
        Reading { at_s: 0.0, values: Ok(vec![]) }
    }

    fn sleep(&mut self, _: Duration) -> Result<()> {
        panic!("there is nothing to wait for");
    }
}

fn run_without_meter(
    script: &str,
    windows: usize,
    timeouts: &Timeouts,
) -> Result<Vec<MeasuredWindow>> {
    run(shell(script), &settings(windows), timeouts, &mut NoMeter, &mut |_| {})
        .map(|(_, windows)| windows)
}

fn error_of(script: &str) -> String {
    format!("{:#}", run_without_meter(script, 2, &LENIENT).unwrap_err())
}

#[test]
fn a_known_power_gives_its_energy_with_two_sockets_and_a_wrap() {
    let sysfs = FakeSysfs::new();
    let range = 262_143_328_850;
    let zones = [
        ("intel-rapl:0", range - 95_000_000, range, 4_000_000),
        ("intel-rapl:1", 5, range, 1_000_000),
    ];
    let mut fake = Fake::new(&sysfs, &zones);
    let before = idle(&mut fake, 10.0, &LENIENT).unwrap().unwrap();
    (fake.step_s, fake.zones[0].3, fake.zones[1].3) = (2.0, 10_000_000, 5_000_000);
    let (ready, windows) =
        run(shell(&good(3)), &settings(3), &LENIENT, &mut fake, &mut |_| {}).unwrap();
    (fake.step_s, fake.zones[0].3, fake.zones[1].3) = (0.0, 6_000_000, 1_000_000);
    let after = idle(&mut fake, 10.0, &LENIENT).unwrap().unwrap();

    assert_eq!((ready.kernels.as_str(), ready.target.as_str(), ready.threads), ("avx2", "t", 1));
    let wraps: u64 = windows.iter().map(|w| w.interval.energy.clone().unwrap().unwrap().1).sum();
    assert_eq!(wraps, 1, "the first socket wraps in the first window");
    let energy = energy::per_inference("rapl".into(), [Some(&before), Some(&after)], &windows);
    let close =
        |a: Option<f64>, b: f64| assert!((a.unwrap() / b - 1.0).abs() < 1e-9, "{a:?} is not {b}");
    close(energy.idle_before_w, 5.0);
    close(energy.idle_after_w, 7.0);
    // 15 W for 2 s and 1,000 inferences, of which 6 W are idle power.
    close(energy.gross_j, 0.030);
    close(energy.net_j, 0.018);
}

#[test]
fn a_counter_that_runs_backwards_in_a_window_is_invalid() {
    let sysfs = FakeSysfs::new();
    let mut fake = Fake::new(&sysfs, &[("intel-rapl:0", 5_000_000, 262_143_328_850, 1_000_000)]);
    fake.step_s = 2.0;
    let before = idle(&mut fake, 10.0, &LENIENT).unwrap();
    // Minus 1 J per second, that is a step of almost the whole range.
    fake.zones[0].3 = 262_143_328_850 / 2 - 500_000;
    let (_, windows) =
        run(shell(&good(1)), &settings(1), &LENIENT, &mut fake, &mut |_| {}).unwrap();
    let energy = energy::per_inference("rapl".into(), [before.as_ref(), before.as_ref()], &windows);
    assert_eq!((energy.status, energy.gross_j, energy.net_j), (EnergyStatus::Invalid, None, None));
    assert!(energy.reason.unwrap().contains("ran backwards"));
}

#[test]
fn a_counter_that_becomes_unreadable_is_invalid() {
    let sysfs = FakeSysfs::new();
    let mut fake = Fake::new(&sysfs, &[("intel-rapl:0", 5, 1_000_000_000, 1_000_000)]);
    fake.zones.clear();
    sysfs.make_unreadable("intel-rapl:0");
    let (_, windows) =
        run(shell(&good(1)), &settings(1), &LENIENT, &mut fake, &mut |_| {}).unwrap();
    let energy = energy::per_inference("rapl".into(), [None, None], &windows);
    assert_eq!((energy.status, energy.gross_j), (EnergyStatus::Invalid, None));
    assert!(energy.reason.unwrap().contains("chmod a+r"));
}

#[test]
fn the_meter_is_read_during_a_long_idle_time() {
    let sysfs = FakeSysfs::new();
    // Half its range every 10 s: two readings alone, 40 s apart, would see nothing.
    let mut fake = Fake::new(&sysfs, &[("intel-rapl:0", 0, 40_000_000, 2_000_000)]);
    let interval = idle(&mut fake, 40.0, &Timeouts::default()).unwrap().unwrap();
    assert_eq!((fake.reads, interval.energy), (5, Ok(Some((80.0, 2)))));
}

#[test]
fn the_meter_is_read_during_a_long_window() {
    let (sysfs, dir) = (FakeSysfs::new(), tempfile::tempdir().unwrap());
    let go = dir.path().join("go");
    let mut fake = Fake::new(&sysfs, &[("intel-rapl:0", 0, 40_000_000, 2_000_000)]);
    (fake.step_s, fake.at_fifth) = (10.0, Some(go.clone()));
    // The window ends only when the meter has been read in it.
    let wait = format!("while [ ! -e '{}' ]; do sleep 0.01; done\n", go.display());
    let script = printing(&[READY.into(), start(1)]) + &wait + &printing(&[end(1, 10)]);
    let timeouts = Timeouts { grace: HOUR, reading_every: Duration::from_millis(1) };
    let in_window = Rc::clone(&fake.in_window);
    let mut progress = |_: usize| in_window.set(true);
    let (_, windows) =
        run(shell(&script), &settings(1), &timeouts, &mut fake, &mut progress).unwrap();
    let (joules, wraps) = windows[0].interval.energy.clone().unwrap().unwrap();
    assert!(wraps >= 1, "{wraps}");
    assert!((joules / (2.0 * windows[0].interval.seconds()) - 1.0).abs() < 1e-9, "{joules}");
}

#[test]
fn without_a_meter_there_is_no_idle_time_and_latency_is_measured() {
    assert_eq!(idle(&mut NoMeter, 0.0, &LENIENT).unwrap(), None);
    let windows = run_without_meter(&good(2), 2, &LENIENT).unwrap();
    assert_eq!((windows.len(), windows[1].inferences, windows[1].p90_s), (2, 1000, 0.02));
    assert_eq!(windows[1].interval.energy, Ok(None));
}

#[test]
fn an_unexpected_line_is_shown() {
    let error = error_of("echo 'Hello, world!'");
    assert!(
        error.contains("\"Hello, world!\" instead of its warm-up")
            && error.contains("not valid JSON"),
        "{error}"
    );
    assert!(error_of(&printing(&[start(1)])).contains("instead of its warm-up"));
    let error = error_of(&printing(&[READY.into(), start(2)]));
    assert!(
        error.contains("window\\\":2") && error.contains("instead of the start of window 1"),
        "{error}"
    );
    let error = error_of(&printing(&[READY.into(), start(1), start(1)]));
    assert!(error.contains("instead of the end of window 1"), "{error}");
    assert!(error_of(&good(3)).contains("went on after its last window"));
    let unknown = READY.replace("\"batch\"", "\"batches\"");
    assert!(error_of(&printing(&[unknown])).contains("batch"));
    assert!(error_of("head -c 100000 /dev/zero | tr '\\0' x").contains("does not end"));
    assert!(error_of("printf '\\377\\n'").contains("cannot read what bench prints"));
}

#[test]
fn windows_that_measured_nothing_are_errors() {
    let one = |line: String| error_of(&printing(&[READY.into(), start(1), line]));
    assert!(one(end(1, 0)).contains("no inference in window 1"));
    assert!(one(end(1, 5).replace("2.0", "0.0")).contains("cannot be right"));
    assert!(one(end(1, 5).replace("0.03", "0.015")).contains("cannot be right"));
    assert!(one(end(1, 5).replace("0.01,", "0.0,")).contains("cannot be right"));
}

#[test]
fn a_bench_that_ends_early_or_fails_is_an_error_with_its_last_output() {
    let error = error_of(&(good(1) + "echo 'out of\nmemory' >&2; exit 3"));
    assert!(error.contains("ended before the start of window 2"), "{error}");
    assert!(error.contains("exit status: 3") && error.contains("out of memory"), "{error}");
    let error = error_of(&(good(2) + "echo oh >&2; exit 1"));
    assert!(error.contains("bench failed (exit status: 1): oh"), "{error}");
    assert!(error_of("kill -9 $$").contains("signal: 9"));
    let missing = run(
        BenchCommand { command: Command::new("no/such/bench"), framing: OutputFraming::Plain },
        &settings(1),
        &LENIENT,
        &mut NoMeter,
        &mut |_| {},
    );
    assert!(format!("{:#}", missing.unwrap_err()).contains("no/such/bench: cannot start"));
}

#[test]
fn a_bench_that_hangs_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    let pid = dir.path().join("pid");
    // A long timeout for the first line, which needs the shell to start, and short ones afterwards.
    let strict = Timeouts { grace: Duration::from_millis(200), reading_every: HOUR };
    let settings = MeasurementSettings { warmup_s: 1000.0, window_s: 1e-3, ..settings(2) };
    for hangs in [
        printing(&[READY.into(), start(1)]) + "exec sleep 3000",
        good(2) + "exec sleep 3000",
        good(2) + "exec sleep 3000 >&-",
    ] {
        let script = format!("echo $$ > '{}'\n{hangs}", pid.display());
        let error = run(shell(&script), &settings, &strict, &mut NoMeter, &mut |_| {}).unwrap_err();
        assert!(format!("{error:#}").contains("it was killed"), "{error:#}");
        let pid = std::fs::read_to_string(&pid).unwrap();
        assert!(!Path::new("/proc").join(pid.trim()).exists(), "it still runs");
    }
}

#[test]
fn lines_of_a_probe_are_skipped_and_it_need_not_end() {
    let probe = |script: &str| BenchCommand { framing: OutputFraming::Probe, ..shell(script) };
    let command = probe(&format!("echo Erasing; echo; {}exec sleep 3000", good(2)));
    let run = run(command, &settings(2), &LENIENT, &mut NoMeter, &mut |_| {});
    assert_eq!(run.unwrap().1.len(), 2);
    let command = probe(&(printing(&[READY.into()]) + "echo Hello"));
    let run = super::run(command, &settings(2), &LENIENT, &mut NoMeter, &mut |_| {});
    assert!(run.unwrap_err().to_string().contains("\"Hello\""), "but nothing between");
}

#[test]
fn lines_of_a_boards_shell_are_skipped_before_the_mark_only() {
    let run = |script: &str| {
        let command = BenchCommand { framing: OutputFraming::AfterMark, ..shell(script) };
        run(command, &settings(2), &LENIENT, &mut NoMeter, &mut |_| {})
            .map(|(_, windows)| windows.len())
    };
    let mark = format!("echo '{}'\n", crate::shell::MARK);
    for greeting in ["", "echo Welcome; echo '{}'; echo\n", "printf 'Welcome: '\n"] {
        assert_eq!(run(&format!("{greeting}{mark}{}", good(2))).unwrap(), 2, "{greeting}");
    }
    assert!(
        run(&format!("{mark}echo Hello\n{}", good(2)))
            .unwrap_err()
            .to_string()
            .contains("\"Hello\"")
    );
    assert!(
        run("echo Welcome; echo no shell >&2; exit 1")
            .unwrap_err()
            .to_string()
            .contains("no shell")
    );
}
