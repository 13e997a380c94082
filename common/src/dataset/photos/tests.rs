//! Tests of the cached pixels of photos.

use crate::dataset::test_support::{description, file, write_image};
use crate::dataset::{Dataset, Format, Images, ScaledIndex, Split};
use crate::files::json;
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// A data set with six photos for its test set, in folders of two classes.
fn fixture() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (i, name) in ["cat/1", "cat/2", "cat/3", "dog/1", "dog/2", "dog/3"].iter().enumerate() {
        let value = 10 + 10 * i as u8;
        write_image(&dir.path().join(format!("photos/{name}.png")), 9, [value, 0, 0]);
    }
    describe(dir.path(), ["cat", "dog"], 4);
    dir
}

fn describe(dir: &Path, classes: [&str; 2], side: usize) {
    let dataset = description(Format::ImageFolder, side, classes, vec![file("photos")]);
    json::write(&dir.join("dataset.json"), &dataset).unwrap();
}

fn load(dir: &tempfile::TempDir) -> Images {
    Dataset::load(dir.path(), Split::Test).unwrap()
}

fn reds(dir: &tempfile::TempDir) -> Vec<u8> {
    let images = load(dir);
    (0..images.len()).map(|i| images.image(i)[0]).collect()
}

/// Returns the files with pixels.
fn pixel_files(dir: &tempfile::TempDir) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir.path().join(".scaled")).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_none());
    paths
}

/// Loads the data set, then makes all cached images grey: images that are grey later were not
/// decoded again.
fn load_and_mark(dir: &tempfile::TempDir) -> Images {
    let images = load(dir);
    let pixels = vec![99; images.pixels.len()];
    let marked = [&pixels[..], &Sha256::digest(&pixels)].concat();
    let paths = pixel_files(dir);
    assert_eq!(paths.len(), 1, "older versions are removed");
    fs::write(&paths[0], marked).unwrap();
    images
}

/// Writes a file, or leaves it as it is, and sets the time of its last change.
fn change(dir: &tempfile::TempDir, photo: &str, bytes: Option<&[u8]>, time: SystemTime) {
    let path = dir.path().join("photos").join(photo);
    bytes.iter().for_each(|bytes| fs::write(&path, bytes).unwrap());
    File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
}

fn facts(dir: &tempfile::TempDir, photo: &str) -> (Vec<u8>, SystemTime) {
    let path = dir.path().join("photos").join(photo);
    (fs::read(&path).unwrap(), fs::metadata(&path).unwrap().modified().unwrap())
}

#[test]
fn photos_of_the_same_size_and_time_are_not_read() {
    let dir = fixture();
    load_and_mark(&dir);
    let (bytes, time) = facts(&dir, "cat/2.png");
    change(&dir, "cat/2.png", Some(&vec![0; bytes.len()]), time);
    assert_eq!(reds(&dir), [99; 6]);
    change(&dir, "cat/2.png", Some(&bytes[1..]), time);
    assert!(Dataset::load(dir.path(), Split::Test).is_err(), "another size");
}

#[test]
fn at_another_time_the_hash_decides() {
    let dir = fixture();
    load_and_mark(&dir);
    let index = || -> ScaledIndex { json::read(&dir.path().join(".scaled/photos.json")).unwrap() };
    let before = index();
    let (first, time) = facts(&dir, "cat/1.png");
    let later = time + Duration::from_nanos(1);
    change(&dir, "cat/1.png", None, later);
    change(&dir, "cat/2.png", Some(&first), later);
    assert_eq!(reds(&dir), [99; 6], "the pixels of one photo may serve for two");
    assert_ne!(index(), before);
    change(&dir, "cat/1.png", Some(&vec![0; first.len()]), later);
    assert_eq!(reds(&dir), [99; 6], "the new time is in the index");
}

#[test]
fn only_changed_photos_are_decoded() {
    let dir = fixture();
    let photo = |name: &str| dir.path().join("photos").join(name);
    load_and_mark(&dir);
    fs::rename(photo("dog/3.png"), photo("dog/4.png")).unwrap();
    fs::remove_file(photo("cat/1.png")).unwrap();
    write_image(&photo("cat/2.png"), 9, [200, 0, 0]);
    write_image(&photo("dog/0.png"), 9, [210, 0, 0]);
    assert_eq!(reds(&dir), [200, 99, 210, 99, 99, 99]);
    assert_eq!(reds(&dir), [200, 99, 210, 99, 99, 99]);
    assert_eq!(pixel_files(&dir).len(), 1);
    describe(dir.path(), ["cat", "dog"], 5);
    assert_eq!(reds(&dir), [200, 30, 210, 40, 50, 60], "the size of the pixels is another one");
}

