//! Reads a data set: the images of a split, checked, in an order that does not depend on files.

use super::description::{DataFile, Dataset, Format, Validation, base_folder};
use super::identity::Identity;
use super::images::{CanonicalOrder, Images, Raw};
use super::split::{self, Split};
use super::{cifar, folder, idx, list};
use crate::diagnostics;
use anyhow::{Context, Result, bail, ensure};
use std::path::Path;

/// The maximum number of problems in an error message.
const MAX_LISTED: usize = 10;

/// The images of a training set, split, and their identity.
pub struct TrainingSet {
    /// Images to train on.
    pub training: Images,
    /// Validation images.
    pub validation: Images,
    /// Identity of the data set.
    pub identity: Identity,
}

/// A set of images with files of its own.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ImageSet {
    /// The training set, from which the validation images may be chosen.
    Training,
    /// The validation set of a data set that has one.
    Validation,
    /// The test set.
    Test,
}

impl ImageSet {
    /// Returns the set's name, as in "training images".
    pub(super) fn name(self) -> &'static str {
        match self {
            ImageSet::Training => "training",
            ImageSet::Validation => "validation",
            ImageSet::Test => "test",
        }
    }
}

/// All images that networks are trained and chosen by, each set in its canonical order.
struct WholeTrainingSet {
    training: Images,
    validation: ValidationImages,
    identity: Identity,
}

