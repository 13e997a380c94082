//! The binary versions of CIFAR-10 and CIFAR-100: records of labels and 3,072 bytes, red, green and blue planes.

use super::{DataFile, Dataset, Format, Images, read_file};
use crate::hash::sha256_hex_of_parts;
use crate::network::Shape;
use anyhow::{Result, ensure};
use std::path::Path;

const SHAPE: Shape = Shape { channels: 3, height: 32, width: 32 };
const PIXELS: usize = 3 * 32 * 32;

pub(super) fn load(dataset: &Dataset, root: &Path, files: &[DataFile]) -> Result<Images> {
    // CIFAR-100 has the coarse label first; the last label byte is the class.
    let label_bytes = if dataset.format == Format::Cifar100 { 2 } else { 1 };
    let mut contents = Vec::new();
    for file in files {
        let bytes = read_file(root, file)?;
        let record = label_bytes + PIXELS;
        ensure!(
            bytes.len() % record == 0,
            "{}: {} bytes are not a whole number of records of {record}: the file is cut off or damaged",
            file.path,
            bytes.len()
        );
        contents.push(bytes);
    }
    let records = || contents.iter().flat_map(|bytes| bytes.chunks_exact(label_bytes + PIXELS));
    Ok(Images {
        shape: SHAPE,
        pixels: records().flat_map(|record| &record[label_bytes..]).copied().collect(),
        labels: records().map(|record| u16::from(record[label_bytes - 1])).collect(),
        sha256: sha256_hex_of_parts(contents.iter().map(Vec::as_slice)),
    })
}
