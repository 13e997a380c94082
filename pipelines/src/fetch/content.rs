//! The content of one entry of a data set's file list: a file with a hash, or a folder of images.

use super::interrupt::{INTERRUPT, Interruptible};
use super::scratch;
use anyhow::{Context, Result, anyhow, ensure};
use common::dataset::{DataFile, MAX_FILE_BYTES, Unpacked, is_system_file};
use common::files::hash::HashingWriter;
use common::files::{atomic, reading};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

/// Content that has been read and checked.
#[derive(Debug)]
pub(super) enum Content {
    /// A file, plain or packed.
    File {
        /// Where it was read.
        path: PathBuf,
        /// The SHA-256 of its bytes, unpacked.
        sha256: String,
        /// Whether it is gzip data.
        packed: bool,
    },
    /// A folder that is not empty.
    Folder(PathBuf),
}

impl Content {
    /// Reads `path` for an entry of the list, unpacks it and compares its hash.
    pub(super) fn read(path: &Path, file: &DataFile) -> Result<Content> {
        if path.is_dir() {
            ensure!(
                file.sha256.is_none(),
                "{}: a folder has no SHA-256, so the recipe must say null",
                path.display()
            );
            let first = fs::read_dir(path).with_context(|| unreadable(path))?.next();
            ensure!(first.is_some(), "{}: it is empty", path.display());
            return Ok(Content::Folder(path.to_path_buf()));
        }
        let (found, packed) = unpack(path, io::sink())?;
        if let Some(expected) = &file.sha256 {
            ensure!(
                found == *expected,
                "{}: the SHA-256 of {} is {found}, expected {expected}",
                path.display(),
                file.path
            );
        }
        Ok(Content::File { path: path.to_path_buf(), sha256: found, packed })
    }

    /// Returns whether the content need not be unpacked.
    pub(super) fn is_plain(&self) -> bool {
        match self {
            Content::File { packed, .. } => !*packed,
            Content::Folder(_) => true,
        }
    }

    /// Writes the content to its place, whole or not at all. Links to files in a folder are
    /// followed, but not out of `within`.
    pub(super) fn write(&self, place: &Path, within: Option<&Path>) -> Result<()> {
        match self {
            Content::File { path, sha256, .. } => atomic::write_with(place, |to| {
                let (written, _) = unpack(path, to)?;
                ensure!(written == *sha256, "{}: it has changed meanwhile", path.display());
                Ok(())
            }),
            Content::Folder(from) => copy_folder_atomically(from, place, within),
        }
    }
}

/// Writes a file's bytes, unpacked if it is gzip data. Returns their SHA-256, and whether the file
/// is gzip data.
fn unpack(path: &Path, to: impl Write) -> Result<(String, bool)> {
    let file = Unpacked::open(path)?;
    let packed = file.is_packed();
    let mut to = HashingWriter::new(to);
    io::copy(&mut Interruptible(file), &mut to).map_err(|error| {
        let why = match error.kind() {
            // The message of an interruption is complete.
            ErrorKind::Other => "",
            _ if packed => "damaged gzip data: ",
            _ => "cannot read or write it: ",
        };
        anyhow!("{}: {why}{error}", path.display())
    })?;
    Ok((to.sha256_hex(), packed))
}

/// Checks that a path does not lead out of a folder through links.
pub(super) fn check_within(path: &Path, folder: &Path) -> Result<()> {
    let real = |path: &Path| fs::canonicalize(path).with_context(|| unreadable(path));
    ensure!(
        real(path)?.starts_with(real(folder)?),
        "{}: a link that leads out of the archive",
        path.display()
    );
    Ok(())
}

/// Returns the name of the gzipped form of a file.
pub(super) fn gzipped(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".gz");
    PathBuf::from(name)
}

/// Checks the SHA-256 of a downloaded archive, which is not unpacked before.
pub(super) fn check_archive(path: &Path, expected: &str) -> Result<()> {
    let found = sha256_of(path).context("cannot read the archive")?;
    ensure!(found == expected, "the archive's SHA-256 is {found}, expected {expected}");
    Ok(())
}

/// Returns the SHA-256 of a file's bytes, not unpacked.
fn sha256_of(path: &Path) -> Result<String> {
    let mut to = HashingWriter::new(io::sink());
    copy(path, &mut to)?;
    Ok(to.sha256_hex())
}

fn copy(path: &Path, to: &mut impl Write) -> Result<()> {
    let file = reading::open(path, MAX_FILE_BYTES)?.take(MAX_FILE_BYTES);
    io::copy(&mut Interruptible(file), to)
        .with_context(|| format!("{}: cannot copy it", path.display()))?;
    Ok(())
}

fn copy_folder_atomically(from: &Path, place: &Path, within: Option<&Path>) -> Result<()> {
    let parent =
        place.parent().with_context(|| format!("{}: not a place for a folder", place.display()))?;
    atomic::create_dir_all(parent)?;
    let failed = || format!("{}: cannot write the folder", place.display());
    let whole = scratch::folder_in(parent)?;
    let copy = whole.path().join("copy");
    copy_folder(from, &copy, within)?;
    if place.exists() {
        fs::rename(place, whole.path().join("old")).with_context(failed)?;
    }
    fs::rename(&copy, place).with_context(failed)
}

/// Returns whether two folders have the same files with the same contents, apart from files that
/// operating systems leave in folders.
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

/// Returns whether two files have the same unpacked bytes.
pub(super) fn same_unpacked(one: &Path, other: &Path) -> Result<bool> {
    Ok(unpack(one, io::sink())?.0 == unpack(other, io::sink())?.0)
}

fn same_files(one: &Path, other: &Path) -> Result<bool> {
    let size =
        |path: &Path| fs::metadata(path).map(|data| data.len()).with_context(|| unreadable(path));
    Ok(size(one)? == size(other)? && sha256_of(one)? == sha256_of(other)?)
}

fn unreadable(path: &Path) -> String {
    format!("{}: cannot read it", path.display())
}

/// Returns the sorted names in a folder, without files that operating systems leave there.
fn names(folder: &Path) -> Result<Vec<OsString>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| unreadable(folder))? {
        let name = entry.with_context(|| unreadable(folder))?.file_name();
        if !is_system_file(&name.to_string_lossy()) {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

fn copy_folder(from: &Path, to: &Path, within: Option<&Path>) -> Result<()> {
    INTERRUPT.check()?;
    let failed = || format!("{}: cannot copy it to {}", from.display(), to.display());
    fs::create_dir(to).with_context(failed)?;
    for name in names(from)? {
        let (source, target) = (from.join(&name), to.join(&name));
        let facts = fs::symlink_metadata(&source).with_context(failed)?;
        if facts.is_dir() {
            copy_folder(&source, &target, within)?;
            continue;
        }
        if facts.is_symlink() {
            // Such a link could form a circle.
            ensure!(!source.is_dir(), "{}: a link to a folder is not followed", source.display());
            within.map_or(Ok(()), |folder| check_within(&source, folder))?;
        }
        copy(&source, &mut File::create_new(&target).with_context(failed)?)?;
    }
    Ok(())
}
