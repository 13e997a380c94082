//! All figures of a page.

use super::figure::Figure;
use super::{front, pruning};
use crate::report::run_folder::Run;
use anyhow::Result;

/// Returns the figures that the run has data for.
pub(crate) fn draw(run: &Run) -> Result<Vec<Figure>> {
    Ok([front::draw(run)?, pruning::draw(run)?].into_iter().flatten().collect())
}
