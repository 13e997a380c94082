//! Files of many images.

use crate::place::Place;
use common::dataset::{Choice, Dataset, FaultKind, Layout, Split};
use flate2::read::GzDecoder;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Returns a file that NumPy or Python wrote.
fn golden(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../common/tests/foreign").join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn digits() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("datasets/digits")
}

/// Writes the unpacked files of the digits that ship into `leaves`.
fn unpack_digits(place: &Place) {
    for file in fs::read_dir(digits()).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "gz") {
            let mut bytes = Vec::new();
            GzDecoder::new(fs::File::open(&path).unwrap()).read_to_end(&mut bytes).unwrap();
            place.write(&format!("leaves/{}", path.file_stem().unwrap().display()), &bytes);
        }
    }
}

/// Returns an IDX file of unsigned bytes.
fn idx(sizes: &[u32], content: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, 8, sizes.len() as u8];
    sizes.iter().for_each(|size| file.extend(size.to_be_bytes()));
    [&file, content].concat()
}

/// Returns a `.npy` file of unsigned bytes.
fn npy(shape: &str, content: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}\n");
    let length = (header.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\0", &length[..], header.as_bytes(), content].concat()
}

/// The copy of MNIST's layout has the images and the fingerprints of the data set that ships.
#[test]
fn idx_files_are_copied_as_they_are() {
    let place = Place::new();
    fs::create_dir(place.path("leaves")).unwrap();
    for file in fs::read_dir(digits()).unwrap() {
        let path = file.unwrap().path();
        fs::copy(&path, place.path("leaves").join(path.file_name().unwrap())).unwrap();
    }
    let recipe: Dataset = Dataset::describe(&digits().with_extension("json")).unwrap();
    let said = place.imported(&[]);
    assert!(said.err.contains("found IDX files: "), "{}", said.err);
    assert!(said.err.contains("the images keep their size, 8x8"), "{}", said.err);
    let dataset = place.dataset();
    assert_eq!((dataset.channels, dataset.height, dataset.width), (1, 8, 8));
    assert_eq!(dataset.classes, recipe.classes);
    assert_eq!(place.record().test, Choice::Found);
    assert_eq!(place.record().scaling, None);
    unpack_digits(&place);
    for split in [Split::TrainAndValidation, Split::Test] {
        let copied = Dataset::load(&place.path("copy"), split).unwrap().in_canonical_order();
        fs::copy(digits().with_extension("json"), place.path("leaves/.dataset.json")).unwrap();
        let original = Dataset::load(&place.path("leaves/.dataset.json"), split).unwrap();
        let original = original.in_canonical_order();
        assert_eq!((copied.pixels, copied.labels), (original.pixels, original.labels));
    }
    fs::remove_dir_all(place.path("copy")).unwrap();
    let said = place.imported(&["--size", "16"]);
    assert!(said.err.contains("16x16 pixels and 1 channel by the rule stretch"), "{}", said.err);
    assert_eq!(Dataset::load(&place.path("copy"), Split::Test).unwrap().shape.height, 16);
}

#[test]
fn archives_and_arrays_are_read() {
    let place = Place::new();
    let pixels: Vec<u8> = (0..10 * 12).map(|i| (i * 11 % 251) as u8).collect();
    place.write("leaves/X_train.npy", &npy("(10, 3, 4)", &pixels));
    place.write("leaves/y_train.npy", &npy("(10, 1)", &[5, 9, 5, 9, 5, 9, 5, 9, 5, 9]));
    let said = place.imported(&[]);
    assert!(
        said.err.contains("arrays in .npy files: 10 images of 2 classes (5 5, 9 5), grey"),
        "{}",
        said.err
    );
    assert_eq!(place.record().test, Choice::Drawn { fraction: 0.2, seed: 0 });
    let images = Dataset::load(&place.path("copy"), Split::TrainAndValidation).unwrap();
    assert_eq!((images.len(), images.shape.height, images.shape.width), (8, 3, 4));
    let said = place.run(&["import", "leaves/X_train.npy", "--out", "other"]);
    assert!(said.error().contains("neither a folder of images"), "{}", said.err);

    place.write("archive/stored.npz", &golden("stored.npz"));
    for from in ["archive", "archive/stored.npz"] {
        let said = place.run(&["import", from, "--out", "archived"]);
        let error = said.error();
        assert!(error.contains("no validation image"), "{error}");
    }
    place.write("archive/stored.npz", &golden("float.npz"));
    let error = place.run(&["import", "archive", "--out", "archived"]).error();
    assert!(error.contains("stored.npz: array x_train: it has real numbers"), "{error}");
    assert!(!place.path("archived").exists());
    place.write("archive/other.npz", &golden("stored.npz"));
    let error = place.run(&["import", "archive", "--out", "archived"]).error();
    assert!(error.contains("other.npz and stored.npz are both images"), "{error}");
}

