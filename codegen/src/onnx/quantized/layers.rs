//! The layers of an int8 network.

use anyhow::Result;
use common::manifest::LayerMacs;
use common::network::{Network, counts, shapes};
use common::quantized::{Operation, Plan};

/// Returns the multiply-adds of all layers that have some. A pooling after a 1x1 convolution is
/// computed before it.
///
/// # Errors
/// Fails if the graph is inconsistent.
pub(crate) fn layers(network: &Network, plan: &Plan) -> Result<Vec<LayerMacs>> {
    let shapes = shapes::shapes(network)?;
    let layers = plan.steps.iter().enumerate().filter_map(|(index, step)| match step.operation {
        Operation::Convolve { node, .. } | Operation::Classify { node, .. } => {
            let layer = &network.nodes[node];
            Some(LayerMacs {
                name: layer.name.clone(),
                macs: counts::macs(layer, shapes[node]),
                executed_macs: counts::macs(layer, plan.made_by(index).shape),
            })
        }
        Operation::Activate { .. } | Operation::Pool { .. } | Operation::Shortcut { .. } => None,
    });
    Ok(layers.collect())
}
