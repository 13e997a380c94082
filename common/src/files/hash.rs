//! SHA-256 as lower-case hexadecimal text.

use sha2::{Digest, Sha256};
use std::io::{Result, Write};

/// Returns the SHA-256 of bytes as 64 hexadecimal digits.
pub fn sha256_hex(bytes: &[u8]) -> String {
    sha256_hex_of_parts([bytes])
}

/// Returns the SHA-256 of several byte strings in a row, as if they were one.
pub fn sha256_hex_of_parts<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hex(hasher)
}

fn hex(hasher: Sha256) -> String {
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A writer that passes everything on to `to` and computes its SHA-256.
#[derive(Debug)]
pub struct HashingWriter<W> {
    to: W,
    hasher: Sha256,
}

impl<W: Write> HashingWriter<W> {
    /// Returns a writer to `to`.
    pub fn new(to: W) -> Self {
        HashingWriter { to, hasher: Sha256::new() }
    }

    /// Returns the SHA-256 of everything that was written.
    pub fn sha256_hex(self) -> String {
        hex(self.hasher)
    }
}

impl<W: Write> Write for HashingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        let written = self.to.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> Result<()> {
        self.to.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    /// FIPS 180-2, appendix B.1.
    #[test]
    fn known_digest() {
        const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(super::sha256_hex(b"abc"), ABC);
        let mut written = Vec::new();
        let mut hashing = super::HashingWriter::new(&mut written);
        [&b"ab"[..], b"c"].iter().for_each(|part| hashing.write_all(part).unwrap());
        assert_eq!(hashing.sha256_hex(), ABC);
        assert_eq!(written, b"abc");
    }
}
