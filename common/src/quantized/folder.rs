//! The folder of a quantized network: its two files, read together and checked against the network.

use super::document::{Fingerprints, LayerReport, Meaning, Quantization};
use super::network::QuantizedNetwork;
use super::parameters::{Parameters, Sizes};
use super::plan::{Operation, Plan, Step};
use crate::files::hash::sha256_hex;
use crate::files::{atomic, json, reading};
use crate::network::Network;
use crate::network::weights::{MAX_BYTES, Weights};
use anyhow::{Context, Result, ensure};
use std::path::Path;

/// Name of the folder of an int8 network beside the weights that it was made of.
pub const INT8_FOLDER: &str = "int8";
/// Name of the file of integer parameters.
pub const TENSORS_FILE: &str = "quantized.safetensors";
/// Name of the file that says what they mean.
pub const QUANTIZATION_FILE: &str = "quantization.json";

impl QuantizedNetwork {
    /// Reads the quantized form of `network` from a folder.
    ///
    /// # Errors
    /// Fails if a file is missing or damaged, if the files do not belong together, or if they are
    /// of another network.
    pub fn read(folder: &Path, network: &Network) -> Result<(QuantizedNetwork, Quantization)> {
        let path = folder.join(QUANTIZATION_FILE);
        let quantization: Quantization = json::read(&path)?;
        let plan = Plan::new(network)?;
        ensure!(
            quantization.fingerprints.network_sha256 == network_sha256(network)?,
            "{}: this is the quantization of another network: run `train quantize` for this one",
            path.display()
        );
        quantization.check_layers(&plan).with_context(|| path.display().to_string())?;
        let path = folder.join(TENSORS_FILE);
        let bytes = reading::read(&path, MAX_BYTES)?;
        ensure!(
            quantization.fingerprints.tensors_sha256 == sha256_hex(&bytes),
            "{}: the file was changed since it was written with {QUANTIZATION_FILE} beside it: run \
             `train quantize` again",
            path.display()
        );
        let parameters = Parameters::from_bytes(&bytes, &plan)
            .with_context(|| format!("{}: not of this network", path.display()))?;
        Ok((QuantizedNetwork { plan, parameters }, quantization))
    }

    /// Writes both files. The second one, with the hash of the first, is what makes them valid.
    ///
    /// # Errors
    /// Fails if a file cannot be written.
    pub fn write(&self, folder: &Path, quantization: &Quantization) -> Result<()> {
        atomic::write(&folder.join(TENSORS_FILE), &self.parameters.to_bytes(&self.plan)?)?;
        json::write(&folder.join(QUANTIZATION_FILE), quantization)
    }
}

impl Fingerprints {
    /// Returns the fingerprints of a network, its f32 weights and its integer parameters.
    ///
    /// # Errors
    /// Fails if one of them cannot be written.
    pub fn new(
        network: &Network,
        weights: &Weights,
        quantized: &QuantizedNetwork,
    ) -> Result<Fingerprints> {
        Ok(Fingerprints {
            network_sha256: network_sha256(network)?,
            weights_sha256: sha256_hex(&weights.to_bytes()?),
            tensors_sha256: sha256_hex(&quantized.parameters.to_bytes(&quantized.plan)?),
        })
    }
}

/// Returns the SHA-256 of `network.json` as it is written, whatever the layout of the file that the
/// network was read from.
fn network_sha256(network: &Network) -> Result<String> {
    Ok(sha256_hex(json::to_text(network)?.as_bytes()))
}

impl Quantization {
    /// Checks that the layers are the steps of `plan` that have parameters.
    fn check_layers(&self, plan: &Plan) -> Result<()> {
        let steps: Vec<&Step> =
            plan.steps.iter().filter(|step| step.sizes(plan) != Sizes::None).collect();
        ensure!(
            steps.iter().map(|step| &step.name).eq(self.layers.iter().map(|layer| &layer.name)),
            "its layers are not those of the network"
        );
        for (step, layer) in steps.into_iter().zip(&self.layers) {
            ensure!(
                layer.is_of(step, plan),
                "layer {}: its kind or its number of channels is not that of the network",
                layer.name
            );
        }
        Ok(())
    }
}

impl LayerReport {
    fn is_of(&self, step: &Step, plan: &Plan) -> bool {
        let filters = match step.sizes(plan) {
            Sizes::Filters { filters, .. } => filters,
            Sizes::Table { .. } | Sizes::None => 0,
        };
        match (&self.meaning, &step.operation) {
            (Meaning::Table { .. }, Operation::Activate { .. }) => true,
            (
                Meaning::Convolution { scales, offsets, low, high, weight_scales },
                Operation::Convolve { .. },
            ) => [scales, offsets, low, high, weight_scales].iter().all(|v| v.len() == filters),
            (Meaning::Classifier { weight_scales }, Operation::Classify { .. }) => {
                weight_scales.len() == filters
            }
            (
                Meaning::Table { .. } | Meaning::Convolution { .. } | Meaning::Classifier { .. },
                _,
            ) => false,
        }
    }
}
