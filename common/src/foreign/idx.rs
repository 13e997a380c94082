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

    proptest! {
        #[test]
        fn arbitrary_bytes_do_not_panic(
            kind in 7u8..15, axes in 0u8..5, rest in proptest::collection::vec(any::<u8>(), 0..40)
        ) {
            let _ = read_idx(&[&[0, 0, kind, axes], &rest[..]].concat());
        }
    }
}
