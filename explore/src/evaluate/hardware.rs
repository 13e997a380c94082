//! Latency and energy of individuals on boards.

use super::quantizer::Quantizer;
use anyhow::{Context, Result};
use common::board::{Board, Platform};
use common::files::json;
use common::measurement::Measurement;
use common::network::Network;
use common::network::weights::{Tensor, Weights, tensors_of};
use common::quantized::INT8_FOLDER;
use common::search::evaluation::Evaluation;
use process::deploy::{Deployer, Parameters, check_energy};
use std::path::Path;

/// Folder of the network that is measured before any training.
const TRIAL: &str = "trial";

/// A board on which networks are measured.
#[derive(Clone, Debug)]
pub struct Target {
    /// Name under which evaluations have what a network costs on it; `None` for the only board.
    pub name: Option<String>,
    /// What brings networks to it.
    pub deployer: Deployer,
}

impl Target {
    /// Returns whether an evaluation has an accuracy, but no latency on this board.
    pub(crate) fn lacks(&self, evaluation: &Evaluation) -> bool {
        evaluation.accuracy.is_some() && evaluation.costs(self.name.as_deref()).latency_s.is_none()
    }

    /// Sets what was measured in an evaluation.
    fn record(&self, measured: &Measurement, evaluation: &mut Evaluation) {
        let latency_s = Some(measured.latency.p50_s);
        let (energy_j, power_w) = (measured.energy.gross_j, measured.energy.gross_w);
        match &self.name {
            None => {
                evaluation.latency_s = latency_s;
                evaluation.energy_j = energy_j;
                evaluation.power_w = power_w;
            }
            Some(name) => {
                let costs = evaluation.boards.entry(name.clone()).or_default();
                costs.latency_s = latency_s;
                costs.energy_j = energy_j;
                costs.power_w = power_w;
            }
        }
    }
}

/// Measures a network with placeholder weights, or the int8 form of initial weights, on each board,
/// so that an unreachable board, a missing toolchain or an unreadable meter ends a search before any
/// training.
///
/// # Errors
/// Fails if the network cannot be generated or measured, or if energy is needed and a board has no
/// meter that can be read without a person.
pub(crate) fn check(
    targets: &[Target],
    quantizer: Option<&Quantizer>,
    network: &Network,
) -> Result<()> {
    let Some(first) = targets.first() else { return Ok(()) };
    for Target { deployer, .. } in targets.iter().filter(|target| target.deployer.needs_energy) {
        check_energy(&deployer.board)?;
    }
    let folder = first.deployer.folder.join(TRIAL);
    match quantizer {
        Some(quantizer) => quantizer.quantize_untrained(network, TRIAL)?,
        None => {
            json::write(&folder.join("network.json"), network)?;
            placeholder_weights(network).write(&folder.join("weights.safetensors"))?;
        }
    }
    let mut trial = Deployment { folder: &folder, is_int8: quantizer.is_some(), generated: None };
    for Target { deployer, .. } in targets {
        trial.measure(deployer).with_context(|| {
            format!("a trial on the board {}, before any training", deployer.board.name)
        })?;
    }
    Ok(())
}

/// A network that is measured on one board after the other.
struct Deployment<'a> {
    /// Folder of the network and its weights.
    folder: &'a Path,
    /// Whether its int8 form is measured.
    is_int8: bool,
    /// The board that its last crate was generated for.
    generated: Option<&'a Board>,
}

impl<'a> Deployment<'a> {
    /// Measures the network on a board; its crate is generated and built once for boards of the
    /// same platform.
    fn measure(&mut self, deployer: &'a Deployer) -> Result<Measurement> {
        let board = &deployer.board;
        if !self.generated.replace(board).is_some_and(|earlier| have_same_crate(earlier, board)) {
            let network = self.folder.join("network.json");
            let weights = self.folder.join("weights.safetensors");
            let int8 = self.folder.join(INT8_FOLDER);
            let parameters =
                if self.is_int8 { Parameters::Int8(&int8) } else { Parameters::F32(&weights) };
            deployer.generate(&network, parameters)?;
        }
        Ok(deployer.deploy_generated()?.record)
    }
}

/// Returns whether two boards run the same crates. Those for microcontrollers have the board's
/// memory in them.
fn have_same_crate(a: &Board, b: &Board) -> bool {
    a.platform == b.platform && a.platform != Platform::CortexM
}

/// Measures latency, energy and power of a trained individual on some boards and sets them in its
/// evaluation; `on_measured` is called after each. One that has no int8 form has none in a search in
/// int8.
///
/// # Errors
/// Fails if the crate cannot be generated or measured; earlier measurements are kept.
pub(crate) fn measure(
    targets: &[&Target],
    quantizer: Option<&Quantizer>,
    evaluation: &mut Evaluation,
    mut on_measured: impl FnMut(&Target, &Evaluation),
) -> Result<()> {
    let Some(first) = targets.first() else { return Ok(()) };
    let training = format!("individuals/{}", evaluation.id);
    let folder = first.deployer.folder.join(&training);
    let mut network = Deployment { folder: &folder, is_int8: quantizer.is_some(), generated: None };
    // A candidate whose training was stopped is measured too, but was not quantized yet.
    let exists =
        quantizer.map_or(Ok(true), |q| q.outcome(&training).map(|outcome| outcome.is_ok()));
    let exists = exists?;
    for target in targets {
        if exists {
            let measured = network.measure(&target.deployer).with_context(|| {
                let board = &target.deployer.board.name;
                format!(
                    "{} cannot be measured on the board {board}; correct the cause and use --resume",
                    evaluation.id
                )
            })?;
            target.record(&measured, evaluation);
        }
        on_measured(target, evaluation);
    }
    Ok(())
}

/// Returns weights of the right shapes. All are 0.5, so that variances are positive.
fn placeholder_weights(network: &Network) -> Weights {
    let tensors = network.nodes.iter().flat_map(tensors_of);
    let tensor = |shape: Vec<usize>| Tensor { data: vec![0.5; shape.iter().product()], shape };
    Weights(tensors.map(|(name, shape, _)| (name, tensor(shape))).collect())
}
