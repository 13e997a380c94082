//! What `report` does, one file a command.

pub(super) mod page;
pub(super) mod query;
