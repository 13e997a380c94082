//! A network's files in int8: its generated crate, built, and the files of the peers.

use crate::nets::{Net, random_weights};
use crate::quantized;
use crate::workshop::{self as f32_workshop, build_crate, generate, run};
use anyhow::{Context, Result};
use common::files::json;
use common::manifest::Manifest;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The files of one network.
pub(super) struct Workshop {
    /// The files in f32.
    pub(super) f32: f32_workshop::Workshop,
    /// The manifest of the crate in integers.
    pub(super) manifest: Manifest,
    /// The files that ONNX Runtime's tools have quantized, in different ways.
    pub(super) onnx: Vec<PathBuf>,
    /// The file of LiteRT.
    pub(super) tflite: PathBuf,
}

impl Workshop {
    /// Generates and builds both crates, and quantizes the network with the tools of the peers.
    ///
    /// # Errors
    /// Fails if a file cannot be written, or if a program fails.
    pub(super) fn new(net: &Net, python: &Path) -> Result<Workshop> {
        let f32 = f32_workshop::Workshop::new(net)?;
        let [network, weights, quantized_folder, crate_folder, tflite, prefix] = [
            "network.json",
            "weights.safetensors",
            "int8",
            "crate-int8",
            "net.tflite",
            "quantized",
        ]
        .map(|name| f32.folder.join(name));
        let of_net = quantized::with_activations(quantized::random_quantized(&net.network, 0));
        quantized::write(&quantized_folder, &net.network, &random_weights(&net.network), &of_net);
        let parameters = ["--quantized".as_ref(), quantized_folder.as_os_str()];
        generate("x86_64", &network, parameters, &crate_folder)?;
        build_crate(&crate_folder, &f32.folder.join("build-int8"))?;
        let shape = net.network.input.shape().to_string();
        let mut quantize = Command::new(python);
        quantize.arg("codegen/benches/inference/quantize_onnx.py").arg(f32.onnx());
        let made = run(quantize.arg(f32.images()).arg(shape).arg(&prefix))?;
        let onnx = made.lines().map(PathBuf::from).filter(|path| path.is_file()).collect();
        let mut export = Command::new(python);
        export.arg("codegen/benches/inference/export_tflite.py").arg(&network).arg(&weights);
        run(export.arg(f32.images()).arg(&tflite)).context("TFLite")?;
        let manifest = json::read(&crate_folder.join("manifest.json"))?;
        Ok(Workshop { f32, manifest, onnx, tflite })
    }

    /// Returns the path of a program of the crate in integers.
    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.f32.folder.join("build-int8/release").join(name)
    }

    /// Returns the path of the crate's recorded images and of their logits.
    pub(super) fn recorded(&self) -> [PathBuf; 2] {
        ["pixels.bin", "outputs.bin"]
            .map(|name| self.f32.folder.join("crate-int8/golden").join(name))
    }
}
