//! The crate of a trained network classifies every test image as the reference does, on every
//! instruction set of this processor, and its logits are as exact as its own test demands.

use common::dataset::{Dataset, Split};
use common::files::json;
use common::network::Network;
use common::network::reference::logits;
use common::network::weights::Weights;
use rayon::prelude::*;
use std::fs;
use std::path::Path;
use std::process::Command;
use tests::{GENOME, root, succeed};

/// Trains [`GENOME`], writes its crate, and runs the crate's tests on `images` test images instead
/// of a few.
fn check(dataset: &Path, images: usize, training: &[&str]) {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    fs::write(path("genome.json"), GENOME).unwrap();
    let dataset = dataset.to_str().unwrap();
    let fit = ["fit", "--genome", "genome.json", "--dataset", dataset, "--out", "net"];
    succeed(dir.path(), "train", &[&fit, training].concat());
    let files = ["--network", "net/network.json", "--weights", "net/weights.safetensors"];
    let generate = ["generate", "--platform", "x86_64", "--out", "crate", "--samples", dataset];
    succeed(dir.path(), "codegen", &[&generate[..], &files].concat());

    let network: Network = json::read(&path("net/network.json")).unwrap();
    let weights = Weights::read(&path("net/weights.safetensors"), &network).unwrap();
    let test = Dataset::load(Path::new(dataset), Split::Test).unwrap().in_canonical_order();
    assert!(test.len() >= images);
    let plane = network.input.shape().plane();
    let normalise = |(index, pixel): (usize, &u8)| network.input.normalise(index / plane, *pixel);
    let inputs: Vec<Vec<f32>> = (0..images)
        .map(|index| test.image(index).iter().enumerate().map(normalise).collect())
        .collect();
    let outputs: Vec<Vec<f32>> =
        inputs.par_iter().map(|image| logits(&network, &weights, image).unwrap()).collect();
    let bytes = |values: Vec<f32>| values.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>();
    // The recorded outputs are those of the first images.
    let recorded = fs::read(path("crate/golden/outputs.bin")).unwrap();
    let outputs = bytes(outputs.concat());
    assert!(!recorded.is_empty() && outputs.starts_with(&recorded));
    fs::write(path("crate/golden/inputs.bin"), bytes(inputs.concat())).unwrap();
    fs::write(path("crate/golden/outputs.bin"), outputs).unwrap();
    let output = Command::new("cargo")
        .args(["test", "--release"])
        .current_dir(path("crate"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn every_test_image_of_digits_has_the_class_of_the_reference() {
    let dir = tempfile::tempdir().unwrap();
    let digits = dir.path().join("digits");
    succeed(
        &root(),
        "fetch-data",
        &["--recipe", "pipelines/datasets/digits.json", "--out", digits.to_str().unwrap()],
    );
    check(&digits, 359, &["--epochs", "3"]);
}

#[test]
#[ignore = "takes minutes and needs data/mnist: `make test-mnist`"]
fn a_thousand_test_images_of_mnist_have_the_class_of_the_reference() {
    check(&root().join("data/mnist"), 1000, &["--epochs", "1", "--subset", "3000"]);
}
