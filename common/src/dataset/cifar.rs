//! The binary versions of CIFAR-10 and CIFAR-100: records of labels and 3,072 bytes, red, green and
//! blue planes.

use super::description::{DataFile, Dataset, Format};
use super::files::{read_file, what_it_seems};
use super::images::Raw;
use crate::network::Shape;
use anyhow::{Result, bail};
use std::path::Path;

const SHAPE: Shape = Shape { channels: 3, height: 32, width: 32 };
const PIXELS: usize = 3 * 32 * 32;

pub(super) fn load(dataset: &Dataset, root: &Path, files: &[DataFile]) -> Result<Raw> {
    // CIFAR-100 has the coarse label first; the last label byte is the class.
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
                why(&bytes)
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

/// Why a file is not whole records of its format.
fn why(bytes: &[u8]) -> &'static str {
    let seems = what_it_seems(bytes);
    if !seems.is_empty() {
        seems
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
    fn the_label_comes_first_and_then_the_colours_one_by_one() {
        let images = load_one(Format::Cifar10, &[1]);
        assert_eq!((images.labels.as_slice(), images.pixels.len()), (&[1][..], 3072));
        assert_eq!((images.pixels[0], images.pixels[1024], images.pixels[3071]), (7, 8, 9));
    }

    #[test]
    fn cifar100_has_the_coarse_label_before_the_fine_one() {
        assert_eq!(load_one(Format::Cifar100, &[5, 1]).labels, [1]);
    }
}
