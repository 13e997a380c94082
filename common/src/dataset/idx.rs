//! The IDX format of MNIST: a big-endian header, then unsigned bytes.

use super::description::{DataFile, Dataset};
use super::files::{MAX_FILE_BYTES, guess_format, read_file};
use super::images::Raw;
use crate::network::Shape;
use anyhow::{Context, Result, ensure};
use std::path::Path;

/// Magic number of unsigned bytes in one dimension.
const LABELS_MAGIC: u32 = 0x0801;
/// Magic number of unsigned bytes in three dimensions.
const IMAGES_MAGIC: u32 = 0x0803;

pub(super) fn load(dataset: &Dataset, root: &Path, files: &[DataFile]) -> Result<Raw> {
    let [images_file, labels_file] = files else {
        anyhow::bail!("idx needs a file of images and one of labels")
    };
    ensure!(
        dataset.channels == 1,
        "idx holds images of one channel, but dataset.json says {}",
        dataset.channels
    );
    let image_bytes =
        read_file(root, images_file, |start| images_file_size(start, dataset.input().shape()))?;
    let (count, height, width, pixels) =
        parse_images(&image_bytes).with_context(|| images_file.path.clone())?;
    let label_bytes = read_file(root, labels_file, |start| labels_file_size(start, count))?;
    let labels = parse_labels(&label_bytes).with_context(|| labels_file.path.clone())?;
    Ok(Raw {
        shape: Shape { channels: 1, height, width },
        pixels: pixels.to_vec(),
        labels: labels.iter().map(|label| u16::from(*label)).collect(),
    })
}

/// Returns the size in bytes of a file of images according to its header; `None` if there is no
/// such header.
///
/// # Errors
/// Fails if the header does not fit the data set.
fn images_file_size(start: &[u8], expected: Shape) -> Result<Option<u64>> {
    let Some([count, height, width]) = sizes(start, IMAGES_MAGIC) else { return Ok(None) };
    let shape = Shape { channels: 1, height, width };
    ensure!(shape == expected, "its images are {shape}, but dataset.json says {expected}");
    // No overflow: no side is above 4096, and no count above 2^32.
    let bytes = 16 + count as u64 * expected.plane() as u64;
    ensure!(
        bytes <= MAX_FILE_BYTES,
        "the IDX header says {count} images, more than fit into {MAX_FILE_BYTES} bytes"
    );
    Ok(Some(bytes))
}

/// Returns the size in bytes of a file of labels according to its header; `None` if there is no
/// such header.
///
/// # Errors
/// Fails if there are not as many labels as images.
fn labels_file_size(start: &[u8], images: usize) -> Result<Option<u64>> {
    let Some([count]) = sizes(start, LABELS_MAGIC) else { return Ok(None) };
    ensure!(count == images, "there are {images} images but {count} labels");
    Ok(Some(8 + count as u64))
}

/// Returns the sizes of the dimensions in a header with the magic number `magic`; `None` if there
/// is no such header.
fn sizes<const N: usize>(bytes: &[u8], magic: u32) -> Option<[usize; N]> {
    let mut sizes = [0; N];
    for (i, size) in sizes.iter_mut().enumerate() {
        *size = word(bytes, 1 + i)? as usize;
    }
    (word(bytes, 0) == Some(magic)).then_some(sizes)
}

fn word(bytes: &[u8], i: usize) -> Option<u32> {
    bytes.get(4 * i..4 * i + 4).map(|b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]))
}

fn parse_images(bytes: &[u8]) -> Result<(usize, usize, usize, &[u8])> {
    let (sizes, pixels) = parse::<3>(bytes, IMAGES_MAGIC, "images")?;
    Ok((sizes[0], sizes[1], sizes[2], pixels))
}

fn parse_labels(bytes: &[u8]) -> Result<&[u8]> {
    Ok(parse::<1>(bytes, LABELS_MAGIC, "labels")?.1)
}

fn parse<'a, const N: usize>(
    bytes: &'a [u8],
    magic: u32,
    what: &str,
) -> Result<([usize; N], &'a [u8])> {
    let found = word(bytes, 0).context("not an IDX file: it is shorter than a header")?;
    let guess = match (found, magic) {
        (LABELS_MAGIC, IMAGES_MAGIC) | (IMAGES_MAGIC, LABELS_MAGIC) => {
            ": images come first and labels second"
        }
        _ => guess_format(bytes),
    };
    ensure!(
        found == magic,
        "not an IDX file of {what}: it starts with {found:#010x}, not {magic:#010x}{guess}"
    );
    let sizes = sizes::<N>(bytes, magic).context("the IDX header is cut off")?;
    let content = &bytes[4 + 4 * N..];
    let expected = sizes.iter().try_fold(1usize, |product, size| product.checked_mul(*size));
    ensure!(
        expected == Some(content.len()),
        "the IDX header says {sizes:?} bytes, but {}: the file is cut off or damaged",
        if expected.is_some_and(|bytes| bytes < content.len()) {
            "more follow".to_string()
        } else {
            format!("{} follow", content.len())
        }
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
        assert!(parse_images(&longer).unwrap_err().to_string().contains("but more follow"));
        assert!(
            parse_labels(&whole).unwrap_err().to_string().contains("not an IDX file of labels")
        );
    }

    #[test]
    fn a_wrong_header_is_refused_before_the_pixels_are_read() {
        let shape = Shape { channels: 1, height: 2, width: 3 };
        let start =
            |count: u32| [[0, 0, 8, 3], count.to_be_bytes(), [0, 0, 0, 2], [0, 0, 0, 3]].concat();
        assert_eq!(images_file_size(&start(5), shape).unwrap(), Some(46));
        let error =
            images_file_size(&start(5), Shape { height: 9, ..shape }).unwrap_err().to_string();
        assert_eq!(error, "its images are 1x2x3, but dataset.json says 1x9x3");
        let error = images_file_size(&start(u32::MAX), shape).unwrap_err().to_string();
        assert!(error.contains("says 4294967295 images, more than fit"), "{error}");
        assert_eq!(images_file_size(&start(5)[..15], shape).unwrap(), None);
        let labels = [0, 0, 8, 1, 0, 0, 0, 5];
        assert_eq!(labels_file_size(&labels, 5).unwrap(), Some(13));
        assert_eq!(
            labels_file_size(&labels, 4).unwrap_err().to_string(),
            "there are 4 images but 5 labels"
        );
        assert_eq!(labels_file_size(&start(5), 4).unwrap(), None);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_do_not_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64), header in any::<bool>()) {
            let bytes = if header { [&[0, 0, 8, 3][..], &bytes].concat() } else { bytes };
            let _ = parse_images(&bytes);
            let _ = parse_labels(&bytes);
        }
    }
}
