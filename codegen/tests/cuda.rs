//! Crates for GPUs, built and run on the processor, where `tests/cuda/driver.cpp` and `nvrtc.cpp`
//! take the place of the driver and of NVRTC, and their kernels compiled by the real NVRTC:
//! `make test-cuda`.

mod support;

use common::dataset::{Dataset, Split};
use common::files::json;
use common::manifest::Manifest;
use common::measurement::Communication;
use common::measurement::bench_protocol::BenchEvent;
use common::network::Network;
use common::network::activation::{Activation, PiecewiseActivation};
use common::network::reference::{class_of, logits};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use support::gpu::{build_library, source};
use support::{SWISH_RELU, Workshop, baseline, digits, failure, pruned, small, success};

/// The most registers of a kernel with which the largest block, of 512 threads, still fits.
const MAX_REGISTERS: u64 = 128;

/// Libraries in the place of the real ones, and the folder where crates are built.
struct Site {
    folder: PathBuf,
}

impl Site {
    fn new() -> Site {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/gpu-crates");
        for name in ["stubs", "driver-alone"] {
            fs::create_dir_all(folder.join(name)).unwrap();
        }
        let folder = fs::canonicalize(folder).unwrap();
        fs::copy(source("gpu.h"), folder.join("stubs/gpu.h")).unwrap();
        let driver = folder.join("stubs/libcuda.so.1");
        build_library(&["driver.cpp", "gpu.cpp"], &driver);
        build_library(&["nvrtc.cpp"], &folder.join("stubs/libnvrtc.so.12"));
        fs::copy(driver, folder.join("driver-alone/libcuda.so.1")).unwrap();
        Site { folder }
    }

    fn cargo(&self, workshop: &Workshop, arguments: &[&str]) -> Output {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(arguments).args(["--release", "--locked"]).current_dir(workshop.path("crate"));
        cargo.env("CARGO_TARGET_DIR", self.folder.join("crates")).env("RUSTFLAGS", "-Dwarnings");
        self.run(cargo, "stubs")
    }

    /// Runs a program with the libraries in a folder.
    fn program(&self, name: &str, libraries: &str, arguments: &[&str]) -> Output {
        let mut program = Command::new(self.folder.join("crates/release").join(name));
        program.args(arguments);
        self.run(program, libraries)
    }

    fn run(&self, mut command: Command, libraries: &str) -> Output {
        command
            .env("LD_LIBRARY_PATH", self.folder.join(libraries))
            .env("GPU_STUB_FOLDER", self.folder.join("stubs"));
        command.output().unwrap()
    }

    /// Generates, builds and tests a crate.
    fn make(&self, network: &Network, more: &[&str]) -> Workshop {
        let workshop = Workshop::new(network);
        success(&workshop.generate_for(
            "cuda",
            "crate",
            &[&["--name", "under-test"], more].concat(),
        ));
        success(&self.cargo(&workshop, &["build"]));
        let text = success(&self.cargo(&workshop, &["test"]));
        // The test must have run.
        assert_eq!(text.matches("test outputs_are_those_recorded").count(), 2, "{text}");
        workshop
    }

    /// Returns the source that NVRTC has compiled last.
    fn kernels(&self) -> String {
        let text = fs::read_to_string(self.folder.join("stubs/kernels.cpp")).unwrap();
        text.split_once('\n').unwrap().1.to_string()
    }
}

#[test]
#[ignore = "needs g++, and a network for cudarc: make test-cuda"]
fn crates_run_on_a_gpu_that_is_emulated() {
    let site = Site::new();
    let mut programs = Vec::new();
    let elu_sigmoid = PiecewiseActivation { left: Activation::Elu, right: Activation::Sigmoid };
    for network in [pruned(), baseline("resnet-20", 8), small([3, 8, 9], [2, 10, 5], elu_sigmoid)] {
        site.make(&network, &[]);
        programs.push(site.kernels());
    }
    let network = small([1, 8, 8], [2, 16, 3], SWISH_RELU);
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().join("digits");
    digits(&folder, &network.classes);
    let workshop = site.make(&network, &["--samples", folder.to_str().unwrap()]);
    programs.push(site.kernels());
    let manifest = Manifest::read(&workshop.path("crate")).unwrap();
    let fit = manifest.fit.unwrap();
    assert_eq!(
        fit.device_bytes,
        Some(manifest.weights_bytes + manifest.arena_bytes + 4 * (64 + 10))
    );
    assert_eq!(fit.boards, ["nvidia-gpu"]);
    classify(&site, &network, &workshop, &folder);
    programs.push(site.kernels());
    bench(&site);
    missing_libraries_are_named(&site, folder.join("t10k-images-idx3-ubyte").to_str().unwrap());
    wrong_weights_are_noticed(&site, &workshop);
    compile(&site, &programs);
}

fn classify(site: &Site, network: &Network, workshop: &Workshop, folder: &Path) {
    let file = folder.join("t10k-images-idx3-ubyte");
    let arguments = [file.to_str().unwrap(), "--offset", "5", "--limit", "3"];
    let text = success(&site.program("classify", "stubs", &arguments));
    let images = Dataset::load(folder, Split::Test).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 3);
    for (line, index) in lines.iter().zip(5..) {
        let image: Vec<f32> =
            images.image(index).iter().map(|pixel| network.input.normalise(0, *pixel)).collect();
        let want = logits(network, &workshop.weights, &image).unwrap();
        assert_eq!((&line["index"], &line["class"]), (&index.into(), &class_of(&want).into()));
        let got: Vec<f64> = line["logits"]
            .as_array()
            .unwrap()
            .iter()
            .map(|logit| logit.as_f64().unwrap())
            .collect();
        assert_eq!(got.len(), want.len());
        assert!(
            got.iter().zip(&want).all(|(got, want)| (got - f64::from(*want)).abs() < 1e-5),
            "{got:?}, not {want:?}"
        );
    }
}

