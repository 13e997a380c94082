//! Results that are there already, each used only if it is whole and belongs to the files that it
//! was made from. A damaged file counts as a missing one.

use common::board::Board;
use common::files::hash::sha256_hex;
use common::files::json;
use common::manifest::Manifest;
use common::measurement::Measurement;
use common::network::Network;
use common::prune_report::PruneReport;
use common::search::genome::Genome;
use common::train_report::{EvalReport, TrainReport};
use std::fs;
use std::path::Path;

/// Name of the file of weights.
pub(super) const WEIGHTS: &str = "weights.safetensors";

/// Returns the SHA-256 of a file; `None` if it cannot be read.
pub(super) fn sha256_of(path: &Path) -> Option<String> {
    fs::read(path).ok().map(|bytes| sha256_hex(&bytes))
}

/// Returns the report of a training of a genome, if its weights are there.
pub(super) fn training(folder: &Path, genome: &Genome) -> Option<TrainReport> {
    let network: Network = json::read(&folder.join("network.json")).ok()?;
    let report: TrainReport = json::read(&folder.join("train.json")).ok()?;
    let same = network.origin.genome() == Some(*genome)
        && sha256_of(&folder.join(WEIGHTS))? == report.weights_sha256;
    same.then_some(report)
}

/// Returns the report of the pruning of a network with so many parameters, if its files are there.
pub(super) fn pruning(folder: &Path, parameters: u64) -> Option<PruneReport> {
    let report: PruneReport = json::read(&folder.join("prune.json")).ok()?;
    let whole = ["network.json", WEIGHTS].iter().all(|file| folder.join(file).exists());
    (whole && report.parameters_before == parameters).then_some(report)
}

/// Returns the report of the test of these weights.
pub(super) fn test(path: &Path, weights_sha256: &str) -> Option<EvalReport> {
    let report: EvalReport = json::read(path).ok()?;
    (report.weights_sha256 == weights_sha256).then_some(report)
}

/// Returns the manifest of a crate of this network with these weights.
pub(super) fn manifest(
    folder: &Path,
    network_sha256: &str,
    weights_sha256: &str,
) -> Option<Manifest> {
    let manifest = Manifest::read(folder).ok()?;
    let same =
        manifest.network_sha256 == network_sha256 && manifest.weights_sha256 == weights_sha256;
    same.then_some(manifest)
}

/// Returns the record of these weights on a board; one without energy and power only if they are
/// not needed.
pub(super) fn record(
    path: &Path,
    board: &Board,
    weights_sha256: &str,
    needs_energy: bool,
) -> Option<Measurement> {
    let record: Measurement = json::read(path).ok()?;
    let same = record.board == board.name && record.ran.weights_sha256 == weights_sha256;
    let has_energy = record.energy.gross_j.is_some() && record.energy.gross_w.is_some();
    (same && (has_energy || !needs_energy)).then_some(record)
}
