//! The properties of a data set that determine a training; the order and the names of files do not.

use super::fixture::Fixture;
use common::dataset::Unpacked;
use common::files::json;
use common::train_report::{EvalReport, TrainReport};
use rand::seq::SliceRandom;
use std::fs;
use std::io::Read;
use std::path::Path;

/// A label and the pixels of its image.
pub(crate) type Record = (u8, Vec<u8>);
/// A function that reorders records.
type Order = fn(&mut Vec<Record>);

const SIDE: usize = 8;
const IMAGES_HEADER: usize = 16;
const LABELS_HEADER: usize = 8;

/// Reorders the records of the digits' `set`.
pub(crate) fn reorder(folder: &Path, set: &str, order: impl Fn(&mut Vec<Record>)) {
    let (images_path, labels_path) = (
        folder.join(format!("{set}-images-idx3-ubyte")),
        folder.join(format!("{set}-labels-idx1-ubyte")),
    );
    let read = |path: &Path| {
        let mut bytes = Vec::new();
        Unpacked::open(path).unwrap().read_to_end(&mut bytes).unwrap();
        bytes
    };
    let (images, labels) = (read(&images_path), read(&labels_path));
    let pixels = images[IMAGES_HEADER..].chunks(SIDE * SIDE).map(<[u8]>::to_vec);
    let mut records: Vec<Record> = labels[LABELS_HEADER..].iter().copied().zip(pixels).collect();
    order(&mut records);
    let pixels: Vec<u8> = records.iter().flat_map(|(_, pixels)| pixels.clone()).collect();
    let labels_in_order: Vec<u8> = records.iter().map(|(label, _)| *label).collect();
    fs::write(images_path, [&images[..IMAGES_HEADER], &pixels].concat()).unwrap();
    fs::write(labels_path, [&labels[..LABELS_HEADER], &labels_in_order].concat()).unwrap();
}

/// Replaces a text in the digits' description and removes the hashes of its files.
pub(crate) fn edit_description(fixture: &Fixture, from: &str, to: &str) {
    let path = fixture.path("digits/dataset.json");
    let text = fs::read_to_string(&path).unwrap();
    assert!(from.is_empty() || text.contains(from), "{text}");
    let text = if from.is_empty() { text } else { text.replace(from, to) };
    let mut description: serde_json::Value = serde_json::from_str(&text).unwrap();
    for set in ["train", "test"] {
        for file in description[set].as_array_mut().unwrap() {
            file["sha256"] = serde_json::Value::Null;
        }
    }
    fs::write(path, description.to_string()).unwrap();
}

fn eval(fixture: &Fixture, net: &str, split: &str) -> EvalReport {
    let (network, weights) = (format!("{net}/network.json"), format!("{net}/weights.safetensors"));
    let args = [
        "eval",
        "--network",
        &network,
        "--weights",
        &weights,
        "--dataset",
        "digits",
        "--split",
        split,
    ];
    let output = fixture.train(&args);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    json::parse(&String::from_utf8_lossy(&output.stdout)).unwrap()
}

#[test]
fn the_order_of_idx_records_changes_nothing() {
    for options in [
        &["--epochs", "2"][..],
        &["--epochs", "2", "--subset", "300"],
        &["--epochs", "1", "--no-validation"],
    ] {
        let fixture = Fixture::new();
        edit_description(&fixture, "", "");
        let given = fixture.fit("given", options);
        let scored = eval(&fixture, "given", "test");
        let orders: [(&str, Order); 2] = [
            ("by-class", |records| records.sort_by_key(|(label, _)| *label)),
            ("shuffled", |records| records.shuffle(&mut common::seed::stream(1, "order"))),
        ];
        for (name, order) in orders {
            ["train", "t10k"]
                .into_iter()
                .for_each(|set| reorder(&fixture.path("digits"), set, order));
            let report = fixture.fit(name, options);
            assert_eq!(report.weights_sha256, given.weights_sha256, "{name} {options:?}");
            assert_eq!(
                (report.data_sha256, report.curve),
                (given.data_sha256.clone(), given.curve.clone())
            );
            assert_eq!(eval(&fixture, name, "test"), scored);
        }
    }
}

