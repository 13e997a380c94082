//! NumPy's `.npy` files: a magic number, a header in Python's notation, and the elements.

use super::array::{Array, byte_count};
use super::element_type::ElementType;
use anyhow::{Context, Result, bail, ensure};

/// Bytes of the magic number and the version.
const START: usize = 8;
const MAGIC: &[u8] = b"\x93NUMPY";
/// Maximum number of axes, NumPy's own.
const MAX_AXES: usize = 64;

/// Reads an array of whole numbers or texts.
///
/// # Errors
/// Fails if the bytes are not such a file, are damaged, or have elements of another type.
pub fn read_npy(bytes: &[u8]) -> Result<Array> {
    let start = header_length(bytes)?.context("the header of the array is cut off")?;
    let header = Header::read(bytes.get(..start).context("the header of the array is cut off")?)?;
    Array::from_bytes(header.kind, header.shape, header.fortran_order, &bytes[start..])
}

/// Returns the bytes before the elements; `None` if `bytes`, the beginning of the file, are too few
/// to know.
///
/// # Errors
/// Fails if the bytes are not the beginning of such a file.
pub(super) fn header_length(bytes: &[u8]) -> Result<Option<usize>> {
    let Some(start) = bytes.get(..START) else { return Ok(None) };
    ensure!(start.starts_with(MAGIC), "it is not a NumPy array");
    let little_endian = |bytes: &[u8]| {
        bytes.iter().rev().fold(0usize, |number, byte| number << 8 | usize::from(*byte))
    };
    let size = match start[6] {
        1 => 2,
        2 | 3 => 4,
        version => bail!("version {version} of NumPy's format is not read"),
    };
    Ok(bytes.get(START..START + size).map(|length| START + size + little_endian(length)))
}

/// The header of an array.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    kind: ElementType,
    fortran_order: bool,
    shape: Vec<usize>,
}

impl Header {
    /// Reads a header from the bytes before the elements.
    ///
    /// # Errors
    /// Fails if the header is damaged, or if elements of its type are not read.
    pub(super) fn read(bytes: &[u8]) -> Result<Header> {
        let length = if bytes.get(6) == Some(&1) { 2 } else { 4 };
        let text = bytes.get(START + length..).and_then(|text| std::str::from_utf8(text).ok());
        let mut notation = Notation { rest: text.context("the header of the array is damaged")? };
        notation.dictionary()
    }

    /// Returns the bytes of all elements.
    ///
    /// # Errors
    /// Fails if they are over 2^63.
    pub(super) fn element_bytes(&self) -> Result<u64> {
        byte_count(self.kind, &self.shape)
    }
}

/// A reader of the header's notation, such as `{'descr': '|u1', 'fortran_order': False, 'shape':
/// (3, 2), }`.
struct Notation<'a> {
    rest: &'a str,
}

impl<'a> Notation<'a> {
    fn dictionary(&mut self) -> Result<Header> {
        let (mut kind, mut fortran_order, mut shape) = (None, None, None);
        self.expect('{')?;
        while !self.take('}') {
            let key = self.text()?;
            self.expect(':')?;
            match key {
                "descr" if self.starts_with('[') => bail!(
                    "it is an array of records with several fields, which is not read: save each field as an array"
                ),
                "descr" => kind = Some(ElementType::parse(self.text()?)?),
                "fortran_order" => fortran_order = Some(self.boolean()?),
                "shape" => shape = Some(self.shape()?),
                _ => bail!("the header of the array has an unknown key"),
            }
            if !self.take(',') {
                self.expect('}')?;
                break;
            }
        }
        match (kind, fortran_order, shape) {
            (Some(kind), Some(fortran_order), Some(shape)) => {
                Ok(Header { kind, fortran_order, shape })
            }
            _ => bail!("the header of the array is incomplete"),
        }
    }

    fn starts_with(&mut self, character: char) -> bool {
        self.rest = self.rest.trim_start();
        self.rest.starts_with(character)
    }

    fn take(&mut self, character: char) -> bool {
        self.rest = self.rest.trim_start();
        self.rest.strip_prefix(character).map(|rest| self.rest = rest).is_some()
    }

    fn expect(&mut self, character: char) -> Result<()> {
        ensure!(self.take(character), "the header of the array is damaged: no {character:?}");
        Ok(())
    }

