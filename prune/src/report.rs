//! `prune.json` and the summary on standard output.

use crate::model::Model;
use crate::schedule::{Outcome, Schedule};
use anyhow::Result;
use common::network::{Network, Op, counts};
use common::profile::PruningSettings;
use common::prune_report::{PruneEnd, PruneMeasured, PruneReport, PruneWidth};
use serde::Serialize;

/// The result of `prune run` on standard output.
#[derive(Serialize)]
pub(crate) struct Summary {
    parameters_before: u64,
    parameters_after: u64,
    removed: f64,
    macs_before: u64,
    macs_after: u64,
    cap_reached: bool,
    rounds: usize,
    /// On the validation split.
    accuracy: f64,
    /// On the board; `null` if none was named.
    latency_s: Option<f64>,
    /// On the board; `null` if it was not measured.
    energy_j: Option<f64>,
}

impl Summary {
    /// Returns the summary of a report.
    pub(crate) fn of(report: &PruneReport) -> Summary {
        let last = report.measured.as_ref().and_then(|measured| measured.crates.last());
        Summary {
            parameters_before: report.parameters_before,
            parameters_after: report.parameters_after,
            removed: report.removed,
            macs_before: report.macs_before,
            macs_after: report.macs_after,
            cap_reached: report.cap_reached,
            rounds: report.rounds.len(),
            accuracy: report.rounds.last().map_or(report.accuracy_before, |round| round.accuracy),
            latency_s: last.map(|last| last.latency_s),
            energy_j: last.and_then(|last| last.energy_j),
        }
    }
}

/// Returns the report of a run that began with `original`.
///
/// # Errors
/// Fails if one of the networks is not valid.
pub(crate) fn report(
    settings: &PruningSettings,
    schedule: &Schedule,
    original: &Model,
    accuracy_before: f64,
    outcome: &Outcome,
) -> Result<PruneReport> {
    let before = counts::count(&original.network)?;
    let after = counts::count(&outcome.model.network)?;
    let measured = schedule.target.as_ref().map(|target| PruneMeasured {
        board: target.deployer.board.name.clone(),
        target: target.requirements,
        crates: outcome.crates.clone(),
    });
    Ok(PruneReport {
        method: settings.method,
        choose: settings.choose,
        also: settings.also.clone(),
        seed: schedule.selection.seed,
        cap: settings.cap,
        cluster_factor: settings.cluster_factor,
        iterations: settings.iterations,
        finetune_epochs: settings.finetune_epochs,
        finetune_rate: settings.finetune_rate,
        parameters_before: before.parameters,
        parameters_after: after.parameters,
        removed: schedule.cap.removed(after.parameters),
        macs_before: before.macs,
        macs_after: after.macs,
        accuracy_before,
        cap_reached: outcome.ended == PruneEnd::Cap,
        ended: outcome.ended,
        rounds: outcome.rounds.clone(),
        widths: widths(&original.network, &outcome.model.network),
        measured,
    })
}

/// Returns the number of filters of each convolution before and after pruning.
fn widths(before: &Network, after: &Network) -> Vec<PruneWidth> {
    let mut widths = Vec::new();
    for (before, after) in before.nodes.iter().zip(&after.nodes) {
        if let (Op::Conv2d { out_channels: filters, .. }, Op::Conv2d { out_channels: left, .. }) =
            (before.op, after.op)
        {
            widths.push(PruneWidth {
                convolution: before.name.clone(),
                before: filters,
                after: left,
            });
        }
    }
    widths
}
