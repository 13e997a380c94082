//! All parts in the order of the paper.

use super::convergence::{self, Scores};
use super::part::Part;
use super::{activations, caps, cost, table2, table3};
use crate::report::run_folder::Run;
use anyhow::Result;

/// Returns the paper's tables and figures for a run.
///
/// # Errors
/// Fails if a figure cannot be drawn, or if no network, or more than one, has the baseline's name.
pub(crate) fn parts(run: &Run, baseline: Option<&str>) -> Result<Vec<Part>> {
    Ok(vec![
        cost::part(run)?,
        convergence::part(&[Scores::of(&run.name, &run.evaluations)])?,
        activations::part(&run.evaluations)?,
        caps::part(run)?,
        table2::part(run, baseline)?,
        table3::part(run, baseline)?,
    ])
}