    fn text(&mut self) -> Result<&'a str> {
        let quote = if self.starts_with('"') { '"' } else { '\'' };
        self.expect(quote)?;
        let (text, rest) = self.rest.split_once(quote).context("the header is damaged")?;
        self.rest = rest;
        Ok(text)
    }

    fn boolean(&mut self) -> Result<bool> {
        self.rest = self.rest.trim_start();
        for (word, value) in [("True", true), ("False", false)] {
            if let Some(rest) = self.rest.strip_prefix(word) {
                self.rest = rest;
                return Ok(value);
            }
        }
        bail!("the header of the array is damaged: neither True nor False")
    }

    fn shape(&mut self) -> Result<Vec<usize>> {
        let mut shape = Vec::new();
        self.expect('(')?;
        while !self.take(')') {
            self.rest = self.rest.trim_start();
            let end = self.rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.rest.len());
            let (digits, rest) = self.rest.split_at(end);
            shape.push(digits.parse().context("the shape in the array's header is damaged")?);
            ensure!(shape.len() <= MAX_AXES, "the array has over {MAX_AXES} axes");
            // Python 2 writes long numbers with this letter.
            self.rest = rest.strip_prefix('L').unwrap_or(rest);
            if !self.take(',') {
                self.expect(')')?;
                break;
            }
        }
        Ok(shape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foreign::Elements;
    use proptest::prelude::*;

    fn npy(version: u8, header: &str, elements: &[u8]) -> Vec<u8> {
        let length = header.len() as u32;
        let length = &length.to_le_bytes()[..if version == 1 { 2 } else { 4 }];
        [MAGIC, &[version, 0], length, header.as_bytes(), elements].concat()
    }

    #[test]
    fn headers_of_all_versions_are_read() {
        let header = "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 1), }          \n";
        for version in 1..=3 {
            let array = read_npy(&npy(version, header, &[3, 4])).unwrap();
            assert_eq!((array.shape, array.elements), (vec![2, 1], Elements::Bytes(vec![3, 4])));
        }
        let old = "{'shape': (2L,), 'descr': \"<i2\", 'fortran_order': True}";
        let array = read_npy(&npy(1, old, &[3, 0, 4, 0])).unwrap();
        assert_eq!((array.shape, array.elements), (vec![2], Elements::Integers(vec![3, 4])));
        let single = "{'descr': '|u1', 'fortran_order': False, 'shape': (), }";
        assert_eq!(read_npy(&npy(1, single, &[7])).unwrap().shape, [0; 0]);
    }

    #[test]
    fn damaged_headers_and_other_types_are_refused() {
        for (header, named) in [
            ("", "damaged"),
            ("{'descr': '|u1'}", "incomplete"),
            ("{'descr': '|u1', 'fortran_order': 1, 'shape': (2,)}", "neither True nor False"),
            ("{'descr': '|u1', 'fortran_order': False, 'shape': (-2,)}", "damaged"),
            ("{'descr': '|u1', 'fortran_order': False, 'shape': (3,)}", "takes 3 bytes"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (3,)}", "float32"),
            ("{'descr': '|O', 'fortran_order': False, 'shape': (3,)}", "Python objects"),
            ("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (3,)}", "fields"),
            ("{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999999999999,)}", "shape"),
            ("{'descr': '|u1', 'x': False}", "unknown key"),
        ] {
            let error = format!("{:#}", read_npy(&npy(1, header, &[0, 0])).unwrap_err());
            assert!(error.contains(named), "{header}: {error}");
        }
        assert!(read_npy(b"\x93NUMPY\x09\0\0\0").unwrap_err().to_string().contains("version 9"));
    }

    proptest! {
        #[test]
        fn changed_files_do_not_panic(
            position in 0usize..90, value: u8, length in 0usize..90
        ) {
            let header = "{'descr': '<i2', 'fortran_order': True, 'shape': (2, 2), }   \n";
            let mut bytes = npy(1, header, &[1, 0, 2, 0, 3, 0, 4, 0]);
            if let Some(byte) = bytes.get_mut(position) {
                *byte = value;
            }
            let _ = read_npy(&bytes);
            let _ = read_npy(&bytes[..length.min(bytes.len())]);
        }
    }
}
