//! The description of a copy: `dataset.json` and `import.json`.

use super::decode::Scale;
use super::found::Found;
use super::image::Image;
use super::images::Images;
use super::reading::Reading;
use common::dataset::{
    Choice, DataFile, Dataset, Format, ImportRecord, ImportedClass, ImportedSplit, Layout,
    MAX_LEFT_OUT, Normalisation, Scaling, Validation, moments,
};
use common::network::Shape;
use pictures::FILTER;

/// Smallest standard deviation by which pixels are divided: that of images of one colour is 0.
const MIN_STD: f64 = 0.001;
/// Largest standard deviation of numbers from 0 to 1.
const MAX_STD: f64 = 0.5;
/// Decimals of means and standard deviations.
const DECIMALS: f64 = 1e4;

/// Returns a name with no other characters than `a` to `z`, digits and `-`.
pub(crate) fn reduced(name: &str) -> String {
    let mut reduced = String::new();
    for character in name.to_lowercase().chars() {
        if character.is_ascii_alphanumeric() {
            reduced.push(character);
        } else if !reduced.is_empty() && !reduced.ends_with('-') {
            reduced.push('-');
        }
    }
    let reduced = reduced.trim_end_matches('-');
    if reduced.is_empty() { "images".into() } else { reduced.into() }
}

/// Returns a layout in words.
pub(crate) fn in_words(layout: Layout) -> &'static str {
    match layout {
        Layout::ClassFolders => "pictures in a folder for each class",
        Layout::LabelList => "pictures and a list of their labels",
        Layout::Npz => "arrays in a .npz archive",
        Layout::Npy => "arrays in .npy files",
        Layout::CifarPython => "CIFAR's Python version",
        Layout::CifarBinary => "CIFAR's binary version",
        Layout::Idx => "IDX files",
        Layout::Dataset => "a data set with a dataset.json",
    }
}

/// Returns the description of a copy. `files` returns the files of a set.
pub(crate) fn dataset(
    record: &ImportRecord,
    reading: &Reading,
    files: impl Fn(ImportedSplit) -> Vec<DataFile>,
) -> Dataset {
    let images = &reading.images;
    let ImportRecord { mean, std, .. } = record;
    let normalisation = Normalisation {
        mean: mean.iter().map(|mean| *mean as f32).collect(),
        std: std.iter().map(|std| std.clamp(MIN_STD, MAX_STD) as f32).collect(),
    };
    let validation = match reading.validation {
        Choice::Drawn { fraction, seed } => Some(Validation { fraction, seed, by_class: true }),
        Choice::Found => None,
    };
    let mut dataset = Dataset {
        name: record.name.clone(),
        about: format!("Imported: {}", in_words(record.layout)),
        format: Format::Idx,
        channels: images.channels,
        height: images.height,
        width: images.width,
        resize: reading.scale.map(|scale| scale.resize).unwrap_or_default(),
        classes: images.classes.clone(),
        normalisation,
        validation,
        train: files(ImportedSplit::Train),
        val: files(ImportedSplit::Validation),
        test: files(ImportedSplit::Test),
        sources: Vec::new(),
    };
    if let Some(description) = &reading.description {
        dataset.about.clone_from(&description.about);
        dataset.validation = description.validation;
        if reading.scale.is_none() {
            dataset.resize = description.resize;
        }
        if description.channels == images.channels {
            dataset.normalisation = description.normalisation.clone();
        }
    }
    dataset
}

/// Returns the record of an import.
pub(crate) fn record(name: &str, found: &Found, reading: &Reading) -> ImportRecord {
    let images = &reading.images;
    let (mean, std) = rounded_moments(images);
    let counts = |set: &[Image]| {
        let mut counts = vec![0; images.classes.len()];
        set.iter().for_each(|image| counts[image.class] += 1);
        counts
    };
    let (train, validation, test) =
        (counts(&images.train), counts(&images.validation), counts(&images.test));
    let class = |(index, class): (usize, &String)| ImportedClass {
        class: class.clone(),
        train: train[index],
        validation: validation[index],
        test: test[index],
    };
    ImportRecord {
        name: name.into(),
        folder: found.place.to_string_lossy().into_owned(),
        layout: found.layout,
        channels: images.channels,
        height: images.height,
        width: images.width,
        scaling: reading.scale.as_ref().map(scaling),
        classes: images.classes.iter().enumerate().map(class).collect(),
        test: images.test_choice,
        validation: reading.validation,
        mean,
        std,
        left_out: reading.left_out.iter().take(MAX_LEFT_OUT).cloned().collect(),
        system_files: found.system_files,
        faults: reading.faults.clone(),
    }
}

