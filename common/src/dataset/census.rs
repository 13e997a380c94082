//! The census of a data set: all its images are checked before anything is trained on them.

use super::description::{Dataset, Validation, base_folder};
use super::fault::{self, Fault};
use super::images::{Images, Raw};
use super::import_record::{Layout, LeftOut};
use super::load::ImageSet;
use super::moments::moments;
use super::split::{self, Split};
use crate::files::json::Document;
use crate::files::ranges::{IMAGES, SHARE, all_within, within};
use anyhow::Result;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The result of `fetch-data check`: the number of images of each class, and everything that is
/// wrong with the data set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Census {
    /// Name of the data set.
    pub dataset: String,
    /// Counts of each class, in the order of labels.
    pub classes: Vec<ClassCensus>,
    /// Mean of the training images' pixels scaled to 0..1, for each channel; empty if no image is
    /// usable.
    pub mean: Vec<f64>,
    /// Standard deviation of the same pixels, for each channel.
    pub std: Vec<f64>,
    /// Unusual but usable facts, a line each.
    pub warnings: Vec<String>,
    /// Problems that make the data set unusable, a line each with place and reason.
    pub problems: Vec<String>,
    /// Layout that was found; `null` for a data set with a `dataset.json`.
    pub layout: Option<Layout>,
    /// Everything unusual, with counts and examples.
    pub faults: Vec<Fault>,
    /// Files that were left out.
    pub left_out: Vec<LeftOut>,
    /// Number of files and folders of operating systems, which were ignored; 0 for a data set with
    /// a `dataset.json`.
    pub system_files: usize,
}

/// The usable images of a data set.
#[derive(Clone, Debug, PartialEq)]
pub struct UsableImages {
    /// Training images, in the order of their files.
    pub training: Images,
    /// Validation images that have files of their own, in the order of their files.
    pub validation: Images,
    /// Test images, in the order of their files.
    pub test: Images,
}

/// Numbers of usable images of one class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassCensus {
    /// Name of the class.
    pub class: String,
    /// Training images.
    pub train: usize,
    /// Validation images, which are taken from the training set if they have no files of their own.
    pub validation: usize,
    /// Test images.
    pub test: usize,
}

impl Document for Census {
    const KIND: &'static str = "data-check";

    fn check(&self) -> Result<()> {
        for (index, class) in self.classes.iter().enumerate() {
            for (key, count) in
                [("train", class.train), ("validation", class.validation), ("test", class.test)]
            {
                within(&format!("classes[{index}].{key}"), count, &IMAGES)?;
            }
        }
        all_within("mean", self.mean.iter().copied(), &SHARE)?;
        all_within("std", self.std.iter().copied(), &SHARE)?;
        within("system_files", self.system_files, &IMAGES)?;
        fault::check_all(&self.faults)
    }
}

impl Census {
    /// Reads all images of the data set in `folder`.
    ///
    /// # Errors
    /// Fails if there is no usable `dataset.json`.
    pub fn take(folder: &Path) -> Result<Census> {
        Ok(Census::take_with_images(folder)?.0)
    }

    /// Reads all images of the data set in `folder`, and returns those that are usable as well.
    ///
    /// # Errors
    /// Fails like [`Census::take`].
    pub fn take_with_images(folder: &Path) -> Result<(Census, UsableImages)> {
        let dataset = Dataset::describe(folder)?;
        let root = base_folder(folder);
        let mut problems = Vec::new();
        let training = dataset.take_usable(root, ImageSet::Training, &mut problems);
        let mut val = dataset.no_images();
        let (train, validation) = match &dataset.validation {
            Some(share) => {
                let count = |split| dataset.count_split(&training.labels, share, split);
                (count(Split::Train), count(Split::Validation))
            }
            None => {
                val = dataset.take_usable(root, ImageSet::Validation, &mut problems);
                (dataset.images_per_class(&training.labels), dataset.images_per_class(&val.labels))
            }
        };
        let tested = dataset.take_usable(root, ImageSet::Test, &mut problems);
        let test = dataset.images_per_class(&tested.labels);
        let counts = train.into_iter().zip(validation).zip(test);
        let classes =
            dataset.classes.iter().zip(counts).map(|(class, ((train, validation), test))| {
                ClassCensus { class: class.clone(), train, validation, test }
            });
        let (mean, std) = if training.labels.is_empty() {
            (Vec::new(), Vec::new())
        } else {
            moments(training.pixels.chunks_exact(training.shape.elements()), training.shape)
        };
        let classes: Vec<ClassCensus> = classes.collect();
        let warnings = warnings(&classes);
        let images = |raw: Raw| Images {
            shape: raw.shape,
            pixels: raw.pixels,
            labels: raw.labels,
            sha256: String::new(),
        };
        let census = Census {
            dataset: dataset.name,
            classes,
            mean,
            std,
            warnings,
            problems,
            layout: None,
            faults: Vec::new(),
            left_out: Vec::new(),
            system_files: 0,
        };
        let usable = UsableImages {
            training: images(training),
            validation: images(val),
            test: images(tested),
        };
        Ok((census, usable))
    }
}

/// Returns a warning for each split in which some classes, but not all, have no images.
fn warnings(classes: &[ClassCensus]) -> Vec<String> {
    type SplitCount = (&'static str, fn(&ClassCensus) -> usize);
    let splits: [SplitCount; 3] =
        [("training", |c| c.train), ("validation", |c| c.validation), ("test", |c| c.test)];
    let missing = |(split, count): SplitCount| {
        let none: Vec<String> =
            classes.iter().filter(|c| count(c) == 0).map(|c| format!("{:?}", c.class)).collect();
        (!none.is_empty() && none.len() < classes.len())
            .then(|| format!("no {split} image is of class {}", none.join(", ")))
    };
    splits.into_iter().filter_map(missing).collect()
}

impl Dataset {
    /// Returns the number of images of each class in a split of the training set.
    fn count_split(&self, labels: &[u16], share: &Validation, split: Split) -> Vec<usize> {
        let part = split::indices(labels, share, split);
        self.images_per_class(&part.iter().map(|&i| labels[i]).collect::<Vec<u16>>())
    }

    /// Returns the usable images of a set, and adds its problems to `problems`. Returns no images
    /// if the set cannot be read.
    fn take_usable(&self, root: &Path, set: ImageSet, problems: &mut Vec<String>) -> Raw {
        let before = problems.len();
        let read = self.read_usable(root, self.files_of(set)).map(|(raw, wrong)| {
            problems.extend(wrong);
            raw
        });
        // If the folder has problems, the images that remain may fail the checks for that reason
        // alone.
        let checked = read.and_then(|raw| {
            if problems.len() > before { Ok(raw) } else { self.check_images(&raw).map(|()| raw) }
        });
        checked.unwrap_or_else(|error| {
            problems.push(format!("{} images: {error:#}", set.name()));
            self.no_images()
        })
    }

    fn no_images(&self) -> Raw {
        Raw { shape: self.input().shape(), pixels: Vec::new(), labels: Vec::new() }
    }
}
