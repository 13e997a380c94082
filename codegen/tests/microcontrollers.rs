//! Crates in 8-bit integers for microcontrollers, with and without a floating-point unit and the
//! DSP extension: built with the oldest compiler they are meant for and run in QEMU
//! (`make test-cross`).

mod support;

use common::manifest::Manifest;
use common::measurement::bench_protocol::BenchEvent;
use common::network::Network;
use common::network::activation::{Activation, PiecewiseActivation};
use common::network::template::{Head, Template};
use common::quantized::{QuantizedNetwork, class_of};
use serde_json::Value;
use std::fs;
use support::integers::pixels;
use support::pairs::all_pairs;
use support::site::Site;
use support::{SWISH_RELU, Workshop, baseline_for, expand, failure, pruned, small, success};

/// Targets, the boards whose files say so, and the kernels there.
const TARGETS: [(&str, &str, &str); 3] = [
    ("thumbv7em-none-eabihf", "qemu-mps2-an386", "dsp"),
    ("thumbv7em-none-eabi", "no-fpu", "dsp"),
    ("thumbv6m-none-eabi", "qemu-microbit", "scalar"),
];

/// A network and its name.
type Named = (&'static str, Network);

/// Returns networks that fit into 16 KiB of RAM.
fn small_networks() -> Vec<Named> {
    let template =
        Template { growth_rate: 5, stem_channels: 7, head: Head::Max, ..Template::default() };
    let pair = PiecewiseActivation { left: Activation::Selu, right: Activation::Tanh };
    vec![
        ("odd widths, max", expand(&template, [3, 9, 13], [1, 7, 3], pair, 10)),
        ("kernels of 5", small([1, 8, 8], [1, 7, 5], SWISH_RELU)),
        ("all pairs", all_pairs()),
    ]
}

/// Returns networks that do not.
fn large_networks() -> Vec<Named> {
    vec![
        ("pruned", pruned()),
        ("resnet-20", baseline_for("resnet-20", [1, 16, 16])),
        ("digits", small([1, 28, 28], [2, 10, 3], SWISH_RELU)),
        ("wide rows", expand(&Template::default(), [1, 3, 90], [1, 7, 5], SWISH_RELU, 10)),
        ("rows past every loop", small([1, 1, 1030], [1, 7, 3], SWISH_RELU)),
    ]
}

/// A crate, its network, and what its logits must be.
struct Made {
    workshop: Workshop,
    network: Network,
    quantized: QuantizedNetwork,
}

/// Generates a crate for a board and runs its own test.
fn make(site: &Site, (target, board): (&str, &str), (name, network): Named) -> Made {
    let workshop = Workshop::new(&network);
    let quantized = workshop.quantize(&network);
    fs::write(workshop.path("no-fpu.json"), without_fpu()).unwrap();
    let own = workshop.path("no-fpu.json");
    let board = if board == "no-fpu" { own.to_str().unwrap() } else { board };
    let options = ["--name", "in-8", "--board", board];
    success(&workshop.generate_int8("cortex-m", "crate", &options));
    let text = success(&site.cargo(target, &workshop.path("crate"), &["test"]));
    // The test must have run.
    assert!(text.contains("test outputs_are_those_recorded") && text.contains("... ok"), "{text}");
    let made = Made { workshop, network, quantized };
    made.check_memory(site, target);
    eprintln!("{target} {name}: ok");
    made
}

/// Returns the file of a board with a Cortex-M4 that has no floating-point unit.
fn without_fpu() -> String {
    let board = include_str!("../../pipelines/boards/qemu-mps2-an386.json");
    let board = board.replace("thumbv7em-none-eabihf", "thumbv7em-none-eabi");
    board.replace("\"qemu-mps2-an386\"", "\"no-fpu\"")
}

impl Made {
    /// Checks that the crate's programs need no more memory than its manifest says.
    fn check_memory(&self, site: &Site, target: &str) {
        let fit = Manifest::read(&self.workshop.path("crate")).unwrap().fit.unwrap();
        for program in ["classify", "bench"] {
            let elf = fs::read(site.program(target, program)).unwrap();
            let (flash, ram) = support::segments(&elf);
            eprintln!(
                "{program}: flash {flash} of {:?} bytes, RAM {ram} of {:?} bytes without the stack",
                fit.flash_bytes, fit.ram_bytes
            );
            assert!(flash <= fit.flash_bytes.unwrap() && ram <= fit.ram_bytes.unwrap());
        }
    }

    /// Checks that the programs compute what the reference does.
    fn check_programs(&self, site: &Site, target: &str, kernels: &str) {
        let images = pixels(&self.network, 7);
        let file = self.workshop.path("images");
        fs::write(&file, images.concat()).unwrap();
        let arguments = [file.to_str().unwrap(), "--raw", "--offset", "2"];
        let text = success(&site.run(target, "classify", &arguments));
        let lines: Vec<Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), images.len() - 2);
        for (line, index) in lines.iter().zip(2..) {
            let want = self.quantized.logits(&images[index]);
            let class = class_of(&want);
            assert_eq!((&line["index"], &line["class"]), (&index.into(), &class.into()));
            assert_eq!(line["logits"], Value::from(want.clone()));
            let terms = want.iter().map(|logit| (f64::from(logit - want[class]) * 1e-6).exp());
            let probability = 1.0 / terms.sum::<f64>();
            assert!((line["probability"].as_f64().unwrap() - probability).abs() < 1e-8);
        }
        let output = site.run(target, "classify", &[file.to_str().unwrap(), "--f32"]);
        assert_eq!(output.status.code(), Some(2));
        let quick = ["--windows", "2", "--window-s", "0.02", "--warmup-s", "0.01"];
        let text = success(&site.run(target, "bench", &quick));
        let ready = text.lines().next().unwrap();
        let BenchEvent::Ready { name, target: built_for, .. } =
            common::files::json::parse(ready).unwrap()
        else {
            panic!("{text}")
        };
        assert_eq!((name.as_str(), built_for.as_str()), ("in-8", target));
        assert!(ready.contains(&format!("\"kernels\":\"{kernels}\"")), "{ready}");
        assert_eq!(text.lines().count(), 5, "{text}");
    }
}

#[test]
#[ignore = "needs compilers and QEMU for ARM: make test-cross"]
fn integers() {
    let site = Site::new("microcontrollers");
    for (target, board, kernels) in TARGETS {
        for (index, network) in small_networks().into_iter().enumerate() {
            let made = make(&site, (target, board), network);
            if index == 0 {
                made.check_programs(&site, target, kernels);
            }
        }
    }
    for network in large_networks() {
        make(&site, (TARGETS[1].0, TARGETS[1].1), network);
    }
}

/// What has no floating-point unit is for integers alone.
#[test]
fn a_board_without_a_floating_point_unit_is_refused_in_f32() {
    let network = small([1, 8, 8], [1, 7, 3], SWISH_RELU);
    let workshop = Workshop::new(&network);
    let text = failure(&workshop.generate_for("cortex-m", "crate", &["--board", "qemu-microbit"]));
    assert!(text.contains("qemu-microbit has no floating-point unit"), "{text}");
    assert!(text.contains("--quantized") && !workshop.path("crate").exists(), "{text}");
    workshop.quantize(&network);
    success(&workshop.generate_int8("cortex-m", "crate", &["--board", "qemu-microbit"]));
    let config = fs::read_to_string(workshop.path("crate/.cargo/config.toml")).unwrap();
    assert!(config.contains("target = \"thumbv6m-none-eabi\""), "{config}");
}
