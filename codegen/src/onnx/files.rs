//! The files of a model's folder.

use super::model::{OPSET, model};
use super::proto::ModelProto;
use crate::file::{File, little_endian};
use crate::golden::{Golden, IntegerGolden, jumps_at_zero};
use crate::markdown::class_list;
use crate::results::Results;
use crate::template::fill_all;
use anyhow::{Result, ensure};
use common::files::json;
use common::manifest::Manifest;
use common::network::Network;
use common::network::weights::Weights;
use common::resize::FILTER;
use prost::Message;

/// The size limit of a file in Protobuf, in bytes.
const MAX_BYTES: usize = i32::MAX as usize;

/// A model, and what belongs to it.
pub(crate) struct Description<'a> {
    pub(crate) manifest: &'a Manifest,
    pub(crate) network: &'a Network,
    pub(crate) results: &'a Results,
}

/// Returns all files of the folder of a model in f32.
///
/// # Errors
/// Fails if the graph is inconsistent, or too large for a file.
pub(crate) fn files(of: &Description, weights: &Weights, golden: &Golden) -> Result<Vec<File>> {
    let model = model(&of.manifest.name, of.network, weights)?;
    let agreement = if jumps_at_zero(of.network) { JUMPING } else { CONTINUOUS };
    let more = [("SAMPLES", golden.describe()), ("AGREEMENT", agreement.to_string())];
    let readme = of.readme(include_str!("../../templates/onnx/README.md"), &more);
    of.folder(&model, readme, little_endian(&golden.inputs), &golden.outputs)
}

/// Returns all files of the folder of a model in 8-bit integers, whose logits are `logit_scale` times
/// those of the integer reference.
///
/// # Errors
/// Fails if the model is too large for a file.
pub(crate) fn quantized_files(
    of: &Description,
    model: &ModelProto,
    golden: IntegerGolden,
    logit_scale: f64,
) -> Result<Vec<File>> {
    let more = [("SAMPLES", golden.describe())];
    let readme = of.readme(include_str!("../../templates/onnx/README-int8.md"), &more);
    let real = golden.outputs.iter().map(|logit| (f64::from(*logit) * logit_scale) as f32);
    let outputs: Vec<f32> = real.collect();
    of.folder(model, readme, golden.pixels, &outputs)
}

impl Description<'_> {
    fn folder(
        &self,
        model: &ModelProto,
        readme: String,
        inputs: Vec<u8>,
        outputs: &[f32],
    ) -> Result<Vec<File>> {
        let bytes = model.encoded_len();
        ensure!(
            bytes <= MAX_BYTES,
            "the model has {bytes} bytes, but an ONNX file can have at most {MAX_BYTES}"
        );
        Ok(vec![
            (format!("{}.onnx", self.manifest.name), model.encode_to_vec()),
            ("README.md".to_string(), readme.into_bytes()),
            ("manifest.json".to_string(), json::to_text(self.manifest)?.into_bytes()),
            ("golden/inputs.bin".to_string(), inputs),
            ("golden/outputs.bin".to_string(), little_endian(outputs)),
        ])
    }

    fn readme(&self, template: &str, more: &[(&str, String)]) -> String {
        let (manifest, network) = (self.manifest, self.network);
        let shape = network.input.shape();
        let mut values = vec![
            ("NAME", manifest.name.clone()),
            ("OPSET", OPSET.to_string()),
            ("CHANNELS", shape.channels.to_string()),
            ("HEIGHT", shape.height.to_string()),
            ("WIDTH", shape.width.to_string()),
            ("CLASSES", network.classes.len().to_string()),
            ("PARAMETERS", manifest.parameters.to_string()),
            ("MACS", manifest.macs.to_string()),
            ("WEIGHTS_BYTES", manifest.weights_bytes.to_string()),
            ("CLASS_LIST", class_list(&network.classes, "the metadata `classes`")),
            ("ACCURACY", self.results.accuracy()),
            ("DATA", self.results.data()),
            ("SEED", self.results.seed()),
            ("RESIZE", network.input.resize.name().to_string()),
            ("FILTER", FILTER.to_string()),
        ];
        values.extend_from_slice(more);
        fill_all(template, &values)
    }
}

const CONTINUOUS: &str =
    "The difference is at most 1e-5 of the largest logit of an image, or of 1 if that is larger.";
const JUMPING: &str = "\
This network's activation jumps at 0: there a rounding difference of 1e-7 becomes one that can be seen in the logits, and
one class in a hundred may be another one.";
