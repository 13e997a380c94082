//! Meters as the program reads them: an NVIDIA library, current sensors, a logger's file, a display.

mod support;

use common::measurement::{EnergyStatus, Measurement, Protocol};
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use support::{Case, error_of, program, text, timed_windows, windows};

/// A driver's library with one GPU. Every reading of its energy or power runs `on_reading`; `energy` and `power` are what
/// it answers to the two, as NVML's return codes: 0 for a value, 3 for "not supported", 15 for "GPU is lost".
fn library(case: &Case, energy: &str, power: &str) -> PathBuf {
    let source = format!(
        r#"
typedef void *Gpu;
static int gpu, readings;
int nvmlInit_v2(void) {{ return 0; }}
int nvmlShutdown(void) {{ return 0; }}
int nvmlDeviceGetHandleByIndex_v2(unsigned index, Gpu *device) {{ *device = &gpu; return index == 0 ? 0 : 2; }}
int nvmlDeviceGetName(Gpu device, char *name, unsigned length) {{ name[0] = 'T'; name[1] = 0; return 0; }}
int nvmlDeviceGetTotalEnergyConsumption(Gpu device, unsigned long long *millijoules) {{
    readings++;
    *millijoules = 5000000000ull + 600ull * readings;
    return {energy};
}}
int nvmlDeviceGetPowerUsage(Gpu device, unsigned *milliwatts) {{ *milliwatts = 2000; return {power}; }}
const char *nvmlErrorString(int code) {{ return "?"; }}
"#
    );
    case.write("nvml.c", &source);
    let library = case.path("libnvml.so");
    let compiled =
        Command::new("cc").args(["-shared", "-fPIC", "-w", "-o"]).arg(&library).arg(case.path("nvml.c")).status();
    assert!(compiled.expect("install a C compiler").success());
    library
}

const GPU: &str = r#""target":null,"runner":"local","meter":"nvml""#;

fn measure_gpu(case: &Case, energy: &str, power: &str) -> Measurement {
    let library = library(case, energy, power);
    case.measures(&["--board", "b.json", "--nvml-library", text(&library)])
}

#[test]
fn a_gpu_that_counts_its_energy() {
    let case = Case::doing(&timed_windows("sh sleep 0.05"));
    case.board(GPU);
    let record = measure_gpu(&case, "0", "3");
    // 0.6 J from one reading to the next, in windows of 100, 200 and 300 inferences.
    let counter = &record.windows[0].counters[0];
    assert_eq!((counter.name.as_str(), counter.unit_j, counter.range), ("GPU 0, T", 1e-3, None));
    assert_eq!((counter.end - counter.start) % 600, 0);
    let gross = record.energy.gross_j.unwrap();
    let steps = record.windows.iter().map(|w| w.joules.unwrap() / 0.6 / w.inferences as f64);
    let mut steps: Vec<f64> = steps.collect();
    steps.sort_by(f64::total_cmp);
    assert!((gross - 0.6 * steps[1]).abs() < 1e-9, "{gross}");
    assert!(record.energy.idle_before_w.unwrap() > 0.0);
    assert_eq!(record.windows[0].under_100_ticks, Some(true), "drivers have a new value every 0.1 s");
}

#[test]
fn a_gpu_that_shows_power_alone_is_summed_up() {
    let case = Case::doing(&timed_windows("sh sleep 0.05"));
    case.board(GPU);
    let record = measure_gpu(&case, "3", "0");
    for window in &record.windows {
        let watts = window.joules.unwrap() / (window.t1_s - window.t0_s);
        assert!((watts / 2.0 - 1.0).abs() < 0.01, "2 W, not {watts}");
    }
    // 2 W idle, 2 W under load: nothing is left but rounding.
    let (gross, net) = (record.energy.gross_j.unwrap(), record.energy.net_j.unwrap_or(0.0));
    assert!(net < 0.01 * gross, "{net} of {gross}");
}

