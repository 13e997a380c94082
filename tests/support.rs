//! Support for the end-to-end tests: the programs, and small data sets.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Returns the project's folder.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests is a folder of the project")
        .to_path_buf()
}

/// Returns the path of a program that `make build` has built; `make test` does that first.
///
/// # Panics
/// Panics if the program has not been built.
pub fn program(name: &str) -> PathBuf {
    let path = root().join("target/release").join(name);
    assert!(path.is_file(), "{}: run `make build` first, or `make test`", path.display());
    path
}

/// Runs a program in `dir`.
///
/// # Panics
/// Panics if the program cannot be started.
pub fn run(dir: &Path, name: &str, args: &[&str]) -> Output {
    Command::new(program(name)).args(args).current_dir(dir).output().expect("the program starts")
}

/// Runs a program that must succeed; returns what it prints on stdout.
///
/// # Panics
/// Panics if the program fails.
pub fn succeed(dir: &Path, name: &str, args: &[&str]) -> String {
    let output = run(dir, name, args);
    assert!(
        output.status.success(),
        "{name} {args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("it prints UTF-8")
}

/// Runs a program that must fail with exit code 1 and one line on stderr; returns the line.
///
/// # Panics
/// Panics if the program does anything else.
pub fn refused(dir: &Path, name: &str, args: &[&str]) -> String {
    one_line(&run(dir, name, args), &format!("{name} {args:?}"))
}

/// Checks that a program failed with exit code 1 and one line on stderr; returns the line.
///
/// # Panics
/// Panics if the program did anything else. The message begins with `what`.
pub fn one_line(output: &Output, what: &str) -> String {
    let line = String::from_utf8_lossy(&output.stderr).to_string();
    assert_eq!(output.status.code(), Some(1), "{what}: {line}");
    assert_eq!(line.lines().count(), 1, "{what}: {line}");
    assert!(line.starts_with("error: "), "{what}: {line}");
    line
}

/// Writes a data set in the IDX format: for each split, `images` grey images of 4x4 pixels, and the
/// label of each by its index.
///
/// # Panics
/// Panics if the files cannot be written.
pub fn write_idx_dataset(dir: &Path, images: usize, labels: impl Fn(usize) -> u8) {
    std::fs::create_dir_all(dir).expect("the folder can be made");
    for split in ["train", "test"] {
        let count = u32::try_from(images).expect("few images").to_be_bytes();
        let pixels: Vec<u8> = (0..images * 16).map(|i| (i * 37 % 251) as u8).collect();
        let header = [&[0, 0, 8, 3][..], &count, &[0, 0, 0, 4, 0, 0, 0, 4]].concat();
        std::fs::write(dir.join(format!("{split}-images")), [header, pixels].concat())
            .expect("writable");
        let header = [&[0, 0, 8, 1][..], &count].concat();
        std::fs::write(
            dir.join(format!("{split}-labels")),
            [header, (0..images).map(&labels).collect()].concat(),
        )
        .expect("writable");
    }
    write_description(
        dir,
        "idx",
        (1, 4, 4),
        &["train-images", "train-labels"],
        &["test-images", "test-labels"],
    );
}

/// Writes a `dataset.json` for files without hashes and the classes `a`, `b` and `c`.
///
/// # Panics
/// Panics if the file cannot be written.
pub fn write_description(
    dir: &Path,
    format: &str,
    (channels, height, width): (usize, usize, usize),
    train: &[&str],
    test: &[&str],
) {
    let files = |names: &[&str]| -> Vec<serde_json::Value> {
        names.iter().map(|name| serde_json::json!({"path": name, "sha256": null})).collect()
    };
    let description = serde_json::json!({
        "schema": "neuropower/dataset/1", "name": "made-to-order", "about": "made by a test", "format": format,
        "channels": channels, "height": height, "width": width, "classes": ["a", "b", "c"],
        "normalisation": {"mean": vec![0.5; channels], "std": vec![0.25; channels]},
        "validation": {"fraction": 0.2, "seed": 0}, "train": files(train), "test": files(test), "sources": []
    });
    std::fs::write(dir.join("dataset.json"), description.to_string()).expect("writable");
}

/// A genome of the paper's space, small enough for images of 4x4 pixels.
pub const GENOME: &str = r#"{"schema": "neuropower/genome/1", "left_activation": "swish", "right_activation": "relu",
 "condense_layers": 1, "feature_extraction_layers": 16, "kernel_size": 3, "optimizer": "adam"}"#;
