//! The element types of arrays, as NumPy writes them.

use super::elements::Elements;
use anyhow::{Context, Result, bail, ensure};

/// The type of an array's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ElementType {
    /// Whole numbers of 1, 2, 4 or 8 bytes.
    Integer {
        /// Bytes of a number.
        bytes: usize,
        /// Whether there are negative numbers.
        signed: bool,
        /// Whether the most significant byte comes first.
        big_endian: bool,
    },
    /// Texts of up to so many characters, each of 4 bytes.
    Text {
        /// Characters of the longest text.
        characters: usize,
        /// Whether the most significant byte comes first.
        big_endian: bool,
    },
    /// Byte strings of up to so many bytes.
    ByteString {
        /// Bytes of the longest string.
        bytes: usize,
    },
}

impl ElementType {
    /// Reads a type such as `|u1`, `<i8` or `<U5`.
    ///
    /// # Errors
    /// Fails if elements of this type cannot be pixels or labels; the error says how to convert
    /// them.
    pub(super) fn parse(text: &str) -> Result<ElementType> {
        let code = text.trim_start_matches(['<', '>', '|', '=']);
        let big_endian = text.starts_with('>');
        let mut characters = code.chars();
        let kind = characters.next().context("an element type without a name")?;
        let size = match characters.as_str() {
            "" if "?O".contains(kind) => 1,
            digits => {
                digits.parse::<usize>().ok().filter(|size| *size <= 1 << 20).with_context(|| {
                    format!("the element type {text:?} is not one of whole numbers or texts")
                })?
            }
        };
        match kind {
            'u' | 'i' | 'b' | '?' => {
                ensure!([1, 2, 4, 8].contains(&size), "whole numbers of {size} bytes are not read");
                Ok(ElementType::Integer { bytes: size, signed: kind == 'i', big_endian })
            }
            'U' => Ok(ElementType::Text { characters: size, big_endian }),
            'S' => Ok(ElementType::ByteString { bytes: size }),
            'f' | 'c' => bail!(
                "it has real numbers (float{}), but pixels are whole numbers of 0 to 255: save array.astype(\"uint8\"), \
                 or (array * 255).round().astype(\"uint8\") if its numbers are 0 to 1; labels are array.astype(\"int64\")",
                8 * size
            ),
            'O' => bail!(
                "it is an array of Python objects, which is not read: save numbers, by array.astype(\"uint8\")"
            ),
            _ => bail!("the element type {text:?} is not one of whole numbers or texts"),
        }
    }

    /// Returns the bytes of one element.
    pub(super) fn size(self) -> usize {
        match self {
            ElementType::Integer { bytes, .. } | ElementType::ByteString { bytes } => bytes,
            ElementType::Text { characters, .. } => 4 * characters,
        }
    }

    /// Returns the elements of a whole number of elements' bytes.
    ///
    /// # Errors
    /// Fails if a number is over 2^63 or a text is not valid.
    pub(super) fn elements(self, bytes: &[u8]) -> Result<Elements> {
        let size = self.size();
        match self {
            ElementType::Integer { bytes: 1, signed: false, .. } => {
                Ok(Elements::Bytes(bytes.to_vec()))
            }
            ElementType::Integer { signed, big_endian, .. } => {
                let numbers = bytes.chunks_exact(size).map(|b| integer(b, signed, big_endian));
                Ok(Elements::Integers(numbers.collect::<Result<_>>()?))
            }
            // Elements without bytes have no number in the file.
            ElementType::Text { .. } | ElementType::ByteString { .. } if size == 0 => {
                bail!("its texts are empty")
            }
            ElementType::Text { big_endian, .. } => {
                let texts = bytes.chunks_exact(size).map(|b| text(b, big_endian));
                Ok(Elements::Texts(texts.collect::<Result<_>>()?))
            }
            ElementType::ByteString { .. } => {
                let text = |bytes: &[u8]| {
                    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
                    String::from_utf8(bytes[..end].to_vec()).context("a text is not UTF-8")
                };
                Ok(Elements::Texts(bytes.chunks_exact(size).map(text).collect::<Result<_>>()?))
            }
        }
    }
}

/// Returns a number of 1 to 8 bytes.
fn integer(bytes: &[u8], signed: bool, big_endian: bool) -> Result<i64> {
    let unsigned = bytes.iter().enumerate().fold(0u64, |number, (index, byte)| {
        let place = if big_endian { bytes.len() - 1 - index } else { index };
        number | u64::from(*byte) << (8 * place)
    });
    let unused = 64 - 8 * bytes.len();
    if signed {
        return Ok((unsigned << unused).cast_signed() >> unused);
    }
    i64::try_from(unsigned).context("a number is over 2^63")
}

/// Returns a text of characters of 4 bytes, which zeros fill up.
fn text(bytes: &[u8], big_endian: bool) -> Result<String> {
    let character = |bytes: &[u8]| {
        let code = integer(bytes, false, big_endian)?;
        u32::try_from(code).ok().and_then(char::from_u32).context("a text is not Unicode")
    };
    let text = bytes.chunks_exact(4).map(character).collect::<Result<String>>()?;
    Ok(text.trim_end_matches('\0').to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_each_size_and_order_are_read() {
        let read = |kind: &str, bytes: &[u8]| match ElementType::parse(kind)
            .unwrap()
            .elements(bytes)
            .unwrap()
        {
            Elements::Bytes(bytes) => bytes.into_iter().map(i64::from).collect(),
            Elements::Integers(numbers) => numbers,
            Elements::Texts(texts) => panic!("{texts:?}"),
        };
        assert_eq!(read("|u1", &[0, 255]), [0, 255]);
        assert_eq!(read("|i1", &[0, 255]), [0, -1]);
        assert_eq!(read("<i2", &[1, 2]), [513]);
        assert_eq!(read(">i2", &[1, 2]), [258]);
        assert_eq!(read("<u4", &[255, 255, 255, 255]), [4_294_967_295]);
        assert_eq!(read("<i8", &[254, 255, 255, 255, 255, 255, 255, 255]), [-2]);
        assert!(ElementType::parse("<u8").unwrap().elements(&[255; 8]).is_err());
    }

    #[test]
    fn texts_are_read_without_their_filling() {
        let texts = |kind: &str, bytes: &[u8]| ElementType::parse(kind).unwrap().elements(bytes);
        let wide = [&b"o\0\0\0\xe4\0\0\0"[..], b"x\0\0\0\0\0\0\0"].concat();
        assert_eq!(texts("<U2", &wide).unwrap(), Elements::Texts(vec!["oä".into(), "x".into()]));
        assert_eq!(texts("|S2", b"oka\0").unwrap(), Elements::Texts(vec!["ok".into(), "a".into()]));
        assert!(texts("<U1", &[0, 0xd8, 0, 0]).is_err(), "half a character");
        assert!(texts("|S0", &[]).is_err());
    }

    #[test]
    fn other_types_are_refused_with_what_to_do() {
        for (kind, named) in [
            ("<f4", "float32"),
            ("<f8", "astype(\"uint8\")"),
            ("|O", "Python objects"),
            ("O8", "Python objects"),
            ("<M8[ns]", "not one of"),
            ("", "without a name"),
            ("<i3", "3 bytes"),
            ("|u99999999999999999999", "not one of"),
        ] {
            let error = ElementType::parse(kind).unwrap_err().to_string();
            assert!(error.contains(named), "{kind}: {error}");
        }
    }
}
