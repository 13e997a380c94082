//! Tests of the `measure` program on a small crate that is really built and whose `bench` follows a
//! script.

mod support;

use common::board::KnownBoards;
use common::files::hash::sha256_hex;
use common::files::json;
use common::measurement::{EnergyStatus, Protocol};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use support::{
    CRASH, Case, PROFILE, WAIT, assert_ends_with, assert_succeeds, error_of, package, program,
    ready, signal, start, wait_until, windows,
};

#[test]
fn without_a_meter_latency_is_measured_and_energy_says_why_not() {
    let case = Case::new([4, 2, 3]);
    let output = case.measure(&[]);
    assert_succeeds(&output);
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "record.json\n");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("3.00 ms (95 % 2.00 ms to 4.00 ms), p90 500 ms (95 % 500 ms to 500 ms)"),
        "{said}"
    );
    let record = case.record();
    assert_eq!((record.latency.p50_s, record.latency.p50_interval_s), (0.003, [0.002, 0.004]));
    assert_eq!((record.latency.p90_s, record.latency.p99_s), (0.5, 0.75));
    assert_eq!(record.windows.iter().map(|w| w.inferences).collect::<Vec<_>>(), [100, 200, 300]);
    assert_eq!((record.protocol, record.board.as_str()), (Protocol::Short, "host"));
    let energy = &record.energy;
    assert_eq!(
        (energy.status, energy.gross_j, energy.net_j),
        (EnergyStatus::Unavailable, None, None)
    );
    assert!(energy.reason.as_ref().unwrap().contains("no RAPL counters"));
    assert!(record.windows.iter().all(|w| w.joules.is_none() && w.counters.is_empty()));
    assert_eq!((&record.idle_before, &record.idle_after), (&None, &None));
    assert!(record.host.governor.value.is_none() && record.host.governor.reason.is_some());
    // In the text, too: a reader in another language must find `null`, not 0.
    let text = fs::read_to_string(case.path("record.json")).unwrap();
    assert!(text.contains("\"gross_j\": null") && text.contains("\"status\": \"unavailable\""));
}

#[test]
fn what_ran_is_recorded_and_the_same_crate_has_the_same_hash() {
    let case = Case::new([1, 1, 1]);
    assert_succeeds(&case.measure(&[]));
    let first = case.record().ran;
    let program = fs::read(case.path("crate/target/release/bench")).unwrap();
    assert_eq!(first.binary_sha256, sha256_hex(&program));
    assert_eq!(
        (first.weights_sha256.as_str(), first.name.as_str()),
        (sha256_hex(b"weights").as_str(), "tiny")
    );
    assert!(first.rustc.starts_with("rustc 1."), "{}", first.rustc);
    assert_eq!(
        (first.target.as_str(), first.kernels.as_str()),
        ("x86_64-unknown-linux-gnu", "scalar")
    );
    assert_succeeds(&case.measure(&[]));
    assert_eq!(case.record().ran, first);
    case.write("crate/README.md", "changed");
    assert_succeeds(&case.measure(&[]));
    assert_ne!(case.record().ran.crate_sha256, first.crate_sha256);
}

#[test]
fn required_energy_that_cannot_be_read_fails_before_anything_is_built() {
    let case = Case::new([1, 1, 1]);
    assert!(case.assert_fails(&["--require-energy"]).contains("no RAPL counters"));
    case.write("sys/class/powercap/intel-rapl:0/name", "package-0\n");
    fs::create_dir(case.path("sys/class/powercap/intel-rapl:0/energy_uj")).unwrap();
    let error = case.assert_fails(&["--require-energy"]);
    assert!(error.contains("chmod a+r") && error.contains("udev"), "{error}");
    assert!(!case.path("crate/target").exists());
}

#[test]
fn a_counter_that_stands_still_is_invalid_and_not_0() {
    let case = Case::new([1, 1, 1]);
    package(&case, 7);
    assert!(case.assert_fails(&["--require-energy"]).contains("was not measured"));
    assert_succeeds(&case.measure(&[]));
    let record = case.record();
    let energy = &record.energy;
    assert_eq!((energy.status, energy.gross_j, energy.net_j), (EnergyStatus::Invalid, None, None));
    assert!(energy.reason.as_ref().unwrap().contains("stood still"));
    let counter = &record.windows[0].counters[0];
    assert_eq!((counter.name.as_str(), counter.start, counter.end), ("package-0", 7, 7));
    assert!(record.idle_before.is_some() && record.idle_after.is_some());
}

#[test]
fn a_bench_that_misbehaves_fails_and_nothing_is_written() {
    assert!(
        Case::doing("Segmentation fault\n").assert_fails(&[]).contains("\"Segmentation fault\"")
    );
    assert!(Case::doing("").assert_fails(&[]).contains("bench ended before its warm-up"));
    let crash = Case::doing(&format!("{}\n{}\n{CRASH}\n", ready(), start(1)));
    let error = crash.assert_fails(&[]);
    assert!(error.contains("bench ended before the end of window 1 (signal: 9"), "{error}");
    let other_profile = Case::new([1, 1, 1]);
    other_profile.write("profile.json", &PROFILE.replace("0.25", "0.125"));
    assert!(other_profile.assert_fails(&[]).contains("panicked at"), "bench's own words are shown");
}

