//! The figures, each a whole SVG file: black on white, so that they read the same on any page and
//! in print.

mod axes;
mod front;
mod pruning;

use super::run_folder::Run;
use anyhow::Result;

/// Width and height of every figure. Text is large, because a telephone shows a figure at half its
/// size.
const SIZE: (u32, u32) = (720, 460);

/// A figure and the words that go with it.
#[derive(Debug)]
pub(super) struct Figure {
    /// File name.
    pub(super) file: &'static str,
    pub(super) title: &'static str,
    pub(super) caption: String,
    pub(super) svg: String,
}

/// All figures that the run has data for.
pub(super) fn draw(run: &Run) -> Result<Vec<Figure>> {
    Ok([front::draw(run)?, pruning::draw(run)?].into_iter().flatten().collect())
}
