//! How many columns and filters the loops on microcontrollers compute together.

/// Number of neighbouring columns whose sums are computed together.
pub const COLUMNS: usize = 4;
/// Number of filters whose sums are computed together, whose weights alternate.
pub const FILTERS: usize = 2;
/// The bytes of a word: two channels of an activated pixel, or their weights for two filters.
pub const WORD: usize = 4;