#[test]
fn cifars_python_version_is_read_with_its_names() {
    let place = Place::new();
    for batch in 1..=3 {
        place.write(
            &format!("leaves/cifar-10-batches-py/data_batch_{batch}"),
            &golden("cifar-2.pickle"),
        );
    }
    place.write("leaves/cifar-10-batches-py/test_batch", &golden("cifar-python2.pickle"));
    let names = ["airplane", "automobile", "bird", "cat"].map(|name| format!("V{name}\n")).concat();
    let meta = format!("(dVlabel_names\n(l{}s.", names.replace('\n', "\na"));
    place.write("leaves/cifar-10-batches-py/batches.meta", meta.as_bytes());
    place.write("leaves/cifar-10-batches-py/readme.html", b"<html>");
    let said = place.imported(&[]);
    assert!(
        said.err.contains("found CIFAR's Python version: 8 images of 4 classes"),
        "{}",
        said.err
    );
    assert!(said.err.contains("2 classes have no usable image: automobile; bird"), "{}", said.err);
    let dataset = place.dataset();
    assert_eq!((dataset.channels, dataset.height), (3, 32));
    assert_eq!(dataset.classes, ["airplane", "automobile", "bird", "cat"]);
    let test = Dataset::load(&place.path("copy"), Split::Test).unwrap();
    let mut labels = test.labels.clone();
    labels.sort_unstable();
    assert_eq!(labels, [0, 3]);
    let first = (0..3072).map(|i| (37 * i % 256) as u8).collect::<Vec<u8>>();
    let three = test.labels.iter().position(|label| *label == 3).unwrap();
    assert_eq!(test.image(three), first);
    let kinds: Vec<FaultKind> = place.record().faults.iter().map(|fault| fault.kind).collect();
    assert!(kinds.contains(&FaultKind::EqualAcrossSplits), "{kinds:?}");
    place.write("leaves/cifar-10-batches-py/data_batch_2", &golden("system.pickle"));
    fs::remove_dir_all(place.path("copy")).unwrap();
    let error = place.refused(&[]);
    assert!(error.contains("data_batch_2: the pickle calls os.system"), "{error}");
}

#[test]
fn cifars_binary_versions_are_read() {
    let place = Place::new();
    let record = |labels: &[u8], seed: usize| -> Vec<u8> {
        let pixels = (0..3072).map(|i| ((i / 7 + 13 * seed) % 256) as u8);
        labels.iter().copied().chain(pixels).collect()
    };
    let ten = |from: usize| -> Vec<u8> {
        (from..from + 6).flat_map(|i| record(&[(i % 2) as u8], i)).collect()
    };
    place.write("leaves/data_batch_1.bin", &ten(0));
    place.write("leaves/test_batch.bin", &ten(6));
    place.write("leaves/batches.meta.txt", b"airplane\nautomobile\n\n");
    place.imported(&[]);
    assert_eq!(place.record().layout, Layout::CifarBinary);
    assert_eq!(place.dataset().classes, ["airplane", "automobile"]);
    fs::remove_dir_all(place.path("copy")).unwrap();
    fs::remove_dir_all(place.path("leaves")).unwrap();
    let hundred: Vec<u8> = (0..8).flat_map(|i| record(&[9, 40 + (i % 2) as u8], i)).collect();
    place.write("leaves/train.bin", &hundred);
    place.imported(&[]);
    assert_eq!(place.dataset().classes, ["40", "41"]);
    place.write("leaves/train.bin", &hundred[1..]);
    let error = place.refused(&[]);
    assert!(error.contains("train.bin: 24591 bytes are not a whole number of records"), "{error}");
}

#[test]
fn a_folder_with_a_description_keeps_what_it_says() {
    let place = Place::new();
    let description = fs::read_to_string(digits().with_extension("json")).unwrap();
    let description = description.replace("\"0\"", "\"zero\"");
    place.write("leaves/dataset.json", description.as_bytes());
    unpack_digits(&place);
    place.imported(&[]);
    let original = Dataset::describe(&place.path("leaves")).unwrap();
    let copied = place.dataset();
    assert_eq!(copied.classes[0], "zero");
    assert_eq!(
        (copied.normalisation, copied.validation),
        (original.normalisation, original.validation)
    );
    for split in [Split::Train, Split::Validation] {
        let expected = Dataset::load(&place.path("leaves"), split).unwrap();
        assert_eq!(Dataset::load(&place.path("copy"), split).unwrap(), expected);
    }
}

/// Labels of a set that are missing, and images of other sizes, are refused by name.
#[test]
fn sets_that_do_not_fit_are_refused() {
    let place = Place::new();
    place.write("leaves/train-images-idx3-ubyte", &idx(&[4, 2, 2], &[9; 16]));
    place.write("leaves/train-labels-idx1-ubyte", &idx(&[4], &[0, 1, 0, 1]));
    place.write("leaves/t10k-images-idx3-ubyte", &idx(&[2, 3, 3], &[9; 18]));
    place.write("leaves/t10k-labels-idx1-ubyte", &idx(&[2], &[0, 1]));
    let error = place.refused(&[]);
    assert!(error.contains("1x2x2") && error.contains("1x3x3"), "{error}");
    place.write("leaves/t10k-labels-idx1-ubyte", &idx(&[3], &[0, 1, 1]));
    let error = place.refused(&[]);
    assert!(error.contains("t10k-labels-idx1-ubyte: there are 2 images but 3 labels"), "{error}");
    place.write("leaves/train-images-idx3-ubyte", &idx(&[u32::MAX, 4096, 4096], &[9; 16]));
    let error = place.refused(&[]);
    assert!(error.contains("train-images-idx3-ubyte: its shape"), "{error}");
}
