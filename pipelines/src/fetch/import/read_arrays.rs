//! Reads files of many images.

use super::array_files::array;
use super::found::{ArrayFile, ArrayPart, Found};
use super::interrupt::INTERRUPT;
use anyhow::{Context, Result, bail, ensure};
use common::dataset::{Dataset, ImportedSplit, Layout, MAX_FILE_BYTES, Split, Unpacked};
use common::files::reading;
use common::foreign::{
    Array, ChannelOrder, CifarBinary, CifarPython, ImageArray, Labels, images, labels,
    read_cifar_binary, read_cifar_python, read_idx, read_npy, read_npz,
};
use std::io::{BufReader, Read};

/// Images and labels of a set.
#[derive(Debug)]
pub(crate) struct LabelledSet {
    /// The set.
    pub(crate) split: ImportedSplit,
    /// Where the images are from, for people.
    pub(crate) name: String,
    /// The images.
    pub(crate) images: ImageArray,
    /// The label of each one.
    pub(crate) labels: Labels,
}

/// The contents of files of many images.
#[derive(Debug)]
pub(crate) struct LabelledSets {
    /// The sets.
    pub(crate) sets: Vec<LabelledSet>,
    /// Names of the classes in the order of labels, if there are any.
    pub(crate) names: Option<Vec<String>>,
    /// The description of a data set that has one.
    pub(crate) description: Option<Dataset>,
}

/// Reads all files of many images.
///
/// # Errors
/// Fails if a file cannot be read or is not what its name says.
pub(crate) fn read(found: &Found) -> Result<LabelledSets> {
    match found.layout {
        Layout::Dataset => own_data_set(found),
        Layout::Npz => archive(&found.arrays[0]),
        Layout::Npy => pairs(found, ChannelOrder::Last, read_npy),
        Layout::Idx => pairs(found, ChannelOrder::First, read_idx),
        Layout::CifarPython => cifar(found, python_file),
        Layout::CifarBinary => cifar(found, binary_file),
        Layout::ClassFolders | Layout::LabelList => bail!("these are files of one picture each"),
    }
}

/// Reads the images and labels of an archive of arrays.
fn archive(file: &ArrayFile) -> Result<LabelledSets> {
    let name = || file.file.path.clone();
    let opened = reading::open(&file.file.place, MAX_FILE_BYTES)?;
    let arrays =
        read_npz(BufReader::new(opened), |name| array(name).is_some()).with_context(name)?;
    ensure!(
        !arrays.is_empty(),
        "{}: it has no arrays with names such as x_train, y_train, x_test and y_test",
        name()
    );
    let parts = arrays.into_iter().filter_map(|(key, found)| {
        let (split, part) = array(&key)?;
        Some((key, split, part, found))
    });
    pair(parts.collect(), ChannelOrder::Last).with_context(name)
}

/// Reads files of images and files of labels.
fn pairs(
    found: &Found,
    order: ChannelOrder,
    parse: fn(&[u8]) -> Result<Array>,
) -> Result<LabelledSets> {
    let mut parts = Vec::new();
    for file in &found.arrays {
        let array = parse(&bytes(file)?).with_context(|| file.file.path.clone())?;
        parts.push((file.file.path.clone(), file.split, file.part, array));
    }
    pair(parts, order)
}

type NamedPart = (String, ImportedSplit, ArrayPart, Array);

/// Returns the sets of arrays of images and of labels.
fn pair(mut parts: Vec<NamedPart>, order: ChannelOrder) -> Result<LabelledSets> {
    let mut sets: Vec<LabelledSet> = Vec::new();
    while let Some(at) = parts.iter().position(|part| part.2 == ArrayPart::Images) {
        let (name, split, _, array) = parts.remove(at);
        ensure!(
            sets.iter().all(|set| set.split != split),
            "{name}: there are several arrays of images of this set"
        );
        let Some(at) = parts.iter().position(|part| part.1 == split && part.2 == ArrayPart::Labels)
        else {
            // Some test sets are published without labels.
            ensure!(split != ImportedSplit::Train, "{name}: there are no labels for it");
            continue;
        };
        let (label_name, .., label_array) = parts.remove(at);
        let images = images(array, order).with_context(|| name.clone())?;
        let labels = labels(label_array, images.len()).with_context(|| label_name)?;
        sets.push(LabelledSet { split, name, images, labels });
    }
    Ok(LabelledSets { sets, names: None, description: None })
}

enum CifarPart {
    Images(ImageArray, Vec<i64>),
    Names(Vec<String>),
}

fn cifar(found: &Found, parse: fn(&ArrayFile, &[u8]) -> Result<CifarPart>) -> Result<LabelledSets> {
    let (mut sets, mut names) = (Vec::new(), None);
    for file in &found.arrays {
        match parse(file, &bytes(file)?).with_context(|| file.file.path.clone())? {
            CifarPart::Names(found) => names = Some(found),
            CifarPart::Images(images, numbers) => sets.push(LabelledSet {
                split: file.split,
                name: file.file.path.clone(),
                images,
                labels: Labels::Numbers(numbers),
            }),
        }
    }
    Ok(LabelledSets { sets, names, description: None })
}

fn python_file(_: &ArrayFile, bytes: &[u8]) -> Result<CifarPart> {
    Ok(match read_cifar_python(bytes)? {
        CifarPython::Batch { images, labels } => CifarPart::Images(images, labels),
        CifarPython::Names(names) => CifarPart::Names(names),
    })
}

fn binary_file(file: &ArrayFile, bytes: &[u8]) -> Result<CifarPart> {
    if file.part == ArrayPart::Names {
        let text = String::from_utf8(bytes.to_vec()).context("the names are not UTF-8")?;
        let names = text.lines().map(str::trim).filter(|name| !name.is_empty());
        return Ok(CifarPart::Names(names.map(String::from).collect()));
    }
    // CIFAR-100's records begin with a coarse label.
    let hundred = ["train.bin", "test.bin"].iter().any(|name| file.file.path.ends_with(name));
    let CifarBinary { images, labels } = read_cifar_binary(bytes, if hundred { 2 } else { 1 })?;
    Ok(CifarPart::Images(images, labels))
}

/// Reads the images of a folder with a description.
fn own_data_set(found: &Found) -> Result<LabelledSets> {
    let description = Dataset::describe(&found.place)?;
    let load = |split, from| -> Result<LabelledSet> {
        INTERRUPT.check()?;
        let images = Dataset::load(&found.place, from)?;
        let shape = images.shape;
        Ok(LabelledSet {
            split,
            name: format!("{from} images"),
            images: ImageArray {
                channels: shape.channels,
                height: shape.height,
                width: shape.width,
                pixels: images.pixels,
            },
            labels: Labels::Numbers(images.labels.into_iter().map(i64::from).collect()),
        })
    };
    let mut sets = vec![load(ImportedSplit::Test, Split::Test)?];
    if description.validation.is_some() {
        sets.push(load(ImportedSplit::Train, Split::TrainAndValidation)?);
    } else {
        sets.push(load(ImportedSplit::Train, Split::Train)?);
        sets.push(load(ImportedSplit::Validation, Split::Validation)?);
    }
    let names = Some(description.classes.clone());
    Ok(LabelledSets { sets, names, description: Some(description) })
}

/// Reads a file, unpacked.
fn bytes(file: &ArrayFile) -> Result<Vec<u8>> {
    INTERRUPT.check()?;
    let mut bytes = Vec::new();
    Unpacked::open(&file.file.place)?
        .read_to_end(&mut bytes)
        .with_context(|| format!("{}: cannot read it", file.file.place.display()))?;
    Ok(bytes)
}
