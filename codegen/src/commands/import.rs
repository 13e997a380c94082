//! `codegen import`: a network and its weights, of an ONNX model.

use crate::cli::ImportArgs;
use crate::folder;
use crate::onnx::import::{Imported, Normalisation, import};
use anyhow::{Context, Result};
use common::diagnostics;
use common::files::{json, reading};
use common::network::counts;
use common::network::weights::MAX_BYTES;
use process::cli::print_line;

/// Reads the model, writes both files, and prints parameters and multiply-adds as JSON.
///
/// # Errors
/// Fails if the file cannot be read, if it has something that a network cannot represent, or if the
/// folder is not free.
pub(crate) fn run(args: &ImportArgs) -> Result<()> {
    folder::check_free(&args.out)?;
    let bytes = reading::read(&args.onnx, MAX_BYTES)?;
    let name = args.onnx.file_stem().unwrap_or_default().to_string_lossy();
    let normalisation = Normalisation { mean: args.mean.clone(), std: args.std.clone() };
    let imported = import(&bytes, &name, &normalisation);
    let Imported { network, weights, grown } =
        imported.with_context(|| args.onnx.display().to_string())?;
    grown.iter().for_each(|line| diagnostics::say(line));
    let files = [
        ("network.json".to_string(), json::to_text(&network)?.into_bytes()),
        ("weights.safetensors".to_string(), weights.to_bytes()?),
    ];
    folder::write(&args.out, &files)?;
    print_line(&serde_json::to_string(&counts::count(&network)?)?)
}
