//! The profiles and genomes in `pipelines`, as they are.

use common::dataset::Dataset;
use common::files::json;
use common::network::baseline::Baseline;
use common::profile::Profile;
use common::search::genome::Genome;
use common::train_report::{EvalReport, TrainReport};
use std::fs;
use std::path::{Path, PathBuf};
use tests::{root, succeed, write_description};

fn files(folder: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

/// M_Net_1 and its like: the genome's network, expanded with the profile for the data set, has the
/// parameters that the documentation says.
#[test]
fn genomes_are_the_networks_that_they_are_named_for() {
    let recipes = [
        ("m-net-1", "full-mnist", "mnist", 65_074),
        ("fashion-mnist", "full-fashion-mnist", "fashion-mnist", 97_858),
        ("c10-net-1", "full-cifar", "cifar10", 65_506),
    ];
    assert_eq!(files("pipelines/genomes").len(), recipes.len());
    for (genome, profile, dataset, parameters) in recipes {
        let genome: Genome =
            json::read(&root().join(format!("pipelines/genomes/{genome}.json"))).unwrap();
        let profile: Profile =
            json::read(&root().join(format!("pipelines/profiles/{profile}.json"))).unwrap();
        let dataset =
            Dataset::describe(&root().join(format!("pipelines/datasets/{dataset}.json"))).unwrap();
        profile.space.positions(&genome).unwrap();
        let network = profile.template.expand(&genome, dataset.input(), dataset.classes).unwrap();
        assert_eq!(common::network::counts::count(&network).unwrap().parameters, parameters);
    }
}

#[test]
fn every_profile_is_read_and_says_what_it_is_for() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    for file in files("pipelines/profiles") {
        let profile: Profile = json::read(&file).unwrap();
        assert!(!profile.about.is_empty(), "{}", file.display());
        let name = file.file_stem().unwrap().to_str().unwrap();
        assert!(
            readme.contains(&format!("| `{name}` |")),
            "README has no row for the profile {name}"
        );
    }
}

#[test]
fn every_baseline_is_known_by_its_files_name() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    for file in files("pipelines/baselines") {
        let baseline: Baseline = json::read(&file).unwrap();
        assert_eq!(file.file_stem().unwrap().to_str().unwrap(), baseline.name);
        let dir = tempfile::tempdir().unwrap();
        let dataset = root().join("pipelines/datasets/cifar10.json").display().to_string();
        let arguments = [
            "network",
            "--baseline",
            &baseline.name,
            "--dataset",
            &dataset,
            "--out",
            "network.json",
        ];
        let counts: serde_json::Value =
            serde_json::from_str(&succeed(dir.path(), "explore", &arguments)).unwrap();
        let row = format!(
            "| `{}` | {} |",
            baseline.name,
            with_commas(counts["parameters"].as_u64().unwrap())
        );
        assert!(readme.contains(&row), "README has no row {row}");
    }
}

fn with_commas(number: u64) -> String {
    if number < 1000 {
        return number.to_string();
    }
    format!("{},{:03}", with_commas(number / 1000), number % 1000)
}

/// Three classes of noisy images, each with a colour of its own, in CIFAR's layout.
fn write_cifar(data: &Path, format: &str, label_bytes: usize) {
    fs::create_dir_all(data).unwrap();
    let record = |index: usize| {
        let class = index % 3;
        let pixel = |place: usize| {
            let noise = (index * 7919 + place * 104_729) % 97;
            (if place / 1024 == class { 120 + noise } else { noise }) as u8
        };
        [vec![class as u8; label_bytes], (0..3072).map(pixel).collect()].concat()
    };
    for (name, images) in [("train.bin", 0..120), ("test.bin", 120..180)] {
        fs::write(data.join(name), images.flat_map(record).collect::<Vec<u8>>()).unwrap();
    }
    write_description(data, format, (3, 32, 32), &["train.bin"], &["test.bin"]);
}

/// The recipe for CIFAR, with fewer and smaller steps, on files that are not CIFAR's but laid out
/// like them.
#[test]
fn the_cifar_recipe_learns_on_generated_files() {
    for (format, label_bytes) in [("cifar10", 1), ("cifar100", 2)] {
        let dir = tempfile::tempdir().unwrap();
        write_cifar(&dir.path().join("data"), format, label_bytes);
        let profile =
            fs::read_to_string(root().join("pipelines/profiles/full-cifar.json")).unwrap();
        let shorter = profile
            .replace("\"batch\": 128", "\"batch\": 16")
            .replace("\"epochs\": 100", "\"epochs\": 5");
        assert_ne!(shorter, profile);
        fs::write(dir.path().join("profile.json"), shorter).unwrap();
        fs::copy(root().join("pipelines/genomes/c10-net-1.json"), dir.path().join("genome.json"))
            .unwrap();
        let fit = [
            "fit",
            "--genome",
            "genome.json",
            "--dataset",
            "data",
            "--config",
            "profile.json",
            "--out",
            "out",
        ];
        let report: TrainReport = json::parse(&succeed(dir.path(), "train", &fit)).unwrap();
        assert_eq!((report.images, report.epochs, report.diverged), (96, 5, false));
        let (network, weights) = ("out/network.json", "out/weights.safetensors");
        let eval = [
            "eval",
            "--network",
            network,
            "--weights",
            weights,
            "--dataset",
            "data",
            "--split",
            "test",
        ];
        let report: EvalReport = json::parse(&succeed(dir.path(), "train", &eval)).unwrap();
        assert!(
            report.accuracy > 0.8,
            "{} of {} right; guessing gets a third",
            report.correct,
            report.images
        );
    }
}
