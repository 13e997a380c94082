//! Faulty input and full disks: a program prints one line, exits with code 1, writes no incomplete
//! file and damages no existing one.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tests::{GENOME, program, refused, root, run, succeed, write_description, write_idx_dataset};

/// Makes a folder with a valid data set and a valid genome.
fn fixture() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    write_idx_dataset(&dir.path().join("data"), 30, |i| (i % 3) as u8);
    fs::write(dir.path().join("genome.json"), GENOME).unwrap();
    dir
}

const FIT: [&str; 9] =
    ["fit", "--genome", "genome.json", "--dataset", "data", "--out", "out", "--epochs", "1"];

/// Checks that `train fit` fails with a line that contains all `parts`, and leaves no result.
fn fit_refused(dir: &Path, parts: &[&str]) {
    let line = refused(dir, "train", &FIT);
    for part in parts {
        assert!(line.contains(part), "{part:?} is not in: {line}");
    }
    assert!(!dir.join("out/train.json").exists());
}

fn patch(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
}

#[test]
fn the_unchanged_folder_is_valid() {
    let dir = fixture();
    succeed(dir.path(), "train", &FIT);
}

#[test]
fn damaged_idx_files_are_refused() {
    type Change = fn(&mut Vec<u8>);
    let faults: [(&str, Change, &[&str]); 6] = [
        ("train-images", |b| b.truncate(100), &["train-images", "cut off"]),
        ("train-images", |b| b[2] = 9, &["train-images", "not an IDX file of images"]),
        ("train-images", |b| b.truncate(3), &["train-images", "shorter than a header"]),
        ("train-labels", |b| b.truncate(20), &["train-labels", "cut off"]),
        ("train-labels", |b| b[10] = 3, &["label 3"]),
        (
            "train-images",
            |b| b.splice(0..2, [0x1f, 0x8b]).for_each(drop),
            &["train-images", "damaged"],
        ),
    ];
    for (file, change, parts) in faults {
        let dir = fixture();
        patch(&dir.path().join("data").join(file), change);
        fit_refused(dir.path(), parts);
    }
}

#[test]
fn images_and_labels_of_different_number_are_refused() {
    let dir = fixture();
    patch(&dir.path().join("data/train-labels"), |b| {
        b[7] = 29;
        b.pop();
    });
    fit_refused(dir.path(), &["30 images", "29 labels"]);
}

#[test]
fn a_wrong_hash_is_refused() {
    let dir = fixture();
    let description = dir.path().join("data/dataset.json");
    let text = fs::read_to_string(&description)
        .unwrap()
        .replace("null", &format!("\"{}\"", "0".repeat(64)));
    fs::write(&description, text).unwrap();
    fit_refused(dir.path(), &["SHA-256", "make data"]);
}

#[test]
fn an_empty_data_set_and_a_single_class_are_refused() {
    let dir = fixture();
    write_idx_dataset(&dir.path().join("data"), 0, |_| 0);
    fit_refused(dir.path(), &["no images"]);
    write_idx_dataset(&dir.path().join("data"), 30, |_| 1);
    fit_refused(dir.path(), &["class \"b\"", "two classes"]);
}

#[test]
fn missing_files_are_named() {
    let dir = fixture();
    fs::remove_file(dir.path().join("data/train-images")).unwrap();
    fit_refused(dir.path(), &["train-images", "make data"]);
    fs::remove_file(dir.path().join("data/dataset.json")).unwrap();
    fit_refused(dir.path(), &["dataset.json"]);
}

