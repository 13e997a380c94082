//! All files of a crate.

use super::body::Body;
use super::package::Crate;
use super::target::Target;
use super::{bare_metal, c_api, gpu, hosted, readme};
use crate::file::{File, little_endian, text};
use crate::memory_figure::{self, Memory};
use anyhow::{Result, bail};
use common::files::json;

/// Returns all files of a crate.
///
/// # Errors
/// Fails if the manifest has a number that JSON cannot hold, or if the target has no crates in
/// integers.
pub(crate) fn files(package: &Crate<'_>) -> Result<Vec<File>> {
    let Crate { manifest, network, .. } = package;
    let mut files = match (&package.target, &package.body) {
        (Target::X86_64 | Target::Aarch64 | Target::Armv7, _) => hosted::files(package),
        (Target::CortexM(memory), _) => bare_metal::files(package, memory),
        (Target::Cuda(calls), Body::F32(body)) => gpu::files(package, body, calls),
        (Target::Cuda(_), Body::Int8(_)) => {
            bail!("there are no crates in integers for {}", manifest.platform)
        }
    };
    let (memory, weights, outputs) = match &package.body {
        Body::F32(body) => (
            Memory::of(network, body.plan),
            little_endian(body.constants),
            little_endian(&body.golden.outputs),
        ),
        Body::Int8(body) => (
            Memory::of_int8(network, body.plan),
            body.constants.to_bytes(),
            body.golden.outputs.iter().flat_map(|logit| logit.to_le_bytes()).collect(),
        ),
    };
    files.extend([
        text("rustfmt.toml", include_str!("../../templates/rustfmt.toml.txt"), &[]),
        text(".gitignore", "/target\n", &[]),
        ("README.md".to_string(), readme::readme(package).into_bytes()),
        ("memory.svg".to_string(), memory_figure::draw(&manifest.name, &memory).into_bytes()),
        ("manifest.json".to_string(), json::to_text(*manifest)?.into_bytes()),
        ("src/weights.bin".to_string(), weights),
        ("golden/outputs.bin".to_string(), outputs),
    ]);
    files.extend(c_api::files(package));
    Ok(files)
}