#[test]
fn a_board_whose_clock_is_wrong_gives_no_number() {
    // `bench` reports that three windows took 300 s.
    let fast = windows([1, 1, 1], "").replace("SECONDS", "100.0");
    let error = Case::doing(&fast).assert_fails(&[]);
    assert!(
        error.contains("its windows took 300.000 s, but only")
            && error.contains("since it was started"),
        "{error}"
    );
    assert!(
        error.contains("the board's clock was set meanwhile or runs at another speed"),
        "{error}"
    );
    // The clock was set back within a window.
    let back = windows([1, 1, 1], "").replace("SECONDS", "-0.5");
    assert!(
        Case::doing(&back)
            .assert_fails(&[])
            .contains("bench's times of window 1 cannot be right: -0.5 s")
    );
}

#[test]
fn an_interrupted_measurement_leaves_nothing_behind() {
    let case = Case::doing(&format!(
        "{}\n{}\nsh echo $PPID >pid; mv pid ran\n{WAIT}\n",
        ready(),
        start(1)
    ));
    let measure = case.command(&[]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_until("bench does not run", || case.path("ran").exists());
    assert_ends_with(measure, &case.path("ran"));
    assert!(!case.path("record.json").exists());
}

/// As with `nohup`.
#[test]
fn a_signal_that_was_ignored_from_the_start_stays_ignored() {
    let pause = "sh touch ran; while [ ! -e go ] && kill -0 $PPID; do sleep 0.1; done 2>/dev/null";
    let case = Case::doing(&windows([1, 1, 1], pause));
    let mut shell = Command::new("sh");
    let measure = case.command(&[]);
    shell
        .args(["-c", "trap '' HUP; exec \"$@\"", "sh"])
        .arg(measure.get_program())
        .args(measure.get_args());
    shell
        .current_dir(measure.get_current_dir().unwrap())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let hang_up = |command: &mut Command| {
        let measure = command.spawn().unwrap();
        wait_until("bench does not run", || case.path("ran").exists());
        signal("HUP", &measure);
        measure
    };
    let measure = hang_up(&mut shell);
    case.write("go", "");
    assert_succeeds(&measure.wait_with_output().unwrap());
    for file in ["ran", "go"] {
        fs::remove_file(case.path(file)).unwrap();
    }
    let measure = hang_up(case.command(&[]).stdout(Stdio::piped()).stderr(Stdio::piped()));
    assert!(
        error_of(&measure.wait_with_output().unwrap()).contains("interrupted; nothing was written")
    );
}

/// No build goes on in a folder that the next run needs.
#[test]
fn a_build_ends_with_the_measurement() {
    let case = Case::new([1, 1, 1]);
    case.write_program("cargo", "echo $$ >\"$0.pid\"; mv \"$0.pid\" \"$0.ran\"; exec sleep 100");
    let mut command = case.command(&[]);
    let measure = command.env("CARGO", case.path("cargo")).stderr(Stdio::piped()).spawn().unwrap();
    wait_until("cargo does not run", || case.path("cargo.ran").exists());
    assert_ends_with(measure, &case.path("cargo.ran"));
}

#[test]
fn a_crate_that_does_not_build_fails_with_the_end_of_cargos_output() {
    let case = Case::new([1, 1, 1]);
    case.write("crate/src/bin/bench.rs", "fn main() { no_such_function() }");
    let error = case.assert_fails(&[]);
    assert!(error.contains("does not build") && error.contains("no_such_function"), "{error}");
}

#[test]
fn a_program_that_an_earlier_crate_left_is_not_measured() {
    let case = Case::new([1, 1, 1]);
    assert_succeeds(&case.measure(&[]));
    fs::remove_file(case.path("record.json")).unwrap();
    fs::remove_dir_all(case.path("crate/src/bin")).unwrap();
    case.write("crate/src/lib.rs", "");
    assert!(case.path("crate/target/release/bench").exists());
    assert!(case.assert_fails(&[]).contains("no bin target named `bench`"));
}

#[test]
fn arguments_that_do_not_fit_together_fail() {
    let case = Case::new([1, 1, 1]);
    let error = case.assert_fails(&["--board", "raspberry"]);
    assert!(
        error.contains("no board \"raspberry\"; known boards: host, jetson-orin-nano"),
        "{error}"
    );
    assert!(
        case.assert_fails(&["--board", "./none.json"])
            .contains("./none.json: cannot read the file")
    );
    let local = r#""target":null,"runner":"local","meter":"none""#;
    case.board(local);
    case.write(
        "b.json",
        &fs::read_to_string(case.path("b.json")).unwrap().replace("x86_64", "cortex-m"),
    );
    let error = case.assert_fails(&["--board", "b.json"]);
    assert!(
        error.contains("generated for the platform x86_64") && error.contains("cortex-m"),
        "{error}"
    );
    case.board(local);
    let manifest = fs::read_to_string(case.path("crate/manifest.json")).unwrap();
    case.write("crate/manifest.json", &manifest.replace("x86_64", "onnx"));
    let error = case.assert_fails(&["--board", "b.json"]);
    assert!(error.contains("ONNX model") && error.contains("--platform x86_64"), "{error}");
    case.write("crate/manifest.json", &manifest);
    for (out, expected) in
        [("sys", "this is a folder"), ("b.json/record.json", "part of its path is a file")]
    {
        assert!(error_of(&case.measure(&["--out", out])).contains(expected));
    }
    assert!(
        case.assert_fails(&["--board", "b.json", "--require-energy"]).contains("meter is `none`")
    );
    assert!(!case.path("crate/target").exists(), "nothing was built in vain");
    assert_succeeds(&case.measure(&["--board", "b.json"]));
    assert_eq!(case.record().energy.meter, "none");
    fs::remove_file(case.path("crate/manifest.json")).unwrap();
    fs::remove_file(case.path("record.json")).unwrap();
    assert!(case.assert_fails(&[]).contains("manifest.json: cannot read the file"));
}

#[test]
fn boards_are_listed_with_the_meters_of_this_machine() {
    let case = Case::new([1, 1, 1]);
    let list = |sysfs: &Path| {
        let output = program()
            .current_dir(case.path(""))
            .args(["boards", "--sysfs-root"])
            .arg(sysfs)
            .output()
            .unwrap();
        assert_succeeds(&output);
        json::parse::<KnownBoards>(&String::from_utf8(output.stdout).unwrap()).unwrap()
    };
    let known = list(&case.path("sys"));
    assert!(known.boards.iter().any(|board| board.name == "raspberry-pi-4"));
    assert!(
        !known.meters[0].usable
            && known.meters[0].reason.as_ref().unwrap().contains("no RAPL counters")
    );
    assert!(known.meters.last().unwrap().usable);
    package(&case, 7);
    let meter = &list(&case.path("sys")).meters[0];
    assert_eq!(
        (meter.usable, meter.counters.as_slice(), &meter.reason),
        (true, &["package-0".to_string()][..], &None)
    );
}

#[test]
fn records_are_compared_with_the_first_or_a_named_baseline() {
    let case = Case::new([4, 2, 3]);
    assert_succeeds(&case.measure(&[]));
    let mut record = case.record();
    record.windows = [4e-3, 4.1e-3, 3.9e-3, 4e-3, 4e-3]
        .map(|p50_s| common::measurement::Window { p50_s, ..record.windows[0].clone() })
        .to_vec();
    json::write(&case.path("slow.json"), &record).unwrap();
    record.ran.name = "quick".into();
    record.windows.iter_mut().for_each(|window| window.p50_s /= 4.0);
    json::write(&case.path("quick.json"), &record).unwrap();
    let compare = |args: &[&str]| {
        program().current_dir(case.path("")).arg("compare").args(args).output().unwrap()
    };
    let shown = |args: &[&str]| {
        let output = compare(args);
        assert_succeeds(&output);
        String::from_utf8(output.stdout).unwrap()
    };
    let text = shown(&["slow.json", "quick.json"]);
    assert!(
        text.starts_with("baseline: tiny on host") && text.contains("speedup: 4.000 x (95 % "),
        "{text}"
    );
    assert!(
        text.contains(": faster")
            && text.contains("net: not known: tiny: ")
            && text.contains("short protocol")
    );
    let text = shown(&["slow.json", "quick.json", "--baseline", "quick"]);
    assert!(
        text.starts_with("baseline: quick on host") && text.contains("speedup: 0.250 x"),
        "{text}"
    );
    assert!(shown(&["slow.json", "slow.json"]).contains("within noise"));
    assert!(shown(&["record.json", "quick.json"]).contains("no interval: 3 windows"));
    for (args, expected) in [
        (
            &["slow.json", "quick.json", "--baseline", "resnet-110"][..],
            "no record is of \"resnet-110\"",
        ),
        (&["slow.json", "slow.json", "--baseline", "tiny"], "2 records are of \"tiny\""),
        (&["slow.json", "none.json"], "none.json: cannot read the file"),
    ] {
        let output = compare(args);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.contains(expected), "{stderr}");
    }
    assert_eq!(compare(&["slow.json"]).status.code(), Some(2));
    record.emulated = true;
    json::write(&case.path("emulated.json"), &record).unwrap();
    let output = compare(&["slow.json", "emulated.json"]);
    assert!(error_of(&output).contains("host is emulated: its times are not those of a board"));
    assert!(shown(&["emulated.json", "emulated.json"]).contains("note: times of an emulator"));
}

#[test]
fn wrong_usage_is_2_and_help_has_an_example() {
    let of = |args: &[&str]| program().args(args).output().unwrap();
    assert_eq!(of(&["run", "--board", "host"]).status.code(), Some(2));
    assert_eq!(of(&[]).status.code(), Some(2));
    for command in
        [&["--help"][..], &["run", "--help"], &["boards", "--help"], &["compare", "--help"]]
    {
        assert!(String::from_utf8(of(command).stdout).unwrap().contains("Example:\n  measure "));
    }
}
