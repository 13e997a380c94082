//! `codegen platforms`.

use crate::platform;
use anyhow::Result;
use common::{json, stage};

/// Prints all platforms.
///
/// # Errors
/// Fails if stdout cannot be written.
pub(crate) fn run() -> Result<()> {
    stage::print_line(json::to_text(&platform::list())?.trim_end())
}
