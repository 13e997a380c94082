//! The constants of a generated crate: weights in the order in which the kernels read them.

use super::lowering::Graph;
use super::steps::{Constant, ConstantKind, Plan};
use anyhow::{Result, ensure};
use common::network::weights::Weights;
use common::network::{BATCH_NORM_EPSILON, Network};

/// Returns all constants of a plan, with zeros in the gaps.
///
/// # Errors
/// Fails if a constant is not a finite f32.
///
/// # Panics
/// Panics if the weights or the plan are not those of the network.
pub fn pack(plan: &Plan, network: &Network, weights: &Weights) -> Result<Vec<f32>> {
    let mut packed = vec![0.0; plan.constants_len];
    for Constant { node, kind, range } in &plan.constants {
        let name = &network.nodes[*node].name;
        let tensor = |what: &str| weights.get(&format!("{name}.{what}"));
        let to = &mut packed[range.clone()];
        match *kind {
            ConstantKind::Convolution { tile } => {
                pack_convolution(&tensor("weight").data, tensor("weight").shape[0], tile, to);
            }
            ConstantKind::Norm => pack_norm_of(name, weights, to),
            ConstantKind::LinearWeights => to.copy_from_slice(&tensor("weight").data),
            ConstantKind::LinearBias => to.copy_from_slice(&tensor("bias").data),
        }
        check_finite(name, to)?;
    }
    Ok(packed)
}

/// Checks that scales and shifts of all batch normalisations are finite.
///
/// # Errors
/// Fails if one is not.
pub(crate) fn check_norms(graph: &Graph, network: &Network, weights: &Weights) -> Result<()> {
    for norm in graph.operations.iter().filter_map(|operation| operation.prologue.norm) {
        let name = &network.nodes[norm].name;
        let mut packed = vec![0.0; 2 * weights.get(&format!("{name}.weight")).data.len()];
        pack_norm_of(name, weights, &mut packed);
        check_finite(name, &packed)?;
    }
    Ok(())
}

fn check_finite(name: &str, constants: &[f32]) -> Result<()> {
    ensure!(
        constants.iter().all(|x| x.is_finite()),
        "node {name}: its weights make constants that are not finite numbers"
    );
    Ok(())
}

/// Packs the batch normalisation of a node.
fn pack_norm_of(name: &str, weights: &Weights, to: &mut [f32]) {
    let [gamma, beta, mean, var] = ["weight", "bias", "running_mean", "running_var"]
        .map(|what| weights.get(&format!("{name}.{what}")).data.as_slice());
    pack_norm(gamma, beta, mean, var, to);
}

/// Reorders weights from (filter, channel, row, column) to tiles of (channel, row, column, filter).
/// `to` stays zero where the last tile has no filter.
fn pack_convolution(weights: &[f32], filters: usize, tile: usize, to: &mut [f32]) {
    let per_filter = weights.len() / filters;
    for (filter, weights) in weights.chunks_exact(per_filter).enumerate() {
        let start = filter / tile * tile * per_filter + filter % tile;
        for (weight, to) in weights.iter().zip(to[start..].iter_mut().step_by(tile)) {
            *to = *weight;
        }
    }
}

/// Packs `(x - mean) / sqrt(var + epsilon) * gamma + beta` as `x * scale + shift`: all scales, then
/// all shifts.
fn pack_norm(gamma: &[f32], beta: &[f32], mean: &[f32], var: &[f32], to: &mut [f32]) {
    let (scales, shifts) = to.split_at_mut(gamma.len());
    for (channel, (scale, shift)) in scales.iter_mut().zip(shifts).enumerate() {
        let exact =
            f64::from(gamma[channel]) / (f64::from(var[channel]) + BATCH_NORM_EPSILON).sqrt();
        *scale = exact as f32;
        *shift = (f64::from(beta[channel]) - f64::from(mean[channel]) * exact) as f32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_hold_their_filters_side_by_side() {
        // Three filters of one channel and two taps, in tiles of two.
        let mut to = [0.0; 8];
        pack_convolution(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 3, 2, &mut to);
        assert_eq!(to, [1.0, 3.0, 2.0, 4.0, 5.0, 0.0, 6.0, 0.0]);
    }

    #[test]
    fn normalisation_becomes_scale_and_shift() {
        let mut to = [0.0; 2];
        pack_norm(&[3.0], &[0.5], &[2.0], &[4.0 - 1e-5], &mut to);
        assert_eq!(to, [1.5, -2.5]);
    }
}
