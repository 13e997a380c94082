//! Reads plain files of a bounded size from any origin.

use anyhow::{Context, Result, ensure};
use std::fs::{File, Metadata};
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::time::UNIX_EPOCH;

/// Opens a file for reading. Pipes and devices, which may never end, are not opened.
///
/// # Errors
/// Fails if the file cannot be opened, is not a plain file, or has more than `limit` bytes.
pub fn open(path: &Path, limit: u64) -> Result<File> {
    let failed = || format!("{}: cannot read the file", path.display());
    let metadata = std::fs::metadata(path).with_context(failed)?;
    ensure!(!metadata.is_dir(), "{}: cannot read the file: it is a folder", path.display());
    ensure!(
        metadata.is_file(),
        "{}: cannot read the file: it is a pipe or a device, not a plain file",
        path.display()
    );
    ensure!(metadata.len() <= limit, too_large(path, limit));
    File::open(path).with_context(failed)
}

/// Reads a whole file.
///
/// # Errors
/// Fails like [`open`], or if reading fails.
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>> {
    let failed = || format!("{}: cannot read the file", path.display());
    let mut bytes = Vec::new();
    // The file may grow meanwhile.
    open(path, limit)?.take(limit + 1).read_to_end(&mut bytes).with_context(failed)?;
    ensure!(bytes.len() as u64 <= limit, too_large(path, limit));
    Ok(bytes)
}

/// Returns the time of a file's last change in nanoseconds since 1970; `None` if it is not known.
pub fn modified_ns(facts: &Metadata) -> Option<i64> {
    let time = facts.modified().ok()?;
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_nanos()).ok(),
        Err(before) => i64::try_from(before.duration().as_nanos()).ok().map(|ns| -ns),
    }
}

/// Returns the last `bytes` bytes of a file as text, or all of a shorter file; empty if it cannot
/// be read.
pub fn tail(path: &Path, bytes: u64) -> String {
    let read = || -> Result<Vec<u8>> {
        let mut file = open(path, u64::MAX)?;
        let length = file.seek(SeekFrom::End(0))?;
        file.seek(SeekFrom::Start(length.saturating_sub(bytes)))?;
        let mut tail = Vec::new();
        file.take(bytes).read_to_end(&mut tail)?;
        Ok(tail)
    };
    String::from_utf8_lossy(&read().unwrap_or_default()).into_owned()
}

fn too_large(path: &Path, limit: u64) -> String {
    format!("{}: the file has more than {limit} bytes, the maximum for such a file", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn only_plain_files_of_a_bounded_size_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        std::fs::write(&path, b"1234").unwrap();
        assert_eq!(read(&path, 4).unwrap(), b"1234");
        assert!(read(&path, 3).unwrap_err().to_string().contains("more than 3 bytes"));
        assert!(read(dir.path(), 4).unwrap_err().to_string().contains("a folder"));
        let pipe = dir.path().join("pipe");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        for endless in [&pipe, Path::new("/dev/zero")] {
            let error = read(endless, 4).unwrap_err().to_string();
            assert!(error.contains("a pipe or a device"), "{error}");
        }
    }

    #[test]
    fn the_tail_of_a_huge_file_is_read_without_the_rest() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        assert_eq!(tail(&path, 5), "");
        std::fs::write(&path, b"first\nlast\n").unwrap();
        assert_eq!(tail(&path, 5), "last\n");
        assert_eq!(tail(&path, 50), "first\nlast\n");
        // A sparse file, larger than memory.
        File::options().write(true).open(&path).unwrap().set_len(1 << 40).unwrap();
        assert_eq!(tail(&path, 2), "\0\0");
    }
}
