//! The constants of a generated crate: weights in the order in which the kernels read them.

use crate::plan::{Constant, ConstantKind, Plan};
use anyhow::{Result, ensure};
use common::network::{BATCH_NORM_EPSILON, Network};
use common::weights::Weights;

/// All constants of a plan, zeros in the gaps.
///
/// # Errors
/// A batch normalisation whose variance is negative, or any other constant that is not a finite
/// f32.
///
/// # Panics
/// If the weights are not the network's or the plan is not its plan.
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
            ConstantKind::Norm => {
                let [gamma, beta, mean, var] = ["weight", "bias", "running_mean", "running_var"]
                    .map(|what| tensor(what).data.as_slice());
                pack_norm(gamma, beta, mean, var, to);
            }
            ConstantKind::LinearWeights => to.copy_from_slice(&tensor("weight").data),
            ConstantKind::LinearBias => to.copy_from_slice(&tensor("bias").data),
        }
        ensure!(
            to.iter().all(|x| x.is_finite()),
            "node {name}: its weights make constants that are not finite numbers"
        );
    }
    Ok(packed)
}

/// From (filter, channel, row, column) to tiles of (channel, row, column, filter); `to` is zero
/// where filters are missing.
fn pack_convolution(weights: &[f32], filters: usize, tile: usize, to: &mut [f32]) {
    let per_filter = weights.len() / filters;
    for (filter, weights) in weights.chunks_exact(per_filter).enumerate() {
        let start = filter / tile * tile * per_filter + filter % tile;
        for (weight, to) in weights.iter().zip(to[start..].iter_mut().step_by(tile)) {
            *to = *weight;
        }
    }
}

/// `(x - mean) / sqrt(var + epsilon) * gamma + beta` as `x * scale + shift`.
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
