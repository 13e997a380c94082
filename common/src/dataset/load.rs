//! Reads a data set: the images of a split, checked, in an order that does not depend on files.

use super::description::{DataFile, Dataset, Format, base_folder};
use super::identity::Identity;
use super::images::{CanonicalOrder, Images, Raw};
use super::split::{self, Split};
use super::{cifar, folder, idx};
use crate::diagnostics;
use anyhow::{Context, Result, bail, ensure};
use std::path::Path;

/// The images of a training set, split, and their identity.
pub struct TrainingSet {
    /// Images to train on.
    pub training: Images,
    /// Validation images.
    pub validation: Images,
    /// Identity of the data set.
    pub identity: Identity,
}

impl Dataset {
    /// Reads the images of one split from the data set in `folder`, and checks the files that have
    /// a hash. Images of the training set are in canonical order, those of the test set in the
    /// order of their files. Warnings go to stderr.
    ///
    /// # Errors
    /// Fails if files are missing, damaged or not as described, if the split has no images, or if
    /// all images are of one class.
    pub fn load(folder: &Path, split: Split) -> Result<Images> {
        let (dataset, images) = Self::load_whole(folder, split == Split::Test)?;
        let canonical = CanonicalOrder::of(&images);
        let images = Images { sha256: Identity::new(&dataset, &canonical).sha256(), ..images };
        match split {
            Split::Test => Ok(images),
            Split::Train | Split::TrainAndValidation | Split::Validation => {
                dataset.select_split(&images.select(&canonical.order), split)
            }
        }
    }

    /// Reads the training set once and splits it.
    ///
    /// # Errors
    /// Fails like [`Dataset::load`].
    pub fn load_training_set(folder: &Path) -> Result<TrainingSet> {
        let (dataset, images) = Self::load_whole(folder, false)?;
        let canonical = CanonicalOrder::of(&images);
        let identity = Identity::new(&dataset, &canonical);
        let images = Images { sha256: identity.sha256(), ..images.select(&canonical.order) };
        let select = |split| dataset.select_split(&images, split);
        Ok(TrainingSet {
            training: select(Split::Train)?,
            validation: select(Split::Validation)?,
            identity,
        })
    }

    /// Reads the whole training or test set, in the order of its files, without a fingerprint.
    fn load_whole(folder: &Path, test: bool) -> Result<(Dataset, Images)> {
        let dataset = Self::describe(folder)?;
        let images = dataset
            .load_from(base_folder(folder), test)
            .with_context(|| format!("data set {}", dataset.name))?;
        Ok((dataset, images))
    }

    fn load_from(&self, root: &Path, test: bool) -> Result<Images> {
        let raw = self.read(root, if test { &self.test } else { &self.train })?;
        self.check_images(&raw)?;
        let set = if test { "test" } else { "training" };
        self.warn_of_empty_classes(&raw.labels, &format!("no {set} image is of"));
        Ok(Images {
            shape: raw.shape,
            pixels: raw.pixels,
            labels: raw.labels,
            sha256: String::new(),
        })
    }

    pub(super) fn read(&self, root: &Path, files: &[DataFile]) -> Result<Raw> {
        match self.format {
            Format::Idx => idx::load(self, root, files),
            Format::Cifar10 | Format::Cifar100 => cifar::load(self, root, files),
            Format::ImageFolder => folder::load(self, root, &files[0]),
        }
    }

    /// Returns the images of a split of the whole training set in its canonical order.
    fn select_split(&self, whole: &Images, split: Split) -> Result<Images> {
        let images = whole.select(&split::indices(&whole.labels, &self.validation, split));
        ensure!(
            !images.is_empty(),
            "data set {}: the {split} split has no images: with one image of each class, none is left for validation",
            self.name
        );
        if split == Split::Validation {
            self.warn_of_empty_classes(
                &images.labels,
                "no validation image, by which networks are chosen, is of",
            );
        }
        Ok(images)
    }

    pub(super) fn check_images(&self, images: &Raw) -> Result<()> {
        ensure!(!images.labels.is_empty(), "it has no images");
        let expected = self.input().shape();
        ensure!(
            images.shape == expected,
            "its images are {}, but dataset.json says {expected}",
            images.shape
        );
        let classes = self.classes.len();
        if let Some(index) = images.labels.iter().position(|label| usize::from(*label) >= classes) {
            bail!(
                "image {index} has the label {}, but the labels of {classes} classes end at {}",
                images.labels[index],
                classes - 1
            );
        }
        let first = images.labels[0];
        ensure!(
            images.labels.iter().any(|label| *label != first),
            "all {} images are of class {:?}; at least two classes are needed",
            images.labels.len(),
            self.classes[usize::from(first)]
        );
        Ok(())
    }

    /// Warns of classes without images.
    fn warn_of_empty_classes(&self, labels: &[u16], what: &str) {
        let images_per_class = self.images_per_class(labels);
        let missing: Vec<String> = self
            .classes
            .iter()
            .zip(&images_per_class)
            .filter(|(_, count)| **count == 0)
            .map(|(c, _)| format!("{c:?}"))
            .collect();
        if !missing.is_empty() {
            diagnostics::warn(&format!(
                "data set {}: {what} class {}",
                self.name,
                missing.join(", ")
            ));
        }
    }
}
