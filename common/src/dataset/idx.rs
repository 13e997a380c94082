//! The IDX format of MNIST: a big-endian header, then unsigned bytes. Images of several channels
//! have a fourth dimension, and labels of more than 256 classes take two bytes.

use super::description::{DataFile, Dataset};
use super::files::{MAX_FILE_BYTES, guess_format, read_file};
use super::images::Raw;
use crate::network::Shape;
use anyhow::{Context, Result, ensure};
use std::path::Path;

/// Magic number of unsigned bytes in one dimension.
const LABELS_MAGIC: u32 = 0x0801;
/// Magic number of 16-bit integers in one dimension.
const WIDE_LABELS_MAGIC: u32 = 0x0b01;
/// Magic number of unsigned bytes in three dimensions: images, rows, columns.
const IMAGES_MAGIC: u32 = 0x0803;
/// Magic number of unsigned bytes in four dimensions: images, channels, rows, columns.
const PLANES_MAGIC: u32 = 0x0804;

pub(super) fn load(dataset: &Dataset, root: &Path, files: &[DataFile]) -> Result<Raw> {
    let [images_file, labels_file] = files else {
        anyhow::bail!("idx needs a file of images and one of labels")
    };
    let mut image_bytes =
        read_file(root, images_file, |start| images_file_size(start, dataset.input().shape()))?;
    let (count, shape, header) =
        parse_images(&image_bytes).with_context(|| images_file.path.clone())?;
    let label_bytes = read_file(root, labels_file, |start| labels_file_size(start, count))?;
    let labels = parse_labels(&label_bytes).with_context(|| labels_file.path.clone())?;
    image_bytes.drain(..header);
    Ok(Raw { shape, pixels: image_bytes, labels })
}

/// Returns the size in bytes of a file of images according to its header; `None` if there is no
/// such header.
///
/// # Errors
/// Fails if the header does not fit the data set.
fn images_file_size(start: &[u8], expected: Shape) -> Result<Option<u64>> {
    let Some((count, shape, header)) = images_header(start) else { return Ok(None) };
    ensure!(
        shape == expected,
        "its images are {shape}, but dataset.json says {expected}{}",
        if header == 16 && expected.channels > 1 {
            ": several channels take the header 00 00 08 04 and four dimensions"
        } else {
            ""
        }
    );
    // No overflow: no side is above 4096, and no count above 2^32.
    let bytes = header as u64 + count as u64 * expected.elements() as u64;
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
    let (count, label_bytes) = match (sizes(start, LABELS_MAGIC), sizes(start, WIDE_LABELS_MAGIC)) {
        (Some([count]), _) => (count, 1),
        (None, Some([count])) => (count, 2),
        (None, None) => return Ok(None),
    };
    ensure!(count == images, "there are {images} images but {count} labels");
    Ok(Some(8 + label_bytes * count as u64))
}