fn scaling(scale: &Scale) -> Scaling {
    Scaling { resize: scale.resize.to_string(), filter: FILTER.into() }
}

/// Returns mean and standard deviation of each channel of the training images, of pixels scaled to
/// 0..1, with four decimals.
fn rounded_moments(images: &Images) -> (Vec<f64>, Vec<f64>) {
    let Images { channels, height, width, .. } = *images;
    let training = images.train.iter().map(|image| image.pixels.as_slice());
    let (mean, std) = moments(training, Shape { channels, height, width });
    let rounded = |values: Vec<f64>| -> Vec<f64> {
        values.iter().map(|value| (value * DECIMALS).round() / DECIMALS).collect()
    };
    (rounded(mean), rounded(std))
}

/// Returns `fresh` with what a user has changed in the description since it was written: texts,
/// normalisation, validation, and names of classes that are still there.
pub(crate) fn with_edits(fresh: Dataset, written: &Dataset, current: &Dataset) -> Dataset {
    let mut merged = fresh;
    if current.name != written.name {
        merged.name.clone_from(&current.name);
    }
    if current.about != written.about {
        merged.about.clone_from(&current.about);
    }
    let same_channels = current.normalisation.mean.len() == merged.channels;
    if current.normalisation != written.normalisation && same_channels {
        merged.normalisation = current.normalisation.clone();
    }
    if current.validation != written.validation && merged.validation.is_some() {
        merged.validation = current.validation.or(merged.validation);
    }
    if current.classes.len() == written.classes.len() {
        let renamed = |class: &String| {
            let at = written.classes.iter().position(|other| other == class)?;
            Some(current.classes[at].clone())
        };
        let classes: Vec<String> =
            merged.classes.iter().map(|class| renamed(class).unwrap_or(class.clone())).collect();
        let mut distinct = classes.clone();
        distinct.sort();
        distinct.dedup();
        if distinct.len() == classes.len() {
            merged.classes = classes;
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn description(classes: &[&str]) -> Dataset {
        let file = |path: &str| DataFile { path: path.into(), sha256: None };
        Dataset {
            name: "a".into(),
            about: "Imported".into(),
            format: Format::Idx,
            channels: 1,
            height: 2,
            width: 2,
            resize: Default::default(),
            classes: classes.iter().map(|class| (*class).into()).collect(),
            normalisation: Normalisation { mean: vec![0.5], std: vec![0.25] },
            validation: Some(Validation { fraction: 0.2, seed: 0, by_class: true }),
            train: vec![file("train-images"), file("train-labels")],
            val: vec![],
            test: vec![file("test-images"), file("test-labels")],
            sources: vec![],
        }
    }

    #[test]
    fn names_are_reduced() {
        for (name, expected) in [
            ("My Leaves (2024)", "my-leaves-2024"),
            ("leaves", "leaves"),
            ("__Blätter__", "bl-tter"),
            ("写真", "images"),
            ("", "images"),
        ] {
            assert_eq!(reduced(name), expected);
        }
    }

    #[test]
    fn edits_are_kept_and_the_rest_follows() {
        let written = description(&["birch", "oak"]);
        let mut current = written.clone();
        current.about = "Mine".into();
        current.validation = Some(Validation { fraction: 0.5, seed: 0, by_class: true });
        current.normalisation.mean = vec![0.1];
        current.classes[1] = "Eiche".into();
        let mut fresh = description(&["birch", "oak", "pine"]);
        fresh.train[0].sha256 = Some("0".repeat(64));
        let merged = with_edits(fresh.clone(), &written, &current);
        assert_eq!(merged.classes, ["birch", "Eiche", "pine"]);
        assert_eq!((merged.about.as_str(), merged.validation), ("Mine", current.validation));
        assert_eq!((&merged.normalisation, &merged.train), (&current.normalisation, &fresh.train));
        assert_eq!(with_edits(fresh.clone(), &written, &written), fresh);
        // A class with the new name has come meanwhile.
        let clash = description(&["Eiche", "birch", "oak"]);
        assert_eq!(with_edits(clash.clone(), &written, &current).classes, clash.classes);
        current.channels = 3;
        current.normalisation.mean = vec![0.1; 3];
        assert_eq!(
            with_edits(fresh.clone(), &written, &current).normalisation,
            fresh.normalisation
        );
    }
}