fn bench(site: &Site) {
    let arguments = ["--windows", "2", "--window-s", "0.02", "--warmup-s", "0.01", "--batch", "3"];
    let text = success(&site.program("bench", "stubs", &arguments));
    let events: Vec<BenchEvent> = text.lines().map(|line| json::parse(line).unwrap()).collect();
    assert_eq!(events.len(), 5);
    let BenchEvent::Ready { name, kernels, threads: 1, batch: 3, .. } = &events[0] else {
        panic!("{events:?}")
    };
    assert_eq!((name.as_str(), kernels.as_str()), ("under-test", "Stub GPU, sm_90, NVRTC 12.0"));
    for (pair, expected) in events[1..].chunks(2).zip(1..) {
        assert_eq!(pair[0], BenchEvent::Start { window: expected });
        let BenchEvent::Window {
            window,
            inferences,
            seconds,
            p50_s,
            p99_s,
            communication: Some(parts),
            ..
        } = pair[1]
        else {
            panic!("{pair:?}")
        };
        assert_eq!(window, expected);
        assert!(seconds >= 0.02 && inferences > 0 && p50_s <= p99_s);
        let Communication { h2d_s, kernel_s, d2h_s } = parts;
        assert!(h2d_s > 0.0 && kernel_s > 0.0 && d2h_s > 0.0 && kernel_s < seconds);
    }
    for wrong in [&["--batch", "0"][..], &["--windows", "0"], &["--window-s", "-1"], &["x"]] {
        assert_eq!(site.program("bench", "stubs", wrong).status.code(), Some(2), "{wrong:?}");
    }
    let said = failure(&site.program("bench", "stubs", &["--batch", "65536"]));
    assert!(said.contains("from 1 to 65535 images"), "{said}");
    let said = failure(&site.program("bench", "stubs", &["--batch", "60000"]));
    assert!(said.contains("bytes of memory left") && said.contains("out of memory"), "{said}");
}

/// Checks that each program fails with 1 and one sentence.
fn missing_libraries_are_named(site: &Site, images: &str) {
    let programs = [("bench", vec![]), ("classify", vec![images])];
    for (program, arguments) in &programs {
        let said = |libraries: &str, (name, value): (&str, &str)| {
            let mut command = Command::new(site.folder.join("crates/release").join(program));
            command.args(arguments).env(name, value);
            failure(&site.run(command, libraries))
        };
        let text = said("stubs", ("GPU_STUB", "no-device"));
        assert!(text.contains("the NVIDIA driver finds no GPU"), "{text}");
        let text = said("stubs", ("GPU_STUB", "new-device"));
        assert!(text.contains("cannot compile for sm_99") && text.contains("NVRTC 12.0"), "{text}");
        if Path::new("/usr/local/cuda/lib64").exists() || has_library("libnvrtc") {
            eprintln!("NVRTC IS INSTALLED: what programs say without it is not tested");
        } else {
            let text = said("driver-alone", ("GPU_STUB", ""));
            assert!(
                text.contains("NVRTC, CUDA's run-time compiler, is not on this machine"),
                "{text}"
            );
        }
        if has_library("libcuda.so") {
            eprintln!("THERE IS AN NVIDIA DRIVER: what programs say without it is not tested");
        } else {
            let text = said("nothing", ("GPU_STUB", ""));
            assert!(text.contains("there is no NVIDIA driver on this machine"), "{text}");
        }
    }
}

/// Tells whether the system has a library.
fn has_library(name: &str) -> bool {
    let known = Command::new("ldconfig")
        .arg("-p")
        .output()
        .or_else(|_| Command::new("/sbin/ldconfig").arg("-p").output());
    known.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains(name))
}

/// Checks that the crate's own test can fail.
fn wrong_weights_are_noticed(site: &Site, workshop: &Workshop) {
    let file = workshop.path("crate/src/weights.bin");
    let mut weights = fs::read(&file).unwrap();
    for weight in weights.chunks_exact_mut(4) {
        let value = f32::from_le_bytes(weight.try_into().unwrap());
        weight.copy_from_slice(&(-value).to_le_bytes());
    }
    fs::write(file, weights).unwrap();
    let output = site.cargo(workshop, &["test"]);
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("image 0: the logits are"));
}

/// Compiles kernels with the real compiler, if there is one.
fn compile(site: &Site, programs: &[String]) {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/cuda-venv/bin/python");
    if !python.exists() {
        eprintln!("NVRTC IS MISSING: kernels are not compiled for GPUs; run make test-cuda");
        return;
    }
    let files = programs.iter().enumerate().map(|(index, program)| {
        let file = site.folder.join(format!("program{index}.cu"));
        fs::write(&file, program).unwrap();
        file
    });
    let text =
        success(&Command::new(python).arg(source("compile.py")).args(files).output().unwrap());
    let compiled: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(compiled.len(), 4 * programs.len());
    for one in compiled {
        let numbers = |key: &str| {
            one[key].as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).collect::<Vec<_>>()
        };
        let (registers, spilled) = (numbers("registers"), numbers("spilled"));
        assert!(!registers.is_empty() && registers.iter().all(|n| *n <= MAX_REGISTERS), "{one}");
        assert!(spilled.iter().all(|n| *n == 0), "{one}");
        eprintln!("NVRTC {} for {}: {registers:?} registers", one["version"], one["architecture"]);
    }
}
