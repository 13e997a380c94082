//! `fetch-data check` on folders of any layout and on copies.

use crate::place::{Place, Said, colour, grey, png};
use common::dataset::{Census, Fault, FaultKind, Layout};
use common::files::json;
use image::{DynamicImage, ImageBuffer, Luma, RgbImage};
use std::collections::BTreeMap;

fn check(place: &Place, args: &[&str]) -> (Said, Census) {
    let said = place.run(&[&["check", "--json"], args].concat());
    let census = json::parse(&said.out).unwrap_or_else(|error| panic!("{error:#}: {}", said.err));
    (said, census)
}

fn counts(faults: &[Fault]) -> BTreeMap<FaultKind, usize> {
    faults.iter().map(|fault| (fault.kind, fault.count)).collect()
}

/// Returns a picture with a brightness changed by one in each second pixel.
fn nearly(seed: u8) -> Vec<u8> {
    let mut image: RgbImage = image::load_from_memory(&colour(seed)).unwrap().to_rgb8();
    for (x, _, pixel) in image.enumerate_pixels_mut() {
        if x % 2 == 0 {
            pixel.0 = pixel.0.map(|value| value.saturating_add(1));
        }
    }
    png(&DynamicImage::ImageRgb8(image))
}

#[test]
fn every_fault_is_listed_with_its_count() {
    let place = Place::new();
    for i in 0..40 {
        place.write(&format!("leaves/train/birch/{i}.png"), &colour(i));
    }
    place.write("leaves/train/oak/0.png", &colour(100));
    place.write("leaves/train/oak/1.png", &colour(101));
    (0..4).for_each(|i| place.write(&format!("leaves/test/birch/{i}.png"), &colour(120 + i)));
    let clean = check(&place, &["leaves"]).1;
    let expected = [(FaultKind::MissingFromSplit, 1), (FaultKind::Imbalance, 1)];
    assert_eq!(counts(&clean.faults), BTreeMap::from(expected));
    assert!(
        clean.warnings.iter().any(|line| line.contains("oak has 2, birch has 40")),
        "{clean:?}"
    );
    assert!(clean.warnings.iter().any(|line| line.contains("oak: no test image")), "{clean:?}");

    place.write("leaves/test/oak/equal.png", &colour(7));
    place.write("leaves/test/birch/near.png", &nearly(9));
    place.write("leaves/train/oak/both.png", &colour(11));
    let deep = ImageBuffer::<Luma<u16>, _>::from_fn(50, 40, |x, y| Luma([(x * y * 31) as u16]));
    place.write("leaves/train/birch/deep.png", &png(&DynamicImage::ImageLuma16(deep)));
    place.write("leaves/train/birch/small.png", &grey(1, 15, 40));
    place.write("leaves/train/birch/long.png", &grey(2, 400, 40));
    place.write("leaves/train/birch/cut.png", &colour(60)[..100]);
    place.write("leaves/train/birch/notes.txt", b"woof");
    place.write("leaves/train/elm/.DS_Store", b"x");
    let (said, census) = check(&place, &["leaves"]);
    assert_eq!((said.code, census.layout), (0, Some(Layout::ClassFolders)));
    let expected = [
        (FaultKind::Damaged, 1),
        (FaultKind::NotAPicture, 1),
        (FaultKind::EmptyClass, 1),
        (FaultKind::Imbalance, 1),
        (FaultKind::EqualAcrossSplits, 1),
        (FaultKind::NearlyEqualAcrossSplits, 1),
        (FaultKind::TwoLabels, 2),
        (FaultKind::SixteenBit, 1),
        (FaultKind::Small, 1),
        (FaultKind::ExtremeRatio, 1),
    ];
    assert_eq!(counts(&census.faults), BTreeMap::from(expected));
    let near = census.faults.iter().find(|f| f.kind == FaultKind::NearlyEqualAcrossSplits).unwrap();
    let example = &near.examples[0];
    assert!(
        example.starts_with("test/birch/near.png and train/birch/9.png: pixels differ by 0."),
        "{example}"
    );
    assert_eq!((census.left_out.len(), census.system_files), (2, 1));
    assert_eq!((census.dataset.as_str(), census.warnings.len()), ("leaves", 10));

    // The copy has the same faults, and the table for people has a line for each.
    place.imported(&[]);
    assert_eq!(counts(&place.record().faults), counts(&census.faults));
    let copied = check(&place, &["copy"]).1;
    assert_eq!(counts(&copied.faults), counts(&census.faults));
    let table = place.run(&["check", "copy"]);
    assert_eq!((table.code, table.out.matches("\nwarning: ").count()), (0, 10), "{}", table.out);
    for folder in ["leaves", "copy"] {
        let said = place.run(&["check", folder, "--strict"]);
        assert_eq!(said.code, 1);
        assert!(said.err.ends_with("10 warnings, and --strict was given\n"), "{}", said.err);
    }
    let quiet = Place::with_leaves();
    assert_eq!(check(&quiet, &["leaves", "--strict"]).0.code, 0);
}

/// The counts of a folder are those of its copy.
#[test]
fn a_folder_counts_as_its_copy() {
    let place = Place::with_leaves();
    let folder = check(&place, &["leaves"]).1;
    place.imported(&[]);
    let copy = check(&place, &["copy"]).1;
    assert_eq!(folder.classes, copy.classes);
    let moments = |census: &Census| [census.mean.clone(), census.std.clone()].concat();
    let pairs = moments(&folder).into_iter().zip(moments(&copy));
    assert!(pairs.clone().count() == 6 && pairs.into_iter().all(|(a, b)| (a - b).abs() < 1e-4));
    assert_eq!((folder.faults, folder.problems.len()), (vec![], 0));
}

#[test]
fn what_stops_is_a_problem() {
    let place = Place::new();
    (0..9).for_each(|i| place.write(&format!("leaves/oak/{i}.png"), &colour(i)));
    let (said, census) = check(&place, &["leaves"]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("at least two classes are needed"), "{}", said.err);
    assert_eq!((census.problems.len(), census.faults[0].stops), (1, true));
    let said = place.run(&["check", "nowhere"]);
    assert!(said.error().contains("nowhere"), "{}", said.err);
}