/// Returns the number of images, their shape and the size of the header in bytes; `None` if there
/// is no header of images.
fn images_header(bytes: &[u8]) -> Option<(usize, Shape, usize)> {
    if let Some([count, height, width]) = sizes(bytes, IMAGES_MAGIC) {
        return Some((count, Shape { channels: 1, height, width }, 16));
    }
    let [count, channels, height, width] = sizes(bytes, PLANES_MAGIC)?;
    Some((count, Shape { channels, height, width }, 20))
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

/// Returns the number of images, their shape, and where their pixels begin.
fn parse_images(bytes: &[u8]) -> Result<(usize, Shape, usize)> {
    if word(bytes, 0) == Some(PLANES_MAGIC) {
        let ([count, channels, height, width], _) = parse::<4>(bytes, PLANES_MAGIC, 1, "images")?;
        return Ok((count, Shape { channels, height, width }, 20));
    }
    let ([count, height, width], _) = parse::<3>(bytes, IMAGES_MAGIC, 1, "images")?;
    Ok((count, Shape { channels: 1, height, width }, 16))
}

fn parse_labels(bytes: &[u8]) -> Result<Vec<u16>> {
    if word(bytes, 0) == Some(WIDE_LABELS_MAGIC) {
        let (_, labels) = parse::<1>(bytes, WIDE_LABELS_MAGIC, 2, "labels")?;
        return Ok(labels.chunks_exact(2).map(|b| u16::from_be_bytes([b[0], b[1]])).collect());
    }
    let (_, labels) = parse::<1>(bytes, LABELS_MAGIC, 1, "labels")?;
    Ok(labels.iter().map(|label| u16::from(*label)).collect())
}

/// Returns the sizes of the dimensions in a file of `N` dimensions, and the bytes behind the
/// header.
fn parse<'a, const N: usize>(
    bytes: &'a [u8],
    magic: u32,
    value_bytes: usize,
    what: &str,
) -> Result<([usize; N], &'a [u8])> {
    let found = word(bytes, 0).context("not an IDX file: it is shorter than a header")?;
    let guess = match (found, what) {
        (LABELS_MAGIC | WIDE_LABELS_MAGIC, "images") | (IMAGES_MAGIC | PLANES_MAGIC, "labels") => {
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
    let expected = sizes.iter().try_fold(value_bytes, |product, size| product.checked_mul(*size));
    ensure!(
        expected == Some(content.len()),
        "the IDX header says {sizes:?} values, but {}: the file is cut off or damaged",
        if expected.is_some_and(|bytes| bytes < content.len()) {
            "more follow".to_string()
        } else {
            format!("{} bytes follow", content.len())
        }
    );
    Ok((sizes, content))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Format;
    use crate::dataset::test_support::description;
    use proptest::prelude::*;

    #[test]
    fn header_and_length_must_agree() {
        let whole = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 10, 11, 12, 13];
        let shape = Shape { channels: 1, height: 1, width: 2 };
        assert_eq!(parse_images(&whole).unwrap(), (2, shape, 16));
        let cut = parse_images(&whole[..19]).unwrap_err().to_string();
        assert!(cut.contains("cut off"), "{cut}");
        let longer = [&whole[..], &[0]].concat();
        assert!(parse_images(&longer).unwrap_err().to_string().contains("but more follow"));
        assert!(
            parse_labels(&whole).unwrap_err().to_string().contains("not an IDX file of labels")
        );
    }

    /// Writes two files and reads them as a data set of 2x1 images.
    fn load_files(images: &[u8], labels: &[u8], channels: usize) -> Result<Raw> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("images"), images).unwrap();
        std::fs::write(dir.path().join("labels"), labels).unwrap();
        let files: Vec<DataFile> =
            ["images", "labels"].map(|path| DataFile { path: path.into(), sha256: None }).to_vec();
        let mut dataset = description(Format::Idx, 2, ["a", "b"], files.clone());
        (dataset.channels, dataset.width) = (channels, 1);
        load(&dataset, dir.path(), &files)
    }

    #[test]
    fn images_of_three_channels_have_four_dimensions() {
        let pixels: Vec<u8> = (1..=12).collect();
        let header = [0, 0, 8, 4, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 1];
        let labels = [0, 0, 8, 1, 0, 0, 0, 2, 1, 0];
        let raw = load_files(&[&header[..], &pixels].concat(), &labels, 3).unwrap();
        assert_eq!(raw.shape, Shape { channels: 3, height: 2, width: 1 });
        assert_eq!((raw.pixels, raw.labels), (pixels.clone(), vec![1, 0]));
        let error = |images: &[u8], channels: usize| {
            format!("{:#}", load_files(images, &labels, channels).err().unwrap())
        };
        assert!(
            error(&[&header[..], &pixels].concat(), 1)
                .ends_with("its images are 3x2x1, but dataset.json says 1x2x1")
        );
        assert!(error(&[&header[..], &pixels[1..]].concat(), 3).contains("11 bytes follow"));
        let grey = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 1, 1, 2, 3, 4];
        assert!(error(&grey, 3).contains("several channels take the header 00 00 08 04"));
    }

    #[test]
    fn labels_of_two_bytes_are_above_255() {
        let images = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 1, 1, 2, 3, 4];
        let labels = [0, 0, 11, 1, 0, 0, 0, 2, 1, 44, 0, 7];
        assert_eq!(load_files(&images, &labels, 1).unwrap().labels, [300, 7]);
        let longer = [&labels[..], &[0]].concat();
        assert!(
            format!("{:#}", load_files(&images, &longer, 1).err().unwrap())
                .contains("but more follow")
        );
        let swapped = format!("{:#}", load_files(&labels, &images, 1).err().unwrap());
        assert!(swapped.contains("images come first and labels second"), "{swapped}");
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
        assert_eq!(labels_file_size(&[0, 0, 11, 1, 0, 0, 0, 5], 5).unwrap(), Some(18));
        let planes =
            [[0, 0, 8, 4], [0, 0, 0, 5], [0, 0, 0, 1], [0, 0, 0, 2], [0, 0, 0, 3]].concat();
        assert_eq!(images_file_size(&planes, shape).unwrap(), Some(50));
        assert_eq!(images_file_size(&planes[..19], shape).unwrap(), None);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_do_not_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64), header in 0usize..5) {
            let headers = [&[][..], &[0, 0, 8, 3], &[0, 0, 8, 4], &[0, 0, 8, 1], &[0, 0, 11, 1]];
            let bytes = [headers[header], &bytes].concat();
            let _ = parse_images(&bytes);
            let _ = parse_labels(&bytes);
        }
    }
}
