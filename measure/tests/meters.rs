//! Measurements with current sensors, a logger's file and a display.

mod support;

use common::measurement::{EnergyStatus, Measurement, Protocol};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use support::tools::tool;
use support::{Case, error_of, windows};

#[test]
fn the_power_of_an_input_rail_is_integrated() {
    let case = Case::doing(&windows([1, 1, 1], "sh sleep 0.05"));
    let sensor = r#""target":null,"runner":"local","meter":"hwmon","hwmon":{"chip":"ina3221","rail":"VDD_IN"}"#;
    case.board(sensor);
    for (file, content) in [
        ("name", "ina3221"),
        ("in1_label", "VDD_IN"),
        ("in1_input", "5000"),
        ("curr1_input", "800"),
        ("in2_label", "VDD_SOC"),
        ("in2_input", "5000"),
        ("curr2_input", "300"),
    ] {
        case.write(&format!("sys/class/hwmon/hwmon2/{file}"), &format!("{content}\n"));
    }
    let record = case.measures(&["--board", "b.json"]);
    for window in &record.windows {
        let watts = window.joules.unwrap() / (window.t1_s - window.t0_s);
        assert!((watts / 4.0 - 1.0).abs() < 0.01, "5 V x 0.8 A, not {watts}");
        assert_eq!(window.counters[0].name, "ina3221 VDD_IN");
    }
    // The sensor vanishes in a window.
    let gone = case.path("sys/class/hwmon/hwmon2/curr1_input");
    case.script(&windows([1, 1, 1], &format!("sh rm -f {}", gone.display())));
    let record = case.measures(&["--board", "b.json"]);
    assert_eq!((record.energy.status, record.energy.gross_j), (EnergyStatus::Invalid, None));
    assert!(record.energy.reason.unwrap().contains("curr1_input"));
    fs::remove_file(case.path("record.json")).unwrap();
    assert!(
        case.assert_fails(&["--board", "b.json", "--require-energy"])
            .contains("with the rail VDD_IN, only ina3221 VDD_SOC")
    );
}

const LOGGER: &str = r#""target":null,"runner":"local","meter":"csv""#;

/// Returns the present Unix time.
fn now() -> f64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64()
}

/// A logger that appends a line to `power.csv` about every 10 ms, until it is dropped.
struct Logger(Option<(Sender<()>, JoinHandle<()>)>);

impl Logger {
    /// Starts a logger that writes `head` and then lines made from the time and the line's number.
    fn start(case: &Case, head: &str, line: fn(f64, usize) -> String) -> Logger {
        case.write("power.csv", head);
        let mut file = OpenOptions::new().append(true).open(case.path("power.csv")).unwrap();
        let (stop, stopped) = channel();
        let mut write =
            move |number| file.write_all((line(now(), number) + "\n").as_bytes()).unwrap();
        write(0);
        let thread = thread::spawn(move || {
            for number in 1.. {
                if stopped.recv_timeout(Duration::from_millis(10)) != Err(RecvTimeoutError::Timeout)
                {
                    return;
                }
                write(number);
            }
        });
        Logger(Some((stop, thread)))
    }
}

impl Drop for Logger {
    fn drop(&mut self) {
        let (stop, thread) = self.0.take().unwrap();
        drop(stop);
        thread.join().unwrap();
    }
}

const CSV: [&str; 4] = ["--board", "b.json", "--meter-csv", "power.csv"];

/// Asserts that all windows have this power.
fn assert_power(record: &Measurement, watts: f64) {
    assert_eq!(record.energy.status, EnergyStatus::Measured, "{:?}", record.energy.reason);
    for window in &record.windows {
        let joules = watts * (window.t1_s - window.t0_s);
        assert!((window.joules.unwrap() / joules - 1.0).abs() < 1e-4, "{window:?}");
    }
}

#[test]
fn a_loggers_watts_are_matched_by_time() {
    let case = Case::doing(&windows([1, 1, 1], "sh sleep 0.05"));
    case.board(LOGGER);
    let logger = Logger::start(&case, "unix_s,volts,watts\n", |at_s, _| format!("{at_s:.3},5.0,3"));
    let record = case.measures(&CSV);
    assert_power(&record, 3.0);
    let (log, written) =
        (record.energy.log.unwrap(), fs::read_to_string(case.path("power.csv")).unwrap());
    let mut read = written.match_indices('\n').map(|(end, _)| &written[..=end]);
    assert_eq!(log.file, "power.csv");
    assert!(
        read.any(|read| common::files::hash::sha256_hex(read.as_bytes()) == log.sha256),
        "it is of the log so far"
    );
    // The logger dies in the first window: there is no energy, and latency is measured all the
    // same.
    let file = case.path("power.csv");
    case.script(&windows([1, 1, 1], &format!("sh rm -f {}", file.display())));
    let record = case.measures(&CSV);
    drop(logger);
    assert_eq!((record.energy.status, record.energy.gross_j), (EnergyStatus::Invalid, None));
    assert!(record.energy.reason.unwrap().contains("cannot read the power log"));
}

