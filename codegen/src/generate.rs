//! `codegen generate`.

use crate::board::{self, Memory};
use crate::costs::costs;
use crate::emit::{Crate, Machine};
use crate::golden::Golden;
use crate::platform::Platform;
use crate::{folder, onnx, pack};
use anyhow::{Context, Result, ensure};
use common::boards;
use common::genome::Genome;
use common::hash::sha256_hex;
use common::manifest::{Fit, Manifest};
use common::network::{Network, Origin};
use common::weights::{MAX_BYTES, Weights};
use common::{counts, json, reading};
use std::path::{Path, PathBuf};

/// Options of `codegen generate`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The network.
    #[arg(long, value_name = "FILE")]
    network: PathBuf,
    /// Its weights.
    #[arg(long, value_name = "FILE")]
    weights: PathBuf,
    /// What it is for.
    #[arg(long)]
    platform: Platform,
    /// The folder to write: a new one, or a generated one, which is replaced.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The crate's or model's name [default: after the genome or the baseline].
    #[arg(long)]
    name: Option<String>,
    /// The board that it must fit on, by name (`measure boards` lists them) or file [default: any;
    /// the memory of a microcontroller is that of qemu-mps2-an386].
    #[arg(long, value_name = "NAME|FILE")]
    board: Option<String>,
    /// A data set of whose test images some are recorded with their logits [default: random
    /// images].
    #[arg(long, value_name = "DIR")]
    samples: Option<PathBuf>,
}

/// Words that cannot be a crate's name, because Rust or the crate itself means something else by
/// them.
const RESERVED: &[&str] = &[
    "abstract", "alloc", "as", "async", "await", "become", "box", "break", "const", "continue",
    "core", "crate", "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen",
    "if", "impl", "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv",
    "pub", "ref", "return", "self", "static", "std", "struct", "super", "test", "trait", "true",
    "try", "type", "typeof", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];
/// Packages that crates are built from.
const DEPENDENCIES: [&str; 10] = [
    "cfg-if",
    "cortex-m-rt",
    "cortex-m-rt-macros",
    "cudarc",
    "libloading",
    "proc-macro2",
    "quote",
    "syn",
    "unicode-ident",
    "windows-link",
];

/// Writes the crate or model.
pub(crate) fn generate(options: &Options) -> Result<Manifest> {
    folder::check_free(&options.out)?;
    let network: Network = json::read(&options.network)?;
    let weights = Weights::read(&options.weights, &network)?;
    let costs = costs(&network, &weights, options.platform)
        .with_context(|| options.network.display().to_string())?;
    let machine = machine(options, costs.fit.as_ref())?;
    let name = options.name.clone().unwrap_or_else(|| default_name(&network.origin));
    check_name(&name)?;
    let plan =
        options.platform.plan(&network).with_context(|| options.network.display().to_string())?;
    let constants = pack::pack(&plan, &network, &weights)
        .with_context(|| options.weights.display().to_string())?;
    let golden = Golden::record(&network, &weights, options.samples.as_deref())?;
    let counts = counts::count(&network)?;
    let manifest = Manifest {
        name,
        platform: options.platform.name().to_string(),
        network_sha256: sha256_of(&options.network)?,
        weights_sha256: sha256_of(&options.weights)?,
        parameters: counts.parameters,
        macs: counts.macs,
        weights_bytes: costs.weights_bytes,
        arena_bytes: costs.arena_bytes,
        arena_lower_bound_bytes: costs.arena_lower_bound_bytes,
        layers: costs.layers,
        fit: costs.fit,
    };
    let files = match machine {
        Some(machine) => {
            let library = manifest.name.replace('-', "_");
            let (manifest, network, plan) = (&manifest, &network, &plan);
            Crate {
                machine,
                library,
                manifest,
                network,
                plan,
                constants: &constants,
                golden: &golden,
            }
            .files()?
        }
        None => onnx::files(&manifest, &network, &weights, &golden)?,
    };
    folder::write(&options.out, &files)?;
    Ok(manifest)
}

/// What the crate runs on, if it fits there; `None` for a model.
fn machine(options: &Options, fit: Option<&Fit>) -> Result<Option<Machine>> {
    let Some(fit) = fit else {
        ensure!(
            options.board.is_none(),
            "a model is for no board: leave --board out or name a platform that has crates"
        );
        return Ok(None);
    };
    let board = options
        .board
        .as_deref()
        .map(|board| board::asked(board, fit, options.platform))
        .transpose()?;
    Ok(match options.platform {
        Platform::X86_64 => Some(Machine::X86_64),
        Platform::Aarch64 => Some(Machine::Aarch64),
        Platform::Armv7 => Some(Machine::Armv7),
        Platform::CortexM => {
            let board = board.map_or_else(|| boards::find(board::DEFAULT, Path::new("")), Ok)?;
            Some(Machine::CortexM(Memory::of(&board)?))
        }
        Platform::Cuda => Some(Machine::Cuda),
        Platform::Onnx => None,
    })
}

fn sha256_of(path: &Path) -> Result<String> {
    Ok(sha256_hex(&reading::read(path, MAX_BYTES)?))
}

fn default_name(origin: &Origin) -> String {
    match origin {
        Origin::Genome(Genome {
            left_activation: left,
            right_activation: right,
            condense_layers,
            feature_extraction_layers,
            kernel_size,
            ..
        }) => format!(
            "net-{condense_layers}x{feature_extraction_layers}-k{kernel_size}-{left}-{right}"
        ),
        Origin::Baseline { name, .. } => name.clone(),
    }
}

/// The name becomes a package, a Rust identifier and text in files, so only harmless ones pass.
fn check_name(name: &str) -> Result<()> {
    let harmless = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    let valid = name.len() <= 64
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(harmless);
    ensure!(
        valid,
        "the crate name {name:?} must begin with a lower-case letter and have only such, digits, '_' and '-', at most 64"
    );
    ensure!(
        !RESERVED.contains(&name),
        "the crate name {name:?} is reserved by Rust; give another one with --name"
    );
    ensure!(
        !DEPENDENCIES.contains(&name),
        "the crate name {name:?} is that of a package that some crates are built from; give another one with --name"
    );
    Ok(())
}

#[cfg(test)]
mod mutations;

#[cfg(test)]
mod tests {
    use super::check_name;

    #[test]
    fn crate_names() {
        for name in ["a", "m-net-1", "x_9", &"a".repeat(64)] {
            check_name(name).unwrap();
        }
        let too_long = "a".repeat(65);
        for name in
            ["", "9a", "-a", "A", "a b", "a\"]", "a/../b", "é", "std", "fn", "syn", &too_long]
        {
            assert!(check_name(name).is_err(), "{name:?}");
        }
    }
}
