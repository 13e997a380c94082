//! Latency and energy of individuals on a board.

use anyhow::{Context, Result};
use common::files::json;
use common::network::Network;
use common::network::weights::{Tensor, Weights, tensors_of};
use common::search::evaluation::Evaluation;
use process::deploy::{Deployer, check_energy};

/// Measures a network with placeholder weights, so that an unreachable board, a missing toolchain
/// or an unreadable meter ends a search before any training.
///
/// # Errors
/// Fails if the network cannot be generated or measured, or if energy is needed and the board has
/// no meter that can be read without a person.
pub(crate) fn check(deployer: &Deployer, network: &Network) -> Result<()> {
    let board = &deployer.board.name;
    if deployer.needs_energy {
        check_energy(&deployer.board)?;
    }
    let folder = deployer.folder.join("trial");
    let (graph, weights) = (folder.join("network.json"), folder.join("weights.safetensors"));
    json::write(&graph, network)?;
    placeholder_weights(network).write(&weights)?;
    let deployed = deployer.deploy(&graph, &weights);
    deployed.with_context(|| format!("a trial on the board {board}, before any training"))?;
    Ok(())
}

/// Measures latency and energy of a trained individual and sets them in its evaluation.
///
/// # Errors
/// Fails if the crate cannot be generated or measured; earlier measurements are kept.
pub(crate) fn measure(deployer: &Deployer, evaluation: &mut Evaluation) -> Result<()> {
    let folder = deployer.folder.join("individuals").join(&evaluation.id);
    let deployed =
        deployer.deploy(&folder.join("network.json"), &folder.join("weights.safetensors"));
    let record = deployed
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
    Ok(())
}

/// Returns weights of the right shapes. All are 0.5, so that variances are positive.
fn placeholder_weights(network: &Network) -> Weights {
    let tensors = network.nodes.iter().flat_map(tensors_of);
    let tensor = |shape: Vec<usize>| Tensor { data: vec![0.5; shape.iter().product()], shape };
    Weights(tensors.map(|(name, shape, _)| (name, tensor(shape))).collect())
}
