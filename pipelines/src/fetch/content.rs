//! What stands behind one entry of a data set's file list: bytes with a hash, or, for images in folders, a folder.

use anyhow::{Context, Result, bail, ensure};
use common::atomic;
use common::dataset::{DataFile, is_dropped_by_systems, unpack};
use common::hash::sha256_hex;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// Content that has been read and checked.
#[derive(Debug)]
pub(super) enum Content {
    /// A file's bytes, unpacked.
    File {
        /// The bytes.
        bytes: Vec<u8>,
        /// Whether they were read as they are, not unpacked.
        plain: bool,
    },
    /// A folder that exists and has something in it.
    Folder(PathBuf),
}

impl Content {
    /// Reads `path` for an entry of the list, unpacks it and compares its hash.
    pub(super) fn read(path: &Path, file: &DataFile) -> Result<Content> {
        let unreadable = || unreadable(path);
        if path.is_dir() {
            ensure!(file.sha256.is_none(), "{}: a folder has no SHA-256, so the recipe must say null", path.display());
            ensure!(fs::read_dir(path).with_context(unreadable)?.next().is_some(), "{}: it is empty", path.display());
            return Ok(Content::Folder(path.to_path_buf()));
        }
        let raw = fs::read(path).with_context(unreadable)?;
        let packed_bytes = raw.len();
        let bytes = unpack(raw).with_context(|| format!("{}: damaged gzip data", path.display()))?;
        if let Some(expected) = &file.sha256 {
            let found = sha256_hex(&bytes);
            if found != *expected {
                bail!("{}: the SHA-256 of {} is {found}, expected {expected}", path.display(), file.path);
            }
        }
        Ok(Content::File { plain: bytes.len() == packed_bytes, bytes })
    }

    /// Whether it can stay where it was read.
    pub(super) fn is_plain(&self) -> bool {
        match self {
            Content::File { plain, .. } => *plain,
            Content::Folder(_) => true,
        }
    }

    /// Puts it in its place, whole or not at all.
    pub(super) fn write(&self, place: &Path) -> Result<()> {
        match self {
            Content::File { bytes, .. } => atomic::write(place, bytes),
            Content::Folder(from) => copy_folder_atomically(from, place),
        }
    }
}

/// The name of the gzipped form of a file.
pub(super) fn gzipped(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".gz");
    PathBuf::from(name)
}

/// Checks a downloaded archive before anything is unpacked from it.
pub(super) fn check_archive(path: &Path, expected: &str) -> Result<()> {
    let bytes = fs::read(path).context("cannot read the archive")?;
    let found = sha256_hex(&bytes);
    ensure!(found == expected, "the archive's SHA-256 is {found}, expected {expected}");
    Ok(())
}

fn copy_folder_atomically(from: &Path, place: &Path) -> Result<()> {
    let parent = place.parent().with_context(|| format!("{}: not a place for a folder", place.display()))?;
    atomic::create_dir_all(parent)?;
    let failed = || format!("{}: cannot write the folder", place.display());
    let whole = tempfile::Builder::new().prefix(".partial-").tempdir_in(parent).with_context(failed)?;
    let copy = whole.path().join("copy");
    copy_folder(from, &copy)?;
    if place.exists() {
        fs::rename(place, whole.path().join("old")).with_context(failed)?;
    }
    fs::rename(&copy, place).with_context(failed)
}

/// Whether two folders have the same files with the same contents, whatever systems have dropped there.
pub(super) fn same_folders(one: &Path, other: &Path) -> Result<bool> {
    let (names, others) = (names(one)?, names(other)?);
    if names != others {
        return Ok(false);
    }
    for name in names {
        let (one, other) = (one.join(&name), other.join(&name));
        let same = match (one.is_dir(), other.is_dir()) {
            (true, true) => same_folders(&one, &other)?,
            (false, false) => same_files(&one, &other)?,
            (true, false) | (false, true) => false,
        };
        if !same {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether two files are the same when unpacked.
pub(super) fn same_unpacked(one: &Path, other: &Path, file: &DataFile) -> Result<bool> {
    let bytes = |path| match Content::read(path, file)? {
        Content::File { bytes, .. } => Ok(bytes),
        Content::Folder(_) => bail!("{}: it is a folder", one.display()),
    };
    Ok(bytes(one)? == bytes(other)?)
}

fn same_files(one: &Path, other: &Path) -> Result<bool> {
    let size = |path: &Path| fs::metadata(path).map(|data| data.len()).with_context(|| unreadable(path));
    let bytes = |path: &Path| fs::read(path).with_context(|| unreadable(path));
    Ok(size(one)? == size(other)? && bytes(one)? == bytes(other)?)
}

fn unreadable(path: &Path) -> String {
    format!("{}: cannot read it", path.display())
}

/// The names of what is in a folder, in order, without what systems drop there.
fn names(folder: &Path) -> Result<Vec<OsString>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| unreadable(folder))? {
        let name = entry.with_context(|| unreadable(folder))?.file_name();
        if !is_dropped_by_systems(&name.to_string_lossy()) {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    let failed = || format!("{}: cannot copy it to {}", from.display(), to.display());
    fs::create_dir(to).with_context(failed)?;
    for name in names(from)? {
        let (source, target) = (from.join(&name), to.join(&name));
        // A linked folder is not entered (it could lead in circles); copying it as a file fails and says so.
        if fs::symlink_metadata(&source).with_context(failed)?.is_dir() {
            copy_folder(&source, &target)?;
        } else {
            fs::copy(&source, &target).with_context(|| format!("{}: cannot copy it", source.display()))?;
        }
    }
    Ok(())
}
