//! The faults of images: what may spoil a training or its figures.

use super::image::Image;
use super::images::Images;
use super::near::{self, NEAR};
use anyhow::Result;
use common::dataset::{Choice, Fault, FaultKind, LeftOut, MAX_EXAMPLES};
use std::collections::{BTreeMap, BTreeSet};

/// Share of the largest class's images that a class has at least, without being a fault.
const IMBALANCE: usize = 10;
/// Ratio of sides above which a picture is a fault.
const RATIO: usize = 4;
/// Maximum number of characters of an example.
const EXAMPLE_CHARACTERS: usize = 200;

/// The size and the depth of a picture.
#[derive(Clone, Debug)]
pub(crate) struct PictureFacts {
    /// Name for people.
    pub(crate) name: String,
    /// Rows.
    pub(crate) height: usize,
    /// Columns.
    pub(crate) width: usize,
    /// Whether it has 16 bits for each channel.
    pub(crate) sixteen_bit: bool,
}

/// Returns all faults, those that stop first.
///
/// # Errors
/// Fails if a signal is received.
pub(crate) fn find(
    images: &Images,
    left_out: &[LeftOut],
    pictures: &[PictureFacts],
    validation: Choice,
) -> Result<Vec<Fault>> {
    let mut faults = stopping(images, validation);
    faults.extend(of_files(left_out));
    faults.extend(of_classes(images, validation));
    faults.extend(of_equal_images(images)?);
    faults.extend(of_pictures(images, pictures));
    Ok(faults)
}

/// Returns a fault with a text that follows the number of what has it.
fn fault(
    kind: FaultKind,
    count: usize,
    (one, many): (&str, &str),
    examples: impl IntoIterator<Item = String>,
) -> Option<Fault> {
    let short = |example: String| example.chars().take(EXAMPLE_CHARACTERS).collect();
    (count > 0).then(|| Fault {
        kind,
        count,
        text: format!("{count} {}", if count == 1 { one } else { many }),
        examples: examples.into_iter().take(MAX_EXAMPLES).map(short).collect(),
        stops: false,
    })
}

fn stopping(images: &Images, validation: Choice) -> Vec<Fault> {
    let stop = |kind, text: String| Fault { kind, count: 1, text, examples: vec![], stops: true };
    let Some(first) = images.train.first() else {
        return vec![stop(FaultKind::NoImages, "there are no images to train on".into())];
    };
    if images.train.iter().all(|image| image.class == first.class) {
        let text = format!(
            "all {} training images are of class {:?}; at least two classes are needed",
            images.train.len(),
            images.classes[first.class]
        );
        return vec![stop(FaultKind::OneClass, text)];
    }
    let none = |set: &str| {
        let text = format!(
            "there is no {set} image: of one class at least, there must be three images, to train, validate and test with"
        );
        vec![stop(FaultKind::NoImages, text)]
    };
    let mut seen = BTreeSet::new();
    let has_two = images.train.iter().any(|image| !seen.insert(image.class));
    match (images.test.is_empty(), validation) {
        (true, _) => none("test"),
        (false, Choice::Drawn { .. }) if !has_two => none("validation"),
        (false, Choice::Drawn { .. } | Choice::Found) => Vec::new(),
    }
}

/// Returns a fault for each kind of files that were left out.
fn of_files(left_out: &[LeftOut]) -> Vec<Fault> {
    let mut kinds: BTreeMap<FaultKind, Vec<&LeftOut>> = BTreeMap::new();
    left_out.iter().for_each(|file| kinds.entry(file.kind).or_default().push(file));
    let of_kind = |(kind, files): (FaultKind, Vec<&LeftOut>)| {
        let examples = files.iter().map(|file| format!("{}: {}", file.file, file.reason));
        fault(kind, files.len(), text_of_files(kind), examples)
    };
    kinds.into_iter().filter_map(of_kind).collect()
}

/// Returns what is said of one or more files that were left out.
fn text_of_files(kind: FaultKind) -> (&'static str, &'static str) {
    match kind {
        FaultKind::Damaged => (
            "file is a damaged or incomplete picture and was left out",
            "files are damaged or incomplete pictures and were left out",
        ),
        FaultKind::NotAPicture => {
            ("file is not a picture and was left out", "files are not pictures and were left out")
        }
        FaultKind::Unlabelled => {
            ("file has no class and was left out", "files have no class and were left out")
        }
        FaultKind::Missing => ("file of a list is not there", "files of a list are not there"),
        FaultKind::Outside => (
            "link or path leads out of the folder and was left out",
            "links or paths lead out of the folder and were left out",
        ),
        FaultKind::TwoLabels => {
            ("file is listed twice and was left out", "files are listed twice and were left out")
        }
        _ => ("file cannot be read and was left out", "files cannot be read and were left out"),
    }
}

