//! The recipes that ship, and the examples of the documentation.

use crate::sandbox::stderr;
use common::dataset::{Dataset, Split};
use common::files::hash::sha256_hex;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn recipes() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("datasets")
}

#[test]
fn every_recipe_is_a_dataset_json_under_its_own_name() {
    for (name, train_files, classes) in [
        ("digits", 2, 10),
        ("mnist", 2, 10),
        ("fashion-mnist", 2, 10),
        ("cifar10", 5, 10),
        ("cifar100", 1, 100),
        ("emoji", 2, 9),
    ] {
        let dataset = Dataset::describe(&recipes().join(format!("{name}.json"))).unwrap();
        assert_eq!(
            (dataset.name.as_str(), dataset.train.len(), dataset.classes.len()),
            (name, train_files, classes)
        );
        assert!(!dataset.sources.is_empty() && !dataset.about.is_empty(), "{name}");
    }
}

/// Returns the rows of a list of emoji: file and label.
fn emoji(list: &str) -> Vec<(String, String)> {
    let text = fs::read_to_string(recipes().join("emoji").join(list)).unwrap();
    let rows = text.lines().skip(1).map(|line| line.split_once(',').unwrap());
    rows.map(|(file, label)| (file.to_string(), label.to_string())).collect()
}

#[test]
fn the_lists_of_emoji_are_those_of_the_recipe_and_keep_variants_together() {
    let dataset = Dataset::describe(&recipes().join("emoji.json")).unwrap();
    for (set, list) in
        [(&dataset.train, "train.csv"), (&dataset.val, "val.csv"), (&dataset.test, "test.csv")]
    {
        let bytes = fs::read(recipes().join("emoji").join(list)).unwrap();
        assert_eq!(set[0].sha256.as_ref(), Some(&sha256_hex(&bytes)), "{list}");
    }
    let (train, val) = (emoji("train.csv"), emoji("val.csv"));
    let sorted = |rows: &[(String, String)]| rows.iter().cloned().collect::<BTreeSet<_>>();
    assert_eq!(sorted(&[train.clone(), val.clone()].concat()), sorted(&emoji("test.csv")));
    let labels = |rows: &[(String, String)]| -> BTreeSet<String> {
        rows.iter().map(|row| row.1.clone()).collect()
    };
    let classes: BTreeSet<String> = dataset.classes.iter().cloned().collect();
    assert_eq!([labels(&train), labels(&val)], [classes.clone(), classes]);
    // Skin tones, the sign that makes an emoji a picture, gender signs.
    let variants =
        ["-1f3fb", "-1f3fc", "-1f3fd", "-1f3fe", "-1f3ff", "-fe0f", "-200d-2640", "-200d-2642"];
    let base = |file: &str| variants.iter().fold(file.to_string(), |f, part| f.replace(part, ""));
    let bases = |rows: &[(String, String)]| -> BTreeSet<String> {
        rows.iter().map(|(file, _)| base(file)).collect()
    };
    assert!(bases(&train).is_disjoint(&bases(&val)));
    assert!(bases(&train).len() > 1000 && bases(&val).len() > 250);
}

#[test]
fn the_digits_load_and_are_normalised_by_their_mean_and_deviation() {
    let dir = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_fetch-data"))
        .args(["--recipe", "pipelines/datasets/digits.json", "--out"])
        .arg(dir.path())
        .current_dir(recipes().join("../.."))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let images = Dataset::load(dir.path(), Split::TrainAndValidation).unwrap();
    assert_eq!((images.len(), Dataset::load(dir.path(), Split::Test).unwrap().len()), (1438, 359));
    let scaled = || images.pixels.iter().map(|pixel| f64::from(*pixel) / 255.0);
    let count = images.pixels.len() as f64;
    let mean = scaled().sum::<f64>() / count;
    let std = (scaled().map(|x| (x - mean).powi(2)).sum::<f64>() / count).sqrt();
    let written = Dataset::describe(dir.path()).unwrap().normalisation;
    assert!((f64::from(written.mean[0]) - mean).abs() < 1e-4, "{mean}");
    assert!((f64::from(written.std[0]) - std).abs() < 1e-4, "{std}");
}

#[test]
fn the_examples_in_the_documentation_are_descriptions() {
    let text = fs::read_to_string(recipes().join("../../docs/own-data.md")).unwrap();
    let examples: Vec<&str> =
        text.split("```json\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    let names: Vec<String> =
        examples.iter().map(|e| common::files::json::parse::<Dataset>(e).unwrap().name).collect();
    assert_eq!(names, ["gauges", "leaves"]);
}
