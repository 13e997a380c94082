//! What `explore predict` prints: predicted latencies of networks that were not measured. They say
//! what to measure next, and are never a measurement.

use crate::board::Platform;
use crate::files::json::Document;
use crate::files::ranges::{CORRELATION, COUNT, PHYSICAL, all_within, within};
use crate::precision::Precision;
use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

/// The output of `explore predict`. Networks are named by the paths of their files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PredictionReport {
    /// Name of the board.
    pub board: String,
    /// Platform of its crates.
    pub platform: Platform,
    /// Precision of the networks.
    pub precision: Precision,
    /// Quantity that is predicted.
    pub quantity: Quantity,
    /// Number of measured networks that the predictions are made from.
    pub measured: usize,
    /// Spearman's rank correlation (0.95..1) of the measured values with those that are predicted
    /// without the network in question.
    pub rank_correlation: f64,
    /// Root mean square of the relative errors of the same predictions.
    pub relative_error: f64,
    /// Predictions, the smallest first.
    pub networks: Vec<PredictedNetwork>,
    /// Network that is least certain, to be measured next; `null` if there is none.
    pub next: Option<String>,
}

/// A quantity that is predicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantity {
    /// Median time of one inference, in seconds.
    LatencyS,
    /// Instructions of one inference, on an emulated board.
    Instructions,
}

/// The prediction for a network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PredictedNetwork {
    /// File of the network.
    pub network: String,
    /// Predicted value: seconds or instructions.
    pub predicted: f64,
    /// Interval in which a measurement is expected with a probability of 95 %.
    pub interval: [f64; 2],
}

impl Document for PredictionReport {
    const KIND: &'static str = "prediction";

    fn check(&self) -> Result<()> {
        within("measured", self.measured, &COUNT)?;
        within("rank_correlation", self.rank_correlation, &CORRELATION)?;
        within("relative_error", self.relative_error, &PHYSICAL)?;
        self.networks.iter().try_for_each(|network| {
            let [low, high] = network.interval;
            within("predicted", network.predicted, &PHYSICAL)?;
            all_within("interval", network.interval, &PHYSICAL)?;
            let ordered = low <= network.predicted && network.predicted <= high;
            ensure!(ordered, "interval: it must contain the predicted value");
            Ok(())
        })
    }
}
