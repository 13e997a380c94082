//! Atomic writing: a file appears whole or not at all. Also removes the temporary files of killed
//! programs.

use super::temporary::{self, PARTIAL};
use anyhow::{Context, Result};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::Path;

/// Writes `bytes` to `path` through a temporary file in the same folder, which is flushed to the
/// disk and renamed. Creates missing parent folders.
///
/// # Errors
/// Fails if the file cannot be written; then an earlier file stays as it was.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    write_with(path, |file| file.write_all(bytes).map_err(Into::into))
}

/// Writes like [`write()`], with contents that `produce` writes in pieces.
///
/// # Errors
/// Fails like [`write()`], or if `produce` fails.
pub fn write_with(path: &Path, produce: impl FnOnce(&mut File) -> Result<()>) -> Result<()> {
    let failed = || format!("{}: cannot write the file", path.display());
    let folder = temporary::folder_of(path);
    create_dir_all(folder)?;
    let mut temporary = temporary::file_beside(path).with_context(failed)?;
    produce(temporary.as_file_mut()).with_context(failed)?;
    make_readable(temporary.as_file()).with_context(failed)?;
    temporary.as_file().sync_all().with_context(failed)?;
    temporary.persist(path).map_err(|e| e.error).with_context(failed)?;
    sync_folder(folder).with_context(failed)
}

/// Creates a folder and its parents if they do not exist.
///
/// # Errors
/// Fails if a folder cannot be created.
pub fn create_dir_all(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)
        .with_context(|| format!("{}: cannot create the folder", folder.display()))
}

/// Returns whether a name is that of a temporary file or folder.
pub fn is_partial(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(PARTIAL.as_bytes())
}

/// Removes the temporary files and folders that a killed program has left in `folder`, which may be
/// missing. The caller must have the folder for itself, e.g. by a lock, because the temporary files
/// of a running program look the same.
///
/// # Errors
/// Fails if one of them cannot be removed.
pub fn sweep(folder: &Path) -> Result<()> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
    for entry in entries {
        let entry =
            entry.with_context(|| format!("{}: cannot read the folder", folder.display()))?;
        if !is_partial(&entry.file_name()) {
            continue;
        }
        // A link is not followed.
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        let removed = if is_folder {
            fs::remove_dir_all(entry.path())
        } else {
            fs::remove_file(entry.path())
        };
        removed.with_context(|| {
            format!("{}: cannot remove the temporary file", entry.path().display())
        })?;
    }
    Ok(())
}

/// Removes temporary files and folders as [`sweep`] does, in `folder` and in its direct
/// sub-folders.
///
/// # Errors
/// Fails like [`sweep`].
pub fn sweep_with_folders(folder: &Path) -> Result<()> {
    sweep(folder)?;
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            sweep(&entry.path())?;
        }
    }
    Ok(())
}

/// Removes a folder with its contents; it may be missing. The folder is renamed first, so an
/// interrupted removal leaves only a temporary folder, which [`sweep`] removes.
///
/// # Errors
/// Fails if the folder cannot be removed.
pub fn remove_dir_all(folder: &Path) -> Result<()> {
    let failed = || format!("{}: cannot remove the folder", folder.display());
    let (Some(parent), Some(name)) = (folder.parent(), folder.file_name()) else {
        return fs::remove_dir_all(folder).with_context(failed);
    };
    if !folder.exists() {
        return Ok(());
    }
    let mut renamed = OsString::from(format!("{PARTIAL}removed-"));
    renamed.push(name);
    let renamed = parent.join(renamed);
    match fs::remove_dir_all(&renamed) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(error).with_context(failed);
        }
        Ok(()) | Err(_) => {}
    }
    fs::rename(folder, &renamed).and_then(|()| fs::remove_dir_all(&renamed)).with_context(failed)
}

/// Makes a file readable for everybody who may see the folder; temporary files are private to their
/// owner.
fn make_readable(file: &File) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        file.set_permissions(fs::Permissions::from_mode(0o644))?;
    }
    Ok(())
}

/// Flushes a folder to the disk, so that a rename in it survives a power cut.
fn sync_folder(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_the_old_file_and_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b.json");
        write(&path, b"old").unwrap();
        let error = write_with(&path, |file| {
            file.write_all(b"half of the new")?;
            anyhow::bail!("disk full")
        })
        .unwrap_err();
        assert!(format!("{error:#}").contains("disk full"));
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    fn names(folder: &Path) -> Vec<String> {
        let name = |entry: std::io::Result<fs::DirEntry>| {
            entry.unwrap().file_name().into_string().unwrap()
        };
        let mut names: Vec<String> = fs::read_dir(folder).unwrap().map(name).collect();
        names.sort();
        names
    }

    #[test]
    fn only_temporary_files_are_swept() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        for folder in [".partial-crate/src", "below/.partial-abc", "below/deeper"] {
            fs::create_dir_all(at(folder)).unwrap();
        }
        for file in [
            ".partial-1",
            "x.partial-2",
            "below/.partial-3",
            "below/deeper/.partial-4",
            ".partial-crate/src/a",
        ] {
            fs::write(at(file), "").unwrap();
        }
        sweep(dir.path()).unwrap();
        assert_eq!(names(dir.path()), ["below", "x.partial-2"]);
        assert_eq!(names(&at("below")).len(), 3);
        sweep_with_folders(dir.path()).unwrap();
        assert_eq!(
            (names(&at("below")), names(&at("below/deeper"))),
            (vec!["deeper".into()], vec![".partial-4".into()])
        );
        sweep(&at("missing")).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn links_are_removed_and_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("theirs")).unwrap();
        fs::write(dir.path().join("theirs/.partial-1"), "").unwrap();
        fs::create_dir(dir.path().join("ours")).unwrap();
        for name in ["link", ".partial-link"] {
            std::os::unix::fs::symlink(
                dir.path().join("theirs"),
                dir.path().join("ours").join(name),
            )
            .unwrap();
        }
        sweep_with_folders(&dir.path().join("ours")).unwrap();
        assert_eq!(
            (names(&dir.path().join("ours")), names(&dir.path().join("theirs")).len()),
            (vec!["link".into()], 1)
        );
    }

    #[test]
    fn an_interrupted_removal_does_not_disturb_the_next() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("a");
        remove_dir_all(&folder).unwrap();
        // An earlier interrupted removal is in no one's way.
        fs::create_dir_all(dir.path().join(".partial-removed-a/b")).unwrap();
        fs::create_dir_all(folder.join("b")).unwrap();
        remove_dir_all(&folder).unwrap();
        assert!(names(dir.path()).is_empty());
    }

    #[test]
    fn a_folder_that_cannot_be_created_is_named() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("file"), b"").unwrap();
        let error = write(&dir.path().join("file/below.json"), b"x").unwrap_err();
        assert!(format!("{error:#}").contains("file"));
    }
}