/// If statistics of batch normalisation were taken over the first images of a file sorted by class,
/// they would be those of one class.
#[test]
fn few_images_suffice_for_statistics_in_a_file_sorted_by_class() {
    let fixture = Fixture::new();
    edit_description(&fixture, "", "");
    reorder(&fixture.path("digits"), "train", |records| records.sort_by_key(|(label, _)| *label));
    let accuracy = |images: usize| {
        fixture.write(
            "profile.json",
            &super::fixture::profile(&format!(r#""batch": 48, "recalibration_images": {images}"#)),
        );
        fixture.fit(&images.to_string(), &["--epochs", "12"]).accuracy.validation.unwrap()
    };
    let (few, all) = (accuracy(96), accuracy(1438));
    assert!(few > all - 0.05, "with 96 images {few}, with all {all}");
}

/// Writes 120 test images of the digits as PNG files in folders, with names from `name`.
fn write_folders(fixture: &Fixture, folder: &str, name: impl Fn(usize) -> String) {
    let set = common::dataset::Dataset::load(&fixture.path("digits"), common::dataset::Split::Test)
        .unwrap();
    for (index, label) in set.labels.iter().enumerate().take(120) {
        let class = fixture.path(folder).join("images").join(label.to_string());
        fs::create_dir_all(&class).unwrap();
        let image = image::GrayImage::from_raw(SIDE as u32, SIDE as u32, set.image(index).to_vec())
            .unwrap();
        image.save(class.join(name(index))).unwrap();
    }
    let mut description: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(fixture.path("digits/dataset.json")).unwrap())
            .unwrap();
    description["format"] = "image-folder".into();
    for set in ["train", "test"] {
        description[set] = serde_json::json!([{"path": "images", "sha256": null}]);
    }
    fs::write(fixture.path(folder).join("dataset.json"), description.to_string()).unwrap();
}

#[test]
fn names_of_files_and_files_of_the_system_change_nothing() {
    let fixture = Fixture::new();
    write_folders(&fixture, "one", |index| format!("{index:04}.png"));
    write_folders(&fixture, "two", |index| format!("photo-{}.png", 7919 * index % 1000));
    for file in [".DS_Store", "3/.DS_Store", "4/Thumbs.db"] {
        fs::write(fixture.path("two/images").join(file), "litter").unwrap();
    }
    let fit = |data: &str| -> TrainReport {
        let args = ["fit", "--genome", "genome.json", "--config", "profile.json", "--epochs", "2"];
        let output = fixture
            .train(&[&args[..], &["--dataset", data, "--out", &format!("net-{data}")]].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        json::parse(&String::from_utf8_lossy(&output.stdout)).unwrap()
    };
    let (one, two) = (fit("one"), fit("two"));
    assert_eq!((one.weights_sha256, one.data_sha256), (two.weights_sha256, two.data_sha256));
}

#[test]
fn photos_are_decoded_once_and_may_be_moved_away_then() {
    let fixture = Fixture::new();
    write_folders(&fixture, "photos", |index| format!("{index}.png"));
    let fit = |out: &str| {
        let args = ["fit", "--genome", "genome.json", "--config", "profile.json", "--epochs", "1"];
        let output = fixture.train(&[&args[..], &["--dataset", "photos", "--out", out]].concat());
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{said}");
        let report: TrainReport = json::parse(&String::from_utf8_lossy(&output.stdout)).unwrap();
        (report.weights_sha256, said)
    };
    let (weights, said) = fit("first");
    assert_eq!(said.matches("decoded ").count(), 1, "{said}");
    assert!(said.contains("data set digits: decoded 120 images of images in "), "{said}");
    let (again, said) = fit("second");
    assert!(again == weights && !said.contains("decoded"), "{said}");
    fs::rename(fixture.path("photos/images"), fixture.path("moved")).unwrap();
    let (away, said) = fit("third");
    assert!(away == weights && !said.contains("decoded"), "{said}");
    assert!(said.contains("warning: data set digits: the folder images is not there"), "{said}");
}

#[test]
fn a_fingerprint_covers_what_determines_a_training_and_nothing_else() {
    let fixture = Fixture::new();
    edit_description(&fixture, "", "");
    let fingerprint = || fixture.fit("net", &["--epochs", "1"]).data_sha256;
    let first = fingerprint();
    for (from, to, decides) in [
        ("\"digits\"", "\"renamed\"", false),
        ("0.2878", "0.29", true),
        ("\"fraction\":0.2", "\"fraction\":0.3", true),
        ("\"by_class\":false", "\"by_class\":true", true),
        ("\"3\"", "\"three\"", true),
    ] {
        edit_description(&fixture, from, to);
        assert_eq!(fingerprint() != first, decides, "{from}");
        edit_description(&fixture, to, from);
    }
    assert_eq!(fingerprint(), first);
    // Two labels are corrected.
    reorder(&fixture.path("digits"), "train", |records| {
        let label = records[0].0;
        let other = records.iter().position(|(l, _)| *l != label).unwrap();
        records[0].0 = records[other].0;
        records[other].0 = label;
    });
    assert_ne!(fingerprint(), first);
}

#[test]
fn classes_without_training_or_validation_images_are_named() {
    let fixture = Fixture::new();
    edit_description(&fixture, "", "");
    // Two images of each class but 7, which has one, and but 9, which has none.
    reorder(&fixture.path("digits"), "train", |records| {
        records.sort_by_key(|(label, _)| *label);
        let mut seen = [0; 10];
        records.retain(|(label, _)| {
            seen[usize::from(*label)] += 1;
            seen[usize::from(*label)] <= [2, 2, 2, 2, 2, 2, 2, 1, 2, 0][usize::from(*label)]
        });
    });
    for file in ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"] {
        let path = fixture.path("digits").join(file);
        let mut bytes = fs::read(&path).unwrap();
        bytes[4..8].copy_from_slice(&17u32.to_be_bytes());
        fs::write(path, bytes).unwrap();
    }
    edit_description(&fixture, "\"by_class\":false", "\"by_class\":true");
    let output = fixture.train(&super::fixture::fit_arguments("net", &["--epochs", "1"]));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    assert!(
        said.contains("warning: data set digits: no training image is of class \"9\""),
        "{said}"
    );
    assert!(
        said.contains(
            "no validation image, by which networks are chosen, is of class \"7\", \"9\""
        ),
        "{said}"
    );
    assert_eq!(eval(&fixture, "net", "val").images, 8);
}
