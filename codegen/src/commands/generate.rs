//! `codegen generate`: a crate or a model, and its manifest.

use crate::cli::GenerateArgs;
use crate::cost_table::cost_table;
use crate::emit::{self, Body, Crate, F32Body, Int8Body, Target};
use crate::file::File;
use crate::fit::{self, BoardMemory};
use crate::golden::{Golden, IntegerGolden};
use crate::int8::pack::Constants;
use crate::int8::{self, Int8Plan};
use crate::plan::lowering::lower;
use crate::plan::{Device, Plan, lower_bound, pack};
use crate::results::Results;
use crate::size::bytes;
use crate::{crate_name, cuda, folder, int8_report, onnx, platform};
use anyhow::{Context, Result, bail, ensure};
use common::board::{Platform, catalog};
use common::diagnostics;
use common::files::hash::sha256_hex;
use common::files::{json, reading};
use common::manifest::{LayerMacs, Manifest, Preprocessing};
use common::network::weights::{MAX_BYTES, Weights};
use common::network::{Network, counts};
use common::plan_report::PlanReport;
use common::precision::Precision;
use common::quantized::{Quantization, QuantizedNetwork, TENSORS_FILE};
use process::cli::print_line;
use std::path::Path;

/// Writes the crate or model, and prints its manifest and the costs of its layers.
///
/// # Errors
/// Fails as [`generate`] does, or if stdout cannot be written.
pub(crate) fn run(args: &GenerateArgs) -> Result<()> {
    let manifest = generate(args)?;
    cost_table(&manifest).lines().for_each(diagnostics::say);
    print_line(&json::to_line(&manifest)?)
}

/// Writes the crate or model and returns its manifest.
///
/// # Errors
/// Fails if a file cannot be read or written, if the network cannot be planned, if the crate does
/// not fit on the board, or if numbers are not finite.
fn generate(args: &GenerateArgs) -> Result<Manifest> {
    folder::check_free(&args.out)?;
    check_c_api(args)?;
    let network: Network = json::read(&args.network)?;
    let (manifest, files) = match (&args.weights, &args.quantized) {
        (Some(path), None) => generate_f32(args, &network, path)?,
        (None, Some(folder)) => generate_int8(args, &network, folder)?,
        (Some(_), Some(_)) | (None, None) => {
            bail!("either --weights or --quantized is needed, and not both")
        }
    };
    folder::write(&args.out, &files)?;
    Ok(manifest)
}

/// Returns the manifest and all files of a crate or model with the weights in a file.
fn generate_f32(
    args: &GenerateArgs,
    network: &Network,
    path: &Path,
) -> Result<(Manifest, Vec<File>)> {
    let weights = Weights::read(path, network)?;
    match platform::device(args.platform) {
        Some(device) => generate_crate(args, device, network, path, &weights),
        None => generate_model(args, network, path, &weights),
    }
}

/// Returns the manifest and all files of a crate or model with the integers in a folder.
fn generate_int8(
    args: &GenerateArgs,
    network: &Network,
    folder: &Path,
) -> Result<(Manifest, Vec<File>)> {
    let (quantized, quantization) = QuantizedNetwork::read(folder, network)?;
    if args.platform == Platform::Onnx {
        return generate_int8_model(args, network, &quantized, &quantization)
            .with_context(|| folder.display().to_string());
    }
    let packing = int8::packing(args.platform)?;
    let network_path = || args.network.display().to_string();
    let plan = Int8Plan::new(network, packing).with_context(network_path)?;
    let report = int8_report::report(network, &plan, args.platform).with_context(network_path)?;
    let target = target(args, &report, Vec::new())?;
    let name = name(args, network)?;
    let constants = Constants::new(&plan, &quantized.parameters, packing);
    let golden = IntegerGolden::record(network, &quantized, args.samples.as_deref())?;
    let manifest = manifest(args, network, name, &folder.join(TENSORS_FILE), report)?;
    let files = emit::files(&Crate {
        target,
        library: manifest.name.replace('-', "_"),
        manifest: &manifest,
        network,
        body: Body::Int8(Int8Body {
            plan: &plan,
            quantized: &quantized,
            constants: &constants,
            flip: packing.flip,
            logit_scale: quantization.logit_scale,
            golden: &golden,
        }),
        results: &results(args, &manifest, &quantization.fingerprints.weights_sha256)?,
        c_api: args.c_api,
    })?;
    Ok((manifest, files))
}

