//! Temporary files and folders beside what they become. A program that is killed leaves its own,
//! named after the file, to the next one that writes the same file: whatever is run again leaves
//! nothing over.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use tempfile::{NamedTempFile, TempDir, TempPath};

/// Prefix of the names of temporary files and folders. No other program uses it, and such files are
/// useless once the program that created them has ended.
pub const PARTIAL: &str = ".partial-";

/// Returns a temporary file in the folder of `path`: `.partial-NAME`, emptied, unless another program
/// writes the same file at this moment, where the name is random.
pub(super) fn file_beside(path: &Path) -> io::Result<NamedTempFile> {
    let own = named_after(path);
    match take_file(&own) {
        Some(file) => Ok(NamedTempFile::from_parts(file, TempPath::try_from_path(own)?)),
        None => tempfile::Builder::new().prefix(PARTIAL).tempfile_in(folder_of(path)),
    }
}

/// A temporary folder, which is removed with its contents.
#[derive(Debug)]
pub struct TemporaryFolder {
    folder: TempDir,
    /// Keeps others from taking it.
    _lock: Option<File>,
}

impl TemporaryFolder {
    /// Makes a folder in that of `path`, which must exist: `.partial-NAME`, unless another program
    /// has that at this moment, where the name is random. Its permissions are those of `mkdir`.
    ///
    /// # Errors
    /// Fails if a folder cannot be made there.
    pub fn beside(path: &Path) -> io::Result<TemporaryFolder> {
        let own = named_after(path);
        let name = own.file_name().unwrap_or_default().to_owned();
        remove_abandoned(&own);
        if let Ok(folder) = builder(&name).rand_bytes(0).tempdir_in(folder_of(path)) {
            if let Some(lock) = File::open(&own).ok().and_then(|open| lock(&own, open)) {
                return Ok(TemporaryFolder { folder, _lock: Some(lock) });
            }
            // Another program took it for an abandoned one.
            let _ = folder.keep();
        }
        let folder = builder(OsStr::new(PARTIAL)).tempdir_in(folder_of(path))?;
        Ok(TemporaryFolder { folder, _lock: None })
    }

    /// Returns its path.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

fn builder<'a>(prefix: &'a OsStr) -> tempfile::Builder<'a, 'a> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(prefix);
    #[cfg(unix)]
    {
        // The process's umask restricts them.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o777));
    }
    builder
}

/// Returns the folder that a file is in.
pub(super) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn named_after(path: &Path) -> PathBuf {
    let mut name = OsString::from(PARTIAL);
    name.push(path.file_name().unwrap_or_default());
    folder_of(path).join(name)
}

/// Opens and empties a file that no other program has; `None` if one has it, or if it is no plain
/// file or cannot be written.
fn take_file(path: &Path) -> Option<File> {
    if fs::symlink_metadata(path).is_ok_and(|found| !found.is_file()) {
        return None;
    }
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let file = lock(path, options.open(path).ok()?)?;
    file.set_len(0).ok().map(|()| file)
}

/// Removes a folder that no program has, if it can.
fn remove_abandoned(path: &Path) {
    let is_folder = fs::symlink_metadata(path).is_ok_and(|found| found.is_dir());
    let open = is_folder.then(|| File::open(path).ok()).flatten();
    if let Some(_lock) = open.and_then(|open| lock(path, open)) {
        // If it stays, the new folder has a random name.
        let _ = fs::remove_dir_all(path);
    }
}

/// Locks an open file or folder; `None` if another program has it, or has renamed it meanwhile.
fn lock(path: &Path, open: File) -> Option<File> {
    let is_locked = open.try_lock().is_ok();
    (is_locked && is_at(&open, path)).then_some(open)
}

/// Returns whether an open file is the one at a path.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let identity = |found: fs::Metadata| (found.dev(), found.ino());
    let (open, there) = (file.metadata(), fs::symlink_metadata(path));
    open.ok().map(identity).is_some_and(|open| there.ok().map(identity) == Some(open))
}

#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> bool {
    false
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::io::Write;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn what_a_killed_program_left_is_taken() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(".partial-a.json"), "half of the").unwrap();
        fs::create_dir_all(dir.path().join(".partial-b/new/.partial-x")).unwrap();
        let mut file = file_beside(&dir.path().join("a.json")).unwrap();
        let folder = TemporaryFolder::beside(&dir.path().join("b")).unwrap();
        assert_eq!(names(dir.path()), [".partial-a.json", ".partial-b"]);
        assert!(names(folder.path()).is_empty());
        file.write_all(b"whole").unwrap();
        file.persist(dir.path().join("a.json")).unwrap();
        drop(folder);
        assert_eq!(names(dir.path()), ["a.json"]);
        assert_eq!(fs::read(dir.path().join("a.json")).unwrap(), b"whole");
    }

    /// Two writers of one file or folder never share one, and the last one wins.
    #[test]
    fn what_another_program_has_is_not_taken() {
        let dir = tempfile::tempdir().unwrap();
        let (file, folder) = (dir.path().join("a"), dir.path().join("b"));
        let mut files = [0, 1].map(|_| file_beside(&file).unwrap());
        let folders = [0, 1].map(|_| TemporaryFolder::beside(&folder).unwrap());
        assert_ne!(files[0].path(), files[1].path());
        assert_ne!(folders[0].path(), folders[1].path());
        assert_eq!(names(dir.path()).len(), 4);
        for (file, text) in files.iter_mut().zip(["first", "second"]) {
            file.write_all(text.as_bytes()).unwrap();
        }
        for temporary in files {
            temporary.persist(&file).unwrap();
        }
        drop(folders);
        assert_eq!(names(dir.path()), ["a"]);
        assert_eq!(fs::read(&file).unwrap(), b"second");
    }

    /// The name of another program's temporary file becomes the file's own name before it is locked.
    #[test]
    fn a_file_that_was_renamed_meanwhile_is_not_emptied() {
        let dir = tempfile::tempdir().unwrap();
        let (temporary, file) = (dir.path().join(".partial-a"), dir.path().join("a"));
        fs::write(&temporary, "whole").unwrap();
        let open = OpenOptions::new().write(true).open(&temporary).unwrap();
        fs::rename(&temporary, &file).unwrap();
        assert!(lock(&temporary, open).is_none());
        assert_eq!(fs::read(&file).unwrap(), b"whole");
    }

    #[test]
    fn links_are_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("theirs")).unwrap();
        fs::write(dir.path().join("theirs/x"), "precious").unwrap();
        for (target, link) in [("theirs/x", ".partial-a"), ("theirs", ".partial-b")] {
            std::os::unix::fs::symlink(dir.path().join(target), dir.path().join(link)).unwrap();
        }
        let file = file_beside(&dir.path().join("a")).unwrap();
        let folder = TemporaryFolder::beside(&dir.path().join("b")).unwrap();
        assert!(!file.path().ends_with(".partial-a") && !folder.path().ends_with(".partial-b"));
        assert_eq!(fs::read(dir.path().join("theirs/x")).unwrap(), b"precious");
    }
}
