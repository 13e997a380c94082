//! The run's numbers as JSON: the document that is in the page, too.

use crate::report::data::RunData;
use anyhow::{Context, Result};

/// Returns the numbers as indented JSON.
///
/// # Errors
/// Fails if they cannot be written as JSON.
pub(crate) fn json(data: &RunData) -> Result<String> {
    serde_json::to_string_pretty(data).context("cannot write the numbers as JSON")
}
