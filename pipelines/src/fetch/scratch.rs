//! Temporary folders for unfinished files, the lock of a data set's folder, and the removal of what
//! killed runs have left.

use super::interrupt::INTERRUPT;
use super::note::note;
use anyhow::{Context, Result};
use common::dataset::Dataset;
use common::files::atomic;
use common::files::temporary::PARTIAL;
use process::interrupt::Interrupt;
use process::lock::wait_for_lock;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Size that an entry adds to that of its content: an empty file takes room, too.
const ENTRY_BYTES: u64 = 4096;

/// Waits until no other run works in a data set's folder, locks it, and removes what killed runs
/// have left there. The kernel's lock on the folder lasts until the returned file is dropped.
///
/// # Errors
/// Fails if the folder cannot be opened, or if a termination signal is received.
pub(super) fn enter(out: &Path, dataset: &Dataset) -> Result<File> {
    let (folder, is_locked) = open_locked(out, &INTERRUPT)?;
    if !is_locked {
        return Ok(folder);
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

/// Waits and locks like [`enter`], and removes what killed runs have left in the folder itself.
///
/// # Errors
/// Fails like [`enter`]; `interrupt` says so.
pub(super) fn lock(out: &Path, interrupt: &Interrupt) -> Result<File> {
    let (folder, is_locked) = open_locked(out, interrupt)?;
    if is_locked {
        sweep(out);
    }
    Ok(folder)
}

/// Returns a folder, and whether it is locked. On a file system without locks it is not, and
/// leftovers may belong to a running program.
fn open_locked(out: &Path, interrupt: &Interrupt) -> Result<(File, bool)> {
    let folder =
        File::open(out).with_context(|| format!("{}: cannot open the folder", out.display()))?;
    let said = || note(&format!("{}: waiting for another fetch-data to end", out.display()));
    let is_locked = wait_for_lock(&folder, interrupt, said)?;
    Ok((folder, is_locked))
}

fn sweep(folder: &Path) {
    // A leftover that cannot be removed does no harm.
    let _ = atomic::sweep(folder);
}

/// Creates a folder in `parent` that is removed when the value is dropped.
pub(super) fn folder_in(parent: &Path) -> Result<TempDir> {
    let unwritable = || format!("{}: cannot write into the folder", parent.display());
    // Programs run in it and get its path.
    let parent = std::path::absolute(parent).with_context(unwritable)?;
    tempfile::Builder::new().prefix(PARTIAL).tempdir_in(parent).with_context(unwritable)
}

/// The limit of what programs may write into a folder.
#[derive(Debug)]
pub(super) struct SpaceLimit {
    /// The folder.
    pub(super) folder: PathBuf,
    /// The largest size of the folder, in bytes.
    pub(super) bytes: u64,
}

impl SpaceLimit {
    /// Returns whether the folder is larger than the limit.
    pub(super) fn is_exceeded(&self) -> bool {
        size(&self.folder) > self.bytes
    }
}

/// Returns the bytes of all files below a folder, holes included. Files may change meanwhile.
pub(super) fn size(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.metadata() {
        Ok(facts) if facts.is_dir() => ENTRY_BYTES.saturating_add(size(&entry.path())),
        Ok(facts) => ENTRY_BYTES.saturating_add(facts.len()),
        Err(_) => 0,
    });
    sizes.fold(0, u64::saturating_add)
}
