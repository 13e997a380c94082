//! The numbers of an evaluation of the search.

use super::accuracy::ValidationAccuracy;
use crate::report::run_folder::Run;
use common::search::board_costs::BoardCosts;
use common::search::evaluation::Evaluation;
use serde::Serialize;
use std::collections::BTreeMap;

/// A network that the search trained.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Candidate {
    /// ID of the individual.
    pub(crate) id: String,
    /// Genome in words.
    pub(crate) genome: String,
    /// Iteration, from 0.
    pub(crate) iteration: usize,
    /// Accuracy on the validation images, the mean if there are two seeds; `null` if the training
    /// failed.
    pub(crate) validation: Option<ValidationAccuracy>,
    /// Number of seeds that the accuracy is the mean of.
    pub(crate) seeds: usize,
    /// Trainable parameters.
    pub(crate) parameters: u64,
    /// Multiply-adds for one image.
    pub(crate) macs: u64,
    /// Median time of one inference on the search's board, in seconds; `null` if not measured.
    pub(crate) latency_s: Option<f64>,
    /// Median gross energy of one inference, in joules; `null` if not measured.
    pub(crate) energy_j: Option<f64>,
    /// Average gross power while inferences run, in watts; `null` if not measured.
    pub(crate) power_w: Option<f64>,
    /// Bytes of constants and, on a microcontroller, of code; `null` if the search did not need it.
    pub(crate) flash_bytes: Option<u64>,
    /// Bytes of working memory; `null` if the search did not need it.
    pub(crate) arena_bytes: Option<u64>,
    /// What it costs on each board of a search on several; left out otherwise.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) boards: BTreeMap<String, BoardCosts>,
    /// Epoch after which the training was stopped; `null` if it was not.
    pub(crate) stopped_after: Option<usize>,
    /// Reason why there is no accuracy; `null` if there is one.
    pub(crate) failure: Option<String>,
    /// Whether it is on the front of the archive.
    pub(crate) on_front: bool,
}

impl Candidate {
    /// Collects the numbers of an evaluation.
    pub(crate) fn of(evaluation: &Evaluation, run: &Run) -> Candidate {
        let on_front = run
            .archive
            .iter()
            .flat_map(|archive| &archive.individuals)
            .any(|member| member.on_front && member.evaluation.id == evaluation.id);
        Candidate {
            id: evaluation.id.clone(),
            genome: evaluation.genome.to_string(),
            iteration: evaluation.iteration,
            validation: evaluation
                .accuracy
                .map(|accuracy| ValidationAccuracy::of(accuracy, run.validation_images())),
            seeds: 1 + usize::from(evaluation.second_accuracy.is_some()),
            parameters: evaluation.parameters,
            macs: evaluation.macs,
            latency_s: evaluation.latency_s,
            energy_j: evaluation.energy_j,
            power_w: evaluation.power_w,
            flash_bytes: evaluation.flash_bytes,
            arena_bytes: evaluation.arena_bytes,
            boards: evaluation.boards.clone(),
            stopped_after: evaluation.stopped_after,
            failure: evaluation.failure.clone(),
            on_front,
        }
    }
}
