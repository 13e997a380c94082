//! `README.md`.

use super::package::Crate;
use super::target::Target;
use crate::template::fill;
use common::manifest::Manifest;

/// Returns the text of the README.
pub(super) fn readme(package: &Crate<'_>) -> String {
    let shape = package.network.input.shape().to_string();
    let Manifest { parameters, macs, weights_bytes, arena_bytes, fit, .. } = package.manifest;
    let device_bytes = fit.as_ref().and_then(|fit| fit.device_bytes).unwrap_or_default();
    let numbers =
        [*parameters, *macs, *weights_bytes, *arena_bytes, device_bytes].map(|n| n.to_string());
    let (platform, kernels) = package.target.words();
    let build = package.target.readme();
    let values = [
        ("NAME", package.manifest.name.as_str()),
        ("LIBRARY", &package.library),
        ("PLATFORM", platform),
        ("KERNELS", kernels),
        ("BUILD", &build),
        ("SHAPE", &shape),
        ("CLASSES", &package.network.classes.len().to_string()),
        ("SAMPLES", &package.golden.describe()),
        ("PARAMETERS", &numbers[0]),
        ("MACS", &numbers[1]),
        ("WEIGHTS_BYTES", &numbers[2]),
        ("ARENA_BYTES", &numbers[3]),
        ("DEVICE_BYTES", &numbers[4]),
    ];
    let template = match package.target {
        Target::X86_64 | Target::Aarch64 | Target::Armv7 | Target::CortexM(_) => {
            include_str!("../../templates/README.md")
        }
        Target::Cuda(_) => include_str!("../../templates/cuda/README.md"),
    };
    fill(template, &values)
}
