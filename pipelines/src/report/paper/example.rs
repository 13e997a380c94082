//! Evaluations for the tests of figures.

use common::files::json;
use common::search::evaluation::Evaluation;

/// Returns an evaluation with a place, parameters and an accuracy.
pub(crate) fn evaluation(
    iteration: usize,
    index: usize,
    parameters: u64,
    accuracy: f64,
) -> Evaluation {
    let text = format!(
        r#"{{
            "schema": "neuropower/evaluation/1", "id": "i{iteration:02}-{index:02}",
            "iteration": {iteration}, "index": {index},
            "genome": {{
                "left_activation": "swish", "right_activation": "relu", "condense_layers": 2,
                "feature_extraction_layers": 16, "kernel_size": 3, "optimizer": "adam"
            }},
            "parameters": {parameters}, "macs": 1, "arena_bytes": null, "accuracy": {accuracy},
            "second_accuracy": null, "latency_s": null, "energy_j": null, "stopped_after": null,
            "rungs": [], "failure": null
        }}"#
    );
    json::parse(&text).unwrap()
}
