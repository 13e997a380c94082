//! Initial weights.

use common::network::weights::{Tensor, Weights, tensors_of};
use common::network::{Network, Op};
use common::seed;
use rand::{Rng, RngExt};

/// Returns initial weights: convolutions normal with variance `2 / (in_channels * kernel^2)` (He et
/// al. 2015), the classifier uniform in `+-1 / sqrt(in_features)`, batch normalisation the
/// identity. Each tensor has its own random stream.
pub fn weights(network: &Network, seed: u64) -> Weights {
    let mut result = Weights::default();
    for node in &network.nodes {
        for (name, shape, _) in tensors_of(node) {
            let count = shape.iter().product();
            let mut rng = seed::stream(seed, &format!("init/{name}"));
            let data = match node.op {
                Op::Conv2d { in_channels, kernel, .. } => {
                    normal(&mut rng, count, (2.0 / (in_channels * kernel * kernel) as f64).sqrt())
                }
                Op::Linear { in_features, .. } => {
                    let bound = 1.0 / (in_features as f32).sqrt();
                    (0..count).map(|_| rng.random_range(-bound..bound)).collect()
                }
                Op::BatchNorm { .. } => {
                    let one = name.ends_with(".weight") || name.ends_with(".running_var");
                    vec![if one { 1.0 } else { 0.0 }; count]
                }
                Op::Activation(_)
                | Op::Dropout { .. }
                | Op::Concat {}
                | Op::Add {}
                | Op::Shortcut { .. }
                | Op::AveragePool { .. }
                | Op::GlobalAveragePool {}
                | Op::GlobalMaxPool {} => vec![],
            };
            result.0.insert(name, Tensor { shape, data });
        }
    }
    result
}

/// Returns `count` normal deviates of standard deviation `std`, by the Box-Muller transform.
fn normal(rng: &mut impl Rng, count: usize, std: f64) -> Vec<f32> {
    let mut values = Vec::with_capacity(count + 1);
    while values.len() < count {
        // 1 - u is in (0, 1]: its logarithm is finite.
        let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt() * std;
        let angle = std::f64::consts::TAU * rng.random::<f64>();
        values.extend([(radius * angle.cos()) as f32, (radius * angle.sin()) as f32]);
    }
    values.truncate(count);
    values
}
