//! Files that NumPy and Python wrote (`make.py`), damaged ones, and hostile ones.

use common::foreign::{
    Array, ChannelOrder, CifarPython, Elements, Labels, images, labels, read_cifar_python,
    read_npy, read_npz,
};
use proptest::prelude::*;
use std::io::{Cursor, Write};
use std::path::Path;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

fn file(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/foreign").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Returns the pixels that `make.py` writes.
fn pixels(count: usize) -> Vec<u8> {
    (0..count).map(|i| (37 * i % 256) as u8).collect()
}

fn npz(bytes: Vec<u8>) -> anyhow::Result<Vec<(String, Array)>> {
    read_npz(Cursor::new(bytes), |name| name != "notes")
}

fn npz_error(bytes: Vec<u8>) -> String {
    format!("{:#}", npz(bytes).unwrap_err())
}

fn take(arrays: &mut Vec<(String, Array)>, name: &str) -> Array {
    let at = arrays.iter().position(|(found, _)| found == name).unwrap();
    arrays.remove(at).1
}

#[test]
fn archives_of_numpy_are_read() {
    for name in ["stored.npz", "deflated.npz"] {
        let mut arrays = npz(file(name)).unwrap();
        assert_eq!(arrays.len(), 4, "an array that is not wanted was read");
        let train = images(take(&mut arrays, "x_train"), ChannelOrder::Last).unwrap();
        assert_eq!((train.channels, train.height, train.width, train.len()), (1, 4, 5, 3));
        assert_eq!(train.pixels, pixels(60));
        let train_labels = labels(take(&mut arrays, "y_train"), 3).unwrap();
        assert_eq!(train_labels, Labels::Numbers(vec![0, 1, 7]));
        // Its elements are in Fortran's order.
        let test = images(take(&mut arrays, "x_test"), ChannelOrder::Last).unwrap();
        assert_eq!(test.pixels, pixels(40));
        let test_labels = labels(take(&mut arrays, "y_test"), 2).unwrap();
        assert_eq!(test_labels, Labels::Numbers(vec![7, 0]));
    }
}

#[test]
fn colour_images_and_names_of_classes_are_read() {
    let mut arrays = npz(file("colour.npz")).unwrap();
    let train = images(take(&mut arrays, "train_images"), ChannelOrder::Last).unwrap();
    assert_eq!((train.channels, train.height, train.width), (3, 4, 5));
    let interleaved = pixels(120);
    let red: Vec<u8> = interleaved[..60].iter().step_by(3).copied().collect();
    assert_eq!(train.pixels[..20], red);
    let names = labels(take(&mut arrays, "train_labels"), 2).unwrap();
    assert_eq!(names, Labels::Names(vec!["oak".into(), "Ahorn ä".into()]));
    let names = labels(take(&mut arrays, "val_labels"), 1).unwrap();
    assert_eq!(names, Labels::Names(vec!["oak".into()]));
    let array = read_npy(&file("fortran.npy")).unwrap();
    assert_eq!((array.shape, array.elements), (vec![2, 3, 4, 1], Elements::Bytes(pixels(24))));
}

#[test]
fn arrays_that_cannot_be_pixels_are_refused_with_what_to_do() {
    let error = npz_error(file("float.npz"));
    assert!(error.contains("array x_train: it has real numbers (float64)"), "{error}");
    assert!(error.contains("(array * 255).round().astype(\"uint8\")"), "{error}");
    let error = npz_error(file("object.npz"));
    assert!(error.contains("array x_train: it is an array of Python objects"), "{error}");
}

/// Returns an archive of one array with these bytes.
fn archive(array: &[u8], method: CompressionMethod) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(method);
    writer.start_file("x_train.npy", options).unwrap();
    writer.write_all(array).unwrap();
    writer.finish().unwrap().into_inner()
}

fn array_of(shape: &str, elements: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}\n");
    let length = (header.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\0", &length[..], header.as_bytes(), elements].concat()
}

#[test]
fn an_archive_may_not_unpack_to_more_than_its_header_or_many_times_its_size() {
    let zeros = vec![0; 65 << 20];
    let bomb = archive(&array_of("(68157440,)", &zeros), CompressionMethod::Deflated);
    assert!(bomb.len() < 100_000);
    assert!(npz_error(bomb).contains("unpacks to 68157440 bytes, more than the 67108864"));
    let allowed =
        archive(&array_of("(67108864,)", &zeros[..64 << 20]), CompressionMethod::Deflated);
    assert_eq!(npz(allowed).unwrap()[0].1.shape, [64 << 20]);
    let huge = archive(&array_of("(4000000000000000000,)", &[1]), CompressionMethod::Stored);
    assert!(npz_error(huge).contains("unpacks to 4000000000000000000 bytes"));
    let longer = archive(&array_of("(2,)", &[1, 2, 3]), CompressionMethod::Stored);
    assert!(npz_error(longer).contains("takes 2 bytes, but there are 3"));
    let shorter = archive(&array_of("(2,)", &[1]), CompressionMethod::Stored);
    assert!(npz_error(shorter).contains("cut off"));
    let header = [&b"\x93NUMPY\x02\0"[..], &[255, 255, 255, 255]].concat();
    let header = archive(&[&header[..], &[0; 20]].concat(), CompressionMethod::Stored);
    assert!(npz_error(header).contains("header has over"));
}

