//! The layers of a model.

use anyhow::Result;
use common::manifest::LayerMacs;
use common::network::{Network, counts, shapes};

/// Returns the multiply-adds of all layers that have some. A model is computed as the network is
/// described.
///
/// # Errors
/// Fails if the graph is inconsistent.
pub(crate) fn layers(network: &Network) -> Result<Vec<LayerMacs>> {
    let shapes = shapes::shapes(network)?;
    let layers = network.nodes.iter().zip(shapes).filter_map(|(node, shape)| {
        let macs = counts::macs(node, shape);
        (macs > 0).then(|| LayerMacs { name: node.name.clone(), macs, executed_macs: macs })
    });
    Ok(layers.collect())
}
