//! How many instructions of the guest one inference takes, as `measure run` counts them in QEMU:
//! `make bench-cross`.

use common::files::json;
use common::measurement::Measurement;
use std::fs;
use std::path::Path;
use std::process::Command;
use tests::{GENOME, program, root, succeed};

/// Boards, the processors that QEMU emulates, and the largest numbers of instructions for a
/// multiply-add: with relu, and with swish left of 0.
const MOST: [(&str, &str, [f64; 2]); 4] = [
    ("qemu-aarch64", "cortex-a72", [0.45, 0.45]),
    ("qemu-cortex-a15", "cortex-a15", [0.75, 0.9]),
    ("qemu-cortex-a15", "cortex-a15,neon=off", [2.2, 2.2]),
    ("qemu-mps2-an386", "", [1.6, 2.0]),
];
/// Times of an emulator are of no interest.
const PROFILE: &str = r#"{"schema": "neuropower/profile/1",
    "measurement": {"idle_s": 0, "warmup_s": 0.1, "windows": 1, "window_s": 0.1}}"#;

/// The paper's C10-Net.1: 3x32x32, 2 condense layers, 16 feature extraction layers, 3x3 kernels.
#[test]
#[ignore = "needs compilers and QEMU for ARM: make bench-cross"]
fn instructions_per_multiply_add() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    fs::write(dir.join("profile.json"), PROFILE).unwrap();
    println!(
        "board | processor | activations | instructions | multiply-adds of the template | instructions each | at most"
    );
    for (index, left) in ["relu", "swish"].into_iter().enumerate() {
        let macs = network(dir, left);
        for (board, processor, most) in MOST {
            let count = count(dir, board, processor);
            let (each, most) = (count / macs as f64, most[index]);
            println!(
                "{board} | {processor} | {left}-relu | {count:.0} | {macs} | {each:.3} | {most}"
            );
            assert!(each <= most);
        }
    }
}

/// Writes the network with initial weights; returns its multiply-adds.
fn network(dir: &Path, left: &str) -> u64 {
    let genome =
        GENOME.replace("swish", left).replace("\"condense_layers\": 1", "\"condense_layers\": 2");
    fs::write(dir.join("genome.json"), genome).unwrap();
    let recipe = root().join("pipelines/datasets/cifar10.json");
    let of = [
        "network",
        "--genome",
        "genome.json",
        "--dataset",
        recipe.to_str().unwrap(),
        "--out",
        "network.json",
    ];
    let counts: serde_json::Value = serde_json::from_str(&succeed(dir, "explore", &of)).unwrap();
    succeed(dir, "train", &["init", "--network", "network.json", "--out", "weights.safetensors"]);
    counts["macs"].as_u64().unwrap()
}

/// Returns the number of instructions of one inference.
fn count(dir: &Path, board: &str, processor: &str) -> f64 {
    let text = fs::read_to_string(root().join(format!("pipelines/boards/{board}.json"))).unwrap();
    let text = text.replace(r#""-cpu", "cortex-a15""#, &format!(r#""-cpu", "{processor}""#));
    assert!(text.contains(processor));
    fs::write(dir.join("board.json"), &text).unwrap();
    let platform: serde_json::Value = serde_json::from_str(&text).unwrap();
    let platform = platform["platform"].as_str().unwrap();
    let files = [
        "--network",
        "network.json",
        "--weights",
        "weights.safetensors",
        "--board",
        "./board.json",
    ];
    let generate = ["generate", "--platform", platform, "--out", "crate", "--name", "counted"];
    succeed(dir, "codegen", &[&generate[..], &files].concat());
    let mut measure = Command::new(program("measure"));
    measure.args([
        "run",
        "--crate",
        "crate",
        "--board",
        "./board.json",
        "--config",
        "profile.json",
        "--out",
        "m.json",
    ]);
    measure.env("RUSTC", std::env::var_os("CROSS_RUSTC").expect("CROSS_RUSTC")).current_dir(dir);
    let output = measure.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let record: Measurement = json::read(&dir.join("m.json")).unwrap();
    record
        .instructions
        .value
        .unwrap_or_else(|| panic!("{:?}", record.instructions.reason))
        .per_inference
}
