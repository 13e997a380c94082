//! The subcommands, a file each. What they have in common belongs into the engine's modules.

pub(crate) mod generate;
pub(crate) mod import;
pub(crate) mod plan;
pub(crate) mod platforms;
