//! Memory of generated crates.

/// The memory that a crate needs, as far as a search needs to know it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Bytes of working memory.
    pub arena_bytes: Option<u64>,
    /// Bytes of constants and, on a microcontroller, of code.
    pub flash_bytes: Option<u64>,
}