#[test]
fn logs_of_other_programs_are_read() {
    let case = Case::doing(&windows([1, 1, 1], "sh sleep 0.05"));
    case.board(LOGGER);
    for (head, line) in [
        (
            "\u{feff}\"unix_s\",\"watts\"\r\n",
            (|at_s, _| format!("\"{at_s:.3}\",\"3.0\"\r")) as fn(f64, usize) -> String,
        ),
        ("# bench 3\nUnix_s ; Watts\n", |at_s, _| format!("{at_s:.3};3,000").replace('.', ",")),
        ("", |at_s, _| format!("{at_s:.1}\t{}", 3.0)),
        // A few lines in a hundred are not samples.
        ("unix_s,watts\n", |at_s, number| match number % 100 {
            5 => format!("{at_s:.3},nan"),
            25 => format!("{at_s:.3},"),
            45 => "unix_s,watts\n".to_string(),
            _ => format!("{at_s:.3},3"),
        }),
    ] {
        let logger = Logger::start(&case, head, line);
        let record = case.measures(&CSV);
        drop(logger);
        assert_power(&record, 3.0);
    }
}

#[test]
fn an_invalid_log_is_refused_before_the_build() {
    let case = Case::new([1, 1, 1]);
    case.board(LOGGER);
    assert!(case.assert_fails(&CSV).contains("power.csv: cannot read the power log"));
    for (log, why) in [
        ("5,1\n4,1\n".to_string(), "line 2: its time is not after"),
        (format!("{:.3},5.1,3\n", now()), "has 3 cells, and without names only two"),
        (format!("{:.0},3\n", now() * 1e3), "are its times milliseconds?"),
        (format!("{:.3},3\n", now() + 3600.0), "that is 1 h ahead: are its times local time"),
        (format!("{:.3},3\n", now() - 1800.0), "that is 0.5 h behind"),
        (format!("{:.3},-3\n", now()), "-3 W is below zero; is the sensor the wrong way round?"),
        (
            "unix_s,watts\n2026-11-29T04:10:06+01:00,3\n".to_string(),
            "is not a time in seconds since 1970",
        ),
        ("unix_s,watts\n1.764080e+09,3\n".to_string(), "is known to 1000 s only"),
    ] {
        case.write("power.csv", &log);
        let error = case.assert_fails(&CSV);
        assert!(error.contains("power.csv: ") && error.contains(why), "{error}");
    }
    assert!(
        case.assert_fails(&["--meter-csv", "power.csv"])
            .contains("is for boards with the meter csv")
    );
    assert!(case.assert_fails(&["--board", "b.json", "--require-energy"]).contains("--meter-csv"));
    assert!(!case.path("crate/target").exists(), "nothing was built in vain");
}

const BY_HAND: &str = r#""target":null,"runner":"local","meter":"manual""#;

fn typed(case: &Case, name: &str, load_w: &str) {
    case.write(
        "typed.json",
        &format!(
            r#"{{"schema":"neuropower/manual/1","name":"{name}","meter":"Kill-A-Watt P4400","read_by":"Ada",
                "idle_w":4.0,"load_w":{load_w},"duration_s":60,"resolution_w":0.1}}"#
        ),
    );
}

#[test]
fn intervals_are_widened_by_the_resolution_of_a_display() {
    let case = Case::new([1, 1, 1]);
    case.board(BY_HAND);
    let by_hand = ["--board", "b.json", "--manual-json", "typed.json"];
    typed(&case, "tiny", "7.0");
    let record = case.measures(&by_hand);
    let energy = &record.energy;
    let mut times: Vec<f64> =
        record.windows.iter().map(|w| w.seconds / w.inferences as f64).collect();
    times.sort_by(f64::total_cmp);
    let close = |a: f64, b: f64| (a / b - 1.0).abs() < 1e-9;
    assert!(
        close(energy.gross_j.unwrap(), 7.0 * times[1])
            && close(energy.net_j.unwrap(), 3.0 * times[1]),
        "{energy:?}"
    );
    let [low, high] = energy.net_interval_j.unwrap();
    assert!(close(low, 2.8 * times[0]) && close(high, 3.2 * times[2]), "{energy:?}");
    assert_eq!(energy.manual.as_ref().unwrap().read_by, "Ada");
    assert_eq!(record.windows[0].joules, Some(7.0 * record.windows[0].seconds));
    assert_eq!((&record.idle_before, record.protocol), (&None, Protocol::Short));
    typed(&case, "tiny", "4.2");
    let record = case.measures(&by_hand);
    assert_eq!((record.energy.status, record.energy.gross_j), (EnergyStatus::Invalid, None));
    assert!(record.energy.reason.unwrap().contains("three times the meter's resolution of 0.1 W"));
    assert!(record.windows[0].joules.is_none());
}

