//! The profiles, genomes and baselines that ship in `pipelines`.

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

/// Expanded with the profile for its data set, each genome, such as that of M_Net_1, has the number
/// of parameters that the documentation states.
#[test]
fn genomes_have_the_parameters_that_are_documented() {
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
fn every_profile_is_valid_and_documented() {
    let page = fs::read_to_string(root().join("docs/recipes.md")).unwrap();
    for file in files("pipelines/profiles") {
        let profile: Profile = json::read(&file).unwrap();
        assert!(!profile.about.is_empty(), "{}", file.display());
        let name = file.file_stem().unwrap().to_str().unwrap();
        assert!(
            page.contains(&format!("\n| `{name}` |")),
            "docs/recipes.md has no row for the profile {name}"
        );
    }
}

#[test]
fn every_baseline_has_the_name_of_its_file_and_is_documented() {
    let page = fs::read_to_string(root().join("docs/cli.md")).unwrap();
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
        assert!(page.contains(&row), "docs/cli.md has no row {row}");
    }
}

fn with_commas(number: u64) -> String {
    if number < 1000 {
        return number.to_string();
    }
    format!("{},{:03}", with_commas(number / 1000), number % 1000)
}

/// Writes three classes of noisy images, each of another colour, in CIFAR's layout.
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

/// The recipe for CIFAR is shortened, and the files are generated ones in CIFAR's layout.
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
            "{} of {} images are classified correctly; guessing achieves a third",
            report.correct,
            report.images
        );
    }
}
