//! Files that appear whole or not at all, and what is left of those that did not.

use anyhow::{Context, Result};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::Path;

/// What the names of temporary files and folders begin with. They are this project's alone, and
/// nothing once the program that made them is gone.
pub const PARTIAL: &str = ".partial-";

/// Writes `bytes` to `path` through a temporary file in the same folder, which is flushed to the
/// disk and renamed. A file that was there before stays as it was if anything fails. Missing parent
/// folders are created.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    write_with(path, |file| file.write_all(bytes).map_err(Into::into))
}

/// as [`write()`], for content that is produced in pieces.
pub fn write_with(path: &Path, produce: impl FnOnce(&mut File) -> Result<()>) -> Result<()> {
    let failed = || format!("{}: cannot write the file", path.display());
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    create_dir_all(folder)?;
    let mut temporary =
        tempfile::Builder::new().prefix(PARTIAL).tempfile_in(folder).with_context(failed)?;
    produce(temporary.as_file_mut()).with_context(failed)?;
    make_readable(temporary.as_file()).with_context(failed)?;
    temporary.as_file().sync_all().with_context(failed)?;
    temporary.persist(path).map_err(|e| e.error).with_context(failed)?;
    sync_folder(folder).with_context(failed)
}

/// Creates a folder and its parents; an existing one is fine.
pub fn create_dir_all(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)
        .with_context(|| format!("{}: cannot create the folder", folder.display()))
}

/// Whether a file or folder of this name is a temporary one.
pub fn is_partial(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(PARTIAL.as_bytes())
}

/// Removes the temporary files and folders that a killed program has left in `folder`, which may be
/// missing. For whoever has the folder for itself alone ([`crate::lock`]): those of a program at
/// work look the same.
///
/// # Errors
/// One cannot be removed.
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

/// [`sweep`] for `folder` and all folders in it.
///
/// # Errors
/// Those of [`sweep`].
pub fn sweep_with_folders(folder: &Path) -> Result<()> {
    sweep(folder)?;
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            sweep(&entry.path())?;
        }
    }
    Ok(())
}

/// Removes a folder with all that is in it, in one step as seen from outside: a removal that is
/// interrupted leaves only what [`sweep`] takes away in the folder above. It may be missing.
///
/// # Errors
/// It cannot be removed.
pub fn remove_dir_all(folder: &Path) -> Result<()> {
    let failed = || format!("{}: cannot remove the folder", folder.display());
    let (Some(above), Some(name)) = (folder.parent(), folder.file_name()) else {
        return fs::remove_dir_all(folder).with_context(failed);
    };
    if !folder.exists() {
        return Ok(());
    }
    let mut going = OsString::from(format!("{PARTIAL}removed-"));
    going.push(name);
    let going = above.join(going);
    match fs::remove_dir_all(&going) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(error).with_context(failed);
        }
        Ok(()) | Err(_) => {}
    }
    fs::rename(folder, &going).and_then(|()| fs::remove_dir_all(&going)).with_context(failed)
}

/// Temporary files are private to their owner; results are for everybody who may see the folder.
fn make_readable(file: &File) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        file.set_permissions(fs::Permissions::from_mode(0o644))?;
    }
    Ok(())
}

/// A rename survives a power cut only when the folder itself is flushed.
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
    fn what_a_killed_program_left_is_swept_and_nothing_else() {
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
    fn a_link_is_removed_and_not_what_it_leads_to() {
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
    fn a_folder_goes_in_one_step() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("a");
        remove_dir_all(&folder).unwrap();
        // What an interrupted removal has left is in no removal's way.
        fs::create_dir_all(dir.path().join(".partial-removed-a/b")).unwrap();
        fs::create_dir_all(folder.join("b")).unwrap();
        remove_dir_all(&folder).unwrap();
        assert!(names(dir.path()).is_empty());
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("file"), b"").unwrap();
        let error = write(&dir.path().join("file/below.json"), b"x").unwrap_err();
        assert!(format!("{error:#}").contains("file"));
    }
}
