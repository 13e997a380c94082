//! Finds out how a folder's images and classes are laid out.

use super::found::{ArrayFile, Found, Item, Items, Role};
use super::set_names::is_picture;
use super::walk::{Walk, WalkedFile, look_up, walk};
use super::{array_files, class_folders, label_lists};
use anyhow::{Context, Result, anyhow, bail, ensure};
use common::dataset::Layout;
use std::fs;
use std::path::{Path, PathBuf};

/// Returns what a folder or file has.
///
/// # Errors
/// Fails if it cannot be read, or if there are no images with classes.
pub(crate) fn find(place: &Path) -> Result<Found> {
    let real =
        fs::canonicalize(place).with_context(|| format!("{}: cannot read it", place.display()))?;
    let found = if real.is_dir() { in_folder(&real) } else { in_file(&real) };
    found.with_context(|| place.display().to_string())
}

fn in_file(place: &Path) -> Result<Found> {
    let folder = label_lists::folder_of(place);
    let name = place.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let file = look_up(&folder, place.to_path_buf(), name)
        .map_err(|refused| anyhow!("cannot read it: {}", refused.reason))?;
    if label_lists::is_list(&file.path) {
        let items = label_lists::find(&folder, &[&file])?;
        return Ok(found(place, Layout::LabelList, items.into_vec()));
    }
    ensure!(
        file.path.to_lowercase().ends_with(".npz"),
        "neither a folder of images, nor a list of files and labels (.csv), nor an archive of arrays (.npz)"
    );
    let arrays = array_files::archive(file);
    Ok(of_arrays(place, Layout::Npz, arrays))
}

fn in_folder(place: &Path) -> Result<Found> {
    let walk = walk(place)?;
    ensure!(
        !walk.files.is_empty() || !walk.left_out.is_empty(),
        "there are no files in it: no image to train on"
    );
    let system_files = walk.system_files;
    // A description cannot make pickles readable by others.
    let pickles = array_files::find(&walk)
        .is_ok_and(|found| found.is_some_and(|(layout, _)| layout == Layout::CifarPython));
    if walk.files.iter().any(|file| file.path == "dataset.json") && !pickles {
        let items = walk.files.into_iter().map(|file| Item { file, role: Role::Many }).collect();
        return Ok(Found { system_files, ..found(place, Layout::Dataset, items) });
    }
    let (root, prefix, walk) = without_wrappers(place.to_path_buf(), walk)?;
    let mut found = in_walk(place, &root, &walk)?;
    found.system_files = system_files;
    for item in &mut found.items {
        item.file.path.insert_str(0, &prefix);
    }
    Ok(found)
}

fn in_walk(place: &Path, root: &Path, walk: &Walk) -> Result<Found> {
    if let Some((layout, arrays)) = array_files::find(walk)? {
        return Ok(of_arrays(place, layout, arrays));
    }
    let lists = label_lists::lists(walk);
    let mut why_no_list = None;
    if !lists.is_empty() {
        match label_lists::find(root, &lists) {
            Ok(mut items) => {
                label_lists::add_unlisted(&mut items, walk);
                return Ok(found(place, Layout::LabelList, items.into_vec()));
            }
            Err(error) => why_no_list = Some(error),
        }
    }
    if let Some((items, empty_classes)) = class_folders::find(walk)
        && (why_no_list.is_none() || has_pictures(&items))
    {
        let items = items.into_vec();
        return Ok(Found { empty_classes, ..found(place, Layout::ClassFolders, items) });
    }
    match why_no_list {
        Some(error) => Err(error),
        None => bail!(
            "no images with classes were found: neither a folder for each class, nor a list of files and labels \
             (labels.csv), nor arrays (.npz, CIFAR, IDX)"
        ),
    }
}

fn has_pictures(items: &Items) -> bool {
    items
        .iter()
        .any(|item| matches!(item.role, Role::Picture { .. }) && is_picture(&item.file.path))
}

fn found(place: &Path, layout: Layout, items: Vec<Item>) -> Found {
    Found {
        place: place.to_path_buf(),
        layout,
        items,
        arrays: Vec::new(),
        empty_classes: Vec::new(),
        system_files: 0,
    }
}

fn of_arrays(place: &Path, layout: Layout, arrays: Vec<ArrayFile>) -> Found {
    let item = |array: &ArrayFile| Item { file: array.file.clone(), role: Role::Many };
    let items = arrays.iter().map(item).collect();
    Found { arrays, ..found(place, layout, items) }
}

/// Enters folders that have nothing but one folder with everything in it, as archives make them.
/// Returns the folder, its path below the first one, and its files.
fn without_wrappers(mut root: PathBuf, mut walk: Walk) -> Result<(PathBuf, String, Walk)> {
    let mut prefix = String::new();
    while let Some(inner) = wrapped(&walk)? {
        root.push(&inner);
        prefix = format!("{prefix}{inner}/");
        walk = below(walk, &inner);
    }
    Ok((root, prefix, walk))
}

/// Returns the only folder, if everything is in it and it is not the folder of a class.
fn wrapped(walk: &Walk) -> Result<Option<String>> {
    let folders: Vec<&String> =
        walk.folders.iter().filter(|folder| !folder.contains('/')).collect();
    let [folder] = folders[..] else { return Ok(None) };
    let direct = |file: &&WalkedFile| !file.path.contains('/');
    let data = |file: &WalkedFile| is_picture(&file.path) || label_lists::is_list(&file.path);
    if walk.files.iter().filter(direct).any(data) || array_files::find(walk)?.is_some() {
        return Ok(None);
    }
    let start = format!("{folder}/");
    let has_folders = walk.folders.iter().any(|other| other.starts_with(&start));
    let has_data = || -> Result<bool> {
        let inner = below(walk.clone(), folder);
        let lists = inner.files.iter().any(|file| label_lists::is_list(&file.path));
        Ok(lists || array_files::find(&inner)?.is_some())
    };
    Ok((has_folders || has_data()?).then(|| folder.clone()))
}

/// Returns what is below a folder, with paths below it.
fn below(walk: Walk, folder: &str) -> Walk {
    let start = format!("{folder}/");
    let inside = |path: &str| path.strip_prefix(&start).map(String::from);
    let Walk { files, folders, left_out, system_files } = walk;
    Walk {
        files: files
            .into_iter()
            .filter_map(|file| Some(WalkedFile { path: inside(&file.path)?, ..file }))
            .collect(),
        folders: folders.iter().filter_map(|folder| inside(folder)).collect(),
        left_out: left_out
            .into_iter()
            .filter_map(|mut refused| {
                refused.path = inside(&refused.path)?;
                Some(refused)
            })
            .collect(),
        system_files,
    }
}
