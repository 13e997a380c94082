//! Files that appear whole or not at all.

use anyhow::{Context, Result};
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

/// What the names of files and folders begin with that are not whole yet; whoever is killed leaves them behind.
pub const PARTIAL: &str = ".partial-";

/// Writes `bytes` to `path` through a temporary file in the same folder, which is flushed to the disk and renamed. A
/// file that was there before stays as it was if anything fails. Missing parent folders are created.
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
    let mut temporary = tempfile::Builder::new().prefix(PARTIAL).tempfile_in(folder).with_context(failed)?;
    produce(temporary.as_file_mut()).with_context(failed)?;
    make_readable(temporary.as_file()).with_context(failed)?;
    temporary.as_file().sync_all().with_context(failed)?;
    temporary.persist(path).map_err(|e| e.error).with_context(failed)?;
    sync_folder(folder).with_context(failed)
}

/// Creates a folder and its parents; an existing one is fine.
pub fn create_dir_all(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("{}: cannot create the folder", folder.display()))
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

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("file"), b"").unwrap();
        let error = write(&dir.path().join("file/below.json"), b"x").unwrap_err();
        assert!(format!("{error:#}").contains("file"));
    }
}
