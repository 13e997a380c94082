//! Crates in 8-bit integers for ARM with Linux, built with the oldest compiler they are meant for
//! and run in QEMU, on processors with and without the instructions of each engine:
//! `make test-cross`.

mod support;

use common::dataset::{Dataset, Split};
use common::network::Network;
use common::network::template::{Head, Template};
use common::quantized::{QuantizedNetwork, class_of};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};
use std::{fs, thread};
use support::integers::pixels;
use support::site::Site;
use support::{SWISH_RELU, Workshop, baseline_for, expand, pairs, pruned, small, success};

/// A processor that QEMU emulates.
struct Processor {
    /// QEMU's program with its arguments.
    emulator: &'static [&'static str],
    /// The engines that it can run, the best one first.
    engines: &'static [&'static str],
}

/// Platforms, their targets and processors.
const PLATFORMS: [(&str, &str, [Processor; 2]); 2] = [
    (
        "aarch64",
        "aarch64-unknown-linux-gnu",
        [
            Processor {
                emulator: &["qemu-aarch64", "-cpu", "max", "-L", "/usr/aarch64-linux-gnu"],
                engines: &["dotprod", "neon", "scalar"],
            },
            Processor {
                emulator: &["qemu-aarch64", "-cpu", "cortex-a72", "-L", "/usr/aarch64-linux-gnu"],
                engines: &["neon", "scalar"],
            },
        ],
    ),
    (
        "armv7",
        "armv7-unknown-linux-gnueabihf",
        [
            Processor {
                emulator: &["qemu-arm", "-cpu", "cortex-a15", "-L", "/usr/arm-linux-gnueabihf"],
                engines: &["neon", "scalar"],
            },
            Processor {
                emulator: &[
                    "qemu-arm",
                    "-cpu",
                    "cortex-a15,neon=off",
                    "-L",
                    "/usr/arm-linux-gnueabihf",
                ],
                engines: &["scalar"],
            },
        ],
    ),
];

impl Processor {
    /// Runs a program that is in a file.
    fn run(&self, file: &Path, arguments: &[&str], kernels: &str) -> Output {
        let mut command = Command::new(self.emulator[0]);
        command.args(&self.emulator[1..]).arg(file).args(arguments);
        command.env("NEUROPOWER_KERNELS", kernels).output().unwrap()
    }
}

/// Runs a test for all platforms at the same time.
fn on_all_platforms(test: impl Fn(&Site, &str, &str, &[Processor]) + Sync) {
    let test = &test;
    thread::scope(|scope| {
        for (platform, target, processors) in &PLATFORMS {
            scope.spawn(move || test(&Site::new(platform), platform, target, processors));
        }
    });
}

/// The networks with which `make test-cross` is content.
const REPRESENTATIVE: usize = 3;

/// Returns networks with all pairs of activations, widths that no tile divides, and the other kernel
/// and head; then with additions of two scales, and long rows.
fn networks() -> Vec<(&'static str, Network)> {
    let template =
        Template { growth_rate: 5, stem_channels: 7, head: Head::Max, ..Template::default() };
    vec![
        ("odd sizes", expand(&template, [3, 19, 13], [2, 7, 5], SWISH_RELU, 10)),
        ("all pairs", pairs::all_pairs()),
        ("pruned", pruned()),
        ("resnet-20", baseline_for("resnet-20", [3, 16, 16])),
        ("long rows", small([1, 28, 28], [2, 10, 3], SWISH_RELU)),
    ]
}

#[test]
#[ignore = "needs compilers and QEMU for ARM: make test-cross"]
fn representative_networks() {
    check(&networks()[..REPRESENTATIVE]);
}

#[test]
#[ignore = "takes long, and needs compilers and QEMU for ARM: make test-cross-full"]
fn more_networks() {
    check(&networks()[REPRESENTATIVE..]);
}

