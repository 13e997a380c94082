//! The images of all sets in one shape, with their classes.

use super::decode::{Outcome, ReadFile, Scale, rescale};
use super::draw::{self, FRACTION};
use super::found::{Found, Role};
use super::image::Image;
use super::parallel;
use super::read_arrays::{LabelledSet, LabelledSets};
use anyhow::{Context, Result, ensure};
use common::dataset::{Choice, ImportedSplit};
use common::files::hash::sha256_hex;
use common::foreign::Labels;
use std::collections::{BTreeMap, BTreeSet};

/// The number of classes that a data set may have.
const MAX_CLASSES: usize = 10_000;

/// The images of all sets.
#[derive(Debug)]
pub(crate) struct Images {
    /// Channels: 1 or 3.
    pub(crate) channels: usize,
    /// Rows.
    pub(crate) height: usize,
    /// Columns.
    pub(crate) width: usize,
    /// Names of the classes, in the order of labels.
    pub(crate) classes: Vec<String>,
    /// Classes without a usable image.
    pub(crate) empty_classes: Vec<String>,
    /// Training images, in an order that depends on their pixels and classes alone.
    pub(crate) train: Vec<Image>,
    /// Validation images that were found, in the same order.
    pub(crate) validation: Vec<Image>,
    /// Test images, in the same order.
    pub(crate) test: Vec<Image>,
    /// Choice of the test images.
    pub(crate) test_choice: Choice,
}

impl Images {
    /// Returns all sets.
    pub(crate) fn sets(&self) -> [(ImportedSplit, &[Image]); 3] {
        [
            (ImportedSplit::Train, &self.train),
            (ImportedSplit::Validation, &self.validation),
            (ImportedSplit::Test, &self.test),
        ]
    }
}

/// Returns the images of pictures. `files` has the contents of all pictures that were found, in
/// their order.
pub(crate) fn of_pictures(found: &Found, files: &[ReadFile], scale: &Scale, seed: u64) -> Images {
    let pictures = found.items.iter().enumerate().filter_map(|(index, item)| match &item.role {
        Role::Picture { class, split } => Some((index, &item.file.path, class, *split)),
        Role::Many | Role::LeftOut { .. } => None,
    });
    let usable = pictures.clone().zip(files).filter_map(|(picture, file)| match &file.outcome {
        Outcome::Scaled(scaled) => Some((picture, file, scaled)),
        Outcome::LeftOut { .. } => None,
    });
    let channels = if usable.clone().all(|(.., scaled)| scaled.grey) { 1 } else { 3 };
    let classes = in_order(usable.clone().map(|((_, _, class, _), ..)| class.clone()).collect());
    let index_of = indices(&classes);
    let image = |((item, path, class, split), file, scaled): Usable<'_>| {
        let pixels = scaled.pixels(channels);
        Image {
            class: index_of[class],
            split,
            source_sha256: file.sha256.clone().unwrap_or_default(),
            sha256: sha256_hex(&pixels),
            pixels,
            name: path.clone(),
            item: Some(item),
        }
    };
    let images = usable.map(image).collect();
    let mut empty: BTreeSet<&String> = pictures.map(|(_, _, class, _)| class).collect();
    empty.extend(&found.empty_classes);
    let empty = empty.into_iter().filter(|class| !index_of.contains_key(*class)).cloned();
    let empty_classes = empty.collect();
    arrange(images, (channels, scale.height, scale.width), (classes, empty_classes), Some(seed))
}

type Usable<'a> =
    ((usize, &'a String, &'a String, ImportedSplit), &'a ReadFile, &'a super::decode::Scaled);

/// Returns the images of arrays, scaled if `scale` says so. Test images are drawn with the seed if
/// there are none; without a seed, none are drawn.
///
/// # Errors
/// Fails if the sets differ in channels or size, or if a label is not one of the names.
pub(crate) fn of_arrays(
    arrays: &LabelledSets,
    scale: Option<&Scale>,
    seed: Option<u64>,
) -> Result<Images> {
    let first = arrays.sets.first().context("there are no images to train on")?;
    let shape = |set: &LabelledSet| {
        let images = &set.images;
        match scale {
            Some(scale) => (images.channels, scale.height, scale.width),
            None => (images.channels, images.height, images.width),
        }
    };
    for set in &arrays.sets {
        let in_words = |(channels, height, width)| format!("{channels}x{height}x{width}");
        ensure!(
            shape(set) == shape(first),
            "{}: its images are {}, those of {} are {}",
            set.name,
            in_words(shape(set)),
            first.name,
            in_words(shape(first))
        );
    }
    let (classes, class_of) = classes_of_arrays(arrays)?;
    let mut images = Vec::new();
    for set in &arrays.sets {
        images.extend(images_of_set(set, &class_of, scale)?);
    }
    let present: BTreeSet<usize> = images.iter().map(|image| image.class).collect();
    let empty = (0..classes.len()).filter(|class| !present.contains(class));
    let empty_classes = empty.map(|class| classes[class].clone()).collect();
    Ok(arrange(images, shape(first), (classes, empty_classes), seed))
}

