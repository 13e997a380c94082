//! Files of many images: NumPy arrays, CIFAR's two versions, and files like MNIST's.

use super::found::{ArrayFile, ArrayPart};
use super::set_names::{set_in, set_of, words};
use super::walk::{Walk, WalkedFile};
use anyhow::{Result, bail};
use common::dataset::{ImportedSplit, Layout};

/// Returns the layout and the files of many images directly in a folder; `None` if there are none.
///
/// # Errors
/// Fails if there are several sets of the same kind.
pub(crate) fn find(walk: &Walk) -> Result<Option<(Layout, Vec<ArrayFile>)>> {
    let files: Vec<&WalkedFile> =
        walk.files.iter().filter(|file| !file.path.contains('/')).collect();
    let kinds: [(Layout, PartOf); 5] = [
        (Layout::CifarPython, cifar_python),
        (Layout::CifarBinary, cifar_binary),
        (Layout::Idx, idx),
        (Layout::Npz, npz),
        (Layout::Npy, npy),
    ];
    for (layout, part_of) in kinds {
        let mut found: Vec<ArrayFile> = Vec::new();
        for file in &files {
            let Some((split, part)) = part_of(&file.path) else { continue };
            // The unpacked file is preferred to the packed one, which follows it.
            let packed = file.path.strip_suffix(".gz");
            if packed.is_some_and(|plain| found.iter().any(|other| other.file.path == plain)) {
                continue;
            }
            found.push(ArrayFile { file: (*file).clone(), split, part });
        }
        if is_whole(layout, &found) {
            check_single(layout, &found)?;
            return Ok(Some((layout, found)));
        }
    }
    Ok(None)
}

type Part = (ImportedSplit, ArrayPart);
type PartOf = fn(&str) -> Option<Part>;

/// Returns whether there are images and labels to train on.
fn is_whole(layout: Layout, files: &[ArrayFile]) -> bool {
    let has = |part| files.iter().any(|file| file.part == part);
    match layout {
        Layout::Npz | Layout::CifarBinary => has(ArrayPart::Both),
        // The names of CIFAR-100's files alone say little.
        Layout::CifarPython => {
            let is_batch = |file: &ArrayFile| file.file.path.starts_with("data_batch_");
            files.iter().any(is_batch) || has(ArrayPart::Both) && has(ArrayPart::Names)
        }
        Layout::Idx | Layout::Npy => has(ArrayPart::Images) && has(ArrayPart::Labels),
        Layout::ClassFolders | Layout::LabelList | Layout::Dataset => false,
    }
}

/// Checks that each set has one file of images and one of labels.
fn check_single(layout: Layout, files: &[ArrayFile]) -> Result<()> {
    if matches!(layout, Layout::CifarPython | Layout::CifarBinary) {
        return Ok(());
    }
    for (index, file) in files.iter().enumerate() {
        let same = |other: &&ArrayFile| (other.split, other.part) == (file.split, file.part);
        if let Some(other) = files[..index].iter().find(same) {
            bail!(
                "{} and {} are both {} of a {:?} set: put the files of one data set into a folder of its own{}",
                other.file.path,
                file.file.path,
                if file.part == ArrayPart::Labels { "labels" } else { "images" },
                file.split,
                if layout == Layout::Npz { ", or name the archive itself" } else { "" }
            );
        }
    }
    Ok(())
}

fn npz(name: &str) -> Option<Part> {
    name.to_lowercase().ends_with(".npz").then_some((ImportedSplit::Train, ArrayPart::Both))
}

fn npy(name: &str) -> Option<Part> {
    let (stem, _) =
        name.rsplit_once('.').filter(|(_, ending)| ending.eq_ignore_ascii_case("npy"))?;
    array(stem)
}

/// Returns the set and the kind of an array's name, such as `x_train` or `test_labels`.
pub(crate) fn array(name: &str) -> Option<Part> {
    let (mut split, mut part) = (None, None);
    for word in words(name) {
        match word.as_str() {
            "x" | "images" | "image" | "data" | "pixels" => part = Some(ArrayPart::Images),
            "y" | "labels" | "label" | "targets" | "target" => part = Some(ArrayPart::Labels),
            other => split = Some(set_of(other)?),
        }
    }
    Some((split.unwrap_or(ImportedSplit::Train), part?))
}

/// Returns the kind of a file's name such as `t10k-images-idx3-ubyte.gz`.
fn idx(name: &str) -> Option<Part> {
    let name = name.to_lowercase();
    let plain = name.strip_suffix(".gz").unwrap_or(&name);
    let has = |word: &str| words(plain).any(|other| other == word);
    let known = ["ubyte", "idx", "idx1", "idx3", "idx4"].iter().any(|word| has(word))
        // The copy of an import.
        || !plain.contains('.');
    let part = match (has("images"), has("labels")) {
        (true, false) => ArrayPart::Images,
        (false, true) => ArrayPart::Labels,
        (true, true) | (false, false) => return None,
    };
    known.then(|| (set_in(plain).unwrap_or(ImportedSplit::Train), part))
}

