//! CIFAR's binary version: records of one or two labels and 3,072 bytes, the planes of red, green
//! and blue.

use super::image_array::ImageArray;
use anyhow::{Result, bail};

const PIXELS: usize = 3 * 32 * 32;

/// The images of a file, and their labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CifarBinary {
    /// The images.
    pub images: ImageArray,
    /// Label of each image; the fine one of CIFAR-100.
    pub labels: Vec<i64>,
}

/// Reads the records of a file.
///
/// # Errors
/// Fails if they are not a whole number of records of `label_bytes` labels.
pub fn read_cifar_binary(bytes: &[u8], label_bytes: usize) -> Result<CifarBinary> {
    let record = label_bytes + PIXELS;
    if !bytes.len().is_multiple_of(record) || bytes.is_empty() {
        bail!("{} bytes are not a whole number of records of {record}: it is cut off", bytes.len());
    }
    let records = || bytes.chunks_exact(record);
    let pixels = records().flat_map(|record| &record[label_bytes..]).copied().collect();
    Ok(CifarBinary {
        images: ImageArray { channels: 3, height: 32, width: 32, pixels },
        labels: records().map(|record| i64::from(record[label_bytes - 1])).collect(),
    })
}
