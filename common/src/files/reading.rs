//! Reading files of any origin: plain files of a bounded size, whatever stands under their names.

use anyhow::{Context, Result, ensure};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// Opens a file for reading. A pipe or a device, which may never end, is not opened.
///
/// # Errors
/// It cannot be opened, is no plain file, or has more than `limit` bytes.
pub fn open(path: &Path, limit: u64) -> Result<File> {
    let failed = || format!("{}: cannot read the file", path.display());
    let facts = std::fs::metadata(path).with_context(failed)?;
    ensure!(!facts.is_dir(), "{}: cannot read the file: it is a folder", path.display());
    ensure!(
        facts.is_file(),
        "{}: cannot read the file: it is a pipe or a device, not a plain file",
        path.display()
    );
    ensure!(facts.len() <= limit, too_large(path, limit));
    File::open(path).with_context(failed)
}

/// Reads a whole file.
///
/// # Errors
/// As [`open`]; or reading fails.
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>> {
    let failed = || format!("{}: cannot read the file", path.display());
    let mut bytes = Vec::new();
    // It may grow meanwhile.
    open(path, limit)?.take(limit + 1).read_to_end(&mut bytes).with_context(failed)?;
    ensure!(bytes.len() as u64 <= limit, too_large(path, limit));
    Ok(bytes)
}

/// The last `bytes` bytes of a file as text, all of it where it is shorter; nothing where it cannot
/// be read.
pub fn end(path: &Path, bytes: u64) -> String {
    let read = || -> Result<Vec<u8>> {
        let mut file = open(path, u64::MAX)?;
        let length = file.seek(SeekFrom::End(0))?;
        file.seek(SeekFrom::Start(length.saturating_sub(bytes)))?;
        let mut end = Vec::new();
        file.take(bytes).read_to_end(&mut end)?;
        Ok(end)
    };
    String::from_utf8_lossy(&read().unwrap_or_default()).into_owned()
}

fn too_large(path: &Path, limit: u64) -> String {
    format!(
        "{}: the file has more than {limit} bytes, the most that such a file can have",
        path.display()
    )
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
    fn the_end_of_a_file_takes_no_more_memory_than_it_has() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        assert_eq!(end(&path, 5), "");
        std::fs::write(&path, b"first\nlast\n").unwrap();
        assert_eq!(end(&path, 5), "last\n");
        assert_eq!(end(&path, 50), "first\nlast\n");
        // Sparse: a log that no memory holds.
        File::options().write(true).open(&path).unwrap().set_len(1 << 40).unwrap();
        assert_eq!(end(&path, 2), "\0\0");
    }
}
