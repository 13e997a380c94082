//! Pictures in a folder for each class.

use crate::place::{Place, colour, contents, grey};
use common::dataset::{
    Choice, Contents, DataFile, Dataset, FaultKind, Format, ImportedSplit, Layout, Split,
};
use common::files::json;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

#[test]
fn classes_are_found_and_a_fifth_of_each_is_set_aside() {
    let place = Place::with_leaves();
    let said = place.imported(&[]);
    for part in [
        "found pictures in a folder for each class: 30 images of 3 classes (birch 10, oak 10, pine 10), in colour",
        "decoded 30 pictures",
        "32x32 pixels and 3 channels by the rule stretch with the filter triangle (SIZE= and RESIZE=",
        "24 training images, of which 20 % of each class are for validation; 6 test images, 20 % of each class, \
         drawn with the seed 0",
    ] {
        assert!(said.err.contains(part), "{part} is not in {}", said.err);
    }
    assert!(!said.err.contains("warning"), "{}", said.err);
    let dataset = place.dataset();
    assert_eq!((dataset.name.as_str(), dataset.format), ("copy", Format::Idx));
    assert_eq!((dataset.channels, dataset.height, dataset.width), (3, 32, 32));
    assert_eq!(dataset.classes, ["birch", "oak", "pine"]);
    let record = place.record();
    assert_eq!((record.layout, record.system_files), (Layout::ClassFolders, 0));
    assert_eq!(record.test, Choice::Drawn { fraction: 0.2, seed: 0 });
    assert!(record.classes.iter().all(|c| (c.train, c.validation, c.test) == (8, 0, 2)));
    assert!(record.folder.ends_with("/leaves"), "{}", record.folder);
    let images = Dataset::load(&place.path("copy"), Split::TrainAndValidation).unwrap();
    assert_eq!(images.len(), 24);
    let names: Vec<String> = place.copy().into_keys().collect();
    let expected = [
        "dataset.json",
        "files.json",
        "import.json",
        "test-images",
        "test-labels",
        "train-images",
        "train-labels",
    ];
    assert_eq!(names, expected);
}

/// The copy has the images that the format `image-folder` reads from the same pictures, and the
/// moments that are written are those of the training images.
#[test]
fn the_copy_has_the_images_of_the_folder() {
    let place = Place::new();
    for (split, count) in [("train", 6), ("test", 3)] {
        for (class, name) in ["birch", "oak"].into_iter().enumerate() {
            for i in 0..count {
                let seed = (class * 100 + i + if split == "test" { 50 } else { 0 }) as u8;
                place.write(&format!("leaves/{split}/{name}/{i}.png"), &colour(seed));
            }
        }
    }
    for resize in ["stretch", "letterbox", "crop"] {
        let _ = fs::remove_dir_all(place.path("copy"));
        let said = place.imported(&["--resize", resize, "--size", "20"]);
        assert!(said.err.contains(&format!("by the rule {resize} ")), "{}", said.err);
        assert!(said.err.contains("12 training images, of which"), "{}", said.err);
        let copy = place.dataset();
        let file = |path: &str| vec![DataFile { path: path.into(), sha256: None }];
        let described = Dataset {
            format: Format::ImageFolder,
            train: file("train"),
            test: file("test"),
            ..copy.clone()
        };
        json::write(&place.path("leaves/.described/dataset.json"), &described).unwrap();
        for split in ["train", "test"] {
            let _ = symlink(
                place.path("leaves").join(split),
                place.path("leaves/.described").join(split),
            );
        }
        for split in [Split::Train, Split::Validation] {
            let expected = Dataset::load(&place.path("leaves/.described"), split).unwrap();
            assert_eq!(Dataset::load(&place.path("copy"), split).unwrap(), expected, "{resize}");
        }
        let test = Dataset::load(&place.path("copy"), Split::Test).unwrap();
        let expected = Dataset::load(&place.path("leaves/.described"), Split::Test).unwrap();
        assert_eq!(test, expected.in_canonical_order());
        let images = Dataset::load(&place.path("copy"), Split::TrainAndValidation).unwrap();
        let sum: u64 = images.pixels.iter().map(|pixel| u64::from(*pixel)).sum();
        let mean = sum as f64 / images.pixels.len() as f64 / 255.0;
        let said: f32 = copy.normalisation.mean.iter().sum::<f32>() / 3.0;
        assert!((mean - f64::from(said)).abs() < 1e-4, "{mean} and {said}");
    }
}

