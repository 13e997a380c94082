//! The copy of a folder: images and labels as IDX files, `dataset.json`, `import.json` and
//! `files.json`.
//!
//! All files are written to a temporary folder first. Then they get their names, `files.json` last:
//! while they do, it has another name, so that an interruption between two renames is seen by the
//! next import, which makes the copy again and keeps what the user has changed in `dataset.json`.

use super::decode::{Earlier, EarlierFile, Scaled};
use super::describe;
use super::found::Found;
use super::image::Image;
use super::images::Images;
use super::interrupt::INTERRUPT;
use super::reading::Reading;
use crate::fetch::scratch;
use anyhow::{Context, Result, ensure};
use common::dataset::{
    Contents, DataFile, Dataset, ImportRecord, ImportedFiles, ImportedSplit, Layout, MAX_FILE_BYTES,
};
use common::files::hash::HashingWriter;
use common::files::{atomic, json, reading};
use common::foreign::{idx_images_header, idx_labels};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

const FILES: &str = "files.json";
/// Name of `files.json` while other files of the copy are replaced.
const OLD_FILES: &str = "files.json.old";
const RECORD: &str = "import.json";
const DESCRIPTION: &str = "dataset.json";
/// Beginnings of the names of a set's files.
const SETS: [(ImportedSplit, &str); 3] = [
    (ImportedSplit::Train, "train"),
    (ImportedSplit::Validation, "val"),
    (ImportedSplit::Test, "test"),
];

/// A copy that is there.
#[derive(Debug)]
pub(crate) struct Copy {
    /// The folder.
    pub(crate) out: PathBuf,
    /// The files that it was made from.
    pub(crate) files: ImportedFiles,
    /// What the import found.
    pub(crate) record: Option<ImportRecord>,
    /// `dataset.json`, which may have been edited.
    pub(crate) dataset: Dataset,
    /// Whether all files are those of one import.
    pub(crate) whole: bool,
}

/// Returns the path of a copy's description.
pub(crate) fn description(out: &Path) -> PathBuf {
    out.join(DESCRIPTION)
}

impl Copy {
    /// Reads the description of the copy in a folder; `None` if there is no copy.
    ///
    /// # Errors
    /// Fails if a file of it is not valid, or if the folder has a data set that is not a copy.
    pub(crate) fn read(out: &Path) -> Result<Option<Copy>> {
        let at = |name: &str| out.join(name);
        let current = at(FILES).exists();
        if !current && !at(OLD_FILES).exists() {
            ensure!(
                !at(DESCRIPTION).exists(),
                "{}: there is a data set that is not the copy of a folder: choose another name with NAME= (or --out)",
                out.display()
            );
            return Ok(None);
        }
        let remedy = || format!("remove the folder {} to make the copy again", out.display());
        let files: ImportedFiles =
            json::read(&at(if current { FILES } else { OLD_FILES })).with_context(remedy)?;
        let described = at(DESCRIPTION).exists();
        let dataset = if described {
            json::read(&at(DESCRIPTION)).context("mend it, or remove it to have a new one")?
        } else {
            files.dataset.clone()
        };
        let record = at(RECORD).exists().then(|| json::read(&at(RECORD))).transpose();
        let record = record.with_context(remedy)?;
        let present = files.dataset.files().all(|file| at(&file.path).is_file());
        let whole = current && described && record.is_some() && present;
        Ok(Some(Copy { out: out.to_path_buf(), files, record, dataset, whole }))
    }

    /// Returns whether the images were scaled.
    pub(crate) fn is_scaled(&self) -> bool {
        match &self.record {
            Some(record) => record.scaling.is_some(),
            None => matches!(self.files.layout, Layout::ClassFolders | Layout::LabelList),
        }
    }

    /// Returns what the import has read, with the pixels of all pictures.
    ///
    /// # Errors
    /// Fails if the images of the copy cannot be read.
    pub(crate) fn earlier(&self) -> Result<Earlier> {
        let mut earlier = Earlier::default();
        if !self.whole {
            return Ok(earlier);
        }
        let Dataset { channels, height, width, .. } = self.files.dataset;
        let elements = channels * height * width;
        let mut pixels = BTreeMap::new();
        for file in &self.files.files {
            let Some(sha256) = file.sha256.clone() else { continue };
            let mut known = EarlierFile {
                bytes: file.bytes,
                modified_ns: file.modified_ns,
                sha256: sha256.clone(),
                left_out: None,
            };
            match &file.contents {
                Contents::Many => {}
                Contents::LeftOut { fault, reason } => {
                    known.left_out = Some((*fault, reason.clone()));
                }
                Contents::Picture { split, image, height, width, grey, sixteen_bit, .. } => {
                    if !pixels.contains_key(split) {
                        pixels.insert(*split, self.pixels(*split)?);
                    }
                    let start = image.checked_mul(elements);
                    let found = start.and_then(|start| pixels[split].get(start..)?.get(..elements));
                    let Some(planes) = found else { continue };
                    let kept = if *grey { elements / channels } else { elements };
                    let picture = Scaled {
                        height: *height,
                        width: *width,
                        grey: *grey,
                        sixteen_bit: *sixteen_bit,
                        planes: planes[..kept].to_vec(),
                    };
                    earlier.pictures.insert(sha256, picture);
                }
            }
            earlier.files.insert(file.path.clone(), known);
        }
        Ok(earlier)
    }