/// Returns the manifest of a crate whose parameters are in the file `parameters`.
fn manifest(
    args: &GenerateArgs,
    network: &Network,
    name: String,
    parameters: &Path,
    report: PlanReport,
) -> Result<Manifest> {
    let layers = report.layers.into_iter().filter(|layer| layer.macs > 0).map(|layer| LayerMacs {
        name: layer.name,
        macs: layer.macs,
        executed_macs: layer.executed_macs,
    });
    Ok(Manifest {
        name,
        platform: args.platform,
        precision: report.precision,
        network_sha256: sha256_of(&args.network)?,
        weights_sha256: sha256_of(parameters)?,
        parameters: report.parameters,
        macs: report.macs,
        weights_bytes: report.weights_bytes,
        arena_bytes: report.arena_bytes,
        arena_lower_bound_bytes: report.arena_lower_bound_bytes,
        layers: layers.collect(),
        input: Some(Preprocessing::of(&network.input)),
        fit: Some(report.fit),
    })
}

/// Returns the manifest and all files of a crate with `weights`, which were read from `path`.
fn generate_crate(
    args: &GenerateArgs,
    device: Device,
    network: &Network,
    path: &Path,
    weights: &Weights,
) -> Result<(Manifest, Vec<File>)> {
    let network_path = || args.network.display().to_string();
    let plan = Plan::on(network, device).with_context(network_path)?;
    let calls = match device {
        Device::X86_64 | Device::Arm => Vec::new(),
        Device::Gpu => cuda::calls(network, &plan).with_context(network_path)?,
    };
    let report =
        crate::plan_report::report(network, &plan, args.platform).with_context(network_path)?;
    let target = target(args, &report, calls)?;
    let name = name(args, network)?;
    let constants =
        pack::pack(&plan, network, weights).with_context(|| path.display().to_string())?;
    let golden = Golden::record(network, weights, args.samples.as_deref())?;
    let manifest = manifest(args, network, name, path, report)?;
    let files = emit::files(&Crate {
        target,
        library: manifest.name.replace('-', "_"),
        manifest: &manifest,
        network,
        body: Body::F32(F32Body { plan: &plan, constants: &constants, golden: &golden }),
        results: &results(args, &manifest, &manifest.weights_sha256)?,
        c_api: args.c_api,
    })?;
    Ok((manifest, files))
}

/// Returns the manifest and all files of a model with `weights`, which were read from `path`. A
/// model has no plan: the program that runs it makes its own, whose memory is at least the lower
/// bound.
fn generate_model(
    args: &GenerateArgs,
    network: &Network,
    path: &Path,
    weights: &Weights,
) -> Result<(Manifest, Vec<File>)> {
    let network_path = || args.network.display().to_string();
    let graph = lower(network).with_context(network_path)?;
    let lower_bound_bytes = bytes(lower_bound::check(&graph).with_context(network_path)?);
    check_no_board(args)?;
    let name = name(args, network)?;
    pack::check_norms(&graph, network, weights).with_context(|| path.display().to_string())?;
    let golden = Golden::record(network, weights, args.samples.as_deref())?;
    let counts = counts::count(network)?;
    let manifest = Manifest {
        name,
        platform: args.platform,
        precision: Precision::F32,
        network_sha256: sha256_of(&args.network)?,
        weights_sha256: sha256_of(path)?,
        parameters: counts.parameters,
        macs: counts.macs,
        weights_bytes: bytes(weights.0.values().map(|tensor| tensor.data.len()).sum()),
        arena_bytes: lower_bound_bytes,
        arena_lower_bound_bytes: lower_bound_bytes,
        layers: onnx::layers(network)?,
        input: Some(Preprocessing::of(&network.input)),
        fit: None,
    };
    let results = results(args, &manifest, &manifest.weights_sha256)?;
    let model = onnx::Description { manifest: &manifest, network, results: &results };
    let files = onnx::files(&model, weights, &golden)?;
    Ok((manifest, files))
}

