//! Accuracy, data and seed of a network, for the README of a generated crate or model.

use crate::markdown::code;
use anyhow::{Context, Result, bail, ensure};
use common::files::json::{self, Document};
use common::prune_report::PruneReport;
use common::statistics::wilson;
use common::train_report::{EvalReport, TrainReport};
use std::path::Path;

/// Accuracy, data and seed of a network, as far as they are known.
#[derive(Default)]
pub(crate) struct Results {
    /// The score on the test images.
    test: Option<EvalReport>,
    /// The seed of the training or pruning.
    seed: Option<u64>,
    /// Fingerprint of the data that the network was trained on.
    data_sha256: Option<String>,
}

impl Results {
    /// Reads `test.json` of the network with the weights of `weights_sha256`, and the `train.json`
    /// or `prune.json` that made those of `trained_sha256`.
    ///
    /// # Errors
    /// Fails if a file cannot be read, or is of other weights or another split.
    pub(crate) fn read(
        test: Option<&Path>,
        train: Option<&Path>,
        weights_sha256: &str,
        trained_sha256: &str,
    ) -> Result<Results> {
        let mut results = Results::default();
        if let Some(path) = train {
            results.read_training(path, trained_sha256)?;
        }
        if let Some(path) = test {
            let report: EvalReport = json::read(path)?;
            let name = path.display();
            ensure!(
                report.split == "test",
                "{name}: it has the accuracy of the split {:?}, not of the test images; write it with `train eval --split test`",
                report.split
            );
            check_weights(path, &report.weights_sha256, weights_sha256)?;
            results.data_sha256.get_or_insert_with(|| report.data_sha256.clone());
            results.test = Some(report);
        }
        Ok(results)
    }

    fn read_training(&mut self, path: &Path, weights_sha256: &str) -> Result<()> {
        let text = json::read_text(path)?;
        let of_file = || path.display().to_string();
        let value: serde_json::Value =
            serde_json::from_str(&text).context("not valid JSON").with_context(of_file)?;
        let kind = value["schema"].as_str().unwrap_or_default();
        if kind == json::schema::<TrainReport>() {
            let report: TrainReport = json::parse(&text).with_context(of_file)?;
            check_weights(path, &report.weights_sha256, weights_sha256)?;
            (self.seed, self.data_sha256) = (Some(report.seed), Some(report.data_sha256));
        } else if kind == json::schema::<PruneReport>() {
            let report: PruneReport = json::parse(&text).with_context(of_file)?;
            self.seed = Some(report.seed);
        } else {
            bail!(
                "{}: it is neither the report of a training ({}.json) nor of pruning ({}.json)",
                path.display(),
                TrainReport::KIND,
                PruneReport::KIND
            );
        }
        Ok(())
    }

    /// Returns the accuracy with the number of test images and its 95 % interval; "not tested"
    /// without a test.
    pub(crate) fn accuracy(&self) -> String {
        let Some(EvalReport { images, correct, .. }) = self.test else {
            return "not tested".to_string();
        };
        let [low, high] = wilson(correct, images);
        let [share, low, high] =
            [correct as f64 / images.max(1) as f64, low, high].map(|share| 100.0 * share);
        format!(
            "{share:.2} % of {images} test images ({low:.2} to {high:.2} % with 95 % confidence, Wilson)"
        )
    }

    /// Returns the fingerprint of the data as code in a table, or "not known".
    pub(crate) fn data(&self) -> String {
        self.data_sha256.as_ref().map_or_else(not_known, |sha256| code(sha256).replace('|', "\\|"))
    }

    /// Returns the seed, or "not known".
    pub(crate) fn seed(&self) -> String {
        self.seed.map_or_else(not_known, |seed| seed.to_string())
    }
}

fn not_known() -> String {
    "not known".to_string()
}

fn check_weights(path: &Path, found: &str, expected: &str) -> Result<()> {
    ensure!(
        found == expected,
        "{}: it is the report of other weights (SHA-256 {found}, not {expected}); give the one of these weights or leave it out",
        path.display()
    );
    Ok(())
}
