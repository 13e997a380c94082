//! The numbers of a network on a board.

use crate::report::variant::Variant;
use common::board::catalog;
use common::measurement::{Measurement, Protocol};
use serde::Serialize;
use std::path::Path;

/// A network on a board.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct OnBoard {
    /// Median time of one inference, in seconds; `null` with `reason`.
    pub(crate) latency_s: Option<f64>,
    /// 95 % interval of `latency_s`.
    pub(crate) latency_interval_s: Option<[f64; 2]>,
    /// 99th percentile of the time, in seconds.
    pub(crate) latency_p99_s: Option<f64>,
    /// Median gross energy of one inference, in joules; `null` with `energy_reason`.
    pub(crate) energy_j: Option<f64>,
    /// Average gross power while inferences run, in watts; `null` with `energy_reason`.
    pub(crate) power_w: Option<f64>,
    /// Bytes of constants of its crate and, on a microcontroller, of code.
    pub(crate) flash_bytes: Option<u64>,
    /// Bytes of working memory of its crate.
    pub(crate) arena_bytes: Option<u64>,
    /// Whether an emulator replaced the board, so that times say nothing about it.
    pub(crate) emulated: bool,
    /// Whether the measurement is shorter than the full protocol asks.
    pub(crate) short: bool,
    /// Reason why it is not measured; `null` if it is.
    pub(crate) reason: Option<String>,
    /// Reason why there is no energy; `null` if there is.
    pub(crate) energy_reason: Option<String>,
}

impl OnBoard {
    /// Collects the numbers of a network on a board.
    pub(crate) fn of(variant: &Variant, board: &str) -> OnBoard {
        let (measured, reason) = match variant.measurement(board) {
            Ok(measurement) => (Some(measurement), None),
            Err(reason) => (None, Some(reason)),
        };
        let manifest = variant.manifest(board);
        OnBoard {
            latency_s: measured.map(|m| m.latency.p50_s),
            latency_interval_s: measured.map(|m| m.latency.p50_interval_s),
            latency_p99_s: measured.map(|m| m.latency.p99_s),
            energy_j: measured.and_then(|m| m.energy.gross_j),
            power_w: measured.and_then(|m| m.energy.gross_w),
            flash_bytes: manifest.map(|manifest| {
                let fit = manifest.fit.as_ref();
                fit.and_then(|fit| fit.flash_bytes).unwrap_or(manifest.weights_bytes)
            }),
            arena_bytes: manifest.map(|manifest| manifest.arena_bytes),
            emulated: measured.map_or_else(|| is_emulated(board), |m| m.emulated),
            short: measured.is_some_and(|m| m.protocol == Protocol::Short),
            energy_reason: measured.map_or_else(|| reason.clone(), no_energy),
            reason,
        }
    }
}

/// Returns whether the catalogue has the board as an emulated one. Nothing is measured there to
/// choose a network.
fn is_emulated(board: &str) -> bool {
    catalog::find(board, Path::new(catalog::FOLDER)).is_ok_and(|board| board.is_emulated())
}

fn no_energy(measurement: &Measurement) -> Option<String> {
    let energy = &measurement.energy;
    let unexplained = || "the measurement gives no reason".to_string();
    energy.gross_j.is_none().then(|| energy.reason.clone().unwrap_or_else(unexplained))
}
