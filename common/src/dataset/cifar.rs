//! The binary versions of CIFAR-10 and CIFAR-100: records of one or two labels and 3,072 bytes, the
//! planes of red, green and blue.

use super::description::{DataFile, Dataset, Format};
use super::files::{guess_format, read_file};
use super::images::Raw;
use crate::network::Shape;
use anyhow::{Result, bail};
use std::path::Path;

const SHAPE: Shape = Shape { channels: 3, height: 32, width: 32 };
const PIXELS: usize = 3 * 32 * 32;

pub(super) fn load(dataset: &Dataset, root: &Path, files: &[DataFile]) -> Result<Raw> {
    // A record of CIFAR-100 begins with the coarse label. The last label byte is the class.
    let label_bytes = if dataset.format == Format::Cifar100 { 2 } else { 1 };
    let record = label_bytes + PIXELS;
    let mut contents = Vec::new();
    for file in files {
        let bytes = read_file(root, file, |_| Ok(None))?;
        if bytes.len() % record != 0 {
            bail!(
                "{}: {} bytes are not a whole number of records of {record}{}",
                file.path,
                bytes.len(),
                mismatch_reason(&bytes)
            );
        }
        contents.push(bytes);
    }
    let records = || contents.iter().flat_map(|bytes| bytes.chunks_exact(record));
    Ok(Raw {
        shape: SHAPE,
        pixels: records().flat_map(|record| &record[label_bytes..]).copied().collect(),
        labels: records().map(|record| u16::from(record[label_bytes - 1])).collect(),
    })
}

/// Returns the likely reason why a file does not consist of whole records, for the end of a
/// message.
fn mismatch_reason(bytes: &[u8]) -> &'static str {
    let guess = guess_format(bytes);
    if !guess.is_empty() {
        guess
    } else if bytes.len().is_multiple_of(1 + PIXELS) {
        ", but of those of CIFAR-10: is the format `cifar10`?"
    } else if bytes.len().is_multiple_of(2 + PIXELS) {
        ", but of those of CIFAR-100: is the format `cifar100`?"
    } else {
        ": the file is cut off or damaged"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::test_support::description;

    fn load_one(format: Format, label_bytes: &[u8]) -> Raw {
        let dir = tempfile::tempdir().unwrap();
        let planes: Vec<u8> = [7, 8, 9].into_iter().flat_map(|colour| [colour; 1024]).collect();
        std::fs::write(dir.path().join("a.bin"), [label_bytes, &planes].concat()).unwrap();
        let files = vec![DataFile { path: "a.bin".into(), sha256: None }];
        let dataset = description(format, 32, ["a", "b"], files.clone());
        load(&dataset, dir.path(), &files).unwrap()
    }

    #[test]
    fn a_record_is_a_label_and_three_planes() {
        let images = load_one(Format::Cifar10, &[1]);
        assert_eq!((images.labels.as_slice(), images.pixels.len()), (&[1][..], 3072));
        assert_eq!((images.pixels[0], images.pixels[1024], images.pixels[3071]), (7, 8, 9));
    }

    #[test]
    fn a_cifar100_record_begins_with_the_coarse_label() {
        assert_eq!(load_one(Format::Cifar100, &[5, 1]).labels, [1]);
    }
}
