//! The overhead of measuring: the median latency of a crate's `bench` by itself and under `measure
//! run` with the most expensive meter, a sensor that is sampled ten times a second. The two
//! alternate, so that a drift affects both.

use clap::Parser;
use common::files::json;
use common::measurement::Measurement;
use common::measurement::bench_protocol::BenchEvent;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

/// Largest overhead, as a share of the latency.
const MAX_OVERHEAD: f64 = 0.01;
const WINDOWS: usize = 3;
const PROFILE: &str = r#"{"schema":"neuropower/profile/1",
    "measurement":{"idle_s":0,"warmup_s":1,"windows":3,"window_s":1}}"#;
const BOARD: &str = r#"{"schema":"neuropower/board/1","name":"bench","about":"","platform":"x86_64","target":null,
    "runner":"local","meter":"hwmon","hwmon":{"chip":"ina3221","rail":"VDD_IN"}}"#;

#[derive(Parser)]
struct Args {
    /// A generated crate.
    #[arg(long = "crate", value_name = "DIR")]
    crate_dir: PathBuf,
    /// Number of pairs of measurements.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(4..))]
    pairs: u64,
    /// Cargo passes this to every bench.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    let args = Args::parse();
    // Cargo starts benches in their package's folder.
    let root =
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("measure is a folder of the project");
    let crate_dir = root.join(&args.crate_dir);
    let folder = tempfile::tempdir().expect("a temporary folder");
    prepare(folder.path());
    // Builds the crate, too.
    measured(folder.path(), &crate_dir);
    let mut pairs: Vec<[f64; 2]> = vec![];
    for pair in 0..args.pairs {
        let mut both = [0.0; 2];
        for turn in [pair % 2, (pair + 1) % 2] {
            both[turn as usize] = match turn {
                0 => alone(folder.path(), &crate_dir),
                _ => measured(folder.path(), &crate_dir),
            };
        }
        println!("alone {:.2} us, measured {:.2} us", both[0] * 1e6, both[1] * 1e6);
        pairs.push(both);
    }
    let mut ratios: Vec<f64> = pairs.iter().map(|[alone, measured]| measured / alone).collect();
    ratios.sort_by(f64::total_cmp);
    let (ratio, count) = (median(&ratios), ratios.len());
    println!(
        "measuring adds {:+.2} % to the median latency ({count} pairs; second smallest {:+.2} %, \
         second largest {:+.2} %)",
        (ratio - 1.0) * 100.0,
        (ratios[1] - 1.0) * 100.0,
        (ratios[count - 2] - 1.0) * 100.0
    );
    if ratio < 1.0 + MAX_OVERHEAD { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn prepare(folder: &Path) {
    let sensor = folder.join("sys/class/hwmon/hwmon0");
    fs::create_dir_all(&sensor).expect("a folder");
    for (name, text) in [
        ("name", "ina3221"),
        ("in1_label", "VDD_IN"),
        ("in1_input", "5000"),
        ("curr1_input", "1000"),
    ] {
        fs::write(sensor.join(name), format!("{text}\n")).expect("a file");
    }
    fs::write(folder.join("profile.json"), PROFILE).expect("a file");
    fs::write(folder.join("bench.json"), BOARD).expect("a file");
}

/// Median of the windows' median latencies, in seconds.
fn measured(folder: &Path, crate_dir: &Path) -> f64 {
    let record = folder.join("record.json");
    let mut measure = Command::new(env!("CARGO_BIN_EXE_measure"));
    measure
        .arg("run")
        .arg("--crate")
        .arg(crate_dir)
        .arg("--out")
        .arg(&record)
        .arg("--require-energy");
    measure
        .arg("--board")
        .arg(folder.join("bench.json"))
        .arg("--config")
        .arg(folder.join("profile.json"));
    measure.arg("--sysfs-root").arg(folder.join("sys")).stdout(Stdio::null());
    let output = measure.output().expect("measure starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    json::read::<Measurement>(&record).expect("a record").latency.p50_s
}

/// The same without `measure`.
fn alone(folder: &Path, crate_dir: &Path) -> f64 {
    let events = folder.join("events.jsonl");
    let mut bench = Command::new(crate_dir.join("target/release/bench"));
    bench.args(["--windows", &WINDOWS.to_string(), "--window-s", "1", "--warmup-s", "1"]);
    let status =
        bench.stdout(File::create(&events).expect("a file")).status().expect("bench starts");
    assert!(status.success());
    let p50 = |event: BenchEvent| match event {
        BenchEvent::Window { p50_s, .. } => Some(p50_s),
        BenchEvent::Ready { .. } | BenchEvent::Start { .. } => None,
    };
    let events = json::read_lines::<BenchEvent>(&events).expect("lines of bench");
    let mut times: Vec<f64> = events.into_iter().filter_map(p50).collect();
    assert_eq!(times.len(), WINDOWS);
    times.sort_by(f64::total_cmp);
    median(&times)
}

fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2.0 }
}
