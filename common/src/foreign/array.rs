//! Arrays of whole numbers or texts.

use super::element_type::ElementType;
use super::elements::Elements;
use anyhow::{Context, Result, bail, ensure};

/// An array in C order: the last index changes first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Array {
    /// Number of elements along each axis.
    pub shape: Vec<usize>,
    /// The elements.
    pub elements: Elements,
}

impl Array {
    /// Returns the array of some bytes. With `fortran_order`, the first index changes first in
    /// them.
    ///
    /// # Errors
    /// Fails if there are not as many bytes as the shape says, or if an element is not valid.
    pub(super) fn from_bytes(
        kind: ElementType,
        shape: Vec<usize>,
        fortran_order: bool,
        bytes: &[u8],
    ) -> Result<Array> {
        let expected = byte_count(kind, &shape)?;
        ensure!(
            bytes.len() as u64 == expected,
            "its shape {shape:?} takes {expected} bytes, but there are {}: it is cut off or damaged",
            bytes.len()
        );
        let elements = match kind.elements(bytes)? {
            elements if !fortran_order || shape.len() < 2 => elements,
            Elements::Bytes(bytes) => Elements::Bytes(in_c_order(&bytes, &shape)),
            Elements::Integers(numbers) => Elements::Integers(in_c_order(&numbers, &shape)),
            Elements::Texts(texts) => Elements::Texts(in_c_order(&texts, &shape)),
        };
        Ok(Array { shape, elements })
    }

    /// Returns all elements as bytes.
    ///
    /// # Errors
    /// Fails if there are texts or numbers outside 0 to 255.
    pub(super) fn into_bytes(self) -> Result<Vec<u8>> {
        match self.elements {
            Elements::Bytes(bytes) => Ok(bytes),
            Elements::Integers(numbers) => numbers
                .into_iter()
                .map(|number| {
                    u8::try_from(number).ok().with_context(|| {
                        format!("it has the number {number}, but pixels are 0 to 255")
                    })
                })
                .collect(),
            Elements::Texts(_) => bail!("it has texts, but pixels are numbers of 0 to 255"),
        }
    }
}

/// Returns the bytes that an array takes.
///
/// # Errors
/// Fails if they are over 2^63.
pub(super) fn byte_count(kind: ElementType, shape: &[usize]) -> Result<u64> {
    let bytes = shape.iter().try_fold(kind.size(), |product, size| product.checked_mul(*size));
    bytes
        .and_then(|bytes| u64::try_from(bytes).ok())
        .filter(|bytes| *bytes <= u64::MAX / 2)
        .with_context(|| format!("its shape {shape:?} is larger than any file"))
}

/// Returns elements in which the first index changes first in C order.
fn in_c_order<T: Clone>(elements: &[T], shape: &[usize]) -> Vec<T> {
    let mut strides = vec![1; shape.len()];
    for axis in 1..shape.len() {
        strides[axis] = strides[axis - 1] * shape[axis - 1];
    }
    let mut index = vec![0; shape.len()];
    let mut at = 0;
    let mut ordered = Vec::with_capacity(elements.len());
    for _ in 0..elements.len() {
        ordered.push(elements[at].clone());
        for axis in (0..shape.len()).rev() {
            index[axis] += 1;
            at += strides[axis];
            if index[axis] < shape[axis] {
                break;
            }
            at -= strides[axis] * shape[axis];
            index[axis] = 0;
        }
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    const BYTES: &str = "|u1";

    #[test]
    fn fortran_order_is_turned_into_c_order() {
        let kind = ElementType::parse(BYTES).unwrap();
        // Element [i, j, k] of a 2x3x2 array has the value 100 i + 10 j + k.
        let shape = vec![2, 3, 2];
        let value = |i: u8, j: u8, k: u8| 100 * i + 10 * j + k;
        let mut fortran = Vec::new();
        let mut c = Vec::new();
        for k in 0..2 {
            for j in 0..3 {
                for i in 0..2 {
                    fortran.push(value(i, j, k));
                }
            }
        }
        for i in 0..2 {
            for j in 0..3 {
                for k in 0..2 {
                    c.push(value(i, j, k));
                }
            }
        }
        let read = |fortran_order, bytes: &[u8]| {
            Array::from_bytes(kind, shape.clone(), fortran_order, bytes).unwrap()
        };
        assert_eq!(read(true, &fortran), read(false, &c));
        assert_ne!(fortran, c);
    }

    #[test]
    fn the_shape_must_fit_the_bytes() {
        let kind = ElementType::parse(BYTES).unwrap();
        let error = |shape: Vec<usize>| {
            Array::from_bytes(kind, shape, false, &[0; 5]).unwrap_err().to_string()
        };
        assert!(error(vec![2, 3]).contains("takes 6 bytes, but there are 5"));
        assert!(error(vec![usize::MAX, 2]).contains("larger than any file"));
        assert!(error(vec![1 << 62, 1 << 1]).contains("larger than any file"));
    }

    #[test]
    fn other_integers_become_pixels_if_they_are_0_to_255() {
        let with = |numbers: &[i64]| Array {
            shape: vec![numbers.len()],
            elements: Elements::Integers(numbers.to_vec()),
        };
        assert_eq!(with(&[0, 255]).into_bytes().unwrap(), [0, 255]);
        for wrong in [-1, 256] {
            let error = with(&[0, wrong]).into_bytes().unwrap_err().to_string();
            assert!(error.contains(&format!("the number {wrong}")), "{error}");
        }
    }
}
