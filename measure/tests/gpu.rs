//! Measurements of an NVIDIA GPU, with a substitute for the driver's library that the test builds.

mod support;

use common::measurement::{Communication, EnergyStatus, Measurement, Window};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::{Case, assert_succeeds, program, text, windows};

/// Builds a driver's library with one GPU. `energy` and `power` are C expressions for the return
/// codes of the two readings: 0 for a value, 3 for "not supported", 15 for "GPU is lost".
fn library(case: &Case, energy: &str, power: &str) -> PathBuf {
    let library = case.path("libnvml.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/nvml.c");
    let compiled = Command::new("cc")
        .args(["-shared", "-fPIC", "-w"])
        .args([format!("-DENERGY={energy}"), format!("-DPOWER={power}")])
        .arg("-o")
        .args([&library, &source])
        .status();
    assert!(compiled.expect("install a C compiler").success());
    library
}

const GPU: &str = r#""target":null,"runner":"local","meter":"nvml""#;

fn measure_gpu(case: &Case, energy: &str, power: &str) -> Measurement {
    let library = library(case, energy, power);
    case.measures(&["--board", "b.json", "--nvml-library", text(&library)])
}

#[test]
fn the_energy_counter_of_a_gpu_is_read() {
    let case = Case::doing(&windows([1, 1, 1], "sh sleep 0.05"));
    case.board(GPU);
    let record = measure_gpu(&case, "0", "3");
    // 0.6 J from one reading to the next, in windows of 100, 200 and 300 inferences.
    let counter = &record.windows[0].counters[0];
    assert_eq!((counter.name.as_str(), counter.unit_j, counter.range), ("GPU 0, T", 1e-3, None));
    assert_eq!((counter.end - counter.start) % 600, 0);
    let gross = record.energy.gross_j.unwrap();
    let power = |w: &Window| w.joules.unwrap() / (w.t1_s - w.t0_s);
    let mut all: Vec<f64> =
        record.windows.iter().map(|w| power(w) * w.seconds / w.inferences as f64).collect();
    all.sort_by(f64::total_cmp);
    assert!((gross / all[1] - 1.0).abs() < 1e-9, "{gross}");
    assert!(record.energy.idle_before_w.unwrap() > 0.0);
    assert_eq!(
        record.windows[0].under_100_ticks,
        Some(true),
        "drivers have a new value every 0.1 s"
    );
}

#[test]
fn the_power_of_a_gpu_without_energy_counter_is_integrated() {
    let case = Case::doing(&windows([1, 1, 1], "sh sleep 0.05"));
    case.board(GPU);
    let record = measure_gpu(&case, "3", "0");
    for window in &record.windows {
        let watts = window.joules.unwrap() / (window.t1_s - window.t0_s);
        assert!((watts / 2.0 - 1.0).abs() < 0.01, "2 W, not {watts}");
    }
    // 2 W idle, 2 W under load: only rounding is left.
    let (gross, net) = (record.energy.gross_j.unwrap(), record.energy.net_j.unwrap_or(0.0));
    assert!(net < 0.01 * gross, "{net} of {gross}");
}

