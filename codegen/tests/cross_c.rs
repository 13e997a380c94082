//! Crates with a part for C on ARM, built with the oldest compiler they are meant for and run in
//! QEMU: `make test-cross`.

mod support;

use common::network::Network;
use serde_json::Value;
use std::process::Command;
use support::site::{PLATFORMS, Site};
use support::tools::tool;
use support::{SWISH_RELU, Workshop, small, success};

/// Targets of microcontrollers, and boards in QEMU with such processors.
const MICROCONTROLLERS: [(&str, &str); 2] =
    [("thumbv7em-none-eabihf", "qemu-mps2-an386"), ("thumbv6m-none-eabi", "qemu-microbit")];

fn network() -> Network {
    small([1, 8, 8], [1, 7, 3], SWISH_RELU)
}

/// Runs the own test of a crate for Linux, which builds and runs the example.
fn check_own_test(site: &Site, workshop: &Workshop, target: &str) {
    let folder = workshop.path("crate");
    let text = success(&site.cargo(target, &folder, &["test"]));
    assert!(text.contains("the_example_in_c_gives_the_same_logits ... ok"), "{text}");
    let program = folder.join("target/c").join(target).join("release/main");
    assert!(program.exists(), "{target}: the example was skipped");
    eprintln!("{target}: ok");
}

/// Returns the classes and the logits that a program prints; nine digits identify every f32.
fn results(text: &str) -> Vec<(Value, Vec<u32>)> {
    let result = |line| {
        let line: Value = serde_json::from_str(line).unwrap();
        let logits = line["logits"].as_array().unwrap().iter();
        let logit = |logit: &Value| (logit.as_f64().unwrap() as f32).to_bits();
        (line["class"].clone(), logits.map(logit).collect())
    };
    text.lines().map(result).collect()
}

/// Compares the example on a microcontroller with the program in Rust there.
fn check_on_microcontroller(site: &Site, workshop: &Workshop, target: &str) {
    let folder = workshop.path("crate");
    success(&site.cargo(target, &folder, &["build"]));
    let mut make = Command::new("make");
    make.args(["--silent", "--no-print-directory", "run", "CFLAGS=-O2 -Werror"]);
    make.current_dir(folder.join("examples/c"));
    let in_c = success(&site.with_compiler(&mut make).output().unwrap());
    let pixels = folder.join("golden/pixels.bin");
    let in_rust = site.run(target, "classify", &[pixels.to_str().unwrap(), "--raw"]);
    let in_rust = results(&success(&in_rust));
    assert!(!in_rust.is_empty() && results(&in_c) == in_rust, "{target}: {in_c}");
    eprintln!("{target}: ok");
}

#[test]
#[ignore = "needs compilers and QEMU for ARM: make test-cross"]
fn programs_in_c() {
    let site = Site::new("c");
    let network = network();
    let workshop = Workshop::new(&network);
    workshop.quantize(&network);
    let options = ["--c-api", "--name", "net"];
    for (platform, target) in PLATFORMS.into_iter().filter(|(name, _)| *name != "cortex-m") {
        success(&workshop.generate_for(platform, "crate", &options));
        check_own_test(&site, &workshop, target);
        success(&workshop.generate_int8(platform, "crate", &options));
        check_own_test(&site, &workshop, target);
    }
    if tool("arm-none-eabi-gcc", "programs in C on microcontrollers").is_none() {
        return;
    }
    success(&workshop.generate_for("cortex-m", "crate", &options));
    check_on_microcontroller(&site, &workshop, MICROCONTROLLERS[0].0);
    for (target, board) in MICROCONTROLLERS {
        let options = [&options[..], &["--board", board]].concat();
        success(&workshop.generate_int8("cortex-m", "crate", &options));
        check_on_microcontroller(&site, &workshop, target);
    }
}
