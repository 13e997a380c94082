//! Latency and energy of individuals on a board.

use anyhow::{Context, Result};
use common::json;
use common::network::Network;
use common::search_files::Evaluation;
use common::weights::{Tensor, Weights, tensors_of};
use stages::on_board::{OnBoard, check_energy};

/// Measures a network with placeholder weights, so that an unreachable board, a missing toolchain
/// or an unreadable meter ends a search before any training.
///
/// # Errors
/// Fails if the network cannot be generated or measured, or if energy is needed and the board has
/// no meter that can be read without a person.
pub(crate) fn check(on_board: &OnBoard, network: &Network) -> Result<()> {
    let board = &on_board.board.name;
    if on_board.energy {
        check_energy(&on_board.board)?;
    }
    let folder = on_board.folder.join("trial");
    let (graph, weights) = (folder.join("network.json"), folder.join("weights.safetensors"));
    json::write(&graph, network)?;
    placeholder_weights(network).write(&weights)?;
    let taken = on_board.record(&graph, &weights);
    taken.with_context(|| format!("a trial on the board {board}, before any training"))?;
    Ok(())
}

/// Measures latency and energy of a trained individual and sets them in its evaluation.
///
/// # Errors
/// Fails if the crate cannot be generated or measured; earlier measurements are kept.
pub(crate) fn measure(on_board: &OnBoard, evaluation: &mut Evaluation) -> Result<()> {
    let folder = on_board.folder.join("individuals").join(&evaluation.id);
    let taken = on_board.record(&folder.join("network.json"), &folder.join("weights.safetensors"));
    let record = taken
        .with_context(|| {
            let board = &on_board.board.name;
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
