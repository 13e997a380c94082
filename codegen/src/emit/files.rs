//! All files of a crate.

use super::package::Crate;
use super::target::Target;
use super::{bare_metal, gpu, hosted, readme};
use crate::file::{File, little_endian, text};
use crate::memory_figure;
use common::files::json;

/// Returns all files of a crate.
///
/// # Errors
/// Fails if the manifest has a number that JSON cannot hold.
pub(crate) fn files(package: &Crate<'_>) -> anyhow::Result<Vec<File>> {
    let Crate { manifest, network, plan, constants, golden, .. } = package;
    let mut files = match &package.target {
        Target::X86_64 | Target::Aarch64 | Target::Armv7 => hosted::files(package),
        Target::CortexM(memory) => bare_metal::files(package, memory),
        Target::Cuda(calls) => gpu::files(package, calls),
    };
    files.extend([
        text("rustfmt.toml", include_str!("../../templates/rustfmt.toml.txt"), &[]),
        text(".gitignore", "/target\n", &[]),
        ("README.md".to_string(), readme::readme(package).into_bytes()),
        ("memory.svg".to_string(), memory_figure::draw(&manifest.name, network, plan).into_bytes()),
        ("manifest.json".to_string(), json::to_text(*manifest)?.into_bytes()),
        ("src/weights.bin".to_string(), little_endian(constants)),
        ("golden/outputs.bin".to_string(), little_endian(&golden.outputs)),
    ]);
    Ok(files)
}
