//! A network's files: its generated crate, built, and its ONNX file.

use crate::nets::{Net, random_weights};
use anyhow::{Context, Result, ensure};
use common::files::json;
use common::manifest::Manifest;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// The folder of all files, below the repository.
pub(crate) const FOLDER: &str = "target/bench-codegen";

/// The files of one network.
pub(crate) struct Workshop {
    /// The folder of the files.
    pub(crate) folder: PathBuf,
    /// The crate's manifest.
    pub(crate) manifest: Manifest,
    /// The time of `cargo build --release` from scratch.
    pub(crate) build_s: f64,
}

impl Workshop {
    /// Generates and builds the crate, and exports the network.
    ///
    /// # Errors
    /// Fails if a file cannot be written, or if a program fails.
    pub(crate) fn new(net: &Net) -> Result<Workshop> {
        let slug = net.name.replace(|c: char| !c.is_ascii_alphanumeric() && c != '.', "-");
        let folder = std::path::absolute(FOLDER)?.join(slug);
        common::files::atomic::create_dir_all(&folder)?;
        let [network, weights, crate_folder, build] =
            ["network.json", "weights.safetensors", "crate", "build"].map(|name| folder.join(name));
        json::write(&network, &net.network)?;
        random_weights(&net.network).write(&weights)?;
        let parameters = ["--weights".as_ref(), weights.as_os_str()];
        generate("x86_64", &network, parameters, &crate_folder)?;
        let start = Instant::now();
        build_crate(&crate_folder, &build)?;
        let build_s = start.elapsed().as_secs_f64();
        generate("onnx", &network, parameters, &folder.join("model"))?;
        let manifest = json::read(&crate_folder.join("manifest.json"))?;
        Ok(Workshop { folder, manifest, build_s })
    }

    /// Returns the path of a program of the crate.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.folder.join("build/release").join(name)
    }

    /// Returns the path of the recorded images, little-endian f32.
    pub(crate) fn images(&self) -> PathBuf {
        self.folder.join("crate/golden/inputs.bin")
    }

    /// Returns the path of the peers' file.
    pub(crate) fn onnx(&self) -> PathBuf {
        self.folder.join("model/net.onnx")
    }

    /// Returns the recorded logits of all images.
    pub(crate) fn logits(&self) -> Result<Vec<f32>> {
        let path = self.folder.join("crate/golden/outputs.bin");
        let bytes = std::fs::read(&path)
            .with_context(|| format!("{}: cannot read the file", path.display()))?;
        Ok(bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect())
    }
}

/// Generates what a platform gets of a network, with the option that says what it computes with.
pub(crate) fn generate(
    platform: &str,
    network: &Path,
    parameters: [&OsStr; 2],
    out: &Path,
) -> Result<()> {
    let mut codegen = Command::new(env!("CARGO_BIN_EXE_codegen"));
    codegen
        .args(["generate", "--platform", platform, "--name", "net"])
        .arg("--network")
        .arg(network);
    run(codegen.args(parameters).arg("--out").arg(out)).map(drop)
}

/// Builds a crate from scratch.
pub(crate) fn build_crate(folder: &Path, target: &Path) -> Result<()> {
    if target.exists() {
        std::fs::remove_dir_all(target)
            .with_context(|| format!("{}: cannot remove it", target.display()))?;
    }
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--release", "--offline", "--quiet"]).env("CARGO_TARGET_DIR", target);
    run(cargo.current_dir(folder)).map(drop)
}

/// Runs a program to its end.
pub(crate) fn run(command: &mut Command) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("{name}: cannot be started"))?;
    ensure!(
        output.status.success(),
        "{name} failed: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Builds the program that times tract.
///
/// # Errors
/// Fails if cargo fails, as it does without a network connection.
pub(crate) fn build_tract() -> Result<PathBuf> {
    let target = std::path::absolute(FOLDER)?.join("tract");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args([
        "build",
        "--release",
        "--quiet",
        "--manifest-path",
        "codegen/benches/inference/tract/Cargo.toml",
    ]);
    run(cargo.env("CARGO_TARGET_DIR", &target))?;
    Ok(target.join("release/tract-peer"))
}
