//! Files: JSON documents, atomic writing, bounded reading, ranges of numbers and hashes. Nothing
//! here knows what a file means.

pub mod atomic;
pub mod crate_hash;
pub mod hash;
pub mod json;
pub mod ranges;
pub mod reading;
pub mod temporary;