#[test]
fn a_gpu_without_readings_points_to_another_meter() {
    let case = Case::new([1, 1, 1]);
    case.board(GPU);
    let library = library(&case, "3", "3");
    let library = text(&library);
    let nvml = ["--board", "b.json", "--nvml-library", library];
    let record = case.measures(&nvml);
    assert_eq!(record.energy.status, EnergyStatus::Unavailable);
    assert!(
        record
            .energy
            .reason
            .unwrap()
            .contains("as on Jetson boards, whose power sensor is read with the meter hwmon")
    );
    fs::remove_file(case.path("record.json")).unwrap();
    case.board(&format!(r#"{GPU},"gpu":1"#));
    assert!(
        case.assert_fails(&[&nvml[..], &["--require-energy"]].concat())
            .contains("there is no GPU 1")
    );
    let missing = ["--board", "b.json", "--nvml-library", "none.so", "--require-energy"];
    assert!(case.assert_fails(&missing).contains("is NVIDIA's driver installed?"));
    let output = program().args(["boards", "--nvml-library", library]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("meter  nvml     yes GPU 0, T; tried with a stand-in"), "{said}");
}

#[test]
fn a_gpu_that_falls_off_the_bus_is_invalid() {
    let case = Case::doing(&windows([1, 1, 1], "sh sleep 0.05"));
    case.board(GPU);
    // The GPU answers when it is opened and for the first idle reading, but not afterwards.
    let record = measure_gpu(&case, "readings > 3 ? 15 : 0", "3");
    assert_eq!((record.energy.status, record.energy.gross_j), (EnergyStatus::Invalid, None));
    assert!(record.energy.reason.unwrap().contains("GPU 0 is gone"));
}

/// A script of three windows of a GPU's `bench`, each long enough to be sampled, with the times of
/// copying and computing.
fn gpu_windows() -> String {
    let parts = r#""p99_s":0.75,"communication":{"h2d_s":3e-6,"kernel_s":2e-3,"d2h_s":1e-6}}"#;
    let script = windows([3, 3, 3], "sh sleep 0.5").replace(r#""p99_s":0.75}"#, parts);
    format!("sh echo $PPID >pid; echo $CUDA_DEVICE_ORDER $CUDA_VISIBLE_DEVICES >visible\n{script}")
}

#[test]
fn the_times_of_copying_and_computing_and_the_gpus_clocks_are_in_the_record() {
    let case = Case::doing(&gpu_windows());
    case.board(GPU);
    let library = library(&case, "0", "3");
    let nvml = ["--board", "b.json", "--nvml-library", text(&library)];
    let output = case.measure(&nvml);
    assert_succeeds(&output);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("copy to the device 3.00 us, kernels 2.00 ms, copy back 1.00 us"),
        "{said}"
    );
    assert!(!said.contains("note "), "{said}");
    let record = case.record();
    let parts = Communication { h2d_s: 3e-6, kernel_s: 2e-3, d2h_s: 1e-6 };
    assert!(
        record.communication == Some(parts)
            && record.windows.iter().all(|w| w.communication == Some(parts))
    );
    let gpu = record.gpu.unwrap();
    assert_eq!((gpu.name.as_str(), gpu.driver.value.as_deref()), ("GPU 0, T", Some("580.95")));
    assert_eq!(
        (gpu.sm_clock_hz.value, gpu.memory_clock_hz.value),
        (Some([1.5e9; 2]), Some([2.6e9; 2]))
    );
    assert_eq!((gpu.temperature_c.value, gpu.throttled.value), (Some([51.0; 2]), Some(vec![])));
    assert_eq!(gpu.other_processes.value, Some(vec![]), "the crate's own process is no other one");
    let visible = fs::read_to_string(case.path("visible")).unwrap();
    assert_eq!(visible, "PCI_BUS_ID 0\n", "it runs on the GPU that is measured");
}

#[test]
fn throttled_clocks_and_other_processes_are_reported() {
    let case = Case::doing(&gpu_windows());
    case.board(GPU);
    case.write("busy", "");
    let library = library(&case, "0", "3");
    let output = case.measure(&["--board", "b.json", "--nvml-library", text(&library)]);
    assert_succeeds(&output);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("note     the GPU's clocks were held back: SW_POWER_CAP\n"), "{said}");
    assert!(said.contains("note     other processes were on the GPU: python3 (4242)\n"), "{said}");
    let output = program()
        .current_dir(case.path(""))
        .args(["compare", "record.json", "record.json"])
        .output()
        .unwrap();
    let compared = String::from_utf8(output.stdout).unwrap();
    for part in ["kernels", "copying to the device", "copying back"] {
        assert!(
            compared.contains(&format!("speedup, {part}: 1.000 x, no interval: 3 windows")),
            "{compared}"
        );
    }
    assert!(
        compared.contains("note: tiny: other processes were on the GPU: python3 (4242)"),
        "{compared}"
    );
    let gpu = case.record().gpu.unwrap();
    assert_eq!(gpu.throttled.value, Some(vec!["SW_POWER_CAP".to_string()]));
    assert_eq!(gpu.other_processes.value.unwrap()[0].pid, 4242);
}
