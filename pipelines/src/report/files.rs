//! Files that a run may not have yet.

use anyhow::{Context, Result};
use common::files::json;
use common::files::json::Document;
use std::fs;
use std::path::Path;

/// Reads a document if the file exists.
pub(super) fn read<T: Document>(path: &Path) -> Result<Option<T>> {
    match path.try_exists() {
        Ok(false) => Ok(None),
        Ok(true) | Err(_) => json::read(path).map(Some),
    }
}

/// Returns the names in a folder, sorted and without hidden ones; none if there is no such folder.
pub(super) fn names_in(folder: &Path) -> Result<Vec<String>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let failed = || format!("{}: cannot read the folder", folder.display());
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).with_context(failed)? {
        names.push(entry.with_context(failed)?.file_name().to_string_lossy().into_owned());
    }
    names.retain(|name| !name.starts_with('.'));
    names.sort();
    Ok(names)
}