#[test]
fn classes_that_exchange_their_photos_are_noticed() {
    let dir = fixture();
    load_and_mark(&dir);
    fs::remove_file(dir.path().join("photos/dog/3.png")).unwrap();
    for (from, to) in [("cat", "x"), ("dog", "cat"), ("x", "dog")] {
        let photos = dir.path().join("photos");
        fs::rename(photos.join(from), photos.join(to)).unwrap();
    }
    let mut expected = fixture_without_cache(&dir);
    assert_eq!(expected.labels, [0, 0, 1, 1, 1]);
    expected.pixels.fill(99);
    assert_eq!(load(&dir).labels, expected.labels);
    assert_eq!(load(&dir).pixels, expected.pixels);
}

fn fixture_without_cache(dir: &tempfile::TempDir) -> Images {
    let other = tempfile::tempdir().unwrap();
    fs::copy(dir.path().join("dataset.json"), other.path().join("dataset.json")).unwrap();
    std::os::unix::fs::symlink(dir.path().join("photos"), other.path().join("photos")).unwrap();
    load(&other)
}

#[test]
fn without_the_folder_no_photo_is_needed() {
    let dir = fixture();
    let before = load(&dir);
    fs::rename(dir.path().join("photos"), dir.path().join("elsewhere")).unwrap();
    assert_eq!(load(&dir), before);
    describe(dir.path(), ["dog", "cat"], 4);
    let away = load(&dir);
    fs::rename(dir.path().join("elsewhere"), dir.path().join("photos")).unwrap();
    assert_eq!(load(&dir), away, "the order is that of the classes");
    fs::rename(dir.path().join("photos"), dir.path().join("elsewhere")).unwrap();
    describe(dir.path(), ["dog", "bird"], 4);
    let said = format!("{:#}", Dataset::load(dir.path(), Split::Test).unwrap_err());
    assert!(said.contains("photos/cat: the folder is not one of the classes"), "{said}");
    describe(dir.path(), ["dog", "cat"], 5);
    assert!(Dataset::load(dir.path(), Split::Test).is_err(), "of another size nothing is cached");
}

/// The good photos are not decoded again once the bad one has been replaced, but without the
/// folder they are not the whole set.
#[test]
fn a_damaged_photo_does_not_cost_the_others() {
    let dir = fixture();
    let (bad, elsewhere) = (dir.path().join("photos/dog/2.png"), dir.path().join("elsewhere"));
    fs::write(&bad, "no image").unwrap();
    let said = format!("{:#}", Dataset::load(dir.path(), Split::Test).unwrap_err());
    assert!(said.contains("dog/2.png: not a usable image"), "{said}");
    fs::rename(dir.path().join("photos"), &elsewhere).unwrap();
    assert!(Dataset::load(dir.path(), Split::Test).is_err());
    fs::rename(&elsewhere, dir.path().join("photos")).unwrap();
    let pixels = vec![99; 5 * 48];
    fs::write(&pixel_files(&dir)[0], [&pixels[..], &Sha256::digest(&pixels)].concat()).unwrap();
    write_image(&bad, 9, [200, 0, 0]);
    assert_eq!(reds(&dir), [99, 99, 99, 99, 200, 99]);
}

#[test]
fn damaged_or_unwritable_caches_change_nothing() {
    let dir = fixture();
    let expected = load(&dir);
    let scaled = dir.path().join(".scaled");
    let damages: [&dyn Fn(&Path); 4] = [
        &|pixels| fs::write(pixels, "short").unwrap(),
        &|pixels| fs::remove_file(pixels).unwrap(),
        &|pixels| {
            let mut bytes = fs::read(pixels).unwrap();
            bytes[7] ^= 1;
            fs::write(pixels, bytes).unwrap();
        },
        &|_| fs::write(scaled.join("photos.json"), "{").unwrap(),
    ];
    for damage in damages {
        damage(&pixel_files(&dir)[0]);
        assert_eq!(load(&dir), expected);
    }
    fs::remove_dir_all(&scaled).unwrap();
    fs::write(&scaled, "a file where the folder should be").unwrap();
    assert_eq!(load(&dir), expected);
}
