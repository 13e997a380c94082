//! The `measure` program from outside, on a small crate that is really built and whose `bench` prints what it is told.

use common::hash::sha256_hex;
use common::json;
use common::manifest::Manifest;
use common::measurement::{EnergyStatus, Measurement, Protocol};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// Prints a file, line by line as its crate's `bench` would.
const BENCH: &str = r#"
fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    assert_eq!(args, ["--windows", "3", "--window-s", "0.5", "--warmup-s", "0.25"]);
    print!("{}", include_str!("../output.jsonl"));
}
"#;
const PROFILE: &str = r#"{"schema":"neuropower/profile/1",
    "measurement":{"idle_s":0.01,"warmup_s":0.25,"windows":3,"window_s":0.5}}"#;

/// A crate, a profile, a place for the record, and a fake `/sys`.
struct Case(TempDir);

impl Case {
    /// A crate whose `bench` measures three windows with these medians, in milliseconds.
    fn new(p50_ms: [u32; 3]) -> Case {
        let mut output = String::from(
            r#"{"schema":"neuropower/bench/1","event":"ready","name":"tiny","kernels":"scalar","target":"x86_64-unknown-linux-gnu","threads":1,"batch":1}"#,
        );
        for (index, p50) in p50_ms.into_iter().enumerate() {
            let number = index + 1;
            output += &format!(
                r#"
{{"schema":"neuropower/bench/1","event":"start","window":{number}}}
{{"schema":"neuropower/bench/1","event":"window","window":{number},"inferences":{number}00,"seconds":0.5,"p50_s":{p50}e-3,"p90_s":0.5,"p99_s":0.75}}"#
            );
        }
        Case::printing(&(output + "\n"))
    }

    /// A crate whose `bench` prints this.
    fn printing(output: &str) -> Case {
        let case = Case(tempfile::tempdir().unwrap());
        let manifest = Manifest {
            name: "tiny".into(),
            platform: "x86_64".into(),
            network_sha256: sha256_hex(b"network"),
            weights_sha256: sha256_hex(b"weights"),
            parameters: 1,
            macs: 1,
            weights_bytes: 4,
            arena_bytes: 4,
            arena_lower_bound_bytes: 4,
            layers: vec![],
        };
        json::write(&case.path("crate/manifest.json"), &manifest).unwrap();
        case.write(
            "crate/Cargo.toml",
            "[package]\nname = \"tiny\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[workspace]\n",
        );
        case.write("crate/src/bin/bench.rs", &BENCH.replace("../output", "../../output"));
        case.write("crate/output.jsonl", output);
        case.write("profile.json", PROFILE);
        fs::create_dir(case.path("sys")).unwrap();
        case
    }

    fn path(&self, relative: &str) -> PathBuf {
        self.0.path().join(relative)
    }

    fn write(&self, relative: &str, text: &str) {
        fs::create_dir_all(self.path(relative).parent().unwrap()).unwrap();
        fs::write(self.path(relative), text).unwrap();
    }

    /// Runs `measure run` in a folder that has no `pipelines`.
    fn measure(&self, more: &[&str]) -> Output {
        self.measure_to("record.json", more)
    }

    fn measure_to(&self, out: &str, more: &[&str]) -> Output {
        let board = if more.contains(&"--board") { &[][..] } else { &["--board", "host"] };
        let paths = ["--crate", "crate", "--out", out, "--config", "profile.json", "--sysfs-root", "sys"];
        program().current_dir(self.0.path()).arg("run").args(paths).args(board).args(more).output().unwrap()
    }

    fn record(&self) -> Measurement {
        json::read(&self.path("record.json")).unwrap()
    }

    /// That the program failed with one line, which this returns, and wrote nothing.
    fn assert_fails(&self, more: &[&str]) -> String {
        let output = self.measure(more);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(output.stdout.is_empty() && !self.path("record.json").exists());
        let stderr = String::from_utf8(output.stderr).unwrap();
        let errors: Vec<&str> = stderr.lines().filter(|line| line.starts_with("error: ")).collect();
        assert_eq!(errors.len(), 1, "{stderr}");
        assert_eq!(stderr.lines().last(), Some(errors[0]), "the error is the last line");
        errors[0].to_string()
    }
}

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_measure"));
    // A caller's own target folder must not lead the crate's build away.
    command.env("CARGO_TARGET_DIR", "elsewhere");
    command
}

