//! A look at all images of a data set before anything is trained on them.

use super::description::{Dataset, Format, root};
use super::folder;
use super::images::Raw;
use super::split::{self, Split};
use crate::files::json::Document;
use crate::files::ranges::{IMAGES, SHARE, all_within, within};
use anyhow::Result;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What `fetch-data check` found: how many images each class has, and everything that is wrong with
/// them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Census {
    /// Name of the data set.
    pub dataset: String,
    /// Each class in the order of labels.
    pub classes: Vec<ClassCensus>,
    /// Mean of the training images' pixels scaled to 0..1, for each channel; empty where no image
    /// is usable.
    pub mean: Vec<f64>,
    /// Their standard deviation, likewise.
    pub std: Vec<f64>,
    /// What is odd but usable: a line each.
    pub warnings: Vec<String>,
    /// What keeps the data set from being used: a line each that says where and why.
    pub problems: Vec<String>,
}

/// Usable images of one class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassCensus {
    /// Name of the class.
    pub class: String,
    /// Images to train on.
    pub train: usize,
    /// Images of the training set that judge candidates.
    pub validation: usize,
    /// Images of the test set.
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
        all_within("std", self.std.iter().copied(), &SHARE)
    }
}

impl Census {
    /// Reads all images of the data set in `folder`.
    ///
    /// # Errors
    /// There is no usable `dataset.json`.
    pub fn take(folder: &Path) -> Result<Census> {
        let dataset = Dataset::describe(folder)?;
        let root = root(folder);
        let mut problems = Vec::new();
        let training = dataset.look(root, false, &mut problems);
        let test = dataset.look(root, true, &mut problems);
        let of = |labels: &[u16], split| {
            let part = split::indices(labels, &dataset.validation, split);
            dataset.counts(&part.iter().map(|&i| labels[i]).collect::<Vec<u16>>())
        };
        let (train, validation) =
            (of(&training.labels, Split::Train), of(&training.labels, Split::Validation));
        let test = dataset.counts(&test.labels);
        let counts = train.into_iter().zip(validation).zip(test);
        let classes =
            dataset.classes.iter().zip(counts).map(|(class, ((train, validation), test))| {
                ClassCensus { class: class.clone(), train, validation, test }
            });
        let (mean, std) = moments(&training);
        let classes: Vec<ClassCensus> = classes.collect();
        let warnings = warnings(&classes);
        Ok(Census { dataset: dataset.name, classes, mean, std, warnings, problems })
    }
}

/// Names the classes without images of a kind, where other classes have some.
fn warnings(classes: &[ClassCensus]) -> Vec<String> {
    type Kind = (&'static str, fn(&ClassCensus) -> usize);
    let kinds: [Kind; 3] =
        [("training", |c| c.train), ("validation", |c| c.validation), ("test", |c| c.test)];
    let missing = |(kind, count): Kind| {
        let none: Vec<String> =
            classes.iter().filter(|c| count(c) == 0).map(|c| format!("{:?}", c.class)).collect();
        (!none.is_empty() && none.len() < classes.len())
            .then(|| format!("no {kind} image is of class {}", none.join(", ")))
    };
    kinds.into_iter().filter_map(missing).collect()
}

impl Dataset {
    /// The usable images of a set; none where it cannot be read.
    fn look(&self, root: &Path, test: bool, problems: &mut Vec<String>) -> Raw {
        let before = problems.len();
        let read = match (self.format, if test { &self.test } else { &self.train }) {
            (Format::ImageFolder, files) => {
                folder::read(self, root, &files[0]).map(|(raw, wrong)| {
                    problems.extend(wrong);
                    raw
                })
            }
            (Format::Idx | Format::Cifar10 | Format::Cifar100, files) => self.read(root, files),
        };
        let none = Raw { shape: self.input().shape(), pixels: Vec::new(), labels: Vec::new() };
        // With a folder's problems known, what is wrong with the rest of its images says nothing
        // more.
        let checked = read.and_then(|raw| {
            if problems.len() > before { Ok(raw) } else { self.check_images(&raw).map(|()| raw) }
        });
        checked.unwrap_or_else(|error| {
            let set = if test { "test" } else { "training" };
            problems.push(format!("{set} images: {error:#}"));
            none
        })
    }
}

/// Mean and standard deviation of each channel, of pixels scaled to 0..1.
fn moments(images: &Raw) -> (Vec<f64>, Vec<f64>) {
    let plane = images.shape.plane();
    let channel = |channel: usize| {
        let (mut sum, mut squares, mut count) = (0u64, 0u64, 0u64);
        for plane in images.pixels.chunks_exact(plane).skip(channel).step_by(images.shape.channels)
        {
            sum += plane.iter().map(|p| u64::from(*p)).sum::<u64>();
            squares += plane.iter().map(|p| u64::from(*p) * u64::from(*p)).sum::<u64>();
            count += plane.len() as u64;
        }
        let mean = sum as f64 / count as f64;
        (mean / 255.0, (squares as f64 / count as f64 - mean * mean).max(0.0).sqrt() / 255.0)
    };
    let channels = if images.labels.is_empty() { 0 } else { images.shape.channels };
    (0..channels).map(channel).unzip()
}
