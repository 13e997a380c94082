//! Folders for what is not whole yet: one run at a time, and nothing left over from killed ones.

use super::interrupt::INTERRUPT;
use super::note::note;
use anyhow::{Context, Result};
use common::dataset::Dataset;
use common::files::atomic::PARTIAL;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;
use tempfile::TempDir;

/// How often a folder is tried that another run works in.
const POLL: Duration = Duration::from_millis(50);
/// What an empty file counts as: it takes room in the file system, too.
const ENTRY_BYTES: u64 = 4096;

/// Waits until no other run works in a data set's folder, and removes what killed runs have left
/// there. The lock is the kernel's, on the folder itself; it lasts until what is returned is
/// dropped.
///
/// # Errors
/// The folder cannot be opened, or a signal came.
pub(super) fn enter(out: &Path, dataset: &Dataset) -> Result<File> {
    let folder =
        File::open(out).with_context(|| format!("{}: cannot open the folder", out.display()))?;
    let mut waiting = false;
    loop {
        match folder.try_lock() {
            Ok(()) => break,
            Err(TryLockError::WouldBlock) => {
                if !waiting {
                    note(&format!("{}: waiting for another fetch-data to end", out.display()));
                }
                waiting = true;
                INTERRUPT.check()?;
                sleep(POLL);
            }
            // A file system without locks: what is there may be that of another run.
            Err(TryLockError::Error(_)) => return Ok(folder),
        }
    }
    sweep(out);
    dataset
        .files()
        .filter_map(|file| out.join(&file.path).parent().map(Path::to_path_buf))
        .for_each(|folder| {
            if folder != out {
                sweep(&folder);
            }
        });
    Ok(folder)
}

fn sweep(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(PARTIAL) {
            // What cannot be removed is in nobody's way.
            let _ = if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                fs::remove_dir_all(entry.path())
            } else {
                fs::remove_file(entry.path())
            };
        }
    }
}

/// A new folder in `parent` that is removed when it is dropped.
pub(super) fn folder_in(parent: &Path) -> Result<TempDir> {
    let unwritable = || format!("{}: cannot write into the folder", parent.display());
    // Programs run in it and get its path.
    let parent = std::path::absolute(parent).with_context(unwritable)?;
    tempfile::Builder::new().prefix(PARTIAL).tempdir_in(parent).with_context(unwritable)
}

/// How much room programs may take in a folder.
#[derive(Debug)]
pub(super) struct Room {
    /// Where they write.
    pub(super) folder: PathBuf,
    /// How many bytes there may be.
    pub(super) bytes: u64,
}

impl Room {
    /// Whether there is more than there may be.
    pub(super) fn is_exceeded(&self) -> bool {
        size(&self.folder) > self.bytes
    }
}

/// The bytes of all files below a folder, holes included. Files may come and go meanwhile.
pub(super) fn size(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.metadata() {
        Ok(facts) if facts.is_dir() => ENTRY_BYTES.saturating_add(size(&entry.path())),
        Ok(facts) => ENTRY_BYTES.saturating_add(facts.len()),
        Err(_) => 0,
    });
    sizes.fold(0, u64::saturating_add)
}