#[test]
fn sets_are_found_by_the_names_of_folders() {
    let place = Place::new();
    for (folder, count) in [("Training", 5), ("testing", 2)] {
        for (class, name) in ["a", "b"].into_iter().enumerate() {
            for i in 0..count {
                let seed = (class * 60 + i * 2 + usize::from(folder == "testing")) as u8;
                place.write(&format!("leaves/{folder}/{name}/deep/{i}.png"), &colour(seed));
            }
        }
    }
    place.write("leaves/other/a/1.png", &colour(200));
    let said = place.imported(&[]);
    assert!(said.err.contains("10 training images"), "{}", said.err);
    assert!(said.err.contains("; 4 test images\n"), "{}", said.err);
    let record = place.record();
    assert_eq!(record.test, Choice::Found);
    assert_eq!((record.faults.len(), record.faults[0].kind), (1, FaultKind::Unlabelled));
    assert_eq!(record.left_out[0].file, "other/a/1.png");
}

#[test]
fn a_validation_set_that_is_found_is_kept() {
    let place = Place::new();
    for (set, folder) in ["train", "valid", "test"].into_iter().enumerate() {
        for i in 0..6 {
            let seed = (set * 80 + i) as u8;
            place.write(&format!("leaves/{folder}/{}/{i}.png", ["a", "b"][i % 2]), &colour(seed));
        }
    }
    let said = place.imported(&[]);
    assert!(
        said.err.contains("6 training images, 6 validation images; 6 test images"),
        "{}",
        said.err
    );
    let (dataset, record) = (place.dataset(), place.record());
    assert_eq!((dataset.validation, dataset.val.len()), (None, 2));
    assert_eq!((record.validation, record.classes[0].validation), (Choice::Found, 3));
    let images = |split| Dataset::load(&place.path("copy"), split).unwrap();
    assert_eq!((images(Split::Train).len(), images(Split::Validation).len()), (6, 6));
    let counts = place.run(&["check", "copy", "--strict"]);
    assert_eq!(counts.code, 0, "{}{}", counts.out, counts.err);
    // Without it, the validation images are drawn, and its files are removed.
    fs::remove_dir_all(place.path("leaves/valid")).unwrap();
    place.imported(&[]);
    assert!(place.dataset().validation.is_some() && !place.path("copy/val-images").exists());
    images(Split::Validation);
}

/// Names of classes and files may have any characters.
#[test]
fn hostile_names_are_data() {
    let place = Place::new();
    let class = "a\u{1b}[2J\n\"}; $(x)";
    for i in 0..6 {
        place.write(&format!("leaves/{}/{i}.png", [class, "b"][i % 2]), &colour(i as u8));
    }
    place.write(&format!("leaves/{class}/\u{1b}[2J\n.png"), b"");
    let said = place.imported(&[]);
    assert!(!said.err.contains('\u{1b}'), "{}", said.err);
    assert_eq!(place.dataset().classes[0], class);
    assert_eq!(said.err.lines().filter(|line| line.starts_with("warning: ")).count(), 1);
    place.write(&format!("leaves/{class}/\u{1b}[2J.png"), b"");
    let said = place.imported(&["--keep"]);
    assert!(said.err.contains("1 file added") && !said.err.contains('\u{1b}'), "{}", said.err);
}