fn cifar_python(name: &str) -> Option<Part> {
    match name {
        "train" => Some((ImportedSplit::Train, ArrayPart::Both)),
        "test" | "test_batch" => Some((ImportedSplit::Test, ArrayPart::Both)),
        "meta" | "batches.meta" => Some((ImportedSplit::Train, ArrayPart::Names)),
        _ => is_batch(name.strip_prefix("data_batch_")?)
            .then_some((ImportedSplit::Train, ArrayPart::Both)),
    }
}

fn cifar_binary(name: &str) -> Option<Part> {
    match name {
        "train.bin" => Some((ImportedSplit::Train, ArrayPart::Both)),
        "test.bin" | "test_batch.bin" => Some((ImportedSplit::Test, ArrayPart::Both)),
        "batches.meta.txt" | "fine_label_names.txt" => {
            Some((ImportedSplit::Train, ArrayPart::Names))
        }
        _ => is_batch(name.strip_prefix("data_batch_")?.strip_suffix(".bin")?)
            .then_some((ImportedSplit::Train, ArrayPart::Both)),
    }
}

fn is_batch(number: &str) -> bool {
    number.len() == 1 && number.bytes().all(|digit| digit.is_ascii_digit())
}

/// Returns the file of an archive that is named itself.
pub(crate) fn archive(file: WalkedFile) -> Vec<ArrayFile> {
    vec![ArrayFile { file, split: ImportedSplit::Train, part: ArrayPart::Both }]
}

#[cfg(test)]
mod tests {
    use super::*;
    use ImportedSplit::{Test, Train, Validation};

    #[test]
    fn names_of_arrays_say_their_set_and_kind() {
        for (name, expected) in [
            ("x_train", Some((Train, ArrayPart::Images))),
            ("y_test", Some((Test, ArrayPart::Labels))),
            ("X_val", Some((Validation, ArrayPart::Images))),
            ("train_images", Some((Train, ArrayPart::Images))),
            ("val_labels", Some((Validation, ArrayPart::Labels))),
            ("images", Some((Train, ArrayPart::Images))),
            ("target", Some((Train, ArrayPart::Labels))),
            ("x_other", None),
            ("train", None),
            ("arr_0", None),
        ] {
            assert_eq!(array(name), expected, "{name}");
        }
    }

    #[test]
    fn names_of_files_say_their_set_and_kind() {
        for (name, expected) in [
            ("train-images-idx3-ubyte", Some((Train, ArrayPart::Images))),
            ("t10k-labels-idx1-ubyte.gz", Some((Test, ArrayPart::Labels))),
            ("train-images.idx3-ubyte", Some((Train, ArrayPart::Images))),
            ("emnist-letters-test-labels-idx1-ubyte", Some((Test, ArrayPart::Labels))),
            ("val-images", Some((Validation, ArrayPart::Images))),
            ("images.png", None),
            ("notes", None),
        ] {
            assert_eq!(idx(name), expected, "{name}");
        }
        assert_eq!(cifar_python("data_batch_5"), Some((Train, ArrayPart::Both)));
        assert_eq!(cifar_python("data_batch_x"), None);
        assert_eq!(cifar_binary("test_batch.bin"), Some((Test, ArrayPart::Both)));
    }

    fn walk(names: &[&str]) -> Walk {
        let file = |name: &&str| WalkedFile {
            path: (*name).into(),
            place: name.into(),
            bytes: 1,
            modified_ns: 0,
        };
        Walk { files: names.iter().map(file).collect(), ..Walk::default() }
    }

    #[test]
    fn one_data_set_is_found_and_two_are_refused() {
        let layout = |names: &[&str]| {
            find(&walk(names)).unwrap().map(|(layout, files)| (layout, files.len()))
        };
        assert_eq!(
            layout(&["batches.meta", "data_batch_1", "readme.html"]),
            Some((Layout::CifarPython, 2))
        );
        assert_eq!(layout(&["meta", "test", "train"]), Some((Layout::CifarPython, 3)));
        assert_eq!(layout(&["data_batch_1"]), Some((Layout::CifarPython, 1)));
        assert_eq!(layout(&["test", "train"]), None);
        assert_eq!(
            layout(&["train-images", "train-images.gz", "train-labels.gz"]),
            Some((Layout::Idx, 2))
        );
        assert_eq!(layout(&["train-images"]), None);
        assert_eq!(layout(&["a.npz"]), Some((Layout::Npz, 1)));
        let error = find(&walk(&["a.npz", "b.npz"])).unwrap_err().to_string();
        assert!(error.contains("a.npz and b.npz") && error.contains("name the archive"), "{error}");
    }
}
