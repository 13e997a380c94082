//! Reads everything that was found, and says what is unusual.

use super::decode::{Earlier, Outcome, ReadFile, Scale, Scaled, read_all};
use super::draw::FRACTION;
use super::faults::{self, PictureFacts};
use super::found::{Found, Item, Role};
use super::images::{self, Images};
use super::interrupt::INTERRUPT;
use super::parallel;
use super::read_arrays;
use super::settings::Settings;
use anyhow::{Context, Result};
use common::dataset::{
    Choice, Contents, Dataset, Fault, ImportedFile, ImportedSplit, Layout, LeftOut, Validation,
};
use common::files::hash::HashingWriter;
use common::files::reading::open;
use std::collections::HashMap;
use std::io::{self, Read};

/// Everything that was read.
#[derive(Debug)]
pub(crate) struct Reading {
    /// The images.
    pub(crate) images: Images,
    /// All files and what became of them.
    pub(crate) files: Vec<ImportedFile>,
    /// Files that were left out.
    pub(crate) left_out: Vec<LeftOut>,
    /// Everything unusual.
    pub(crate) faults: Vec<Fault>,
    /// How images got their size, if they were scaled.
    pub(crate) scale: Option<Scale>,
    /// Choice of the validation images.
    pub(crate) validation: Choice,
    /// The description of a data set that has one.
    pub(crate) description: Option<Dataset>,
    /// Number of pictures that were decoded.
    pub(crate) decoded: usize,
}

/// Reads everything that was found.
///
/// # Errors
/// Fails if files of many images cannot be read, or if a signal is received.
pub(crate) fn read(found: &Found, settings: &Settings, earlier: &Earlier) -> Result<Reading> {
    match found.layout {
        Layout::ClassFolders | Layout::LabelList => read_pictures(found, settings, earlier),
        Layout::Npz
        | Layout::Npy
        | Layout::CifarPython
        | Layout::CifarBinary
        | Layout::Idx
        | Layout::Dataset => read_many(found, settings, earlier),
    }
}

fn read_pictures(found: &Found, settings: &Settings, earlier: &Earlier) -> Result<Reading> {
    let scale = settings.scale_of_pictures();
    let is_picture = |item: &&Item| matches!(item.role, Role::Picture { .. });
    let pictures: Vec<&Item> = found.items.iter().filter(is_picture).collect();
    let (read, decoded) = read_all(&pictures, &scale, earlier)?;
    let images = images::of_pictures(found, &read, &scale, settings.seed());
    let facts: Vec<PictureFacts> =
        pictures.iter().zip(&read).filter_map(|(item, file)| facts(item, file)).collect();
    let files = files_of_pictures(found, read, &images, earlier)?;
    let left_out = left_out(&files);
    let validation = validation(&images, settings);
    let faults = faults::find(&images, &left_out, &facts, validation)?;
    Ok(Reading {
        images,
        files,
        left_out,
        faults,
        scale: Some(scale),
        validation,
        description: None,
        decoded,
    })
}

fn read_many(found: &Found, settings: &Settings, earlier: &Earlier) -> Result<Reading> {
    let arrays = read_arrays::read(found)?;
    let scale = settings.scale_of_arrays();
    let images = images::of_arrays(&arrays, scale.as_ref(), Some(settings.seed()))?;
    let files = files_of_others(found, earlier)?;
    let left_out = left_out(&files);
    let described = arrays.description.as_ref().and_then(|description| description.validation);
    let validation = match described {
        Some(Validation { fraction, seed, .. }) => Choice::Drawn { fraction, seed },
        None => validation(&images, settings),
    };
    let faults = faults::find(&images, &left_out, &[], validation)?;
    Ok(Reading {
        images,
        files,
        left_out,
        faults,
        scale,
        validation,
        description: arrays.description,
        decoded: 0,
    })
}

fn validation(images: &Images, settings: &Settings) -> Choice {
    if images.validation.is_empty() {
        Choice::Drawn { fraction: FRACTION, seed: settings.seed() }
    } else {
        Choice::Found
    }
}