#[test]
fn a_gpu_that_says_nothing_points_to_another_meter() {
    let case = Case::new([1, 1, 1]);
    case.board(GPU);
    let library = library(&case, "3", "3");
    let library = text(&library);
    let nvml = ["--board", "b.json", "--nvml-library", library];
    let record = case.measures(&nvml);
    assert_eq!(record.energy.status, EnergyStatus::Unavailable);
    assert!(
        record.energy.reason.unwrap().contains("as on Jetson boards, whose power sensor is read with the meter hwmon")
    );
    fs::remove_file(case.path("record.json")).unwrap();
    case.board(&format!(r#"{GPU},"gpu":1"#));
    assert!(case.assert_fails(&[&nvml[..], &["--require-energy"]].concat()).contains("there is no GPU 1"));
    let missing = ["--board", "b.json", "--nvml-library", "none.so", "--require-energy"];
    assert!(case.assert_fails(&missing).contains("is NVIDIA's driver installed?"));
    let output = program().args(["boards", "--nvml-library", library]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("meter  nvml     yes GPU 0, T\n"), "{said}");
}

#[test]
fn a_gpu_that_falls_off_the_bus_is_invalid() {
    let case = Case::doing(&timed_windows("sh sleep 0.05"));
    case.board(GPU);
    // It answers when it is opened and for the first idle reading, and then no more.
    let record = measure_gpu(&case, "readings > 3 ? 15 : 0", "3");
    assert_eq!((record.energy.status, record.energy.gross_j), (EnergyStatus::Invalid, None));
    assert!(record.energy.reason.unwrap().contains("GPU 0 is gone"));
}

#[test]
fn an_input_rail_is_summed_up() {
    let case = Case::doing(&timed_windows("sh sleep 0.05"));
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
    // It vanishes in a window.
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

/// Now, as a logger knows it.
fn now() -> f64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64()
}

#[test]
fn a_loggers_watts_are_matched_by_time() {
    let case = Case::doing(&timed_windows("sh sleep 0.05"));
    case.board(LOGGER);
    // An hour of 3 W, a sample a second, as if the logger had known.
    let first = now() - 60.0;
    let lines: String = (0..3600).map(|i| format!("{:.3},5.0,3\n", first + f64::from(i))).collect();
    case.write("power.csv", &format!("unix_s,volts,watts\n{lines}"));
    let csv = ["--board", "b.json", "--meter-csv", "power.csv"];
    let record = case.measures(&csv);
    for window in &record.windows {
        let joules = 3.0 * (window.t1_s - window.t0_s);
        assert!((window.joules.unwrap() / joules - 1.0).abs() < 1e-4, "{window:?}");
    }
    let log = record.energy.log.unwrap();
    assert_eq!(log.file, "power.csv");
    assert_eq!(log.sha256, common::hash::sha256_hex(&fs::read(case.path("power.csv")).unwrap()));
    // The logger dies in the first window: there is no energy, and latency is measured all the same.
    let file = case.path("power.csv");
    case.script(&windows([1, 1, 1], &format!("sh rm -f {}", file.display())));
    let record = case.measures(&csv);
    assert_eq!((record.energy.status, record.energy.gross_j), (EnergyStatus::Invalid, None));
    assert!(record.energy.reason.unwrap().contains("cannot read the power log"));
}

#[test]
fn a_log_that_cannot_be_one_is_refused_before_anything_is_built() {
    let case = Case::new([1, 1, 1]);
    case.board(LOGGER);
    let csv = ["--board", "b.json", "--meter-csv", "power.csv"];
    assert!(case.assert_fails(&csv).contains("power.csv: cannot read the power log"));
    case.write("power.csv", "5,1\n4,1\n");
    assert!(case.assert_fails(&csv).contains("power.csv: line 2: its time is not after"));
    case.write("power.csv", "1,1\n");
    assert!(case.assert_fails(&["--meter-csv", "power.csv"]).contains("is for boards with the meter csv"));
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
fn what_a_display_showed_is_widened_by_its_resolution() {
    let case = Case::new([1, 1, 1]);
    case.board(BY_HAND);
    let by_hand = ["--board", "b.json", "--manual-json", "typed.json"];
    typed(&case, "tiny", "7.0");
    let record = case.measures(&by_hand);
    // 0.5 s for 100, 200 and 300 inferences.
    let energy = &record.energy;
    let close = |a: f64, b: f64| (a / b - 1.0).abs() < 1e-9;
    assert!(close(energy.gross_j.unwrap(), 7.0 * 0.0025) && close(energy.net_j.unwrap(), 3.0 * 0.0025), "{energy:?}");
    let [low, high] = energy.net_interval_j.unwrap();
    assert!(close(low, 2.8 * 0.5 / 300.0) && close(high, 3.2 * 0.005), "{energy:?}");
    assert_eq!(energy.manual.as_ref().unwrap().read_by, "Ada");
    assert_eq!(record.windows[0].joules, Some(3.5));
    assert_eq!((&record.idle_before, record.protocol), (&None, Protocol::Short));
    typed(&case, "tiny", "4.2");
    let record = case.measures(&by_hand);
    assert_eq!((record.energy.status, record.energy.gross_j), (EnergyStatus::Invalid, None));
    assert!(record.energy.reason.unwrap().contains("three times the meter's resolution of 0.1 W"));
    assert!(record.windows[0].joules.is_none());
}

#[test]
fn what_was_read_for_another_crate_or_cannot_be_true_is_refused() {
    let case = Case::new([1, 1, 1]);
    case.board(BY_HAND);
    let by_hand = ["--board", "b.json", "--manual-json", "typed.json"];
    assert!(case.assert_fails(&by_hand).contains("typed.json: cannot read the file"));
    typed(&case, "other", "7.0");
    assert!(case.assert_fails(&by_hand).contains("it was read while other ran, and says nothing about tiny"));
    typed(&case, "tiny", "-7.0");
    assert!(case.assert_fails(&by_hand).contains("must be above 0"));
    typed(&case, "tiny", "7.0");
    assert!(case.assert_fails(&by_hand[2..]).contains("is for boards with the meter manual, but that of host is rapl"));
    let unread = ["--board", "b.json", "--require-energy"];
    assert!(error_of(&case.measure(&unread)).contains("--manual-json"));
}
