//! How a run was made: the command that makes it again, the builds of the programs, hashes, and the
//! time that each stage took.

mod command;
mod effort;
mod hashes;
mod stages;

pub(super) use command::{Commands, commands};
pub(super) use effort::Effort;
pub(super) use hashes::hashes;
pub(super) use stages::{programs, table};
