//! Decodes pictures on all cores. What an earlier import has decoded is not decoded again.

use super::found::Item;
use super::parallel;
use super::set_names::is_picture;
use super::walk::WalkedFile;
use anyhow::Result;
use common::dataset::FaultKind;
use common::files::hash::sha256_hex;
use common::files::reading;
use pictures::{Error, Picture, Resize, Target};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Maximum size of a picture's file.
const MAX_BYTES: u64 = 512 << 20;
/// Maximum size of a file that is read though its name is not that of a picture.
const MAX_OTHER_BYTES: u64 = 64 << 20;

/// The size of images, and the rule for pictures of another shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scale {
    /// Rows.
    pub(crate) height: usize,
    /// Columns.
    pub(crate) width: usize,
    /// The rule.
    pub(crate) resize: Resize,
}

/// A file that was read.
#[derive(Clone, Debug)]
pub(crate) struct ReadFile {
    /// SHA-256 of the file; `None` if it was not read.
    pub(crate) sha256: Option<String>,
    /// What became of it.
    pub(crate) outcome: Outcome,
}

/// What became of a file.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    /// A picture.
    Scaled(Scaled),
    /// A file that is left out.
    LeftOut {
        /// Kind of reason.
        fault: FaultKind,
        /// Reason for people.
        reason: String,
    },
}

/// A picture in the size of the images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scaled {
    /// Rows of the picture.
    pub(crate) height: usize,
    /// Columns of the picture.
    pub(crate) width: usize,
    /// Whether red, green and blue are equal in every pixel.
    pub(crate) grey: bool,
    /// Whether it has 16 bits for each channel.
    pub(crate) sixteen_bit: bool,
    /// The pixels: one plane if it is grey, else three.
    pub(crate) planes: Vec<u8>,
}

impl Scaled {
    /// Returns the pixels as planes of 1 or 3 channels.
    pub(crate) fn pixels(&self, channels: usize) -> Vec<u8> {
        if self.grey && channels == 3 { self.planes.repeat(3) } else { self.planes.clone() }
    }
}

/// What an earlier import has read.
#[derive(Debug, Default)]
pub(crate) struct Earlier {
    /// The files by their paths.
    pub(crate) files: HashMap<String, EarlierFile>,
    /// The pictures by the hashes of their files.
    pub(crate) pictures: HashMap<String, Scaled>,
}

/// A file that an earlier import has read.
#[derive(Clone, Debug)]
pub(crate) struct EarlierFile {
    /// Size in bytes.
    pub(crate) bytes: u64,
    /// Time of the last change, in nanoseconds since 1970.
    pub(crate) modified_ns: i64,
    /// SHA-256 of the file.
    pub(crate) sha256: String,
    /// Kind of reason and reason, if it was left out.
    pub(crate) left_out: Option<(FaultKind, String)>,
}

/// Reads all files; also returns the number of pictures that were decoded.
///
/// # Errors
/// Fails if a signal is received.
pub(crate) fn read_all(
    items: &[&Item],
    scale: &Scale,
    earlier: &Earlier,
) -> Result<(Vec<ReadFile>, usize)> {
    let decoded = AtomicUsize::new(0);
    let read = |index: usize| {
        let item = items[index];
        earlier.unchanged(item).unwrap_or_else(|| read_file(item, scale, earlier, &decoded))
    };
    let files = parallel::map(items.len(), read)?;
    Ok((files, decoded.into_inner()))
}

impl Earlier {
    /// Returns a file that was read, if its size and time are as they were.
    pub(crate) fn same_file(&self, file: &WalkedFile) -> Option<&EarlierFile> {
        let same = |known: &&EarlierFile| {
            (known.bytes, known.modified_ns) == (file.bytes, file.modified_ns)
        };
        self.files.get(&file.path).filter(same)
    }

    /// Returns what became of a file whose size and time are as they were.
    fn unchanged(&self, item: &Item) -> Option<ReadFile> {
        let EarlierFile { sha256, left_out, .. } = self.same_file(&item.file)?;
        let outcome = match left_out.clone() {
            Some((fault, reason)) => Outcome::LeftOut { fault, reason },
            None => Outcome::Scaled(self.pictures.get(sha256)?.clone()),
        };
        Some(ReadFile { sha256: Some(sha256.clone()), outcome })
    }
}

fn read_file(item: &Item, scale: &Scale, earlier: &Earlier, decoded: &AtomicUsize) -> ReadFile {
    let left_out = |fault, reason: String| Outcome::LeftOut { fault, reason };
    let named = is_picture(&item.file.path);
    if !named && item.file.bytes > MAX_OTHER_BYTES {
        let reason = "its name is not that of a picture, and it is large".into();
        return ReadFile { sha256: None, outcome: left_out(FaultKind::NotAPicture, reason) };
    }
    let bytes = match reading::read(&item.file.place, MAX_BYTES) {
        Ok(bytes) => bytes,
        Err(error) => {
            let reason = error.root_cause().to_string();
            return ReadFile { sha256: None, outcome: left_out(FaultKind::Unreadable, reason) };
        }
    };
    let sha256 = sha256_hex(&bytes);
    let known = earlier.pictures.get(&sha256).cloned();
    let outcome = match known.map_or_else(|| scaled(&bytes, scale, decoded), Ok) {
        Ok(scaled) => Outcome::Scaled(scaled),
        Err(Error::Unknown) if !named => {
            left_out(FaultKind::NotAPicture, Error::Unknown.to_string())
        }
        Err(error) => left_out(FaultKind::Damaged, error.to_string()),
    };
    ReadFile { sha256: Some(sha256), outcome }
}

fn scaled(bytes: &[u8], scale: &Scale, decoded: &AtomicUsize) -> Result<Scaled, Error> {
    let picture = Picture::decode(bytes)?;
    decoded.fetch_add(1, Ordering::Relaxed);
    let grey = picture.is_grey();
    let Scale { height, width, resize } = *scale;
    let target = Target { channels: if grey { 1 } else { 3 }, height, width, resize };
    Ok(Scaled {
        height: picture.height(),
        width: picture.width(),
        grey,
        sixteen_bit: picture.is_16_bit(),
        planes: picture.to_pixels(&target),
    })
}

/// Returns an image of planes in another size.
///
/// # Errors
/// Fails if the size cannot be that of a picture.
pub(crate) fn rescale(
    planes: &[u8],
    (channels, height, width): (usize, usize, usize),
    scale: &Scale,
) -> Result<Vec<u8>> {
    let plane = height * width;
    let kind = if channels == 1 { 5 } else { 6 };
    let mut file = format!("P{kind} {width} {height} 255\n").into_bytes();
    file.extend((0..plane).flat_map(|at| (0..channels).map(move |c| planes[c * plane + at])));
    let Scale { height, width, resize } = *scale;
    Ok(pictures::pixels(&file, &Target { channels, height, width, resize })?)
}
