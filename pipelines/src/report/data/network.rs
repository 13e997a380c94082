//! The numbers of a network that was trained in full.

use super::accuracy::{TestAccuracy, ValidationAccuracy};
use super::board::OnBoard;
use crate::report::run_folder::Run;
use crate::report::variant::{DIVERGED, Kind, Variant};
use crate::report::winner::Winner;
use common::choice::Candidate;
use common::network::Origin;
use common::network::counts::network_information_density;
use common::precision::Precision;
use common::train_report::EvalReport;
use serde::Serialize;
use std::collections::BTreeMap;

/// A network and its results.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct NetworkData {
    /// Its folder below `networks`: `1/dense`, `i03-07/pruned/int8`.
    pub(crate) name: String,
    /// Anchor of its panel on the page: `network-1-dense`.
    pub(crate) anchor: String,
    /// Place among the winners of the search, from 1; `null` for a network that was chosen later.
    pub(crate) rank: Option<usize>,
    /// ID of the individual of the search; `null` if the archive does not have its genome.
    pub(crate) individual: Option<String>,
    /// `dense`, `int8`, `pruned` or `pruned int8`.
    pub(crate) kind: &'static str,
    /// Genome in words, or the baseline; `null` if neither is there.
    pub(crate) genome: Option<String>,
    pub(crate) precision: Precision,
    /// Accuracy on the validation images, which decides every choice; `null` if unknown.
    pub(crate) validation: Option<ValidationAccuracy>,
    /// Accuracy on the test images, which decides nothing; `null` with `reason`.
    pub(crate) test: Option<TestAccuracy>,
    /// Reason why `test` is `null`; `null` if it is not.
    pub(crate) reason: Option<String>,
    /// Trainable parameters; `null` before it is made.
    pub(crate) parameters: Option<u64>,
    /// Multiply-adds for one image.
    pub(crate) macs: Option<u64>,
    /// Test accuracy in per cent per million trainable parameters.
    pub(crate) nid: Option<f64>,
    /// Its numbers on each board of the run.
    pub(crate) boards: BTreeMap<String, OnBoard>,
}

impl NetworkData {
    /// Collects the numbers of a network.
    pub(crate) fn of(run: &Run, winner: &Winner, kind: Kind, variant: &Variant) -> NetworkData {
        let test = variant.test.as_ref();
        let parameters = variant.counts.map(|counts| counts.parameters);
        let nid = |(test, parameters): (&EvalReport, u64)| {
            network_information_density(test.accuracy, parameters)
        };
        NetworkData {
            name: format!("{}/{}", winner.name, kind.folder()),
            anchor: anchor(winner, kind),
            rank: winner.rank,
            individual: winner.individual.as_ref().map(|i| i.evaluation.id.clone()),
            kind: kind.name(),
            genome: winner.origin.as_ref().map(Origin::to_string),
            precision: kind.precision(),
            validation: variant
                .validation_accuracy()
                .map(|accuracy| ValidationAccuracy::of(accuracy, run.validation_images())),
            test: test.map(TestAccuracy::of),
            reason: test.is_none().then(|| untested(variant)),
            parameters,
            macs: variant.counts.map(|counts| counts.macs),
            nid: test.zip(parameters).map(nid),
            boards: run
                .boards_with_crates()
                .into_iter()
                .map(|board| (board.to_string(), OnBoard::of(variant, board)))
                .collect(),
        }
    }
}

impl NetworkData {
    /// Returns what the rule of choice knows of the network on a board. An emulator's times are not
    /// the board's.
    pub(crate) fn candidate(&self, board: &str) -> Candidate {
        let on = self.boards.get(board);
        let timed = on.filter(|on| !on.emulated);
        Candidate {
            network: self.name.clone(),
            validation_accuracy: self.validation.map(|validation| validation.accuracy),
            test_accuracy: self.test.map(|test| test.accuracy),
            parameters: self.parameters,
            latency_s: timed.and_then(|on| on.latency_s),
            energy_j: timed.and_then(|on| on.energy_j),
            power_w: timed.and_then(|on| on.power_w),
            flash_bytes: on.and_then(|on| on.flash_bytes),
            arena_bytes: on.and_then(|on| on.arena_bytes),
        }
    }
}

/// Returns the anchor of a network's panel.
pub(crate) fn anchor(winner: &Winner, kind: Kind) -> String {
    format!("network-{}-{}", winner.name, kind.folder().replace('/', "-"))
}

fn untested(variant: &Variant) -> String {
    match &variant.refusal {
        Some(reason) => reason.clone(),
        None if variant.diverged() => DIVERGED.to_string(),
        None if variant.network.is_none() => "not made yet".to_string(),
        None => "not tested yet: test.json is missing".to_string(),
    }
}
