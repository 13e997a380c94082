//! The files of a model's folder.

use super::model::{OPSET, model};
use crate::file::{File, little_endian};
use crate::golden::{Golden, jumps_at_zero};
use crate::markdown::class_list;
use crate::results::Results;
use crate::template::fill;
use anyhow::{Result, ensure};
use common::files::json;
use common::manifest::Manifest;
use common::network::Network;
use common::network::weights::Weights;
use common::resize::FILTER;
use prost::Message;

/// The size limit of a file in Protobuf, in bytes.
const MAX_BYTES: usize = i32::MAX as usize;

/// Returns all files of a model's folder.
///
/// # Errors
/// Fails if the graph is inconsistent, or too large for a file.
pub(crate) fn files(
    manifest: &Manifest,
    network: &Network,
    weights: &Weights,
    golden: &Golden,
    results: &Results,
) -> Result<Vec<File>> {
    let name = manifest.name.as_str();
    let model = model(name, network, weights)?;
    let bytes = model.encoded_len();
    ensure!(
        bytes <= MAX_BYTES,
        "the model has {bytes} bytes, but an ONNX file can have at most {MAX_BYTES}"
    );
    Ok(vec![
        (format!("{name}.onnx"), model.encode_to_vec()),
        ("README.md".to_string(), readme(manifest, network, golden, results).into_bytes()),
        ("manifest.json".to_string(), json::to_text(manifest)?.into_bytes()),
        ("golden/inputs.bin".to_string(), little_endian(&golden.inputs)),
        ("golden/outputs.bin".to_string(), little_endian(&golden.outputs)),
    ])
}

fn readme(manifest: &Manifest, network: &Network, golden: &Golden, results: &Results) -> String {
    let shape = network.input.shape();
    let numbers =
        [shape.channels, shape.height, shape.width, network.classes.len()].map(|n| n.to_string());
    let costs = [manifest.parameters, manifest.macs, manifest.weights_bytes].map(|n| n.to_string());
    let values = [
        ("NAME", manifest.name.as_str()),
        ("OPSET", &OPSET.to_string()),
        ("CHANNELS", &numbers[0]),
        ("HEIGHT", &numbers[1]),
        ("WIDTH", &numbers[2]),
        ("CLASSES", &numbers[3]),
        ("SAMPLES", &golden.describe()),
        ("AGREEMENT", if jumps_at_zero(network) { JUMPING } else { CONTINUOUS }),
        ("PARAMETERS", &costs[0]),
        ("MACS", &costs[1]),
        ("WEIGHTS_BYTES", &costs[2]),
        ("CLASS_LIST", &class_list(&network.classes, "the metadata `classes`")),
        ("ACCURACY", &results.accuracy()),
        ("DATA", &results.data()),
        ("SEED", &results.seed()),
        ("RESIZE", network.input.resize.name()),
        ("FILTER", FILTER),
    ];
    fill(include_str!("../../templates/onnx/README.md"), &values)
}

const CONTINUOUS: &str =
    "The difference is at most 1e-5 of the largest logit of an image, or of 1 if that is larger.";
const JUMPING: &str = "\
This network's activation jumps at 0: there a rounding difference of 1e-7 becomes one that can be seen in the logits, and
one class in a hundred may be another one.";
