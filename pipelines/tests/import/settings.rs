//! Sizes, rules, seeds, names and places that are refused.

use crate::place::{Place, colour};
use common::dataset::{Dataset, Split};
use std::fs;

#[test]
fn the_copy_keeps_its_settings_and_refuses_others() {
    let place = Place::with_leaves();
    place.imported(&["--size", "24", "--resize", "crop", "--seed", "3", "--name", "leaves-24"]);
    let dataset = place.dataset();
    assert_eq!((dataset.name.as_str(), dataset.height, dataset.width), ("leaves-24", 24, 24));
    let before = place.copy();
    for (option, value, named) in [
        ("--size", "32", "24x24, not 32x32"),
        ("--resize", "stretch", "crop, not stretch"),
        ("--seed", "0", "3, not 0"),
    ] {
        let error = place.refused(&[option, value]);
        assert!(error.contains(named) && error.contains("NAME="), "{error}");
    }
    assert!(place.refused(&["--name", "other"]).contains("has the name \"leaves-24\""));
    assert_eq!(place.copy(), before);
    place.imported(&["--size", "24", "--resize", "crop", "--seed", "3"]);
    place.write("leaves/oak/new.png", &colour(200));
    place.imported(&[]);
    let dataset = place.dataset();
    assert_eq!((dataset.height, dataset.resize.name()), (24, "crop"));
}

#[test]
fn the_seed_draws_the_test_images() {
    let place = Place::with_leaves();
    let test = |seed: &str| {
        let _ = fs::remove_dir_all(place.path("copy"));
        place.imported(&["--seed", seed]);
        Dataset::load(&place.path("copy"), Split::Test).unwrap().pixels
    };
    assert_eq!(test("0"), test("0"));
    assert_ne!(test("0"), test("1"));
}

#[test]
fn other_data_sets_and_folders_without_images_are_refused() {
    let place = Place::with_leaves();
    place.write("recipe/dataset.json", b"{}");
    let error = place.run(&["import", "leaves", "--out", "recipe"]).error();
    assert!(error.contains("not the copy of a folder") && error.contains("NAME="), "{error}");
    for (folder, named) in [
        ("nowhere", "nowhere: there is no such folder or file, and no copy of it in copy"),
        ("empty", "there are no files in it"),
        ("texts", "no images with classes were found"),
        ("sources", "there are no images to train on"),
        ("one", "all 10 training images are of class \"oak\"; at least two classes are needed"),
        ("pairs", "there is no validation image"),
        ("single", "there is no test image"),
    ] {
        fs::create_dir_all(place.path("empty")).unwrap();
        place.write("texts/readme.txt", b"hello");
        place.write("sources/src/main.rs", b"fn main() {}");
        (0..13).for_each(|i| place.write(&format!("one/oak/{i}.png"), &colour(i)));
        (0..4).for_each(|i| place.write(&format!("pairs/{}/{i}.png", i % 2), &colour(i)));
        (0..2).for_each(|i| place.write(&format!("single/{i}/{i}.png"), &colour(i)));
        let error = place.run(&["import", folder, "--out", "copy"]).error();
        assert!(error.contains(named), "{error}");
        assert!(!place.path("copy").exists(), "{folder}");
    }
}

#[test]
fn a_copy_in_its_own_folder_is_refused() {
    let place = Place::with_leaves();
    for (folder, out) in [("leaves", "leaves/copy"), (".", "data/leaves"), ("leaves", "leaves")] {
        let error = place.run(&["import", folder, "--out", out]).error();
        assert!(error.contains("the copy cannot be in the folder"), "{error}");
    }
    assert!(!place.path("leaves/copy").exists() && place.path("leaves/oak/0.png").exists());
}

#[test]
fn wrong_options_are_usage_errors() {
    let place = Place::with_leaves();
    for option in [["--size", "0"], ["--size", "5000"], ["--resize", "shrink"], ["--seed", "-1"]] {
        assert_eq!(place.import(&option).code, 2, "{option:?}");
    }
    assert!(!place.path("copy").exists());
}
