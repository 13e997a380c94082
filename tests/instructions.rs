//! How many instructions of the guest one inference takes, as `measure run` counts them in QEMU:
//! `make bench-cross`.

use common::files::json;
use common::measurement::Measurement;
use common::precision::Precision;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;
use tests::{GENOME, program, root, succeed};

/// What is counted.
struct Row {
    board: &'static str,
    /// The processor that QEMU emulates.
    processor: &'static str,
    /// The processor's name in the document.
    name: &'static str,
    precision: Precision,
    /// The largest numbers of instructions for a multiply-add: with relu, and with swish left of 0.
    most: [f64; 2],
}

const ROWS: [Row; 8] = [
    row("qemu-aarch64", "cortex-a72", "Cortex-A72", Precision::F32, [0.45, 0.45]),
    row("qemu-aarch64", "max", "with dot products", Precision::Int8, [0.12, 0.12]),
    row("qemu-aarch64", "cortex-a72", "Cortex-A72", Precision::Int8, [0.28, 0.28]),
    row("qemu-cortex-a15", "cortex-a15", "Cortex-A15", Precision::F32, [0.75, 0.9]),
    row("qemu-cortex-a15", "cortex-a15", "Cortex-A15", Precision::Int8, [0.35, 0.35]),
    row(
        "qemu-cortex-a15",
        "cortex-a15,neon=off",
        "Cortex-A15 without NEON",
        Precision::F32,
        [2.2, 2.2],
    ),
    row("qemu-mps2-an386", "", "Cortex-M4 with FPU (mps2-an386)", Precision::F32, [1.6, 2.0]),
    row("qemu-mps2-an386", "", "Cortex-M4 (mps2-an386)", Precision::Int8, [0.9, 0.9]),
];

const fn row(
    board: &'static str,
    processor: &'static str,
    name: &'static str,
    precision: Precision,
    most: [f64; 2],
) -> Row {
    Row { board, processor, name, precision, most }
}

/// Times of an emulator are of no interest, nor is what random weights lose.
const PROFILE: &str = r#"{"schema": "neuropower/profile/1",
    "measurement": {"idle_s": 0, "warmup_s": 0.1, "windows": 1, "window_s": 0.1},
    "quantization": {"max_loss": 1}}"#;
const BEGIN: &str = "<!-- results: begin -->\n";
const END: &str = "<!-- results: end -->";

/// The paper's C10-Net.1: 3x32x32, 2 condense layers, 16 feature extraction layers, 3x3 kernels.
#[test]
#[ignore = "needs compilers and QEMU for ARM: make bench-cross"]
fn instructions_per_multiply_add() {
    let document = document();
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    fs::write(dir.join("profile.json"), PROFILE).unwrap();
    pictures(&dir.join("pictures"));
    let mut table = String::from(
        "| platform | processor | precision | activations | instructions | for each multiply-add | at most | of f32 |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    println!("{}", table.trim_end());
    let mut too_many = Vec::new();
    for (index, left) in ["relu", "swish"].into_iter().enumerate() {
        let macs = network(dir, left);
        // Of the first processor of each board, in f32.
        let mut of_boards: BTreeMap<&str, f64> = BTreeMap::new();
        for row in &ROWS {
            let (platform, count) = count(dir, row);
            let (each, most) = (count / macs as f64, row.most[index]);
            let share = match row.precision {
                Precision::F32 => {
                    of_boards.entry(row.board).or_insert(count);
                    String::new()
                }
                Precision::Int8 => format!("{:.2}", count / of_boards[row.board]),
            };
            let activations = if left == "relu" { "relu" } else { "swish-relu" };
            let line = format!(
                "| {platform} | {} | {} | {activations} | {count:.0} | {each:.3} | {most} | {share} |",
                row.name, row.precision
            );
            println!("{line}");
            writeln!(table, "{line}").unwrap();
            if each > most {
                too_many.push(line);
            }
        }
    }
    if let Some(document) = document {
        put_into(Path::new(&document), &table);
    }
    assert!(too_many.is_empty(), "more than allowed:\n{}", too_many.join("\n"));
}

/// Returns the document that `BENCH_ARGS` says to write to.
fn document() -> Option<String> {
    let arguments = std::env::var("BENCH_ARGS").unwrap_or_default();
    match arguments.split_whitespace().collect::<Vec<_>>()[..] {
        [] => None,
        ["--write", file] => Some(root().join(file).to_str().unwrap().to_string()),
        _ => panic!("BENCH_ARGS is \"{arguments}\"; it may be \"--write FILE\""),
    }
}

/// Replaces what stands between the marks of a document.
fn put_into(document: &Path, results: &str) {
    let text = fs::read_to_string(document).unwrap();
    let (above, rest) = text.split_once(BEGIN).expect("the document has a mark for the results");
    let (_, below) = rest.split_once(END).expect("the results end with a mark");
    fs::write(document, format!("{above}{BEGIN}{results}{END}{below}")).unwrap();
}

/// Writes random pictures in the format of CIFAR-10.
fn pictures(folder: &Path) {
    const PICTURE: usize = 3 * 32 * 32;
    fs::create_dir(folder).unwrap();
    let recipe = fs::read(root().join("pipelines/datasets/cifar10.json")).unwrap();
    fs::write(folder.join("dataset.json"), recipe).unwrap();
    let mut state = 1u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 24) as u8
    };
    let files = (1..=5).map(|number| format!("data_batch_{number}.bin"));
    for file in files.chain(["test_batch.bin".to_string()]) {
        let picture = |label: u8| {
            let mut bytes = vec![label];
            bytes.extend((0..PICTURE).map(|_| random()));
            bytes
        };
        fs::write(folder.join(file), (0..10).flat_map(picture).collect::<Vec<u8>>()).unwrap();
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
    let weights = ["--network", "network.json", "--weights", "weights.safetensors"];
    let of =
        ["--dataset", "pictures", "--config", "profile.json", "--images", "16", "--out", "int8"];
    let _ = fs::remove_dir_all(dir.join("int8"));
    succeed(dir, "train", &[&["quantize"], &weights[..], &of].concat());
    counts["macs"].as_u64().unwrap()
}

/// Returns the platform, and the number of instructions of one inference.
fn count(dir: &Path, row: &Row) -> (String, f64) {
    let file = root().join(format!("pipelines/boards/{}.json", row.board));
    let mut board: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    let command = board["command"].as_array_mut().unwrap();
    if let Some(at) = command.iter().position(|word| word == "-cpu") {
        command[at + 1] = row.processor.into();
    }
    fs::write(dir.join("board.json"), board.to_string()).unwrap();
    let platform = board["platform"].as_str().unwrap();
    let parameters = match row.precision {
        Precision::F32 => ["--weights", "weights.safetensors"],
        Precision::Int8 => ["--quantized", "int8"],
    };
    let _ = fs::remove_dir_all(dir.join("crate"));
    let files = ["--network", "network.json", "--board", "./board.json"];
    let generate = ["generate", "--platform", platform, "--out", "crate", "--name", "counted"];
    succeed(dir, "codegen", &[&generate[..], &files, &parameters].concat());
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
    let instructions =
        record.instructions.value.unwrap_or_else(|| panic!("{:?}", record.instructions.reason));
    (platform.to_string(), instructions.per_inference)
}
