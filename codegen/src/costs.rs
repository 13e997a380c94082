//! What a generated crate or model needs, for its manifest and for people.

use crate::bound::lower_bound;
use crate::graph::lower;
use crate::platform::Platform;
use crate::report::{self, bytes, thousands};
use anyhow::Result;
use common::counts;
use common::manifest::{Fit, LayerMacs, Manifest};
use common::network::Network;
use common::weights::Weights;
use plot::{Align, Table};

/// The numbers of a manifest.
pub(crate) struct Costs {
    /// Constants.
    pub(crate) weights_bytes: u64,
    /// Working memory.
    pub(crate) arena_bytes: u64,
    /// The least of it.
    pub(crate) arena_lower_bound_bytes: u64,
    /// What is computed by weights.
    pub(crate) layers: Vec<LayerMacs>,
    /// Where a crate can run.
    pub(crate) fit: Option<Fit>,
}

/// The costs of a network on a platform.
///
/// # Errors
/// The graph is inconsistent.
pub(crate) fn costs(network: &Network, weights: &Weights, platform: Platform) -> Result<Costs> {
    match platform {
        Platform::X86_64
        | Platform::Aarch64
        | Platform::Armv7
        | Platform::CortexM
        | Platform::Cuda => of_crate(network, platform),
        Platform::Onnx => of_model(network, weights),
    }
}

fn of_crate(network: &Network, platform: Platform) -> Result<Costs> {
    let plan = report::report(network, platform)?;
    let computing = plan.layers.into_iter().filter(|layer| layer.macs > 0);
    Ok(Costs {
        weights_bytes: plan.weights_bytes,
        arena_bytes: plan.arena_bytes,
        arena_lower_bound_bytes: plan.arena_lower_bound_bytes,
        layers: computing
            .map(|l| LayerMacs { name: l.name, macs: l.macs, executed_macs: l.executed_macs })
            .collect(),
        fit: Some(plan.fit),
    })
}

/// A model is computed as the network is described.
fn of_model(network: &Network, weights: &Weights) -> Result<Costs> {
    let bound = bytes(lower_bound(&lower(network)?));
    let layers = network.nodes.iter().zip(counts::shapes(network)?).filter_map(|(node, shape)| {
        let macs = counts::macs(node, shape);
        (macs > 0).then(|| LayerMacs { name: node.name.clone(), macs, executed_macs: macs })
    });
    Ok(Costs {
        weights_bytes: bytes(weights.0.values().map(|tensor| tensor.data.len()).sum()),
        arena_bytes: bound,
        arena_lower_bound_bytes: bound,
        layers: layers.collect(),
        fit: None,
    })
}

/// The numbers of a manifest as a table.
pub(crate) fn table(manifest: &Manifest) -> String {
    let executed =
        manifest.layers.iter().map(|layer| layer.executed_macs).fold(0, u64::saturating_add);
    let mut text = format!(
        "{} for {}\n  flash  {} bytes of constants\n  arena  {} bytes (lower bound {})\n",
        manifest.name,
        manifest.platform,
        thousands(manifest.weights_bytes),
        thousands(manifest.arena_bytes),
        thousands(manifest.arena_lower_bound_bytes),
    );
    // Room for the numbers of most networks, so that their tables look the same.
    let columns = ["          MACs", "      executed"].map(|title| (title, Align::Right));
    let mut table = Table::new([("layer", Align::Left)].into_iter().chain(columns));
    for layer in &manifest.layers {
        table.push([layer.name.clone(), thousands(layer.macs), thousands(layer.executed_macs)]);
    }
    table.push(["all layers".to_string(), thousands(manifest.macs), thousands(executed)]);
    for line in table.to_text().lines() {
        text += &format!("  {line}\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_for_people() {
        let manifest = Manifest {
            name: "net".to_string(),
            platform: "x86_64".to_string(),
            network_sha256: String::new(),
            weights_sha256: String::new(),
            parameters: 1,
            macs: 1_234_600,
            weights_bytes: 353_920,
            arena_bytes: 20_224,
            arena_lower_bound_bytes: 20_000,
            layers: vec![
                LayerMacs {
                    name: "transition1.conv".to_string(),
                    macs: 1_234_000,
                    executed_macs: 308_500,
                },
                LayerMacs { name: "head.classifier".to_string(), macs: 600, executed_macs: 600 },
            ],
            fit: None,
        };
        insta::assert_snapshot!(table(&manifest), @r"
        net for x86_64
          flash  353,920 bytes of constants
          arena  20,224 bytes (lower bound 20,000)
          layer                       MACs        executed
          transition1.conv       1,234,000         308,500
          head.classifier              600             600
          all layers             1,234,600         309,100
        ");
    }
}
