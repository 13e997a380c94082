//! The comparison of a folder with its copy.

use super::decode::Earlier;
use super::found::{Found, Item};
use super::parallel;
use super::reading::hash;
use anyhow::Result;
use common::dataset::{Contents, ImportedFile, ImportedFiles};
use std::collections::{BTreeMap, BTreeSet};

/// Maximum number of files that a message names.
const MAX_NAMED: usize = 5;

/// The differences of a folder from its copy.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    /// Files that the copy has not.
    pub(crate) added: Vec<String>,
    /// Files with other contents.
    pub(crate) changed: Vec<String>,
    /// Files that the folder has no more.
    pub(crate) removed: Vec<String>,
    /// Files with the same contents and another time.
    pub(crate) touched: Vec<(String, i64)>,
    /// Whether the layout is another one.
    pub(crate) other_layout: bool,
}

/// Compares a folder with its copy. Files whose size and time are as they were are not read if
/// `trust_times` says so.
///
/// # Errors
/// Fails if a file cannot be read, or if a signal is received.
pub(crate) fn compare(found: &Found, copy: &ImportedFiles, trust_times: bool) -> Result<Changes> {
    let known: BTreeMap<&str, &ImportedFile> =
        copy.files.iter().map(|file| (file.path.as_str(), file)).collect();
    let mut changes = Changes { other_layout: found.layout != copy.layout, ..Changes::default() };
    let mut present = BTreeSet::new();
    let mut doubtful: Vec<(&Item, &ImportedFile)> = Vec::new();
    for item in &found.items {
        present.insert(item.file.path.as_str());
        match known.get(item.file.path.as_str()) {
            None => changes.added.push(item.file.path.clone()),
            Some(file) if trust_times && is_same(item, file) => {}
            Some(file) if item.file.bytes != file.bytes => {
                changes.changed.push(item.file.path.clone());
            }
            Some(file) => doubtful.push((item, file)),
        }
    }
    let same_contents = |index: usize| -> Result<bool> {
        let (item, file) = doubtful[index];
        match &file.sha256 {
            Some(sha256) => Ok(hash(item, &Earlier::default())? == *sha256),
            // It was left out without being read.
            None => Ok(matches!(file.contents, Contents::LeftOut { .. })),
        }
    };
    let same = parallel::map(doubtful.len(), same_contents)?;
    for ((item, file), same) in doubtful.iter().zip(same) {
        if !same? {
            changes.changed.push(item.file.path.clone());
        } else if item.file.modified_ns != file.modified_ns {
            changes.touched.push((item.file.path.clone(), item.file.modified_ns));
        }
    }
    changes.changed.sort();
    let removed = copy.files.iter().filter(|file| !present.contains(file.path.as_str()));
    changes.removed = removed.map(|file| file.path.clone()).collect();
    Ok(changes)
}

fn is_same(item: &Item, file: &ImportedFile) -> bool {
    (item.file.bytes, item.file.modified_ns) == (file.bytes, file.modified_ns)
}

impl Changes {
    /// Returns whether the folder has other contents than the copy.
    pub(crate) fn any(&self) -> bool {
        self.other_layout
            || [&self.added, &self.changed, &self.removed]
                .into_iter()
                .any(|files| !files.is_empty())
    }

    /// Returns the changes in words.
    pub(crate) fn in_words(&self) -> String {
        let part = |what: &str, files: &[String]| {
            let named: Vec<&str> = files.iter().take(MAX_NAMED).map(String::as_str).collect();
            let more = if files.len() > MAX_NAMED { ", ..." } else { "" };
            let noun = if files.len() == 1 { "file" } else { "files" };
            let text = format!("{} {noun} {what} ({}{more})", files.len(), named.join(", "));
            (!files.is_empty()).then_some(text)
        };
        let parts = [
            part("added", &self.added),
            part("changed", &self.changed),
            part("removed", &self.removed),
            self.other_layout.then(|| "another layout".into()),
        ];
        parts.into_iter().flatten().collect::<Vec<String>>().join(", ")
    }
}
