//! The commands of `report`, one file each.

pub(super) mod format;
pub(super) mod page;
pub(super) mod query;
pub(super) mod runs;
