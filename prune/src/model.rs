//! A network with its weights.

use anyhow::{Result, ensure};
use common::dataset::Dataset;
use common::files::json;
use common::network::Network;
use common::network::weights::Weights;
use common::train_report::TrainReport;
use std::path::Path;

/// A network with its weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// The graph.
    pub network: Network,
    /// Its tensors.
    pub weights: Weights,
}

impl Model {
    /// Reads a trained model that is to be fine-tuned with the data set in the folder `dataset`.
    ///
    /// # Errors
    /// Fails if a file is missing or damaged, if the weights or the images are not those of the
    /// network, or if the training beside the weights diverged.
    pub fn read(network: &Path, weights: &Path, dataset: &Path) -> Result<Model> {
        let graph: Network = json::read(network)?;
        let tensors = Weights::read(weights, &graph)?;
        check_converged(weights)?;
        check_fits(&graph, network, &Dataset::describe(dataset)?)?;
        Ok(Model { network: graph, weights: tensors })
    }
}

/// Fails if the images and classes of a data set are not those of the network in the file `path`.
fn check_fits(network: &Network, path: &Path, dataset: &Dataset) -> Result<()> {
    let (images, shape) = (dataset.input().shape(), network.input.shape());
    ensure!(
        images == shape && dataset.classes.len() == network.classes.len(),
        "{}: the network is for images of {shape} and {} classes, but those of {} are {images} and of {} classes",
        path.display(),
        network.classes.len(),
        dataset.name,
        dataset.classes.len()
    );
    Ok(())
}

/// Fails if there is a report of a training beside the weights, and it is damaged or the training
/// diverged.
fn check_converged(weights: &Path) -> Result<()> {
    let report = weights.with_file_name("train.json");
    ensure!(
        !report.exists() || !json::read::<TrainReport>(&report)?.diverged,
        "{}: the training diverged, so these are its initial weights: train the network with smaller learning rates first",
        report.display()
    );
    Ok(())
}
