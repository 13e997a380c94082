//! Generated crates in 8-bit integers: built without warnings, tested by their own tests, and run.

mod support;

use common::files::json;
use common::manifest::Manifest;
use common::network::Network;
use common::network::template::{Head, Template};
use common::plan_report::PlanReport;
use common::precision::Precision;
use common::quantized::{QuantizedNetwork, class_of};
use runtime::int8::dispatch::Kernels;
use serde_json::Value;
use std::fs;
use std::process::{Command, Output};
use support::integers::pixels;
use support::{SWISH_RELU, Workshop, baseline, cargo, codegen, expand, failure, small, success};

/// Generates, builds and tests a crate.
fn make(network: &Network, more: &[&str]) -> (Workshop, QuantizedNetwork) {
    let workshop = Workshop::new(network);
    let quantized = workshop.quantize(network);
    fs::write(workshop.path("Cargo.toml"), "[workspace]\nmembers = []\n").unwrap();
    success(&workshop.generate_int8("x86_64", "crate", more));
    cargo(&workshop, &["build"]);
    cargo(&workshop, &["test"]);
    (workshop, quantized)
}

fn run(workshop: &Workshop, program: &str, arguments: &[&str], kernels: &str) -> Output {
    let program = workshop.path("target/release").join(program);
    let mut command = Command::new(program);
    command.args(arguments).current_dir(workshop.dir.path()).env("NEUROPOWER_KERNELS", kernels);
    command.output().unwrap()
}

/// Every engine that can be named gives the logits of the reference, and the probability follows
/// from them.
#[test]
fn logits_are_those_of_the_reference_on_every_engine() {
    let template =
        Template { growth_rate: 5, stem_channels: 7, head: Head::Max, ..Template::default() };
    let mut network = expand(&template, [3, 9, 13], [2, 7, 3], SWISH_RELU, 10);
    network.classes[3] = "\"); } // __NAME__".to_string();
    let (workshop, quantized) = make(&network, &["--name", "in-8"]);
    let images = pixels(&network, 7);
    fs::write(workshop.path("images"), images.concat()).unwrap();
    for kernels in Kernels::available().into_iter().flatten().map(Kernels::name).chain([""]) {
        let text = success(&run(&workshop, "classify", &["images", "--raw"], kernels));
        let lines: Vec<Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), images.len());
        for (index, (line, image)) in lines.iter().zip(&images).enumerate() {
            let want = quantized.logits(image);
            let class = class_of(&want);
            assert_eq!((&line["index"], &line["class"]), (&index.into(), &class.into()));
            assert_eq!(line["label"], network.classes[class].as_str());
            assert_eq!(line["logits"], Value::from(want.clone()));
            let terms = want.iter().map(|logit| (f64::from(logit - want[class]) * 1e-6).exp());
            let probability = 1.0 / terms.sum::<f64>();
            assert!((line["probability"].as_f64().unwrap() - probability).abs() < 1e-9);
        }
    }
    kernels_are_chosen_by_name(&workshop);
    let manifest = Manifest::read(&workshop.path("crate")).unwrap();
    assert_eq!((manifest.precision, manifest.name.as_str()), (Precision::Int8, "in-8"));
    let weights = fs::metadata(workshop.path("crate/src/weights.bin")).unwrap().len();
    assert_eq!(manifest.weights_bytes, weights);
}

fn kernels_are_chosen_by_name(workshop: &Workshop) {
    let quick = ["--windows", "1", "--window-s", "0.01", "--warmup-s", "0.01"];
    let text = success(&run(workshop, "bench", &quick, "scalar"));
    assert!(text.lines().next().unwrap().contains("\"kernels\":\"scalar\""), "{text}");
    for (program, arguments) in [("bench", &quick[..]), ("classify", &["images", "--raw"])] {
        let output = run(workshop, program, arguments, "fpga");
        assert_eq!(output.status.code(), Some(1));
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(
            text.contains("NEUROPOWER_KERNELS is \"fpga\"") && text.contains("scalar"),
            "{text}"
        );
        assert_eq!(text.lines().count(), 1, "{text}");
    }
    let output = run(workshop, "classify", &["images", "--f32"], "");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn additions_and_shortcuts() {
    make(&baseline("resnet-20", 8), &[]);
}

/// The plan is known without weights, and is that of the crate.
#[test]
fn the_plan_agrees_with_the_manifest() {
    let network = small([1, 28, 28], [2, 10, 3], SWISH_RELU);
    let workshop = Workshop::new(&network);
    workshop.quantize(&network);
    let manifest: Manifest =
        json::parse(&success(&workshop.generate_int8("x86_64", "crate", &[]))).unwrap();
    let path = workshop.path("network.json");
    let arguments = ["plan", "--network", path.to_str().unwrap(), "--platform", "x86_64"];
    let plan = |precision: &str| -> PlanReport {
        let arguments = [&arguments[..], &["--precision", precision]].concat();
        json::parse(&success(&codegen(&arguments))).unwrap()
    };
    let (int8, f32) = (plan("int8"), plan("f32"));
    assert_eq!((int8.precision, f32.precision), (Precision::Int8, Precision::F32));
    assert_eq!(
        (int8.weights_bytes, int8.arena_bytes, int8.arena_lower_bound_bytes, int8.macs),
        (
            manifest.weights_bytes,
            manifest.arena_bytes,
            manifest.arena_lower_bound_bytes,
            manifest.macs
        )
    );
    // Every node counts once, and what is executed is the same.
    assert_eq!((int8.macs, int8.executed_macs), (f32.macs, f32.executed_macs));
    assert_eq!(int8.layers.iter().map(|layer| layer.parameters).sum::<u64>(), int8.parameters);
    assert_eq!(int8.layers.iter().map(|layer| layer.macs).sum::<u64>(), int8.macs);
    assert!(int8.weights_bytes * 2 < f32.weights_bytes, "{}", int8.weights_bytes);
}

#[test]
fn what_is_no_quantized_form_of_the_network_is_refused() {
    let network = small([1, 8, 8], [1, 7, 3], SWISH_RELU);
    let workshop = Workshop::new(&network);
    let refused = |what: &str| {
        let text = failure(&workshop.generate_int8("x86_64", "crate", &[]));
        assert!(text.contains(what), "{text}");
        assert!(!workshop.path("crate").exists());
    };
    refused("quantization.json");
    workshop.quantize(&small([1, 8, 8], [1, 7, 5], SWISH_RELU));
    refused("another network");
    workshop.quantize(&network);
    let file = workshop.path("int8/quantized.safetensors");
    let mut bytes = fs::read(&file).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&file, bytes).unwrap();
    refused("was changed");
    workshop.quantize(&network);
    let text = failure(&workshop.generate_int8("cuda", "crate", &[]));
    assert!(text.contains("NVIDIA") && !workshop.path("crate").exists(), "{text}");
}