fn assert_succeeds(output: &Output) {
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn without_a_meter_latency_is_measured_and_energy_says_why_not() {
    let case = Case::new([4, 2, 3]);
    let output = case.measure(&[]);
    assert_succeeds(&output);
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "record.json\n");
    assert!(String::from_utf8(output.stderr).unwrap().contains("3.00 ms (95 % 2.00 ms to 4.00 ms)"));
    let record = case.record();
    assert_eq!((record.latency.p50_s, record.latency.p50_interval_s), (0.003, [0.002, 0.004]));
    assert_eq!((record.latency.p90_s, record.latency.p99_s), (0.5, 0.75));
    assert_eq!(record.windows.iter().map(|w| w.inferences).collect::<Vec<_>>(), [100, 200, 300]);
    assert_eq!((record.protocol, record.board.as_str()), (Protocol::Short, "host"));
    let energy = &record.energy;
    assert_eq!((energy.status, energy.gross_j, energy.net_j), (EnergyStatus::Unavailable, None, None));
    assert!(energy.reason.as_ref().unwrap().contains("no RAPL counters"));
    assert!(record.windows.iter().all(|w| w.joules.is_none() && w.counters.is_empty()));
    assert_eq!((&record.idle_before, &record.idle_after), (&None, &None));
    assert!(record.host.governor.value.is_none() && record.host.governor.reason.is_some());
    // As text too: a reader in another language must find `null`, not 0.
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
    assert_eq!((first.weights_sha256.as_str(), first.name.as_str()), (sha256_hex(b"weights").as_str(), "tiny"));
    assert!(first.rustc.starts_with("rustc 1."), "{}", first.rustc);
    assert_eq!((first.target.as_str(), first.kernels.as_str()), ("x86_64-unknown-linux-gnu", "scalar"));
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
    case.write("sys/class/powercap/intel-rapl:0/name", "package-0\n");
    case.write("sys/class/powercap/intel-rapl:0/energy_uj", "7\n");
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
    assert!(Case::printing("Segmentation fault\n").assert_fails(&[]).contains("\"Segmentation fault\""));
    assert!(Case::printing("").assert_fails(&[]).contains("bench ended before its warm-up"));
    let other_profile = Case::new([1, 1, 1]);
    other_profile.write("profile.json", &PROFILE.replace("0.25", "0.125"));
    assert!(other_profile.assert_fails(&[]).contains("panicked at"), "bench's own words are shown");
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
    assert!(error.contains("no board \"raspberry\"; known boards: host"), "{error}");
    assert!(case.assert_fails(&["--board", "./none.json"]).contains("./none.json: cannot read the file"));
    let board = |platform: &str| {
        format!(
            r#"{{"schema":"neuropower/board/1","name":"b","about":"","platform":"{platform}","target":null,"runner":"local","meter":"none"}}"#
        )
    };
    case.write("b.json", &board("cortex-m"));
    let error = case.assert_fails(&["--board", "b.json"]);
    assert!(error.contains("generated for the platform x86_64") && error.contains("cortex-m"), "{error}");
    case.write("b.json", &board("x86_64"));
    let manifest = fs::read_to_string(case.path("crate/manifest.json")).unwrap();
    case.write("crate/manifest.json", &manifest.replace("x86_64", "onnx"));
    let error = case.assert_fails(&["--board", "b.json"]);
    assert!(error.contains("ONNX model") && error.contains("--platform x86_64"), "{error}");
    case.write("crate/manifest.json", &manifest);
    for (out, expected) in [("sys", "this is a folder"), ("b.json/record.json", "part of its path is a file")] {
        let output = case.measure_to(out, &[]);
        assert_eq!(output.status.code(), Some(1));
        assert!(String::from_utf8(output.stderr).unwrap().contains(expected));
    }
    assert!(case.assert_fails(&["--board", "b.json", "--require-energy"]).contains("meter is `none`"));
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
        let output = program().current_dir(case.0.path()).args(["boards", "--sysfs-root"]).arg(sysfs).output().unwrap();
        assert_succeeds(&output);
        json::parse::<common::board::KnownBoards>(&String::from_utf8(output.stdout).unwrap()).unwrap()
    };
    let known = list(&case.path("sys"));
    assert_eq!(known.boards.iter().map(|board| board.name.as_str()).collect::<Vec<_>>(), ["host"]);
    assert!(!known.meters[0].usable && known.meters[0].reason.as_ref().unwrap().contains("no RAPL counters"));
    assert!(known.meters[1].usable);
    case.write("sys/class/powercap/intel-rapl:0/name", "package-0\n");
    case.write("sys/class/powercap/intel-rapl:0/energy_uj", "7\n");
    let meter = &list(&case.path("sys")).meters[0];
    assert_eq!((meter.usable, meter.counters.as_slice(), &meter.reason), (true, &["package-0".to_string()][..], &None));
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
    let compare = |args: &[&str]| program().current_dir(case.0.path()).arg("compare").args(args).output().unwrap();
    let shown = |args: &[&str]| {
        let output = compare(args);
        assert_succeeds(&output);
        String::from_utf8(output.stdout).unwrap()
    };
    let text = shown(&["slow.json", "quick.json"]);
    assert!(text.starts_with("baseline: tiny on host") && text.contains("speedup: 4.000 x (95 % "), "{text}");
    assert!(text.contains(": faster") && text.contains("net: not known: tiny: ") && text.contains("short protocol"));
    let text = shown(&["slow.json", "quick.json", "--baseline", "quick"]);
    assert!(text.starts_with("baseline: quick on host") && text.contains("speedup: 0.250 x"), "{text}");
    assert!(shown(&["slow.json", "slow.json"]).contains("within noise"));
    assert!(shown(&["record.json", "quick.json"]).contains("no interval: 3 windows"));
    for (args, expected) in [
        (&["slow.json", "quick.json", "--baseline", "resnet-110"][..], "no record is of \"resnet-110\""),
        (&["slow.json", "slow.json", "--baseline", "tiny"], "2 records are of \"tiny\""),
        (&["slow.json", "none.json"], "none.json: cannot read the file"),
    ] {
        let output = compare(args);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.contains(expected), "{stderr}");
    }
    assert_eq!(compare(&["slow.json"]).status.code(), Some(2));
}

#[test]
fn wrong_usage_is_2_and_help_has_an_example() {
    let of = |args: &[&str]| program().args(args).output().unwrap();
    assert_eq!(of(&["run", "--board", "host"]).status.code(), Some(2));
    assert_eq!(of(&[]).status.code(), Some(2));
    for command in [&["--help"][..], &["run", "--help"], &["boards", "--help"], &["compare", "--help"]] {
        assert!(String::from_utf8(of(command).stdout).unwrap().contains("Example: measure "));
    }
}