fn facts(item: &Item, file: &ReadFile) -> Option<PictureFacts> {
    match &file.outcome {
        Outcome::Scaled(Scaled { height, width, sixteen_bit, .. }) => Some(PictureFacts {
            name: item.file.path.clone(),
            height: *height,
            width: *width,
            sixteen_bit: *sixteen_bit,
        }),
        Outcome::LeftOut { .. } => None,
    }
}

/// Returns all files of a folder of pictures. `read` has the contents of the pictures.
fn files_of_pictures(
    found: &Found,
    read: Vec<ReadFile>,
    images: &Images,
    earlier: &Earlier,
) -> Result<Vec<ImportedFile>> {
    let mut places: HashMap<usize, (ImportedSplit, usize)> = HashMap::new();
    for (split, set) in images.sets() {
        let items = set.iter().enumerate().filter_map(|(index, image)| Some((index, image.item?)));
        places.extend(items.map(|(index, item)| (item, (split, index))));
    }
    let mut read = read.into_iter();
    let mut files = Vec::new();
    for (index, item) in found.items.iter().enumerate() {
        let (sha256, contents) = match &item.role {
            Role::Picture { class, .. } => {
                let file = read.next().context("a picture was not read")?;
                (file.sha256, contents(class, file.outcome, places.get(&index)))
            }
            Role::Many => (Some(hash(item, earlier)?), Contents::Many),
            Role::LeftOut { fault, reason } => {
                (None, Contents::LeftOut { fault: *fault, reason: reason.clone() })
            }
        };
        files.push(file(item, sha256, contents));
    }
    Ok(files)
}

fn contents(class: &str, outcome: Outcome, place: Option<&(ImportedSplit, usize)>) -> Contents {
    match outcome {
        Outcome::LeftOut { fault, reason } => Contents::LeftOut { fault, reason },
        Outcome::Scaled(Scaled { height, width, grey, sixteen_bit, .. }) => {
            let (split, image) = place.copied().unwrap_or((ImportedSplit::Train, 0));
            Contents::Picture {
                class: class.into(),
                split,
                image,
                height,
                width,
                grey,
                sixteen_bit,
            }
        }
    }
}

/// Returns all files of a layout of files of many images.
fn files_of_others(found: &Found, earlier: &Earlier) -> Result<Vec<ImportedFile>> {
    let hashes = parallel::map(found.items.len(), |index| hash(&found.items[index], earlier))?;
    let files = found.items.iter().zip(hashes);
    files.map(|(item, sha256)| Ok(file(item, Some(sha256?), Contents::Many))).collect()
}

fn file(item: &Item, sha256: Option<String>, contents: Contents) -> ImportedFile {
    ImportedFile {
        path: item.file.path.clone(),
        bytes: item.file.bytes,
        modified_ns: item.file.modified_ns,
        sha256,
        contents,
    }
}

/// Returns the SHA-256 of a file.
///
/// # Errors
/// Fails if it cannot be read, or if a signal is received.
pub(crate) fn hash(item: &Item, earlier: &Earlier) -> Result<String> {
    let file = &item.file;
    if let Some(known) = earlier.same_file(file) {
        return Ok(known.sha256.clone());
    }
    INTERRUPT.check()?;
    let mut hashing = HashingWriter::new(io::sink());
    let opened = open(&file.place, u64::MAX)?;
    io::copy(&mut opened.take(file.bytes.saturating_add(1)), &mut hashing)
        .with_context(|| format!("{}: cannot read it", file.place.display()))?;
    Ok(hashing.sha256_hex())
}

fn left_out(files: &[ImportedFile]) -> Vec<LeftOut> {
    let left_out = files.iter().filter_map(|file| match &file.contents {
        Contents::LeftOut { fault, reason } => {
            Some(LeftOut { file: file.path.clone(), kind: *fault, reason: reason.clone() })
        }
        Contents::Picture { .. } | Contents::Many => None,
    });
    left_out.collect()
}
