//! Files: JSON documents, whole or not at all, read within bounds, and their hashes. Nothing here
//! knows what is in them.

pub mod atomic;
pub mod crate_hash;
pub mod hash;
pub mod json;
pub mod ranges;
pub mod reading;