fn images_of_set(
    set: &LabelledSet,
    class_of: &dyn Fn(&LabelledSet, usize) -> Result<usize>,
    scale: Option<&Scale>,
) -> Result<Vec<Image>> {
    let found = &set.images;
    let shape = (found.channels, found.height, found.width);
    let classes: Vec<usize> =
        (0..found.len()).map(|index| class_of(set, index)).collect::<Result<_>>()?;
    let elements = found.channels * found.height * found.width;
    let scale = scale.filter(|scale| (scale.height, scale.width) != (found.height, found.width));
    let image = |index: usize| -> Result<Image> {
        let original = &found.pixels[index * elements..][..elements];
        let pixels = match scale {
            Some(scale) => rescale(original, shape, scale)?,
            None => original.to_vec(),
        };
        Ok(Image {
            class: classes[index],
            split: set.split,
            source_sha256: sha256_hex(original),
            sha256: sha256_hex(&pixels),
            pixels,
            name: format!("image {index} of {}", set.name),
            item: None,
        })
    };
    parallel::map(found.len(), image)?.into_iter().collect()
}

type ClassOf<'a> = Box<dyn Fn(&LabelledSet, usize) -> Result<usize> + 'a>;

/// Returns the names of the classes, and how an image's class is found.
fn classes_of_arrays(arrays: &LabelledSets) -> Result<(Vec<String>, ClassOf<'_>)> {
    if let Some(names) = &arrays.names {
        let class_of = |set: &LabelledSet, index: usize| -> Result<usize> {
            let Labels::Numbers(numbers) = &set.labels else {
                anyhow::bail!("{}: its labels are texts, not numbers", set.name)
            };
            let number = numbers[index];
            let class = usize::try_from(number).ok().filter(|class| *class < names.len());
            class.with_context(|| {
                format!(
                    "{}: image {index} has the label {number}, but there are {} names of classes",
                    set.name,
                    names.len()
                )
            })
        };
        return Ok((names.clone(), Box::new(class_of)));
    }
    let label = |set: &LabelledSet, index: usize| match &set.labels {
        Labels::Numbers(numbers) => numbers[index].to_string(),
        Labels::Names(names) => names[index].clone(),
    };
    let mut found = BTreeSet::new();
    for set in &arrays.sets {
        for index in 0..set.images.len() {
            found.insert(label(set, index));
            ensure!(
                found.len() <= MAX_CLASSES,
                "{}: there are over {MAX_CLASSES} different labels; are these labels of classes?",
                set.name
            );
        }
    }
    let classes = in_order(found);
    let index_of = indices(&classes);
    let class_of = move |set: &LabelledSet, index: usize| Ok(index_of[&label(set, index)]);
    Ok((classes, Box::new(class_of)))
}

/// Returns names in the order of labels: numbers by their value, others by their characters.
fn in_order(names: BTreeSet<String>) -> Vec<String> {
    let mut names: Vec<String> = names.into_iter().collect();
    let numbers = names.iter().map(|name| name.parse::<i64>().ok()).collect::<Option<Vec<_>>>();
    if numbers.is_some() {
        names.sort_by_key(|name| name.parse::<i64>().unwrap_or_default());
    }
    names
}

fn indices(classes: &[String]) -> BTreeMap<String, usize> {
    classes.iter().enumerate().map(|(index, class)| (class.clone(), index)).collect()
}

/// Draws test images if none were found, and sorts the images of each set.
fn arrange(
    mut images: Vec<Image>,
    (channels, height, width): (usize, usize, usize),
    (classes, empty_classes): (Vec<String>, Vec<String>),
    seed: Option<u64>,
) -> Images {
    let has_test = images.iter().any(|image| image.split == ImportedSplit::Test);
    let test_choice = match seed {
        Some(seed) if !has_test => {
            draw::test_images(&mut images, seed);
            Choice::Drawn { fraction: FRACTION, seed }
        }
        Some(_) | None => Choice::Found,
    };
    images.sort_by(|a, b| (&a.sha256, a.class, &a.name).cmp(&(&b.sha256, b.class, &b.name)));
    let mut sets = BTreeMap::from([
        (ImportedSplit::Train, Vec::new()),
        (ImportedSplit::Validation, Vec::new()),
        (ImportedSplit::Test, Vec::new()),
    ]);
    for image in images {
        sets.entry(image.split).or_default().push(image);
    }
    let mut set = |split| sets.remove(&split).unwrap_or_default();
    Images {
        channels,
        height,
        width,
        classes,
        empty_classes,
        train: set(ImportedSplit::Train),
        validation: set(ImportedSplit::Validation),
        test: set(ImportedSplit::Test),
        test_choice,
    }
}
