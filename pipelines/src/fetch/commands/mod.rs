//! The commands of `fetch-data`, one file each.

pub(super) mod check;
pub(super) mod convert;
pub(super) mod import;
pub(super) mod place;
