//! The report on predictions.

use crate::predictor::features::PlanFeatures;
use crate::predictor::latency_predictor::LatencyPredictor;
use common::board::Board;
use common::precision::Precision;
use common::prediction_report::{PredictedNetwork, PredictionReport, Quantity};
use std::path::PathBuf;

/// Returns the report on the predictions for networks, which are named by their files.
pub(crate) fn report(
    board: &Board,
    precision: Precision,
    quantity: Quantity,
    predictor: &LatencyPredictor,
    networks: &[(PathBuf, PlanFeatures)],
) -> PredictionReport {
    let mut deviations = Vec::new();
    let mut predicted = Vec::new();
    for (path, features) in networks {
        let prediction = predictor.predict(features);
        let network = path.display().to_string();
        deviations.push((prediction.log10_deviation, network.clone()));
        let (value, interval) = (prediction.value(), prediction.interval());
        predicted.push(PredictedNetwork { network, predicted: value, interval });
    }
    predicted.sort_by(|a, b| {
        a.predicted.total_cmp(&b.predicted).then_with(|| a.network.cmp(&b.network))
    });
    deviations.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    PredictionReport {
        board: board.name.clone(),
        platform: board.platform,
        precision,
        quantity,
        measured: predictor.measured(),
        rank_correlation: predictor.rank_correlation(),
        relative_error: predictor.relative_error(),
        networks: predicted,
        next: deviations.into_iter().next().map(|(_, network)| network),
    }
}
