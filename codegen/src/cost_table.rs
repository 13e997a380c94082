//! The costs of a generated crate or model as a table for people.

use crate::size::thousands;
use common::manifest::Manifest;

/// Returns the numbers of a manifest as a table.
pub(crate) fn cost_table(manifest: &Manifest) -> String {
    let width = manifest
        .layers
        .iter()
        .map(|layer| layer.name.len())
        .max()
        .unwrap_or(0)
        .max("all layers".len());
    let line = |name: &str, macs: &str, executed: &str| {
        format!("  {name:width$} {macs:>15} {executed:>15}\n")
    };
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
    text += &line("layer", "MACs", "executed");
    for layer in &manifest.layers {
        text += &line(&layer.name, &thousands(layer.macs), &thousands(layer.executed_macs));
    }
    text + &line("all layers", &thousands(manifest.macs), &thousands(executed))
}

#[cfg(test)]
mod tests {
    use super::cost_table;
    use common::manifest::{LayerMacs, Manifest};
    use common::precision::Precision;

    #[test]
    fn a_table_for_people() {
        let manifest = Manifest {
            name: "net".to_string(),
            platform: common::board::Platform::X86_64,
            precision: Precision::F32,
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
            input: None,
            fit: None,
        };
        insta::assert_snapshot!(cost_table(&manifest), @r"
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
