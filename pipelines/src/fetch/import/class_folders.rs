//! Pictures in one folder for each class, below folders of a training, a validation and a test set
//! or not.

use super::found::{Items, Role};
use super::set_names::{is_picture, set_of};
use super::walk::{Walk, WalkedFile};
use common::dataset::{FaultKind, ImportedSplit};
use std::collections::BTreeSet;

/// Sorts the files below a folder by class; also returns the classes whose folders are empty.
/// Returns `None` if there are no folders with files.
pub(crate) fn find(walk: &Walk) -> Option<(Items, Vec<String>)> {
    let has_sets = walk.files.iter().any(|file| in_set(&file.path).is_some());
    if !walk.files.iter().any(|file| file.path.contains('/')) {
        return None;
    }
    let mut items = Items::default();
    let mut classes = BTreeSet::new();
    for file in &walk.files {
        match place(&file.path, has_sets) {
            Ok((class, split)) => {
                classes.insert(class.to_string());
                items.add(file.clone(), Role::Picture { class: class.into(), split });
            }
            Err(reason) => leave_out(&mut items, file, reason),
        }
    }
    walk.left_out.iter().for_each(|refused| items.refuse(refused.clone()));
    // A folder of a class is known by its depth alone.
    let folders =
        walk.folders.iter().filter_map(|folder| match (has_sets, folder.split_once('/')) {
            (true, Some((set, class))) if set_of(set).is_some() => Some(class),
            (false, None) => Some(folder.as_str()),
            (true, _) | (false, Some(_)) => None,
        });
    let empty: BTreeSet<String> = folders
        .filter(|class| !class.contains('/') && !classes.contains(*class))
        .map(String::from)
        .collect();
    Some((items, empty.into_iter().collect()))
}

/// Returns the set and the rest of a path such as `train/CLASS/FILE`.
fn in_set(path: &str) -> Option<(ImportedSplit, &str)> {
    let (first, rest) = path.split_once('/')?;
    rest.contains('/').then(|| set_of(first).map(|set| (set, rest)))?
}

/// Returns the class and the set of a file, or the reason why it has none.
fn place(path: &str, has_sets: bool) -> Result<(&str, ImportedSplit), &'static str> {
    if has_sets {
        let (set, rest) = in_set(path).ok_or("it is not in the folder of a class of a set")?;
        return Ok((rest.split_once('/').map_or(rest, |(class, _)| class), set));
    }
    let (class, _) = path.split_once('/').ok_or("it is not in the folder of a class")?;
    Ok((class, ImportedSplit::Train))
}

fn leave_out(items: &mut Items, file: &WalkedFile, reason: &str) {
    let fault = if is_picture(&file.path) { FaultKind::Unlabelled } else { FaultKind::NotAPicture };
    items.leave_out(file.clone(), fault, reason);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn walk(files: &[&str], folders: &[&str]) -> Walk {
        let file = |path: &&str| WalkedFile {
            path: (*path).into(),
            place: PathBuf::new(),
            bytes: 1,
            modified_ns: 0,
        };
        Walk {
            files: files.iter().map(file).collect(),
            folders: folders.iter().map(|folder| (*folder).into()).collect(),
            ..Walk::default()
        }
    }

    /// Returns for each file its class and set, or the kind of fault.
    fn found(files: &[&str], folders: &[&str]) -> (Vec<String>, Vec<String>) {
        let (items, empty) = find(&walk(files, folders)).unwrap();
        let said = items.into_vec().into_iter().map(|item| match item.role {
            Role::Picture { class, split } => format!("{class} {split:?}"),
            Role::Many => "many".into(),
            Role::LeftOut { fault, .. } => format!("{fault:?}"),
        });
        (said.collect(), empty)
    }

    #[test]
    fn classes_are_folders_with_or_without_sets() {
        let (said, empty) =
            found(&["a/1.png", "b/deep/er/2.png", "x.png", "y.txt"], &["a", "b", "b/deep", "c"]);
        assert_eq!(said, ["a Train", "b Train", "Unlabelled", "NotAPicture"]);
        assert_eq!(empty, ["c"]);
        let (said, empty) = found(
            &["Test/a/1.png", "train/a/1.png", "train/loose.png", "valid/b/2.png", "z/a/1.png"],
            &["Test", "Test/a", "train", "train/a", "train/c", "valid", "valid/b", "z", "z/a"],
        );
        assert_eq!(said, ["a Test", "a Train", "Unlabelled", "b Validation", "Unlabelled"]);
        assert_eq!(empty, ["c"]);
    }

    #[test]
    fn a_class_may_have_the_name_of_a_set() {
        let (said, _) = found(&["bus/1.png", "train/2.png"], &["bus", "train"]);
        assert_eq!(said, ["bus Train", "train Train"]);
        assert!(find(&walk(&["1.png"], &["a"])).is_none());
    }
}
