//! Files like MNIST's: a big-endian header, then the elements.

use super::array::Array;
use super::element_type::ElementType;
use anyhow::{Context, Result, bail, ensure};

/// Reads an array of any number of axes.
///
/// # Errors
/// Fails if the bytes are not such a file, are cut off, or have real numbers.
pub fn read_idx(bytes: &[u8]) -> Result<Array> {
    let [0, 0, kind, axes, ref rest @ ..] = *bytes else { bail!("it is not an IDX file") };
    let text = match kind {
        0x08 => "|u1",
        0x09 => "|i1",
        0x0b => ">i2",
        0x0c => ">i4",
        0x0d => ">f4",
        0x0e => ">f8",
        _ => bail!("it is not an IDX file: there is no element type {kind:#04x}"),
    };
    let kind = ElementType::parse(text)?;
    let sizes = rest.get(..4 * usize::from(axes)).context("the IDX header is cut off")?;
    let size = |bytes: &[u8]| u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize;
    let shape: Vec<usize> = sizes.chunks_exact(4).map(size).collect();
    ensure!(!shape.is_empty(), "the IDX header has no sizes");
    Array::from_bytes(kind, shape, false, &rest[sizes.len()..])
}

/// Returns the header of a file of images, which planes of unsigned bytes follow.
///
/// # Errors
/// Fails if a number is over 2^32.
pub fn idx_images_header(
    count: usize,
    channels: usize,
    height: usize,
    width: usize,
) -> Result<Vec<u8>> {
    let sizes = [count, channels, height, width];
    let (magic, sizes) = if channels == 1 {
        ([0, 0, 8, 3], [&sizes[..1], &sizes[2..]].concat())
    } else {
        ([0, 0, 8, 4], sizes.to_vec())
    };
    let mut header = magic.to_vec();
    for size in sizes {
        header
            .extend(u32::try_from(size).context("too many images for an IDX file")?.to_be_bytes());
    }
    Ok(header)
}

/// Returns the file of labels of so many classes: bytes, or two bytes each of over 256 classes.
///
/// # Errors
/// Fails if a label is over 2^16, or if there are over 2^32 labels.
pub fn idx_labels(labels: &[usize], classes: usize) -> Result<Vec<u8>> {
    let count = u32::try_from(labels.len()).context("too many labels for an IDX file")?;
    let wide = classes > 256;
    let mut file = vec![0, 0, if wide { 0x0b } else { 0x08 }, 1];
    file.extend(count.to_be_bytes());
    for label in labels {
        let bytes = u16::try_from(*label).context("too many classes for an IDX file")?;
        file.extend(&bytes.to_be_bytes()[usize::from(!wide)..]);
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foreign::Elements;
    use proptest::prelude::*;

    #[test]
    fn bytes_and_wider_numbers_are_read() {
        let array = read_idx(&[0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 2, 9, 8]).unwrap();
        assert_eq!((array.shape, array.elements), (vec![1, 2], Elements::Bytes(vec![9, 8])));
        let array = read_idx(&[0, 0, 0x0b, 1, 0, 0, 0, 1, 1, 2]).unwrap();
        assert_eq!(array.elements, Elements::Integers(vec![258]));
        for (bytes, named) in [
            (&[0, 0, 8, 2, 0, 0, 0, 1][..], "header is cut off"),
            (&[0, 0, 8, 1, 0, 0, 0, 2, 1], "takes 2 bytes"),
            (&[0, 0, 0x0d, 1, 0, 0, 0, 0], "float32"),
            (&[1, 0, 8, 1], "not an IDX file"),
            (&[0, 0, 8, 0], "no sizes"),
        ] {
            let error = read_idx(bytes).unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
    }

    #[test]
    fn files_of_images_and_labels_are_read_again() {
        for (channels, shape) in [(1, vec![2, 2, 3]), (3, vec![2, 3, 2, 3])] {
            let pixels: Vec<u8> = (0..12 * channels as u8).collect();
            let header = idx_images_header(2, channels, 2, 3).unwrap();
            let array = read_idx(&[header, pixels.clone()].concat()).unwrap();
            assert_eq!((array.shape, array.elements), (shape, Elements::Bytes(pixels)));
        }
        let narrow = read_idx(&idx_labels(&[0, 255], 256).unwrap()).unwrap();
        assert_eq!(narrow.elements, Elements::Bytes(vec![0, 255]));
        let wide = read_idx(&idx_labels(&[0, 256], 257).unwrap()).unwrap();
        assert_eq!(wide.elements, Elements::Integers(vec![0, 256]));
        assert!(idx_labels(&[1 << 16], 1 << 17).is_err());
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_do_not_panic(
            kind in 7u8..15, axes in 0u8..5, rest in proptest::collection::vec(any::<u8>(), 0..40)
        ) {
            let _ = read_idx(&[&[0, 0, kind, axes], &rest[..]].concat());
        }
    }
}
