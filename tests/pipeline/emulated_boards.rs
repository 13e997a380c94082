//! Runs on emulated boards: `make test-cross`.

use crate::Pipeline;
use common::files::json;
use common::measurement::Measurement;
use std::fs;
use std::process::Command;
use tests::{root, succeed};

/// A run's networks are measured on every emulated board, which is marked wherever times are shown.
#[test]
#[ignore = "needs compilers and emulators for ARM: `make test-cross` runs it"]
fn a_run_on_emulated_boards() {
    let pipeline = Pipeline::new();
    pipeline.make(&["pipeline"]);
    let boards = [
        ("qemu-aarch64", "neon"),
        ("qemu-cortex-a15", "neon"),
        ("qemu-mps2-an386", "vfp"),
        ("qemu-mps3-an547", "vfp"),
    ];
    for (board, kernels) in boards {
        let said = for_boards(&mut pipeline.command(&[
            "measure",
            &format!("BOARD={board}"),
            "BASELINE=1/dense",
        ]));
        for words in [&format!("latency p50, {board} (emulated)"), &format!("{board} is emulated")]
        {
            assert!(said.contains(words), "{words:?} is not in {said}");
        }
        let record = pipeline.run().join(format!("networks/1/pruned/measurement-{board}.json"));
        let record: Measurement = json::read(&record).unwrap();
        assert!(
            record.emulated && record.energy.gross_j.is_none() && record.ran.kernels == kernels,
            "{record:?}"
        );
        assert_eq!(record.instructions.value.unwrap().counter, "qemu");
    }
    check_192_kb(&pipeline);
}

/// Runs a command with the compiler for the boards' targets; the command must succeed. Returns what
/// it prints.
fn for_boards(command: &mut Command) -> String {
    let output = command
        .env("RUSTC", std::env::var_os("CROSS_RUSTC").expect("CROSS_RUSTC"))
        .output()
        .unwrap();
    let (said, errors) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {said}{errors}");
    said.to_string()
}

/// A searched network runs in the RAM of a common Cortex-M4, and classifies as the reference does.
fn check_192_kb(pipeline: &Pipeline) {
    let file = pipeline.0.path().join("small.json");
    let board = fs::read_to_string(root().join("pipelines/boards/qemu-mps2-an386.json")).unwrap();
    let small = board
        .replace("\"qemu-mps2-an386\"", "\"small\"")
        .replace("\"ram_bytes\": 4194304", "\"ram_bytes\": 196608");
    fs::write(&file, small).unwrap();
    let network = pipeline.run().join("networks/1/pruned");
    let (board, digits) = (file.to_str().unwrap(), pipeline.0.path().join("digits"));
    let arguments = [
        "generate",
        "--network",
        "network.json",
        "--weights",
        "weights.safetensors",
        "--out",
        "crate-small",
    ];
    let more = ["--platform", "cortex-m", "--board", board, "--samples", digits.to_str().unwrap()];
    succeed(&network, "codegen", &[&arguments[..], &more].concat());
    let folder = network.join("crate-small");
    let memory = fs::read_to_string(folder.join("memory.x")).unwrap();
    assert!(memory.contains("RAM : ORIGIN = 0x20000000, LENGTH = 0x00030000"), "{memory}");
    let said = for_boards(Command::new("cargo").args(["test", "--release"]).current_dir(&folder));
    assert!(
        said.contains("test outputs_are_those_recorded") && said.contains("20 images ... ok"),
        "{said}"
    );
}
