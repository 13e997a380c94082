//! Reading the files of a data set, and telling what a file is that was taken for something else.

use super::DataFile;
use crate::hash::sha256_hex;
use anyhow::{Context, Result, ensure};
use std::io::Read;
use std::path::{Path, PathBuf};

/// No file of a data set is larger than this when unpacked; a damaged or hostile one stops here.
const MAX_FILE_BYTES: u64 = 4 << 30;

/// Reads one file of a data set, unpacking gzip, and checks its hash. The error says how to mend it.
pub(super) fn read_file(root: &Path, file: &DataFile) -> Result<Vec<u8>> {
    let path = root.join(&file.path);
    let raw = std::fs::read(&path)
        .with_context(|| format!("{}: cannot read the file; `make data` places it", path.display()))?;
    let bytes = unpack(raw).with_context(|| damaged(&path))?;
    if let Some(expected) = &file.sha256 {
        let found = sha256_hex(&bytes);
        ensure!(found == *expected, "{}: its SHA-256 is {found}, not {expected}", damaged(&path));
    }
    Ok(bytes)
}

fn damaged(path: &Path) -> String {
    format!("{}: the file is damaged; remove it and run `make data`", path.display())
}

/// Unpacks gzip data, known by its first two bytes; anything else is returned as it is.
///
/// # Errors
/// Damaged data, or over 4 GiB.
pub fn unpack(raw: Vec<u8>) -> Result<Vec<u8>> {
    if !raw.starts_with(&[0x1f, 0x8b]) {
        return Ok(raw);
    }
    let mut bytes = Vec::new();
    let read = flate2::read::MultiGzDecoder::new(raw.as_slice()).take(MAX_FILE_BYTES).read_to_end(&mut bytes)?;
    ensure!((read as u64) < MAX_FILE_BYTES, "it unpacks to over {MAX_FILE_BYTES} bytes");
    Ok(bytes)
}

/// What a file seems to be that is not what was expected, with what to do about it: the end of an error message. Empty where
/// it cannot be told.
pub(super) fn what_it_seems(bytes: &[u8]) -> &'static str {
    const PICKLE: &str =
        ": it is a Python pickle, as in CIFAR's Python version; the binary version (cifar-10-binary.tar.gz) is needed";
    const KINDS: &[(&[u8], &str)] = &[
        (b"\x93NUMPY", ": it is a NumPy array; save its bytes in this format instead"),
        (b"\x89HDF", ": it is an HDF5 file; save its images in this format instead"),
        (b"PK\x03\x04", ": it is a zip archive (or .npz); unpack it"),
        (b"\x89PNG", ": it is a PNG image; images in files of their own are the format `image-folder`"),
        (b"\xff\xd8\xff", ": it is a JPEG image; images in files of their own are the format `image-folder`"),
        (b"version https://git-lfs", ": it is a pointer of Git LFS; `git lfs pull` fetches the file itself"),
        (b"<", ": it is a web page, perhaps an error message in the place of a download; fetch the file again"),
    ];
    if matches!(bytes, [0x80, 2..=5, ..]) {
        return PICKLE;
    }
    if bytes.get(257..262) == Some(b"ustar") {
        return ": it is a tar archive; unpack it";
    }
    let start = bytes.trim_ascii_start();
    let kind = KINDS.iter().find(|(magic, _)| bytes.starts_with(magic) || (*magic == b"<" && start.starts_with(b"<")));
    kind.map_or("", |(_, what)| what)
}

/// Whether a system or a program has dropped a file or folder of this name beside a user's: hidden ones (`.DS_Store`, `._a.png`,
/// `.ipynb_checkpoints`) and what Windows and file servers leave.
pub fn is_dropped_by_systems(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "thumbs.db",
        "ehthumbs.db",
        "desktop.ini",
        "__macosx",
        "@eadir",
        "icon\r",
        "$recycle.bin",
        "lost+found",
        "system volume information",
        "__pycache__",
        "picasa.ini",
    ];
    // The last one is what Windows knows of a download, as a Linux on the same disk sees it.
    name.starts_with('.') || name.ends_with("Zone.Identifier") || NAMES.contains(&name.to_lowercase().as_str())
}

/// The files and folders of a folder in a fixed order, without those that systems drop.
pub(super) fn sorted_entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let read = || -> std::io::Result<Vec<PathBuf>> { std::fs::read_dir(folder)?.map(|e| Ok(e?.path())).collect() };
    let mut paths = read().with_context(|| format!("{}: cannot read the folder", folder.display()))?;
    paths.retain(|path| !is_dropped_by_systems(&path.file_name().unwrap_or_default().to_string_lossy()));
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_other_kinds_are_named() {
        let mut tar = vec![0; 512];
        tar[257..262].copy_from_slice(b"ustar");
        for (bytes, named) in [
            (&b"\x80\x02}q"[..], "pickle"),
            (b"PK\x03\x04x", "zip"),
            (b"\n <!doctype html>", "web page"),
            (b"version https://git-lfs.github.com/spec/v1", "Git LFS"),
            (&tar, "tar"),
        ] {
            assert!(what_it_seems(bytes).contains(named), "{named}");
        }
        assert_eq!(what_it_seems(&[0, 0, 8, 3]), "");
        assert_eq!(what_it_seems(&[]), "");
    }

    #[test]
    fn what_systems_drop_is_known_whatever_its_case() {
        for name in [
            ".DS_Store",
            "._1.png",
            ".ipynb_checkpoints",
            "Thumbs.db",
            "Desktop.ini",
            "@eaDir",
            "__MACOSX",
            "1.jpg:Zone.Identifier",
        ] {
            assert!(is_dropped_by_systems(name), "{name}");
        }
        for name in ["1.png", "thumbs", "birch", "desktop.ini.png"] {
            assert!(!is_dropped_by_systems(name), "{name}");
        }
    }
}