    /// Returns the pixels of all images of a set; none if they are not as the import wrote them.
    fn pixels(&self, split: ImportedSplit) -> Result<Vec<u8>> {
        let name = images_name(split);
        let mut bytes = reading::read(&self.out.join(&name), MAX_FILE_BYTES)?;
        let expected = self.files.dataset.files().find(|file| file.path == name);
        let found = common::files::hash::sha256_hex(&bytes);
        if expected.and_then(|file| file.sha256.as_deref()) != Some(found.as_str()) {
            return Ok(Vec::new());
        }
        let header = if self.files.dataset.channels == 1 { 16 } else { 20 };
        bytes.drain(..header.min(bytes.len()));
        Ok(bytes)
    }
}

fn prefix(split: ImportedSplit) -> &'static str {
    SETS.iter().find(|(set, _)| *set == split).map_or("", |(_, prefix)| prefix)
}

fn images_name(split: ImportedSplit) -> String {
    format!("{}-images", prefix(split))
}

fn labels_name(split: ImportedSplit) -> String {
    format!("{}-labels", prefix(split))
}

/// Writes the copy of a folder, and replaces an earlier one. Returns whether `dataset.json` is
/// another one than before.
///
/// # Errors
/// Fails if it cannot be written, or if a signal is received; then an earlier copy stays as it was.
pub(crate) fn write(
    out: &Path,
    name: &str,
    seed: u64,
    (found, reading): (&Found, Reading),
    earlier: Option<&Copy>,
) -> Result<bool> {
    let scratch = scratch::folder_in(out)?;
    let mut written: BTreeMap<ImportedSplit, Vec<DataFile>> = BTreeMap::new();
    for (split, set) in reading.images.sets() {
        if !set.is_empty() {
            written.insert(split, write_set(scratch.path(), split, set, &reading.images)?);
        }
    }
    let files_of = |split| written.get(&split).cloned().unwrap_or_default();
    let record = describe::record(name, found, &reading);
    let fresh = describe::dataset(&record, &reading, files_of);
    let files = ImportedFiles {
        folder: record.folder.clone(),
        layout: found.layout,
        seed,
        dataset: fresh.clone(),
        files: reading.files,
    };
    let dataset = match earlier {
        Some(copy) => describe::with_edits(fresh, &copy.files.dataset, &copy.dataset),
        None => fresh,
    };
    let text = json::to_text(&dataset)?;
    json::parse::<Dataset>(&text).context("the description of the copy")?;
    let place = out.join(DESCRIPTION);
    let is_new = fs::read_to_string(&place).ok().as_deref() != Some(text.as_str());
    INTERRUPT.check()?;
    if out.join(FILES).exists() {
        rename(&out.join(FILES), &out.join(OLD_FILES))?;
    }
    for (split, _) in SETS {
        for name in [images_name(split), labels_name(split)] {
            if written.contains_key(&split) {
                rename(&scratch.path().join(&name), &out.join(&name))?;
            } else {
                remove(&out.join(&name))?;
            }
        }
    }
    json::write(&out.join(RECORD), &record)?;
    if is_new {
        atomic::write(&place, text.as_bytes())?;
    }
    write_files(out, &files)?;
    remove(&out.join(OLD_FILES))?;
    Ok(is_new)
}

/// Writes the list of files, on one line: it may be long.
///
/// # Errors
/// Fails if it cannot be written.
pub(crate) fn write_files(out: &Path, files: &ImportedFiles) -> Result<()> {
    atomic::write(&out.join(FILES), (json::to_line(files)? + "\n").as_bytes())
}

/// Writes the record of an import.
///
/// # Errors
/// Fails if it cannot be written.
pub(crate) fn write_record(out: &Path, record: &ImportRecord) -> Result<()> {
    json::write(&out.join(RECORD), record)
}

/// Writes the images and the labels of a set into a folder.
fn write_set(
    folder: &Path,
    split: ImportedSplit,
    set: &[Image],
    images: &Images,
) -> Result<Vec<DataFile>> {
    let Images { channels, height, width, .. } = *images;
    let bytes = (set.len() as u64).saturating_mul((channels * height * width) as u64);
    ensure!(
        bytes < MAX_FILE_BYTES - 20,
        "{} images of {channels}x{height}x{width} take over {MAX_FILE_BYTES} bytes: choose smaller ones with SIZE= (or --size)",
        set.len()
    );
    let header = idx_images_header(set.len(), channels, height, width)?;
    let images_file = write_hashed(&folder.join(images_name(split)), |file| {
        file.write_all(&header)?;
        for image in set {
            INTERRUPT.check()?;
            file.write_all(&image.pixels)?;
        }
        Ok(())
    })?;
    let labels: Vec<usize> = set.iter().map(|image| image.class).collect();
    let labels = idx_labels(&labels, images.classes.len())?;
    let labels_file =
        write_hashed(&folder.join(labels_name(split)), |file| Ok(file.write_all(&labels)?))?;
    let entry = |path: String, sha256: String| DataFile { path, sha256: Some(sha256) };
    Ok(vec![entry(images_name(split), images_file), entry(labels_name(split), labels_file)])
}

/// Writes a file to the disk, and returns its SHA-256.
fn write_hashed(
    place: &Path,
    produce: impl FnOnce(&mut dyn Write) -> Result<()>,
) -> Result<String> {
    let failed = || format!("{}: cannot write the file", place.display());
    let file = File::create(place).with_context(failed)?;
    let mut hashing = HashingWriter::new(BufWriter::new(&file));
    produce(&mut hashing).with_context(failed)?;
    hashing.flush().with_context(failed)?;
    file.sync_all().with_context(failed)?;
    Ok(hashing.sha256_hex())
}

fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).with_context(|| format!("{}: cannot replace the file", to.display()))
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("{}: cannot remove the file", path.display()))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}
