//! What `fetch-data` does, one file a command.

pub(super) mod check;
pub(super) mod place;
