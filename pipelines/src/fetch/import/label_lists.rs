//! Pictures and lists of their files and labels.

use super::found::{Items, Role};
use super::set_names::{is_picture, set_in};
use super::walk::{Refused, Walk, WalkedFile, look_up};
use anyhow::{Context, Result, bail, ensure};
use common::dataset::{FaultKind, ImportedSplit};
use common::files::json::read_text;
use common::foreign::{LabelEntry, read_label_list};
use std::path::{Component, Path, PathBuf};

/// Endings that a list may leave out.
const ENDINGS: [&str; 5] = ["", ".png", ".jpg", ".jpeg", ".JPG"];
/// Maximum number of files that an error names.
const MAX_NAMED: usize = 3;

/// Returns the lists directly in a folder. If there are several, they are those of sets, such as
/// `train.csv`, or the one whose name says labels.
pub(crate) fn lists(walk: &Walk) -> Vec<&WalkedFile> {
    let lists: Vec<&WalkedFile> = walk.files.iter().filter(|file| is_list(&file.path)).collect();
    let of_sets: Vec<&WalkedFile> =
        lists.iter().copied().filter(|file| set_in(&file.path).is_some()).collect();
    let of_labels: Vec<&WalkedFile> =
        lists.iter().copied().filter(|file| file.path.to_lowercase().contains("label")).collect();
    match (lists.len(), of_sets.is_empty(), of_labels.len()) {
        (1, ..) => lists,
        (_, false, _) => of_sets,
        (_, true, 1) => of_labels,
        (_, true, _) => Vec::new(),
    }
}

/// Returns whether a path is that of a list directly in the folder.
pub(crate) fn is_list(path: &str) -> bool {
    let path = path.to_lowercase();
    !path.contains('/') && (path.ends_with(".csv") || path.ends_with(".tsv"))
}

/// Returns the files of some lists in the folder `root`.
///
/// # Errors
/// Fails if a list cannot be read, or if none of its files exists.
pub(crate) fn find(root: &Path, lists: &[&WalkedFile]) -> Result<Items> {
    let real_root = std::fs::canonicalize(root)
        .with_context(|| format!("{}: cannot read it", root.display()))?;
    let mut items = Items::default();
    let mut pictures = 0;
    for list in lists {
        let split = if lists.len() > 1 { set_in(&list.path) } else { None };
        let split = split.unwrap_or(ImportedSplit::Train);
        match read(root, &real_root, list) {
            Ok(entries) => {
                items.add((*list).clone(), Role::Many);
                for (label, file) in entries {
                    pictures += usize::from(file.is_ok());
                    add(&mut items, split, label, file);
                }
            }
            // Some test sets are published without labels.
            Err(error) if lists.len() > 1 && split != ImportedSplit::Train => {
                let reason = format!("no list of labels: {error:#}");
                items.leave_out((*list).clone(), FaultKind::Unlabelled, &reason);
            }
            Err(error) => return Err(error),
        }
    }
    ensure!(pictures > 0, "the lists name no picture that is there");
    Ok(items)
}

/// Adds the pictures of a folder that no list names.
pub(crate) fn add_unlisted(items: &mut Items, walk: &Walk) {
    for file in &walk.files {
        if items.role(&file.path).is_some() {
            continue;
        }
        if is_picture(&file.path) {
            items.leave_out(file.clone(), FaultKind::Unlabelled, "no list names it");
        }
    }
}

type Listed = (String, Result<WalkedFile, Refused>);

/// Returns the label and the file of each line.
fn read(root: &Path, real_root: &Path, list: &WalkedFile) -> Result<Vec<Listed>> {
    let name = || list.path.clone();
    let text = read_text(&list.place)?;
    let entries = read_label_list(&text).with_context(name)?;
    let stem = list.path.rsplit_once('.').map_or(list.path.as_str(), |(stem, _)| stem);
    let bases = ["", "images", "train", stem, "data", "pictures"];
    let find = |entry: &LabelEntry| resolve(root, real_root, &bases, &entry.file);
    let mut listed: Vec<Listed> =
        entries.iter().map(|entry| (entry.label.clone(), find(entry))).collect();
    // The first line may have names of columns that are not known.
    let is_missing = |(_, file): &Listed| {
        file.as_ref().is_err_and(|refused| refused.fault == FaultKind::Missing)
    };
    if listed.len() > 1 && is_missing(&listed[0]) && !is_picture(&entries[0].file) {
        drop(listed.remove(0));
    }
    if listed.iter().all(is_missing) {
        let files: Vec<&str> =
            entries.iter().take(MAX_NAMED).map(|entry| entry.file.as_str()).collect();
        bail!("{}: none of its files is there, such as {}", list.path, files.join(", "));
    }
    Ok(listed)
}

/// Returns a file that a list names, below one of the folders `bases`.
fn resolve(
    root: &Path,
    real_root: &Path,
    bases: &[&str],
    file: &str,
) -> Result<WalkedFile, Refused> {
    let outside = || Refused {
        path: file.into(),
        fault: FaultKind::Outside,
        reason: "the list names a file outside the folder".into(),
    };
    let absolute = Path::new(file);
    let relative = match absolute.strip_prefix(root).or_else(|_| absolute.strip_prefix(real_root)) {
        Ok(below) => below,
        Err(_) => absolute,
    };
    let relative = normalise(relative).ok_or_else(outside)?;
    let mut first_error = None;
    for base in bases {
        for ending in ENDINGS {
            let separator = if base.is_empty() { "" } else { "/" };
            let path = format!("{base}{separator}{relative}{ending}");
            match look_up(real_root, root.join(&path), path) {
                Ok(found) => return Ok(found),
                Err(refused) if refused.fault != FaultKind::Missing => return Err(refused),
                Err(refused) => first_error = first_error.or(Some(refused)),
            }
        }
    }
    Err(first_error.unwrap_or_else(outside))
}

/// Returns a relative path without `.` and `..`; `None` if it leads outside.
fn normalise(path: &Path) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => parts.push(name.to_str()?),
            Component::CurDir => {}
            Component::ParentDir => drop(parts.pop()?),
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    (!parts.is_empty()).then(|| parts.join("/"))
}

/// Adds a file of a list. A file that is listed with two labels or in two sets is left out.
fn add(items: &mut Items, split: ImportedSplit, label: String, file: Result<WalkedFile, Refused>) {
    let file = match file {
        Ok(file) => file,
        Err(refused) => return items.refuse(refused),
    };
    let role = Role::Picture { class: label, split };
    match items.role(&file.path) {
        None => items.add(file, role),
        Some(earlier) if *earlier == role => {}
        Some(earlier) => {
            let reason = match (&*earlier, &role) {
                (Role::Picture { class: a, .. }, Role::Picture { class: b, .. }) if a != b => {
                    format!("it is listed as {a:?} and as {b:?}")
                }
                _ => "it is listed twice".into(),
            };
            *earlier = Role::LeftOut { fault: FaultKind::TwoLabels, reason };
        }
    }
}

/// Returns the folder of a list that is named itself.
pub(crate) fn folder_of(list: &Path) -> PathBuf {
    match list.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
        _ => PathBuf::from("."),
    }
}
