//! Reads the files of a data set, and guesses the format of files that are not what was expected.

use super::description::DataFile;
use crate::files::hash::sha256_hex;
use crate::files::reading;
use anyhow::{Context, Result, ensure};
use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{self, Chain, Cursor, Read};
use std::path::{Path, PathBuf};

/// Maximum size of an image file.
pub(super) const MAX_IMAGE_BYTES: u64 = 512 << 20;
/// Maximum size of a data set's file after unpacking, against damaged or hostile files.
pub const MAX_FILE_BYTES: u64 = 4 << 30;
/// Size that gzip data may unpack to, whatever their own size: images of a single colour shrink to
/// a thousandth.
const ALWAYS_ALLOWED_BYTES: u64 = 64 << 20;
/// Maximum ratio of unpacked to packed size above 64 MiB.
pub const MAX_RATIO: u64 = 100;
/// Bytes at the beginning of a file that identify its contents.
const HEADER_BYTES: u64 = 20;

/// A reader of a data set's file. Gzip data, recognised by their first two bytes, are unpacked.
#[derive(Debug)]
pub struct Unpacked {
    bytes: Bytes,
    left: u64,
    limit: u64,
}

type Start = Chain<Cursor<Vec<u8>>, File>;

#[derive(Debug)]
enum Bytes {
    Plain(Start),
    Packed(Box<MultiGzDecoder<Start>>),
}

impl Unpacked {
    /// Opens a file. Reading it fails if the data are damaged or exceed the limit: 4 GiB, and for
    /// gzip data 100 times the file's size or 64 MiB, whichever is more.
    ///
    /// # Errors
    /// Fails if the file cannot be opened, is not a plain file, or has over 4 GiB.
    pub fn open(path: &Path) -> Result<Unpacked> {
        let mut file = reading::open(path, MAX_FILE_BYTES)?;
        let failed = || format!("{}: cannot read the file", path.display());
        let size = file.metadata().with_context(failed)?.len();
        let mut start = Vec::new();
        (&mut file).take(2).read_to_end(&mut start).with_context(failed)?;
        let packed = start == [0x1f, 0x8b];
        let whole = Cursor::new(start).chain(file);
        let limit = if packed {
            (size * MAX_RATIO).clamp(ALWAYS_ALLOWED_BYTES, MAX_FILE_BYTES)
        } else {
            MAX_FILE_BYTES
        };
        let bytes = if packed {
            Bytes::Packed(Box::new(MultiGzDecoder::new(whole)))
        } else {
            Bytes::Plain(whole)
        };
        Ok(Unpacked { bytes, left: limit, limit })
    }

    /// Returns whether the file is gzip data.
    pub fn is_packed(&self) -> bool {
        matches!(self.bytes, Bytes::Packed(_))
    }
}

impl Read for Unpacked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = match &mut self.bytes {
            Bytes::Plain(bytes) => bytes.read(buffer),
            Bytes::Packed(bytes) => bytes.read(buffer),
        }?;
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| self.too_large())?;
        Ok(read)
    }
}

impl Unpacked {
    fn too_large(&self) -> io::Error {
        io::Error::other(format!(
            "it unpacks to over {} bytes; if that is right, unpack it by hand (a data set's file may have {MAX_FILE_BYTES} at most)",
            self.limit
        ))
    }
}

/// Reads a file of a data set, unpacks gzip, and checks its hash. `expected_bytes` is called with
/// the beginning of the file and returns the size that its header states, if it has one; at most
/// one byte more is read.
///
/// # Errors
/// Fails if the file is missing, damaged or has another hash, or if `expected_bytes` fails. The
/// error says what to do.
pub(super) fn read_file(
    root: &Path,
    file: &DataFile,
    expected_bytes: impl Fn(&[u8]) -> Result<Option<u64>>,
) -> Result<Vec<u8>> {
    let path = root.join(&file.path);
    ensure!(path.exists(), "{}: there is no such file; `make data` places it", path.display());
    let mut unpacked = Unpacked::open(&path)?;
    let mut bytes = Vec::new();
    (&mut unpacked).take(HEADER_BYTES).read_to_end(&mut bytes).with_context(|| damaged(&path))?;
    let limit = expected_bytes(&bytes)
        .with_context(|| file.path.clone())?
        .map_or(u64::MAX, |bytes| bytes.saturating_add(1));
    let rest = limit.saturating_sub(bytes.len() as u64);
    unpacked.take(rest).read_to_end(&mut bytes).with_context(|| damaged(&path))?;
    if let Some(expected) = &file.sha256 {
        let found = sha256_hex(&bytes);
        ensure!(found == *expected, "{}: its SHA-256 is {found}, not {expected}", damaged(&path));
    }
    Ok(bytes)
}

fn damaged(path: &Path) -> String {
    format!("{}: the file is damaged; remove it and run `make data`", path.display())
}