enum ValidationImages {
    /// A share of the training set.
    Share(Validation),
    /// A set of their own.
    Set(Images),
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
        let dataset = Self::describe(folder)?;
        match split {
            Split::Test => {
                let images = dataset.load_set(base_folder(folder), ImageSet::Test)?;
                let identity = Identity::new(&dataset, &CanonicalOrder::of(&images), None);
                Ok(Images { sha256: identity.sha256(), ..images })
            }
            Split::Train | Split::TrainAndValidation | Split::Validation => {
                dataset.split(&dataset.load_whole(folder)?, split)
            }
        }
    }

    /// Reads the training set once and splits it.
    ///
    /// # Errors
    /// Fails like [`Dataset::load`].
    pub fn load_training_set(folder: &Path) -> Result<TrainingSet> {
        let dataset = Self::describe(folder)?;
        let whole = dataset.load_whole(folder)?;
        Ok(TrainingSet {
            training: dataset.split(&whole, Split::Train)?,
            validation: dataset.split(&whole, Split::Validation)?,
            identity: whole.identity,
        })
    }

    fn load_whole(&self, folder: &Path) -> Result<WholeTrainingSet> {
        let root = base_folder(folder);
        let training = self.load_set(root, ImageSet::Training)?;
        let order = CanonicalOrder::of(&training);
        let Some(share) = self.validation else {
            let val = self.load_set(root, ImageSet::Validation)?;
            let val_order = CanonicalOrder::of(&val);
            let identity = Identity::new(self, &order, Some(&val_order));
            return Ok(WholeTrainingSet {
                training: sorted(&training, &order, &identity),
                validation: ValidationImages::Set(sorted(&val, &val_order, &identity)),
                identity,
            });
        };
        let identity = Identity::new(self, &order, None);
        Ok(WholeTrainingSet {
            training: sorted(&training, &order, &identity),
            validation: ValidationImages::Share(share),
            identity,
        })
    }

    /// Returns the images of a split in canonical order.
    fn split(&self, whole: &WholeTrainingSet, split: Split) -> Result<Images> {
        let training = &whole.training;
        let images = match (&whole.validation, split) {
            (ValidationImages::Share(share), _) => {
                training.select(&split::indices(&training.labels, share, split))
            }
            (ValidationImages::Set(_), Split::Train) => training.clone(),
            (ValidationImages::Set(validation), Split::Validation) => return Ok(validation.clone()),
            (ValidationImages::Set(validation), Split::TrainAndValidation | Split::Test) => {
                training.followed_by(validation).in_canonical_order()
            }
        };
        ensure!(
            !images.is_empty(),
            "data set {}: the {split} split has no images: with one image of each class, none is left for validation",
            self.name
        );
        if split == Split::Validation {
            self.warn_of_empty_classes(&images.labels, ImageSet::Validation);
        }
        Ok(images)
    }

    /// Reads a whole set, in the order of its files, without a fingerprint.
    fn load_set(&self, root: &Path, set: ImageSet) -> Result<Images> {
        let read = self.read(root, self.files_of(set));
        let checked = read.and_then(|raw| self.check_images(&raw).map(|()| raw));
        let raw = checked.with_context(|| format!("data set {}", self.name))?;
        self.warn_of_empty_classes(&raw.labels, set);
        Ok(Images {
            shape: raw.shape,
            pixels: raw.pixels,
            labels: raw.labels,
            sha256: String::new(),
        })
    }

    /// Returns the files of a set.
    pub(super) fn files_of(&self, set: ImageSet) -> &[DataFile] {
        match set {
            ImageSet::Training => &self.train,
            ImageSet::Validation => &self.val,
            ImageSet::Test => &self.test,
        }
    }

    /// Returns the images in some files.
    fn read(&self, root: &Path, files: &[DataFile]) -> Result<Raw> {
        let (raw, problems) = self.read_usable(root, files)?;
        let more = problems.len().saturating_sub(MAX_LISTED);
        let listed = problems[..problems.len() - more].join("; ");
        match (problems.len(), more) {
            (0, _) => Ok(raw),
            (_, 0) => bail!("{listed}"),
            (_, more) => bail!("{listed}; and {more} more"),
        }
    }

    /// Returns the usable images in some files, and a line for each problem with the others.
    ///
    /// # Errors
    /// Fails if no image can be used.
    pub(super) fn read_usable(
        &self,
        root: &Path,
        files: &[DataFile],
    ) -> Result<(Raw, Vec<String>)> {
        match self.format {
            Format::Idx => Ok((idx::load(self, root, files)?, Vec::new())),
            Format::Cifar10 | Format::Cifar100 => Ok((cifar::load(self, root, files)?, Vec::new())),
            Format::ImageFolder => folder::read(self, root, &files[0]),
            Format::ImageList => list::read(self, root, files),
        }
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
    fn warn_of_empty_classes(&self, labels: &[u16], set: ImageSet) {
        let what = match set {
            ImageSet::Training => "no training image is of",
            ImageSet::Validation => "no validation image, by which networks are chosen, is of",
            ImageSet::Test => "no test image is of",
        };
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

/// Returns images in their canonical order, with the fingerprint of their data set.
fn sorted(images: &Images, canonical: &CanonicalOrder, identity: &Identity) -> Images {
    Images { sha256: identity.sha256(), ..images.select(&canonical.order) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::test_support::{description, file};
    use crate::dataset::{Census, Normalisation};
    use crate::files::json;
    use std::fs;

    /// Images of four pixels, the first of which is given, and labels.
    type Set<'a> = &'a [(u8, u8)];

    /// Writes a data set in the format `idx`. Without `val`, half of the training images validate.
    fn write(train: Set, val: Option<Set>, test: Set) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let put = |name: &str, set: Set| {
            let count = u32::try_from(set.len()).unwrap().to_be_bytes();
            let pixels =
                set.iter().flat_map(|(first, _)| [0, 1, 2, 3].map(|i| first + i)).collect();
            let header = [&[0, 0, 8, 3][..], &count, &[0, 0, 0, 2, 0, 0, 0, 2]].concat();
            fs::write(dir.path().join(format!("{name}-images")), [header, pixels].concat())
                .unwrap();
            let labels: Vec<u8> = set.iter().map(|(_, label)| *label).collect();
            let header = [&[0, 0, 8, 1][..], &count].concat();
            fs::write(dir.path().join(format!("{name}-labels")), [header, labels].concat())
                .unwrap();
        };
        put("train", train);
        put("test", test);
        val.iter().for_each(|val| put("val", val));
        let files = |set: &str| ["images", "labels"].map(|kind| file(&format!("{set}-{kind}")));
        let mut dataset = description(Format::Idx, 2, ["a", "b"], files("train").to_vec());
        dataset.channels = 1;
        dataset.normalisation = Normalisation { mean: vec![0.5], std: vec![0.25] };
        dataset.test = files("test").to_vec();
        dataset.validation = Some(Validation { fraction: 0.5, seed: 3, by_class: false });
        if val.is_some() {
            (dataset.validation, dataset.val) = (None, files("val").to_vec());
        }
        json::write(&dir.path().join("dataset.json"), &dataset).unwrap();
        dir
    }

    const TRAIN: Set = &[(10, 0), (200, 1), (30, 1), (77, 0)];
    const VAL: Set = &[(60, 1), (90, 0), (5, 1)];

    fn load(dir: &tempfile::TempDir, split: Split) -> Images {
        Dataset::load(dir.path(), split).unwrap()
    }

    fn sorted_pairs(images: &Images) -> Vec<(u8, u8)> {
        let pair = |i| (images.image(i)[0], images.labels[i] as u8);
        let mut pairs: Vec<_> = (0..images.len()).map(pair).collect();
        pairs.sort_unstable();
        pairs
    }

    fn sorted(set: Set) -> Vec<(u8, u8)> {
        let mut pairs = set.to_vec();
        pairs.sort_unstable();
        pairs
    }

    /// The values were computed outside, from the definition of the fingerprint, and were those of
    /// the programs before data sets could have validation sets.
    #[test]
    fn the_fingerprint_without_a_validation_set_stays_as_it_was() {
        let dir = write(TRAIN, None, TRAIN);
        let identity = Dataset::load_training_set(dir.path()).unwrap().identity;
        let sha256 = "7e94dc8dad4aa9753dad829204b1c597c417499563d25570502a3f74cd1cab50";
        assert_eq!(
            identity.images_sha256,
            "165a98f76d9769897da6f55ffbe0759a6522296ac7050cf7bc3c6e400d02c0aa"
        );
        assert_eq!(identity.sha256(), sha256);
        for split in [Split::Train, Split::Validation, Split::TrainAndValidation, Split::Test] {
            assert_eq!(load(&dir, split).sha256, sha256, "{split}");
        }
    }

    #[test]
    fn a_validation_set_is_the_validation_split() {
        let dir = write(TRAIN, Some(VAL), TRAIN);
        let set = Dataset::load_training_set(dir.path()).unwrap();
        assert_eq!(set.training, load(&dir, Split::Train));
        assert_eq!(set.validation, load(&dir, Split::Validation));
        assert_eq!(sorted_pairs(&set.training), sorted(TRAIN));
        assert_eq!(sorted_pairs(&set.validation), sorted(VAL));
        let all = load(&dir, Split::TrainAndValidation);
        assert_eq!(sorted_pairs(&all), sorted(&[TRAIN, VAL].concat()));
        assert_eq!(all, all.in_canonical_order());
        let sha256 = set.identity.sha256();
        assert!([&set.training, &set.validation, &all].iter().all(|i| i.sha256 == sha256));
        set.identity.check().unwrap();
        let neither = Identity { val: None, ..set.identity };
        assert!(neither.check().unwrap_err().to_string().contains("exactly one of"));
    }

    #[test]
    fn the_order_of_neither_set_matters_but_what_is_in_which_does() {
        let splits = [Split::Train, Split::Validation, Split::TrainAndValidation];
        let load_all = |train: Set, val: Set| {
            let dir = write(train, Some(val), TRAIN);
            splits.map(|split| load(&dir, split))
        };
        let expected = load_all(TRAIN, VAL);
        let reversed = |set: Set| set.iter().rev().copied().collect::<Vec<_>>();
        assert_eq!(load_all(&reversed(TRAIN), &reversed(VAL)), expected);
        let moved = load_all(&[TRAIN, &VAL[..1]].concat(), &VAL[1..]);
        assert_eq!(
            (&moved[2].pixels, &moved[2].labels),
            (&expected[2].pixels, &expected[2].labels)
        );
        let relabelled = load_all(TRAIN, &[(60, 0), (90, 0), (5, 1)]);
        let swapped = load_all(VAL, TRAIN);
        let all = [&expected, &moved, &relabelled, &swapped].map(|images| &images[0].sha256);
        assert_eq!(all.iter().collect::<std::collections::BTreeSet<_>>().len(), 4);
    }

    #[test]
    fn the_test_set_does_not_depend_on_the_validation_set() {
        let test = |val: Set| {
            let dir = write(TRAIN, Some(val), &[(1, 1), (9, 0)]);
            load(&dir, Split::Test)
        };
        assert_eq!(test(VAL), test(TRAIN));
        assert_eq!(test(VAL).labels, [1, 0]);
    }

    #[test]
    fn a_census_counts_the_validation_set() {
        let dir = write(TRAIN, Some(VAL), &[(1, 1), (9, 0)]);
        let census = Census::take(dir.path()).unwrap();
        assert_eq!(census.problems, [""; 0]);
        let counts: Vec<_> =
            census.classes.iter().map(|c| (c.train, c.validation, c.test)).collect();
        assert_eq!(counts, [(2, 1, 1), (2, 2, 1)]);
        let whole = Census::take(write(TRAIN, None, TRAIN).path()).unwrap();
        assert_eq!((census.mean, census.std), (whole.mean, whole.std), "of training images only");
        fs::write(dir.path().join("val-labels"), [0, 0, 8, 1, 0, 0, 0, 3, 1, 7, 1]).unwrap();
        let problems = Census::take(dir.path()).unwrap().problems;
        assert_eq!(problems.len(), 1);
        assert!(
            problems[0].starts_with("validation images: image 1 has the label 7"),
            "{problems:?}"
        );
        let error = Dataset::load(dir.path(), Split::Train).unwrap_err().to_string();
        assert!(error.contains("made-to-order"), "{error}");
    }
}