fn of_classes(images: &Images, validation: Choice) -> Vec<Fault> {
    let counts = |set: &[Image]| {
        let mut counts = vec![0; images.classes.len()];
        set.iter().for_each(|image| counts[image.class] += 1);
        counts
    };
    let (train, test) = (counts(&images.train), counts(&images.test));
    let validation = match validation {
        Choice::Found => counts(&images.validation),
        // At least one image of a class that has two is drawn.
        Choice::Drawn { .. } => train.iter().map(|count| count / 2).collect(),
    };
    let empty = |class: &usize| images.empty_classes.contains(&images.classes[*class]);
    let mut missing = Vec::new();
    for (split, counts) in [("training", &train), ("validation", &validation), ("test", &test)] {
        let none = (0..counts.len()).filter(|class| counts[*class] == 0 && !empty(class));
        missing.extend(none.map(|class| format!("{}: no {split} image", images.classes[class])));
    }
    let mut missing_classes: Vec<&str> =
        missing.iter().filter_map(|text| text.rsplit_once(": ")).map(|(class, _)| class).collect();
    missing_classes.dedup();
    missing_classes.sort_unstable();
    missing_classes.dedup();
    let largest = train.iter().copied().max().unwrap_or(0);
    let largest_class = train.iter().position(|count| *count == largest).unwrap_or(0);
    let small: Vec<usize> = (0..train.len())
        .filter(|class| train[*class] > 0 && train[*class] * IMBALANCE <= largest)
        .collect();
    let example = |class: &usize| {
        format!(
            "{} has {}, {} has {largest}",
            images.classes[*class], train[*class], images.classes[largest_class]
        )
    };
    let empty_count = images.empty_classes.len();
    let faults = [
        fault(
            FaultKind::EmptyClass,
            empty_count,
            ("class has no usable image", "classes have no usable image"),
            images.empty_classes.iter().cloned(),
        ),
        fault(
            FaultKind::MissingFromSplit,
            missing_classes.len(),
            ("class is missing from a split", "classes are missing from a split"),
            missing.clone(),
        ),
        fault(
            FaultKind::Imbalance,
            small.len(),
            (
                "class has at most a tenth of the training images of the largest one",
                "classes have at most a tenth of the training images of the largest one",
            ),
            small.iter().map(example),
        ),
    ];
    faults.into_iter().flatten().collect()
}

fn of_equal_images(images: &Images) -> Result<Vec<Fault>> {
    let mut groups: BTreeMap<&str, Vec<&Image>> = BTreeMap::new();
    for (_, set) in images.sets() {
        set.iter().for_each(|image| groups.entry(&image.sha256).or_default().push(image));
    }
    let is_test = |image: &&Image| image.split == common::dataset::ImportedSplit::Test;
    let (mut across, mut labels) = (Vec::new(), Vec::new());
    for group in groups.values() {
        if let Some(other) = group.iter().find(|image| !is_test(image)) {
            let test = group.iter().filter(|image| is_test(image));
            across.extend(test.map(|image| format!("{} and {}", image.name, other.name)));
        }
        if let Some(other) = group.iter().find(|image| image.class != group[0].class) {
            let name = |image: &Image| format!("{} ({})", image.name, images.classes[image.class]);
            labels.push(format!("{} and {}", name(group[0]), name(other)));
        }
    }
    let equal = |image: &&Image| groups[image.sha256.as_str()].iter().any(|other| !is_test(other));
    let test: Vec<&Image> = images.test.iter().filter(|image| !equal(image)).collect();
    let others: Vec<&Image> = images.train.iter().chain(&images.validation).collect();
    let mut near = near::pairs(&test, &others, images.width)?;
    near.sort_by(|a, b| a.difference.total_cmp(&b.difference));
    let example = |pair: &near::NearPair| {
        format!(
            "{} and {}: pixels differ by {:.2} of 255 in the mean",
            test[pair.test].name, others[pair.other].name, pair.difference
        )
    };
    let nearly = format!("of training or validation (a mean difference of at most {NEAR} of 255)");
    let faults = [
        fault(
            FaultKind::EqualAcrossSplits,
            across.len(),
            (
                "test image is equal to one of training or validation",
                "test images are equal to one of training or validation",
            ),
            across.clone(),
        ),
        fault(
            FaultKind::NearlyEqualAcrossSplits,
            near.len(),
            (
                &format!("test image is nearly equal to one {nearly}"),
                &format!("test images are nearly equal to one {nearly}"),
            ),
            near.iter().map(example),
        ),
        fault(
            FaultKind::TwoLabels,
            labels.len(),
            ("image occurs with different labels", "images occur with different labels"),
            labels.clone(),
        ),
    ];
    Ok(faults.into_iter().flatten().collect())
}

fn of_pictures(images: &Images, pictures: &[PictureFacts]) -> Vec<Fault> {
    let those = |has: &dyn Fn(&PictureFacts) -> bool| -> Vec<String> {
        let found = pictures.iter().filter(|picture| has(picture));
        found.map(|p| format!("{} ({} x {})", p.name, p.width, p.height)).collect()
    };
    let deep = those(&|picture| picture.sixteen_bit);
    let small =
        those(&|picture| 2 * picture.width < images.width || 2 * picture.height < images.height);
    let long = those(&|picture| {
        let (width, height) = (picture.width, picture.height);
        width.max(height) > RATIO * width.min(height)
    });
    let faults = [
        fault(
            FaultKind::SixteenBit,
            deep.len(),
            (
                "picture has 16 bits for each channel, rounded to 8",
                "pictures have 16 bits for each channel, rounded to 8",
            ),
            deep.clone(),
        ),
        fault(
            FaultKind::Small,
            small.len(),
            (
                "picture has a side of less than half of what the network reads",
                "pictures have a side of less than half of what the network reads",
            ),
            small.clone(),
        ),
        fault(
            FaultKind::ExtremeRatio,
            long.len(),
            (
                "picture has one side over four times the other",
                "pictures have one side over four times the other",
            ),
            long.clone(),
        ),
    ];
    faults.into_iter().flatten().collect()
}