#[test]
fn a_reading_for_another_crate_or_an_impossible_one_is_refused() {
    let case = Case::new([1, 1, 1]);
    case.board(BY_HAND);
    let by_hand = ["--board", "b.json", "--manual-json", "typed.json"];
    assert!(case.assert_fails(&by_hand).contains("typed.json: cannot read the file"));
    typed(&case, "other", "7.0");
    assert!(
        case.assert_fails(&by_hand)
            .contains("it was read while other ran, and says nothing about tiny")
    );
    typed(&case, "tiny", "-7.0");
    assert!(case.assert_fails(&by_hand).contains("must be above 0"));
    // The name of the same crate, but another binary.
    typed(&case, "tiny", "7.0");
    let reading = fs::read_to_string(case.path("typed.json")).unwrap();
    case.write(
        "typed.json",
        &reading.replace("\"idle_w\"", "\"binary_sha256\":\"5a5a\",\"idle_w\""),
    );
    assert!(case.assert_fails(&by_hand).contains("it was read while the binary 5a5a of tiny ran"));
    typed(&case, "tiny", "7.0");
    assert!(
        case.assert_fails(&["--nvml-library", "x.so"])
            .contains("is for boards with the meter nvml")
    );
    assert!(
        case.assert_fails(&by_hand[2..])
            .contains("is for boards with the meter manual, but that of host is rapl")
    );
    let unread = ["--board", "b.json", "--require-energy"];
    assert!(error_of(&case.measure(&unread)).contains("--manual-json"));
}

/// Runs `measure run` on a terminal at which this is typed; returns whether it succeeds, and its
/// output.
fn at_a_terminal(case: &Case, typed: &str) -> (bool, String) {
    let measure = case.command(&["--board", "b.json"]);
    let words: Vec<String> =
        measure.get_args().map(|word| format!("'{}'", word.to_string_lossy())).collect();
    let line = format!("'{}' {}", measure.get_program().to_string_lossy(), words.join(" "));
    // `script` gives the program a terminal and types on it what comes through this pipe.
    let mut script = Command::new("script");
    script.current_dir(case.path("")).args(["-q", "-e", "-f", "-c", &line, "/dev/null"]);
    script.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut script = script.spawn().unwrap();
    script.stdin.as_mut().unwrap().write_all(typed.as_bytes()).unwrap();
    let output = script.wait_with_output().unwrap();
    (output.status.success(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn readings_of_a_display_are_asked_for_on_a_terminal() {
    let Some(_) = tool("script", "questions on a terminal") else { return };
    let case = Case::new([1, 1, 1]);
    case.board(BY_HAND);
    let (done, said) = at_a_terminal(&case, "Kill-A-Watt P4400\nAda\n0.1\nfour\n4.0\n7.0\n60\n");
    assert!(
        done && said.contains("Watts now, while nothing runs?")
            && said.contains("\"four\" is not a number"),
        "{said}"
    );
    let record = case.record();
    let reading = record.energy.manual.unwrap();
    assert_eq!(
        (reading.name.as_str(), reading.read_by.as_str(), reading.meter.as_str()),
        ("tiny", "Ada", "Kill-A-Watt P4400")
    );
    assert_eq!(
        (reading.idle_w, reading.load_w, reading.duration_s, reading.resolution_w),
        (4.0, 7.0, 60.0, 0.1)
    );
    assert_eq!(
        (record.energy.status, reading.binary_sha256),
        (EnergyStatus::Measured, Some(record.ran.binary_sha256))
    );
    // No answer, or no terminal.
    let (done, said) = at_a_terminal(&case, "\n");
    assert!(
        done && said.contains("unavailable: nobody typed what the board's meter shows"),
        "{said}"
    );
    let record = case.measures(&["--board", "b.json"]);
    assert_eq!(record.energy.status, EnergyStatus::Unavailable);
    assert!(
        record
            .energy
            .reason
            .unwrap()
            .contains("measure on a terminal, to be asked what it shows, or give that with")
    );
}
