//! What a folder has: its layout, its files and what each of them is.

use super::walk::{Refused, WalkedFile};
use common::dataset::{FaultKind, ImportedSplit, Layout};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What was found in a folder.
#[derive(Debug)]
pub(crate) struct Found {
    /// The folder or file, an absolute path without links.
    pub(crate) place: PathBuf,
    /// The layout.
    pub(crate) layout: Layout,
    /// The files, sorted by path.
    pub(crate) items: Vec<Item>,
    /// Files of many images; empty if each picture has a file of its own.
    pub(crate) arrays: Vec<ArrayFile>,
    /// Classes whose folders are empty.
    pub(crate) empty_classes: Vec<String>,
    /// Number of files and folders of operating systems.
    pub(crate) system_files: usize,
}

/// A file and what it is.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    /// The file. A missing one has no bytes.
    pub(crate) file: WalkedFile,
    /// What it is.
    pub(crate) role: Role,
}

/// What a file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// A picture, if it can be decoded.
    Picture {
        /// Its class.
        class: String,
        /// The set that it is in.
        split: ImportedSplit,
    },
    /// A file of many images or of labels.
    Many,
    /// A file that is left out.
    LeftOut {
        /// Kind of reason.
        fault: FaultKind,
        /// Reason for people.
        reason: String,
    },
}

/// A file of many images, of their labels or of both.
#[derive(Clone, Debug)]
pub(crate) struct ArrayFile {
    /// The file.
    pub(crate) file: WalkedFile,
    /// The set of its images; training images if it has several sets.
    pub(crate) split: ImportedSplit,
    /// What the file has.
    pub(crate) part: ArrayPart,
}

/// The contents of a file of many images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ArrayPart {
    /// Images and labels.
    Both,
    /// Images.
    Images,
    /// Labels.
    Labels,
    /// Names of the classes.
    Names,
}

/// The files of a layout, while they are collected.
#[derive(Debug, Default)]
pub(crate) struct Items(BTreeMap<String, Item>);

impl Items {
    /// Adds a file.
    pub(crate) fn add(&mut self, file: WalkedFile, role: Role) {
        self.0.insert(file.path.clone(), Item { file, role });
    }

    /// Adds a file that is left out.
    pub(crate) fn leave_out(&mut self, file: WalkedFile, fault: FaultKind, reason: &str) {
        self.add(file, Role::LeftOut { fault, reason: reason.into() });
    }

    /// Adds a file that cannot be read.
    pub(crate) fn refuse(&mut self, refused: Refused) {
        let Refused { path, fault, reason } = refused;
        let file = WalkedFile { path, place: PathBuf::new(), bytes: 0, modified_ns: 0 };
        self.leave_out(file, fault, &reason);
    }

    /// Returns what a file is, if it was added.
    pub(crate) fn role(&mut self, path: &str) -> Option<&mut Role> {
        self.0.get_mut(path).map(|item| &mut item.role)
    }

    /// Returns all files, sorted by path.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Item> {
        self.0.values()
    }

    /// Returns all files, sorted by path.
    pub(crate) fn into_vec(self) -> Vec<Item> {
        self.0.into_values().collect()
    }
}
