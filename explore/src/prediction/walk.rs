//! Files at any depth below a folder.

use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// The folder that cargo builds into; there are no networks in it.
const BUILT: &str = "target";

/// Returns all files with a name at any depth below a folder, in the order of their paths. Links are
/// not followed.
///
/// # Errors
/// Fails if a folder cannot be read.
pub(super) fn files_named(name: &str, folder: &Path) -> Result<Vec<PathBuf>> {
    let failed = || format!("{}: cannot read the folder", folder.display());
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(failed)? {
        let entry = entry.with_context(failed)?;
        let kind = entry.file_type().with_context(failed)?;
        if kind.is_dir() && entry.file_name() != BUILT {
            found.extend(files_named(name, &entry.path())?);
        } else if kind.is_file() && entry.file_name() == name {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}