#[test]
fn cifar_files_must_have_their_exact_layout() {
    for (format, label_bytes) in [("cifar10", 1), ("cifar100", 2)] {
        let dir = fixture();
        let data = dir.path().join("data");
        let record = |i: usize, label: u8| {
            [vec![label; label_bytes], vec![(i * 5 % 256) as u8; 3072]].concat()
        };
        let write = |name: &str, count: usize| {
            let records: Vec<u8> = (0..count).flat_map(|i| record(i, (i % 3) as u8)).collect();
            fs::write(data.join(name), records).unwrap();
        };
        write("data_batch_1.bin", 12);
        write("data_batch_2.bin", 9);
        write("test_batch.bin", 6);
        write_description(
            &data,
            format,
            (3, 32, 32),
            &["data_batch_1.bin", "data_batch_2.bin"],
            &["test_batch.bin"],
        );
        let report = succeed(dir.path(), "train", &FIT);
        assert!(
            report.contains("\"images\":18"),
            "21 images less one of each class for validation: {report}"
        );

        fs::remove_dir_all(dir.path().join("out")).unwrap();
        patch(&data.join("data_batch_2.bin"), |b| b.truncate(b.len() - 1));
        fit_refused(dir.path(), &["data_batch_2.bin", "cut off"]);
        write("data_batch_2.bin", 9);
        patch(&data.join("data_batch_2.bin"), |b| b[label_bytes - 1] = 77);
        fit_refused(dir.path(), &["label 77"]);
    }
}

#[test]
fn damaged_json_files_are_refused() {
    let faults = [
        ("{\"schema\": \"neuropower/gen", &["genome.json", "not valid JSON", "line 1"][..]),
        ("[1, 2]", &["genome.json", "not a JSON object"]),
        ("{}", &["genome.json", "schema"]),
        (
            &GENOME.replace("genome/1", "network/1"),
            &["neuropower/network/1", "needs \"neuropower/genome/1\""],
        ),
        (&GENOME.replace("\"optimizer\"", "\"optimiser\""), &["optimiser"]),
        (&GENOME.replace("swish", "gelu"), &["gelu", "expected one of", "selu"]),
        (
            &GENOME.replace("16", "17"),
            &["feature_extraction_layers 17", "valid values: 16, 28, 40, 52"],
        ),
        (
            &GENOME.replace("\"kernel_size\": 3", "\"kernel_size\": 7"),
            &["kernel_size 7", "valid values: 3, 5"],
        ),
        (
            &GENOME.replace("\"condense_layers\": 1", "\"condense_layers\": 4"),
            &["4x4", "nothing is left"],
        ),
    ];
    for (text, parts) in faults {
        let dir = fixture();
        fs::write(dir.path().join("genome.json"), text).unwrap();
        let line = refused(dir.path(), "train", &FIT);
        if text.contains("\"condense_layers\": 4") {
            assert!(line.contains("nothing is left"), "{line}");
        } else {
            fit_refused(dir.path(), parts);
        }
        let network =
            ["network", "--genome", "genome.json", "--dataset", "data", "--out", "network.json"];
        refused(dir.path(), "explore", &network);
        assert!(!dir.path().join("network.json").exists());
    }
}

#[test]
fn weights_of_another_network_are_refused() {
    let dir = fixture();
    succeed(dir.path(), "train", &FIT);
    fs::write(
        dir.path().join("genome.json"),
        GENOME.replace("\"kernel_size\": 3", "\"kernel_size\": 5"),
    )
    .unwrap();
    succeed(
        dir.path(),
        "explore",
        &["network", "--genome", "genome.json", "--dataset", "data", "--out", "other.json"],
    );
    let common = ["--network", "other.json", "--weights", "out/weights.safetensors"];
    for (program, args) in [
        ("train", &["eval", "--dataset", "data", "--split", "test"][..]),
        ("prune", &["run", "--dataset", "data", "--out", "pruned"]),
        ("codegen", &["generate", "--platform", "x86_64", "--out", "crate"]),
    ] {
        let line = refused(dir.path(), program, &[args, &common].concat());
        assert!(
            line.contains("out/weights.safetensors") && line.contains("[12, 24, 3, 3]"),
            "{line}"
        );
    }
    assert!(!dir.path().join("pruned/network.json").exists() && !dir.path().join("crate").exists());
}

#[test]
fn a_network_too_large_for_any_memory_is_refused() {
    let dir = fixture();
    succeed(dir.path(), "train", &FIT);
    let text = fs::read_to_string(dir.path().join("out/network.json")).unwrap();
    let huge = text.replace("\"out_channels\": 24", &format!("\"out_channels\": {}", 1u64 << 60));
    assert_ne!(text, huge);
    fs::write(dir.path().join("huge.json"), huge).unwrap();
    let common = ["--network", "huge.json", "--weights", "out/weights.safetensors"];
    for (program, args) in [
        ("train", &["eval", "--dataset", "data", "--split", "test"][..]),
        ("prune", &["run", "--dataset", "data", "--out", "pruned"]),
        ("codegen", &["generate", "--platform", "x86_64", "--out", "crate"]),
    ] {
        let line = refused(dir.path(), program, &[args, &common].concat());
        assert!(line.contains("stem.conv"), "{line}");
    }
}