#[test]
fn pickles_of_every_protocol_have_the_same_images() {
    let mut files: Vec<String> =
        (0..6).map(|protocol| format!("cifar-{protocol}.pickle")).collect();
    files.push("cifar-python2.pickle".into());
    for name in files {
        let read =
            read_cifar_python(&file(&name)).unwrap_or_else(|error| panic!("{name}: {error:#}"));
        let CifarPython::Batch { images, labels } = read else { panic!("{name}: {read:?}") };
        assert_eq!((images.channels, images.height, images.width), (3, 32, 32), "{name}");
        assert_eq!(images.pixels, pixels(2 * 3072), "{name}");
        assert_eq!(labels, [3, 0], "{name}");
    }
    let CifarPython::Batch { labels, .. } = read_cifar_python(&file("cifar-100.pickle")).unwrap()
    else {
        panic!("no images")
    };
    assert_eq!(labels, [99, 3], "the fine labels");
    let names = read_cifar_python(&file("names.pickle")).unwrap();
    assert_eq!(names, CifarPython::Names(vec!["apple".into(), "aquarium_fish".into()]));
}

#[test]
fn functions_and_classes_in_a_pickle_are_refused_by_name() {
    let error = |bytes: &[u8]| format!("{:#}", read_cifar_python(bytes).unwrap_err());
    assert!(error(&file("system.pickle")).contains("calls os.system"));
    assert!(!Path::new("/tmp/pickle-was-run").exists());
    assert!(error(&file("class.pickle")).contains("calls collections.OrderedDict"));
    assert!(error(b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93.").contains("calls builtins.eval"));
    for (bytes, named) in [
        (&b"ios\nsystem\n."[..], "operation 0x69"),
        (b"Pid\n.", "operation 0x50"),
        (b"\x80\x02}q\0.", "no entries `data` and `labels`"),
        (b"", "cut off"),
        (b"\x80\x02}", "cut off"),
        (b"}0.", "takes more than it has"),
        (b"h\x07.", "no such memo"),
        (b"\x8d\xff\xff\xff\xff\xff\xff\xff\x7fa.", "cut off"),
    ] {
        assert!(error(bytes).contains(named), "{bytes:?}: {}", error(bytes));
    }
}

/// A value that holds itself, deep nesting, and a text that is repeated a million times.
#[test]
fn pickles_that_grow_or_never_end_are_refused() {
    assert!(read_cifar_python(b"]q\0h\0a.").is_err());
    let deep = [vec![b']'; 100_000], vec![b'a'; 99_999], vec![b'.']].concat();
    assert!(read_cifar_python(&deep).is_err());
    let text = "x".repeat(1 << 20);
    let start = [
        b"c_codecs\nencode\nq\0X",
        &(text.len() as u32).to_le_bytes()[..],
        text.as_bytes(),
        b"q\x01",
    ];
    let grows = [start.concat(), b"h\0h\x01\x85R".repeat(1 << 12), b".".to_vec()].concat();
    let error = format!("{:#}", read_cifar_python(&grows).unwrap_err());
    assert!(error.contains("bytes of texts"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Changes a few bytes of a whole file, or cuts it off.
    #[test]
    fn damaged_files_are_read_or_refused(
        which in 0usize..8,
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in proptest::option::of(any::<prop::sample::Index>()),
    ) {
        let names = [
            "stored.npz", "deflated.npz", "colour.npz", "fortran.npy", "cifar-0.pickle",
            "cifar-python2.pickle", "cifar-4.pickle", "names.pickle",
        ];
        let mut bytes = file(names[which]);
        for (index, value) in changes {
            // Pixels need no changes: most of a pickle are pixels.
            let length = bytes.len().min(600);
            bytes[index.index(length)] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let _ = read_npy(&bytes);
        let _ = read_cifar_python(&bytes);
        if let Ok(arrays) = npz(bytes) {
            for (_, array) in arrays {
                let _ = labels(array.clone(), 3);
                let _ = images(array, ChannelOrder::Last);
            }
        }
    }
}
