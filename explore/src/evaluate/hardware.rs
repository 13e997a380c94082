//! Latency and energy of individuals on a board.

use super::quantizer::Quantizer;
use anyhow::{Context, Result};
use common::files::json;
use common::network::Network;
use common::network::weights::{Tensor, Weights, tensors_of};
use common::quantized::INT8_FOLDER;
use common::search::evaluation::Evaluation;
use process::deploy::{Deployed, Deployer, Parameters, check_energy};
use std::path::Path;

/// Folder of the network that is measured before any training.
const TRIAL: &str = "trial";

/// Measures a network with placeholder weights, or the int8 form of initial weights, so that an
/// unreachable board, a missing toolchain or an unreadable meter ends a search before any training.
///
/// # Errors
/// Fails if the network cannot be generated or measured, or if energy is needed and the board has
/// no meter that can be read without a person.
pub(crate) fn check(
    deployer: &Deployer,
    quantizer: Option<&Quantizer>,
    network: &Network,
) -> Result<()> {
    let board = &deployer.board.name;
    if deployer.needs_energy {
        check_energy(&deployer.board)?;
    }
    let folder = deployer.folder.join(TRIAL);
    match quantizer {
        Some(quantizer) => quantizer.quantize_untrained(network, TRIAL)?,
        None => {
            json::write(&folder.join("network.json"), network)?;
            placeholder_weights(network).write(&folder.join("weights.safetensors"))?;
        }
    }
    let deployed = deploy(deployer, quantizer, &folder);
    deployed.with_context(|| format!("a trial on the board {board}, before any training"))?;
    Ok(())
}

/// Deploys the network in a folder: its weights, or its int8 form where a search makes these.
fn deploy(deployer: &Deployer, quantizer: Option<&Quantizer>, folder: &Path) -> Result<Deployed> {
    let (network, weights) = (folder.join("network.json"), folder.join("weights.safetensors"));
    match quantizer {
        Some(_) => deployer.deploy(&network, Parameters::Int8(&folder.join(INT8_FOLDER))),
        None => deployer.deploy(&network, Parameters::F32(&weights)),
    }
}

/// Measures latency, energy and power of a trained individual and sets them in its evaluation. One that
/// has no int8 form has none in a search in int8.
///
/// # Errors
/// Fails if the crate cannot be generated or measured; earlier measurements are kept.
pub(crate) fn measure(
    deployer: &Deployer,
    quantizer: Option<&Quantizer>,
    evaluation: &mut Evaluation,
) -> Result<()> {
    let training = format!("individuals/{}", evaluation.id);
    // A candidate whose training was stopped is measured too, but was not quantized yet.
    if let Some(quantizer) = quantizer
        && quantizer.outcome(&training)?.is_err()
    {
        return Ok(());
    }
    let folder = deployer.folder.join(training);
    let record = deploy(deployer, quantizer, &folder)
        .with_context(|| {
            let board = &deployer.board.name;
            format!(
                "{} cannot be measured on the board {board}; correct the cause and use --resume",
                evaluation.id
            )
        })?
        .record;
    evaluation.latency_s = Some(record.latency.p50_s);
    evaluation.energy_j = record.energy.gross_j;
    evaluation.power_w = record.energy.gross_w;
    Ok(())
}

/// Returns weights of the right shapes. All are 0.5, so that variances are positive.
fn placeholder_weights(network: &Network) -> Weights {
    let tensors = network.nodes.iter().flat_map(tensors_of);
    let tensor = |shape: Vec<usize>| Tensor { data: vec![0.5; shape.iter().product()], shape };
    Weights(tensors.map(|(name, shape, _)| (name, tensor(shape))).collect())
}
