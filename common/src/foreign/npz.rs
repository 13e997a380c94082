//! NumPy's `.npz` archives: zip archives of `.npy` files, stored or deflated.

use super::array::Array;
use super::npy::{Header, header_length, read_npy};
use anyhow::{Context, Result, ensure};
use std::io::{Read, Seek};
use zip::ZipArchive;
use zip::read::ZipFile;

/// Size that an array may unpack to, whatever the size of its packed data: images of a single
/// colour shrink to a thousandth.
const ALWAYS_ALLOWED_BYTES: u64 = 64 << 20;
/// Maximum ratio of unpacked to packed size above 64 MiB.
const MAX_RATIO: u64 = 100;
/// Maximum size of an unpacked array.
const MAX_BYTES: u64 = 4 << 30;
/// Maximum size of the header of an array.
const MAX_HEADER: u64 = 1 << 16;
/// Maximum number of files in an archive.
const MAX_FILES: usize = 10_000;

/// Reads those arrays of an archive that `wanted` accepts by their names, which have no ending.
///
/// # Errors
/// Fails if the file is not such an archive, is damaged, or has arrays that are too large, unpack
/// to many times their size, or have elements that are neither whole numbers nor texts.
pub fn read_npz(
    file: impl Read + Seek,
    wanted: impl Fn(&str) -> bool,
) -> Result<Vec<(String, Array)>> {
    let mut archive = ZipArchive::new(file).context("it is not a whole .npz archive")?;
    ensure!(archive.len() <= MAX_FILES, "the archive has over {MAX_FILES} files");
    let mut arrays = Vec::new();
    for index in 0..archive.len() {
        let member = archive.by_index(index).context("the archive is damaged")?;
        let name = member.name().context("the archive is damaged")?.into_owned();
        let name = name.strip_suffix(".npy").unwrap_or_default().to_string();
        if wanted(&name) {
            let array = read_member(member).with_context(|| format!("array {name}"))?;
            arrays.push((name, array));
        }
    }
    Ok(arrays)
}

/// Reads an array: first its header, then as many bytes as the header says.
fn read_member<R: Read>(mut member: ZipFile<'_, R>) -> Result<Array> {
    let packed = member.compressed_size();
    let mut bytes = Vec::new();
    let mut read = |bytes: &mut Vec<u8>, length: u64| -> Result<()> {
        let missing = length.saturating_sub(bytes.len() as u64);
        (&mut member).take(missing).read_to_end(bytes).context("it is damaged")?;
        ensure!(bytes.len() as u64 == length, "it is cut off");
        Ok(())
    };
    // The magic number, the version and the length of the header.
    read(&mut bytes, 12)?;
    let start = header_length(&bytes)?.context("it is cut off")? as u64;
    ensure!(start <= MAX_HEADER, "its header has over {MAX_HEADER} bytes");
    read(&mut bytes, start)?;
    let expected = Header::read(&bytes)?.element_bytes()?;
    let limit = packed.saturating_mul(MAX_RATIO).clamp(ALWAYS_ALLOWED_BYTES, MAX_BYTES);
    ensure!(
        expected <= limit,
        "it unpacks to {expected} bytes, more than the {limit} that its {packed} packed bytes may: save it by numpy.savez"
    );
    read(&mut bytes, start + expected)?;
    // One byte more than expected is an error of the array's reader.
    (&mut member).take(1).read_to_end(&mut bytes).context("it is damaged")?;
    read_npy(&bytes)
}
