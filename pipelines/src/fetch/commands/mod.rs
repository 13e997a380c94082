//! The commands of `fetch-data`, one file each.

pub(super) mod check;
pub(super) mod place;
