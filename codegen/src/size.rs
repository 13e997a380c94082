//! Sizes in bytes, and how people read them.

/// Bytes of an f32.
pub(crate) const F32_BYTES: u64 = 4;

/// Returns the bytes of so many f32.
pub(crate) fn bytes(elements: usize) -> u64 {
    elements as u64 * F32_BYTES
}

/// Writes a number with commas between groups of three digits.
pub(crate) fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|group| str::from_utf8(group).ok()).collect();
    groups.join(",")
}
