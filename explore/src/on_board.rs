//! Latency and energy of individuals on a board.

use anyhow::{Context, Result};
use common::json;
use common::network::Network;
use common::search_files::Evaluation;
use common::weights::{Tensor, Weights, tensors_of};
use stages::on_board::{OnBoard, check_energy};

/// Measures a network with made-up weights, so that a board that cannot be reached, a toolchain
/// that is missing or a meter that cannot be read ends a search before anything is trained.
///
/// # Errors
/// What would fail later.
pub(crate) fn try_out(on_board: &OnBoard, network: &Network) -> Result<()> {
    let board = &on_board.board.name;
    if on_board.energy {
        check_energy(&on_board.board)?;
    }
    let folder = on_board.folder.join("trial");
    let (graph, weights) = (folder.join("network.json"), folder.join("weights.safetensors"));
    json::write(&graph, network)?;
    made_up(network).write(&weights)?;
    let taken = on_board.record(&graph, &weights);
    taken.with_context(|| format!("a trial on the board {board}, before any training"))?;
    Ok(())
}

/// Latency and energy of an individual whose training has ended.
///
/// # Errors
/// It cannot be generated or measured; what was measured before is kept.
pub(crate) fn measure(on_board: &OnBoard, evaluation: &mut Evaluation) -> Result<()> {
    let folder = on_board.folder.join("individuals").join(&evaluation.id);
    let taken = on_board.record(&folder.join("network.json"), &folder.join("weights.safetensors"));
    let record = taken
        .with_context(|| {
            let board = &on_board.board.name;
            format!(
                "{} cannot be measured on the board {board}; mend it and --resume",
                evaluation.id
            )
        })?
        .record;
    evaluation.latency_s = Some(record.latency.p50_s);
    evaluation.energy_j = record.energy.gross_j;
    Ok(())
}

/// Weights of the right shapes. Every one is 0.5, so a variance is positive.
fn made_up(network: &Network) -> Weights {
    let tensors = network.nodes.iter().flat_map(tensors_of);
    let tensor = |shape: Vec<usize>| Tensor { data: vec![0.5; shape.iter().product()], shape };
    Weights(tensors.map(|(name, shape, _)| (name, tensor(shape))).collect())
}