/// Returns the manifest and all files of a model of an int8 network. Its working memory is at least
/// that of a model in f32 with bytes instead.
fn generate_int8_model(
    args: &GenerateArgs,
    network: &Network,
    quantized: &QuantizedNetwork,
    quantization: &Quantization,
) -> Result<(Manifest, Vec<File>)> {
    let lower_bound_bytes = lower_bound::check(&lower(network)?)? as u64;
    check_no_board(args)?;
    let name = name(args, network)?;
    let model = onnx::quantized::model(&name, network, quantized, quantization)?;
    let golden = IntegerGolden::record(network, quantized, args.samples.as_deref())?;
    let counts = counts::count(network)?;
    let fingerprints = &quantization.fingerprints;
    let manifest = Manifest {
        name,
        platform: args.platform,
        precision: Precision::Int8,
        network_sha256: sha256_of(&args.network)?,
        weights_sha256: fingerprints.tensors_sha256.clone(),
        parameters: counts.parameters,
        macs: counts.macs,
        weights_bytes: model.constant_bytes(),
        arena_bytes: lower_bound_bytes,
        arena_lower_bound_bytes: lower_bound_bytes,
        layers: onnx::quantized::layers(network, &quantized.plan)?,
        input: Some(Preprocessing::of(&network.input)),
        fit: None,
    };
    let results = results(args, &manifest, &fingerprints.weights_sha256)?;
    let description = onnx::Description { manifest: &manifest, network, results: &results };
    let files = onnx::quantized_files(&description, &model, golden, quantization.logit_scale)?;
    Ok((manifest, files))
}

/// Checks that a crate with a part for C can be made.
///
/// # Errors
/// Fails if one is asked for on a platform that has none.
fn check_c_api(args: &GenerateArgs) -> Result<()> {
    ensure!(
        !args.c_api || platform::has_c_api(args.platform),
        "there is no C library for the platform {}: leave --c-api out or name x86_64, aarch64, armv7 \
         or cortex-m",
        args.platform
    );
    Ok(())
}

/// Checks that no board is named for a model.
///
/// # Errors
/// Fails if one is.
fn check_no_board(args: &GenerateArgs) -> Result<()> {
    ensure!(
        args.board.is_none(),
        "a model is for no board: leave --board out or name a platform that has crates"
    );
    Ok(())
}

/// Returns what the crate runs on.
///
/// # Errors
/// Fails if the crate does not fit on the board of `--board`.
fn target(args: &GenerateArgs, report: &PlanReport, calls: Vec<cuda::Call>) -> Result<Target> {
    let (fit, precision) = (&report.fit, report.precision);
    let fitting = |board: &String| fit::find_fitting(board, fit, args.platform, precision);
    let board = args.board.as_ref().map(fitting).transpose()?;
    Ok(match args.platform {
        Platform::X86_64 => Target::X86_64,
        Platform::Aarch64 => Target::Aarch64,
        Platform::Armv7 => Target::Armv7,
        Platform::CortexM => {
            let default = || catalog::find(fit::DEFAULT_BOARD, Path::new(""));
            Target::CortexM(BoardMemory::of(&board.map_or_else(default, Ok)?)?)
        }
        Platform::Cuda => Target::Cuda(calls),
        Platform::Onnx => bail!("a model is no crate: it has no target"),
    })
}

fn name(args: &GenerateArgs, network: &Network) -> Result<String> {
    let name = args.name.clone().unwrap_or_else(|| crate_name::default_name(&network.origin));
    crate_name::check(&name)?;
    if args.c_api {
        crate_name::check_for_c(&name)?;
    }
    Ok(name)
}

/// Returns what the files of `--test` and `--train` say about the weights. `trained_sha256` is the
/// SHA-256 of those that were trained, in f32.
fn results(args: &GenerateArgs, manifest: &Manifest, trained_sha256: &str) -> Result<Results> {
    let (test, train) = (args.test.as_deref(), args.train.as_deref());
    Results::read(test, train, &manifest.weights_sha256, trained_sha256)
}

fn sha256_of(path: &Path) -> Result<String> {
    Ok(sha256_hex(&reading::read(path, MAX_BYTES)?))
}

#[cfg(test)]
mod mutations;