/// Checks crates of networks on all processors.
fn check(networks: &[(&str, Network)]) {
    on_all_platforms(|site, platform, target, processors| {
        for (index, (name, network)) in networks.iter().enumerate() {
            let workshop = Workshop::new(network);
            let quantized = workshop.quantize(network);
            success(&workshop.generate_int8(platform, "crate", &["--name", "in-8"]));
            for processor in processors {
                let output = site.cargo_with(
                    target,
                    &workshop.path("crate"),
                    &["test"],
                    &processor.emulator.join(" "),
                );
                let text = success(&output);
                // The test must have run; it does so on every engine of the processor.
                assert!(text.contains("test outputs_are_those_recorded ... ok"), "{text}");
            }
            eprintln!("{platform} int8 {name}: ok");
            if index == 0 {
                success(&site.cargo(target, &workshop.path("crate"), &["build"]));
                let images = pixels(network, 4);
                classifies(site, target, processors, &workshop, &quantized, &images);
                kernels_are_those_of_the_processor(site, target, processors);
                eprintln!("{platform} int8 classify and bench: ok");
            }
        }
    });
}

/// Checks that every engine of each processor gives the logits of the reference.
fn classifies(
    site: &Site,
    target: &str,
    processors: &[Processor],
    workshop: &Workshop,
    quantized: &QuantizedNetwork,
    images: &[Vec<u8>],
) {
    let file = workshop.path("images");
    fs::write(&file, images.concat()).unwrap();
    let expected: Vec<Vec<i32>> = images.iter().map(|image| quantized.logits(image)).collect();
    let program = site.program(target, "classify");
    for processor in processors {
        for engine in processor.engines {
            let arguments = [file.to_str().unwrap(), "--raw"];
            let text = success(&processor.run(&program, &arguments, engine));
            let lines: Vec<Value> =
                text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            assert_eq!(lines.len(), expected.len());
            for (line, want) in lines.iter().zip(&expected) {
                assert_eq!(line["logits"], Value::from(want.clone()), "{engine}");
                assert_eq!(line["class"], class_of(want));
            }
        }
    }
}

/// Checks that the best engine is taken, and that no engine is that the processor lacks.
fn kernels_are_those_of_the_processor(site: &Site, target: &str, processors: &[Processor]) {
    let program = site.program(target, "bench");
    let quick = ["--windows", "1", "--window-s", "0.01", "--warmup-s", "0.01"];
    for processor in processors {
        let text = success(&processor.run(&program, &quick, ""));
        let best = format!("\"kernels\":\"{}\"", processor.engines[0]);
        assert!(text.lines().next().unwrap().contains(&best), "{text}");
        for missing in processors[0].engines.iter().filter(|name| !processor.engines.contains(name))
        {
            let output = processor.run(&program, &quick, missing);
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(1), "{said}");
            assert!(said.contains(missing) && said.contains("scalar"), "{said}");
        }
    }
}

/// M_Net_1 of the paper with random parameters on 1,000 real images of MNIST.
#[test]
#[ignore = "takes long, and needs MNIST and compilers and QEMU for ARM: make test-cross-full"]
fn mnist() {
    let network = expand(&Template::default(), [1, 28, 28], [2, 16, 3], SWISH_RELU, 10);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/mnist");
    let data = Dataset::load(&folder, Split::Test).unwrap();
    let images: Vec<Vec<u8>> = (0..1000).map(|index| data.image(index).to_vec()).collect();
    on_all_platforms(|site, platform, target, processors| {
        let workshop = Workshop::new(&network);
        let quantized = workshop.quantize(&network);
        success(&workshop.generate_int8(platform, "crate", &["--name", "in-8"]));
        success(&site.cargo(target, &workshop.path("crate"), &["build"]));
        // The first processor has all engines.
        classifies(site, target, &processors[..1], &workshop, &quantized, &images);
        eprintln!("{platform} int8, 1,000 images of MNIST: ok");
    });
}
