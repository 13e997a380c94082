//! The files below a folder, without those of operating systems. Links are followed to files inside
//! the folder only.

use super::interrupt::INTERRUPT;
use anyhow::{Context, Result, ensure};
use common::dataset::{FaultKind, is_system_file};
use common::files::reading;
use std::fs;
use std::path::{Path, PathBuf};

/// Maximum number of files; the folder of a whole disk has more.
const MAX_FILES: usize = 2_000_000;
/// Maximum depth of folders.
const MAX_DEPTH: usize = 16;

/// The files below a folder.
#[derive(Clone, Debug, Default)]
pub(crate) struct Walk {
    /// Files that can be read, sorted by path.
    pub(crate) files: Vec<WalkedFile>,
    /// Folders, sorted.
    pub(crate) folders: Vec<String>,
    /// Files and links that cannot be read.
    pub(crate) left_out: Vec<Refused>,
    /// Number of files and folders of operating systems.
    pub(crate) system_files: usize,
}

/// A file below a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WalkedFile {
    /// Path below the folder, with `/` between folders.
    pub(crate) path: String,
    /// Where it is.
    pub(crate) place: PathBuf,
    /// Size in bytes.
    pub(crate) bytes: u64,
    /// Time of the last change, in nanoseconds since 1970.
    pub(crate) modified_ns: i64,
}

/// A file that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    /// Path below the folder.
    pub(crate) path: String,
    /// Kind of reason.
    pub(crate) fault: FaultKind,
    /// Reason for people.
    pub(crate) reason: String,
}

/// Returns all files below a folder.
///
/// # Errors
/// Fails if a folder cannot be read, if there are too many files, or if a signal is received.
pub(crate) fn walk(root: &Path) -> Result<Walk> {
    let real_root = fs::canonicalize(root).with_context(|| unreadable(root))?;
    let mut walk = Walk::default();
    let mut waiting = vec![(root.to_path_buf(), String::new(), 0)];
    while let Some((folder, prefix, depth)) = waiting.pop() {
        INTERRUPT.check()?;
        for entry in fs::read_dir(&folder).with_context(|| unreadable(&folder))? {
            let entry = entry.with_context(|| unreadable(&folder))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if is_system_file(&name) {
                walk.system_files += 1;
                continue;
            }
            let path = format!("{prefix}{name}");
            let kind = entry.file_type().with_context(|| unreadable(&entry.path()))?;
            if kind.is_dir() {
                ensure!(depth < MAX_DEPTH, "{}: folders are too deep", folder.display());
                waiting.push((entry.path(), format!("{path}/"), depth + 1));
                walk.folders.push(path);
                continue;
            }
            match look_up(&real_root, entry.path(), path) {
                Ok(file) => walk.files.push(file),
                Err(refused) => walk.left_out.push(refused),
            }
            ensure!(
                walk.files.len() <= MAX_FILES,
                "{}: it has over {MAX_FILES} files: is it the folder of the images?",
                root.display()
            );
        }
    }
    walk.files.sort_by(|a, b| a.path.cmp(&b.path));
    walk.left_out.sort_by(|a, b| a.path.cmp(&b.path));
    walk.folders.sort();
    Ok(walk)
}

/// Returns a file, if it is a plain one and inside the folder, whose path has no links.
pub(crate) fn look_up(
    real_root: &Path,
    place: PathBuf,
    path: String,
) -> Result<WalkedFile, Refused> {
    let refused =
        |fault, reason: &str| Refused { path: path.clone(), fault, reason: reason.into() };
    let real = match fs::canonicalize(&place) {
        Ok(real) => real,
        Err(error) if fs::symlink_metadata(&place).is_err() => {
            let fault = if error.kind() == std::io::ErrorKind::NotFound {
                FaultKind::Missing
            } else {
                FaultKind::Unreadable
            };
            return Err(refused(fault, &error.to_string()));
        }
        Err(_) => return Err(refused(FaultKind::Unreadable, "a link to a file that is not there")),
    };
    if !real.starts_with(real_root) {
        return Err(refused(FaultKind::Outside, "it leads out of the folder"));
    }
    match fs::metadata(&place) {
        Ok(facts) if facts.is_file() => {
            // A time that is not known counts as 1970.
            let modified_ns = reading::modified_ns(&facts).unwrap_or(0).clamp(-(1 << 62), 1 << 62);
            Ok(WalkedFile { path, place, bytes: facts.len(), modified_ns })
        }
        Ok(facts) if facts.is_dir() => {
            Err(refused(FaultKind::Outside, "a link to a folder is not followed"))
        }
        Ok(_) => Err(refused(FaultKind::Unreadable, "a pipe or a device, not a plain file")),
        Err(error) => Err(refused(FaultKind::Unreadable, &error.to_string())),
    }
}

fn unreadable(path: &Path) -> String {
    format!("{}: cannot read it", path.display())
}