#[test]
fn an_output_folder_that_cannot_be_made_is_named() {
    let dir = fixture();
    fs::write(dir.path().join("file"), "precious").unwrap();
    let line = refused(dir.path(), "train", &[&FIT[..6], &["file/out", "--epochs", "1"]].concat());
    assert!(line.contains("file/out"), "{line}");
    assert_eq!(fs::read_to_string(dir.path().join("file")).unwrap(), "precious");
}

/// Runs a program that may not write files of more than four blocks, as if the disk were full.
/// Checks that it exits with code 1; returns the error line, which progress may precede.
fn on_a_full_disk(dir: &Path, name: &str, args: &str) -> String {
    let limited = format!("ulimit -f 4; exec {} {args}", program(name).display());
    let output = Command::new("sh").args(["-c", &limited]).current_dir(dir).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    let line = text.lines().last().unwrap_or_default().to_string();
    assert!(
        output.status.code() == Some(1) && line.starts_with("error: "),
        "{name} {args}: {text}"
    );
    line
}

/// Returns the files of a folder with their contents.
fn contents(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(contents(&path));
        } else {
            found.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    found
}

#[test]
fn a_full_disk_damages_no_existing_file() {
    let dir = fixture();
    succeed(dir.path(), "train", &FIT);
    let network = "--network out/network.json --weights out/weights.safetensors";
    let before = contents(dir.path());
    for (program, args) in [
        ("train", format!("{} --seed 1", FIT.join(" "))),
        (
            "explore",
            "network --genome genome.json --dataset data --out out/network.json".to_string(),
        ),
        ("codegen", format!("generate {network} --platform x86_64 --out crate")),
    ] {
        let line = on_a_full_disk(dir.path(), program, &args);
        assert!(line.contains("cannot write") || line.contains("File too large"), "{line}");
        assert_eq!(contents(dir.path()), before, "{program} {args}");
    }
    // These make a folder and may leave what is whole in it, but no result and no part of a file.
    on_a_full_disk(
        dir.path(),
        "prune",
        &format!("run {network} --dataset data --out pruned --finetune-epochs 1"),
    );
    assert!(!dir.path().join("pruned/prune.json").exists());
    let data = dir.path().join("digits");
    on_a_full_disk(
        &root(),
        "fetch-data",
        &format!("--recipe pipelines/datasets/digits.json --out {}", data.display()),
    );
    assert!(!data.join("dataset.json").exists() && !data.join("train-images-idx3-ubyte").exists());
    let after = contents(dir.path());
    assert!(before.iter().all(|(path, content)| after.get(path) == Some(content)));
    let partial = |path: &PathBuf| path.to_string_lossy().contains("partial");
    assert!(
        !after.keys().any(partial),
        "{:?}",
        after.keys().filter(|p| partial(p)).collect::<Vec<_>>()
    );
}

#[test]
fn wrong_usage_is_exit_code_2_and_help_has_an_example() {
    let dir = fixture();
    for (program, commands) in [
        ("explore", &["run", "select", "network", "space"][..]),
        ("train", &["fit", "eval"]),
        ("prune", &["run"]),
        ("codegen", &["generate", "import", "plan", "platforms"]),
        ("measure", &["run", "boards"]),
    ] {
        assert_eq!(run(dir.path(), program, &["nonsense"]).status.code(), Some(2), "{program}");
        for command in commands {
            assert_eq!(
                run(dir.path(), program, &[command, "--nonsense"]).status.code(),
                Some(2),
                "{program} {command}"
            );
            let help = succeed(dir.path(), program, &[command, "--help"]);
            assert!(help.contains("Example"), "{program} {command} --help has no example");
        }
    }
    assert_eq!(run(dir.path(), "report", &["--nonsense"]).status.code(), Some(2));
}
