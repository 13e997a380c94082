//! `codegen platforms`.

use crate::platform;
use anyhow::Result;
use common::files::json;
use process::cli::print_line;

/// Prints all platforms.
///
/// # Errors
/// Fails if stdout cannot be written.
pub(crate) fn run() -> Result<()> {
    print_line(json::to_text(&platform::list())?.trim_end())
}