#[test]
fn a_folder_in_a_folder_from_an_archive_is_entered() {
    let place = Place::with_leaves();
    place.rename("leaves", "unpacked/leaves-v1/leaves");
    place.rename("unpacked", "leaves");
    place.write("leaves/readme.txt", b"hello");
    place.imported(&[]);
    assert_eq!(place.dataset().classes, ["birch", "oak", "pine"]);
    assert!(place.files().files.iter().any(|file| file.path == "leaves-v1/leaves/birch/0.png"));
}

/// Damaged pictures, other files, links and files of systems are left out and named.
#[test]
fn what_cannot_be_used_is_left_out_and_counted() {
    let place = Place::with_leaves();
    let whole = colour(99);
    place.write("leaves/oak/cut.png", &whole[..whole.len() / 2]);
    place.write("leaves/oak/empty.png", b"");
    place.write("leaves/oak/page.jpg", b"<!DOCTYPE html>");
    place.write("leaves/oak/notes.txt", b"woof");
    place.write("leaves/.DS_Store", b"x");
    place.write("leaves/oak/Thumbs.db", b"x");
    place.write("elsewhere/secret.png", &colour(200));
    symlink(place.path("elsewhere/secret.png"), place.path("leaves/oak/link.png")).unwrap();
    symlink(place.path("elsewhere"), place.path("leaves/oak/folder")).unwrap();
    symlink(place.path("nowhere"), place.path("leaves/oak/dangling.png")).unwrap();
    symlink(place.path("leaves/pine/0.png"), place.path("leaves/oak/inside.png")).unwrap();
    fs::create_dir_all(place.path("leaves/elm")).unwrap();
    let said = place.imported(&[]);
    for part in [
        "warning: 3 files are damaged or incomplete pictures and were left out: oak/cut.png: ",
        "oak/empty.png: the file is empty; oak/page.jpg: it is neither PNG",
        "warning: 1 file is not a picture and was left out: oak/notes.txt",
        "warning: 2 links or paths lead out of the folder and were left out: oak/folder",
        "warning: 1 file cannot be read and was left out: oak/dangling.png: a link to a file that is not there",
        "warning: 1 class has no usable image: elm",
        "ignored 2 files of operating systems",
    ] {
        assert!(said.err.contains(part), "{part} is not in {}", said.err);
    }
    let record = place.record();
    assert_eq!(record.system_files, 2);
    assert_eq!(record.left_out.len(), 7);
    let counts: BTreeMap<FaultKind, usize> =
        record.faults.iter().map(|fault| (fault.kind, fault.count)).collect();
    assert_eq!(counts[&FaultKind::Damaged], 3);
    assert_eq!(counts[&FaultKind::TwoLabels], 1, "a link to a picture of another class");
    assert_eq!(place.dataset().classes, ["birch", "oak", "pine"]);
    let error = place.refused(&["--strict"]);
    assert!(error.contains("STRICT=1") && error.contains("3 files are damaged"), "{error}");
    fs::remove_dir_all(place.path("copy")).unwrap();
    let error = place.refused(&["--strict"]);
    assert!(error.contains("1 class has no usable image"), "{error}");
    assert!(!place.path("copy").exists());
}

/// Renamed files in another order make the same copy.
#[test]
fn neither_names_nor_order_of_files_change_the_copy() {
    let place = Place::with_leaves();
    place.imported(&[]);
    let (first, prints) = (place.copy(), place.fingerprints());
    for class in ["birch", "oak", "pine"] {
        for i in 0..10 {
            let to = format!("leaves/{class}/z{}/photo.{}.png", (i * 7) % 10, 9 - i);
            place.rename(&format!("leaves/{class}/{i}.png"), &to);
        }
    }
    fs::remove_dir_all(place.path("copy")).unwrap();
    place.imported(&[]);
    assert_eq!(place.fingerprints(), prints);
    let second = place.copy();
    for name in ["dataset.json", "train-images", "train-labels", "test-images", "test-labels"] {
        assert_eq!(first[name], second[name], "{name}");
    }
    // A class with another name is another data set.
    place.rename("leaves/birch", "leaves/aspen");
    place.imported(&[]);
    assert_ne!(place.fingerprints(), prints);
}