/// Returns the end of an error message that says which format a file has instead of the expected
/// one, and what to do; empty if the format is not recognised.
pub(super) fn guess_format(bytes: &[u8]) -> &'static str {
    const PICKLE: &str = ": it is a Python pickle, as in CIFAR's Python version; the binary version (cifar-10-binary.tar.gz) is needed, or a copy of the folder by `fetch-data import`";
    const KINDS: &[(&[u8], &str)] = &[
        (b"\x93NUMPY", ": it is a NumPy array, which `fetch-data import` reads"),
        (b"\x89HDF", ": it is an HDF5 file; save its images in this format instead"),
        (b"PK\x03\x04", ": it is a zip archive; unpack it (`fetch-data import` reads .npz)"),
        (
            b"\x89PNG",
            ": it is a PNG image; images in files of their own are the format `image-folder`",
        ),
        (
            b"\xff\xd8\xff",
            ": it is a JPEG image; images in files of their own are the format `image-folder`",
        ),
        (
            b"version https://git-lfs",
            ": it is a pointer of Git LFS; `git lfs pull` fetches the file itself",
        ),
        (
            b"<",
            ": it is a web page, perhaps an error message instead of the download; fetch the file again",
        ),
    ];
    if matches!(bytes, [0x80, 2..=5, ..]) {
        return PICKLE;
    }
    if bytes.get(257..262) == Some(b"ustar") {
        return ": it is a tar archive; unpack it";
    }
    let start = bytes.trim_ascii_start();
    let kind = KINDS
        .iter()
        .find(|(magic, _)| bytes.starts_with(magic) || (*magic == b"<" && start.starts_with(b"<")));
    kind.map_or("", |(_, what)| what)
}

/// Returns whether a file or folder of this name was created by an operating system or a program:
/// hidden ones (`.DS_Store`, `._a.png`, `.ipynb_checkpoints`) and those of Windows and file
/// servers.
pub fn is_system_file(name: &str) -> bool {
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
    // Windows stores the origin of a download in a stream, which a Linux on the same disk sees as a
    // file of this name.
    name.starts_with('.')
        || name.ends_with("Zone.Identifier")
        || NAMES.contains(&name.to_lowercase().as_str())
}

/// Returns the files and folders in a folder, sorted, without system files.
pub(super) fn sorted_entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let read = || -> std::io::Result<Vec<PathBuf>> {
        std::fs::read_dir(folder)?.map(|e| Ok(e?.path())).collect()
    };
    let mut paths =
        read().with_context(|| format!("{}: cannot read the folder", folder.display()))?;
    paths.retain(|path| !is_system_file(&path.file_name().unwrap_or_default().to_string_lossy()));
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::Write;

    /// Returns a gzip file of `mebibytes` MiB of zeros.
    fn packed(mebibytes: usize) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut encoder = GzEncoder::new(file, Compression::best());
        (0..mebibytes).for_each(|_| encoder.write_all(&vec![0; 1 << 20]).unwrap());
        encoder.finish().unwrap()
    }

    fn unpacked_bytes(path: &Path) -> io::Result<u64> {
        io::copy(&mut Unpacked::open(path).unwrap(), &mut io::sink())
    }

    #[test]
    fn gzip_data_unpack_to_a_bounded_multiple_of_their_size() {
        let allowed = packed(64);
        assert_eq!(unpacked_bytes(allowed.path()).unwrap(), 64 << 20);
        let bomb = packed(65);
        assert!(bomb.as_file().metadata().unwrap().len() < 80_000);
        let error = unpacked_bytes(bomb.path()).unwrap_err().to_string();
        assert!(error.contains("unpacks to over 67108864 bytes"), "{error}");
        assert_eq!((Unpacked::open(bomb.path()).unwrap().is_packed(), MAX_RATIO), (true, 100));
    }

    #[test]
    fn no_more_is_read_than_the_header_states() {
        let file = packed(1);
        let data = DataFile { path: file.path().to_str().unwrap().into(), sha256: None };
        let read = |expected_bytes: Result<Option<u64>, &'static str>| {
            read_file(Path::new("/"), &data, |start| {
                assert_eq!(start, [0; 20]);
                expected_bytes.map_err(anyhow::Error::msg)
            })
        };
        assert_eq!(read(Ok(None)).unwrap().len(), 1 << 20);
        assert_eq!(read(Ok(Some(30))).unwrap().len(), 31);
        assert!(format!("{:#}", read(Err("too much")).unwrap_err()).ends_with(": too much"));
    }

    #[test]
    fn too_large_or_endless_files_are_not_opened() {
        let dir = tempfile::tempdir().unwrap();
        let large = dir.path().join("large");
        File::create(&large).unwrap().set_len(MAX_FILE_BYTES + 1).unwrap();
        assert!(
            Unpacked::open(&large).unwrap_err().to_string().contains("more than 4294967296 bytes")
        );
        assert!(
            Unpacked::open(Path::new("/dev/zero"))
                .unwrap_err()
                .to_string()
                .contains("a pipe or a device")
        );
    }

    #[test]
    fn other_formats_are_recognised() {
        let mut tar = vec![0; 512];
        tar[257..262].copy_from_slice(b"ustar");
        for (bytes, named) in [
            (&b"\x80\x02}q"[..], "pickle"),
            (b"PK\x03\x04x", "zip"),
            (b"\n <!doctype html>", "web page"),
            (b"version https://git-lfs.github.com/spec/v1", "Git LFS"),
            (&tar, "tar"),
        ] {
            assert!(guess_format(bytes).contains(named), "{named}");
        }
        assert_eq!(guess_format(&[0, 0, 8, 3]), "");
        assert_eq!(guess_format(&[]), "");
    }

    #[test]
    fn system_files_are_recognised_in_any_case() {
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
            assert!(is_system_file(name), "{name}");
        }
        for name in ["1.png", "thumbs", "birch", "desktop.ini.png"] {
            assert!(!is_system_file(name), "{name}");
        }
    }
}
