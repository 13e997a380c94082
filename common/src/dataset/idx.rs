//! The IDX format of MNIST: a big-endian header, then unsigned bytes.

use super::files::{read_file, what_it_seems};
use super::{DataFile, Dataset, Raw};
use crate::network::Shape;
use anyhow::{Context, Result, ensure};
use std::path::Path;

/// Unsigned bytes in one dimension.
const LABELS_MAGIC: u32 = 0x0801;
/// Unsigned bytes in three dimensions.
const IMAGES_MAGIC: u32 = 0x0803;

pub(super) fn load(dataset: &Dataset, root: &Path, files: &[DataFile]) -> Result<Raw> {
    let [images_file, labels_file] = files else { anyhow::bail!("idx needs a file of images and one of labels") };
    let (image_bytes, label_bytes) = (read_file(root, images_file)?, read_file(root, labels_file)?);
    let (count, height, width, pixels) = parse_images(&image_bytes).with_context(|| images_file.path.clone())?;
    let labels = parse_labels(&label_bytes).with_context(|| labels_file.path.clone())?;
    ensure!(labels.len() == count, "there are {count} images but {} labels", labels.len());
    ensure!(dataset.channels == 1, "idx holds images of one channel, but dataset.json says {}", dataset.channels);
    Ok(Raw {
        shape: Shape { channels: 1, height, width },
        pixels: pixels.to_vec(),
        labels: labels.iter().map(|label| u16::from(*label)).collect(),
    })
}

fn parse_images(bytes: &[u8]) -> Result<(usize, usize, usize, &[u8])> {
    let (sizes, pixels) = parse::<3>(bytes, IMAGES_MAGIC, "images")?;
    Ok((sizes[0], sizes[1], sizes[2], pixels))
}

fn parse_labels(bytes: &[u8]) -> Result<&[u8]> {
    Ok(parse::<1>(bytes, LABELS_MAGIC, "labels")?.1)
}

fn parse<'a, const N: usize>(bytes: &'a [u8], magic: u32, what: &str) -> Result<([usize; N], &'a [u8])> {
    let word = |i: usize| bytes.get(4 * i..4 * i + 4).map(|b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]));
    let found = word(0).context("not an IDX file: it is shorter than a header")?;
    let seems = match (found, magic) {
        (LABELS_MAGIC, IMAGES_MAGIC) | (IMAGES_MAGIC, LABELS_MAGIC) => ": images come first and labels second",
        _ => what_it_seems(bytes),
    };
    ensure!(found == magic, "not an IDX file of {what}: it starts with {found:#010x}, not {magic:#010x}{seems}");
    let mut sizes = [0; N];
    for (i, size) in sizes.iter_mut().enumerate() {
        *size = word(1 + i).context("the IDX header is cut off")? as usize;
    }
    let content = &bytes[4 + 4 * N..];
    let expected = sizes.iter().try_fold(1usize, |product, size| product.checked_mul(*size));
    ensure!(
        expected == Some(content.len()),
        "the IDX header promises {sizes:?} bytes, but {} follow: the file is cut off or damaged",
        content.len()
    );
    Ok((sizes, content))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn header_and_length_must_agree() {
        let whole = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 10, 11, 12, 13];
        assert_eq!(parse_images(&whole).unwrap(), (2, 1, 2, &[10, 11, 12, 13][..]));
        let cut = parse_images(&whole[..19]).unwrap_err().to_string();
        assert!(cut.contains("cut off"), "{cut}");
        let longer = [&whole[..], &[0]].concat();
        assert!(parse_images(&longer).is_err());
        assert!(parse_labels(&whole).unwrap_err().to_string().contains("not an IDX file of labels"));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64), header in any::<bool>()) {
            let bytes = if header { [&[0, 0, 8, 3][..], &bytes].concat() } else { bytes };
            let _ = parse_images(&bytes);
            let _ = parse_labels(&bytes);
        }
    }
}