#[test]
fn a_source_is_only_read_whatever_its_path() {
    let place = Place::with_leaves();
    let folder = "it's \"my\" $(leaves) ä\u{308} 写真";
    place.rename("leaves", folder);
    let before = listing(&place.path(folder));
    fs::set_permissions(place.path(folder), fs::Permissions::from_mode(0o555)).unwrap();
    let said = place.run(&["import", folder, "--out", "a b/c'ö"]);
    assert_eq!((said.code, said.out.as_str()), (0, "a b/c'ö/dataset.json\n"), "{}", said.err);
    assert_eq!(listing(&place.path(folder)), before);
    let names: Vec<String> = contents(&place.path("a b/c'ö")).into_keys().collect();
    assert_eq!(names.len(), 7, "{names:?}");
    let dataset: Dataset = json::read(&place.path("a b/c'ö/dataset.json")).unwrap();
    assert_eq!(dataset.name, "c");
}

/// Returns all paths below a folder with the times of their last changes.
fn listing(folder: &Path) -> Vec<(String, std::time::SystemTime)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        found.push((path.display().to_string(), fs::metadata(&path).unwrap().modified().unwrap()));
        if path.is_dir() {
            found.extend(listing(&path));
        }
    }
    found.sort();
    found
}

#[test]
fn grey_pictures_have_one_channel() {
    let place = Place::new();
    for i in 0..10 {
        place.write(&format!("leaves/{}/{i}.png", i % 2), &grey(i, 16, 16));
    }
    let said = place.imported(&[]);
    assert!(said.err.contains("(0 5, 1 5), grey"), "{}", said.err);
    assert_eq!(place.dataset().channels, 1);
    assert_eq!(place.dataset().classes, ["0", "1"]);
    // One picture in colour changes that, and no other picture is decoded again.
    place.write("leaves/0/colour.png", &colour(1));
    assert_eq!(place.imported(&[]).decoded(), 1);
    assert_eq!(place.dataset().channels, 3);
    let followed = place.copy();
    fs::remove_dir_all(place.path("copy")).unwrap();
    place.imported(&[]);
    assert_eq!(place.copy(), followed);
    fs::remove_file(place.path("leaves/0/colour.png")).unwrap();
    assert_eq!(place.imported(&[]).decoded(), 0);
    assert_eq!(place.dataset().channels, 1);
    let followed = place.copy();
    fs::remove_dir_all(place.path("copy")).unwrap();
    place.imported(&[]);
    assert_eq!(place.copy(), followed);
}

#[test]
fn classes_that_are_numbers_are_in_the_order_of_numbers() {
    let place = Place::new();
    for class in 0..300u32 {
        for i in 0..3 {
            let seed = (class * 3 + i) as u8;
            place.write(&format!("leaves/{class}/{i}.png"), &grey(seed, 9 + class, 9 + i));
        }
    }
    place.imported(&["--size", "8"]);
    let dataset = place.dataset();
    assert_eq!((dataset.classes.len(), dataset.classes[299].as_str()), (300, "299"));
    let labels = Dataset::load(&place.path("copy"), Split::TrainAndValidation).unwrap().labels;
    let mut counts = vec![0; 300];
    labels.iter().for_each(|label| counts[usize::from(*label)] += 1);
    assert_eq!(counts, vec![2; 300], "labels of over 256 classes take two bytes");
}

#[test]
fn files_say_what_became_of_each_picture() {
    let place = Place::with_leaves();
    place.imported(&[]);
    let test = Dataset::load(&place.path("copy"), Split::Test).unwrap();
    let mut tested = 0;
    for file in place.files().files {
        let Contents::Picture { class, split, image, height, width, grey, .. } = file.contents
        else {
            panic!("{}", file.path)
        };
        assert_eq!((height, width, grey), (30, 40, false));
        if split == ImportedSplit::Test {
            tested += 1;
            let classes = place.dataset().classes;
            assert_eq!(classes[usize::from(test.labels[image])], class);
        }
    }
    assert_eq!(tested, 6);
}
