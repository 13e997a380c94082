//! The measurement: the programs take turns.

use super::workshop::Workshop;
use crate::nets::Net;
use crate::peers::{Peer, litert, onnxruntime, turn_of};
use crate::rounds::{TURN, Timed, WARM_UP};
use crate::workshop::run;
use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use std::path::Path;
use std::process::Command;

/// The engines of x86-64, the best one first.
const ENGINES: [&str; 5] = ["avx512vbmi", "avx512vnni", "avxvnni", "avx2", "scalar"];

/// The measurements of a network.
#[derive(Clone, Debug)]
pub(crate) struct NetResult {
    pub(crate) name: String,
    pub(crate) macs: u64,
    /// Our crate in f32, on its best kernels.
    pub(crate) f32: Timed,
    /// Our crate in integers on each engine that this processor has.
    pub(crate) engines: Vec<(String, Timed)>,
    /// ONNX Runtime in f32.
    pub(crate) onnxruntime: Timed,
    /// ONNX Runtime in int8: the fastest of its forms.
    pub(crate) onnxruntime_int8: Timed,
    pub(crate) litert: Timed,
    /// Versions of ONNX Runtime and LiteRT.
    pub(crate) versions: [String; 2],
    /// Constants and arena in f32, then in integers, in bytes.
    pub(crate) memory: [[u64; 2]; 2],
}

impl NetResult {
    /// Returns the median time of an engine in seconds.
    pub(crate) fn engine(&self, name: &str) -> Option<f64> {
        self.engines.iter().find(|(engine, _)| engine == name).map(|(_, timed)| timed.median)
    }
}

/// Measures one network.
///
/// # Errors
/// Fails if a program fails, or if an engine computes other logits than the reference.
pub(super) fn measure(
    net: &Net,
    workshop: &Workshop,
    python: &Path,
    rounds: usize,
) -> Result<NetResult> {
    let bench = |program: &Path, kernels: &str| {
        let mut command = Command::new(program);
        command.env("NEUROPOWER_KERNELS", kernels);
        turn_of(command, TURN, WARM_UP).map(|turn| turn.p50_s)
    };
    let program = workshop.program("bench");
    let engines: Vec<&str> =
        ENGINES.into_iter().filter(|engine| bench(&program, engine).is_ok()).collect();
    engines.iter().try_for_each(|engine| check(workshop, engine))?;
    let shape = net.network.input.shape().to_string();
    let files = [workshop.f32.onnx()].into_iter().chain(workshop.onnx.clone());
    let mut peers = files
        .map(|file| Peer::quantized(onnxruntime(python), &file, &workshop.f32.images(), &shape))
        .collect::<Result<Vec<Peer>>>()?;
    peers.push(Peer::quantized(litert(python), &workshop.tflite, &workshop.f32.images(), &shape)?);
    let mut f32 = Vec::new();
    let mut ours = vec![Vec::new(); engines.len()];
    let mut theirs = vec![Vec::new(); peers.len()];
    for _ in 0..rounds {
        f32.push(bench(&workshop.f32.program("bench"), "")?);
        for (engine, times) in engines.iter().zip(&mut ours) {
            times.push(bench(&program, engine)?);
        }
        for (peer, times) in peers.iter_mut().zip(&mut theirs) {
            peer.turn(WARM_UP)?;
            times.push(peer.turn(TURN)?);
        }
    }
    let versions = [&peers[0], &peers[peers.len() - 1]].map(|peer| peer.version.clone());
    let mut theirs: Vec<Timed> = theirs.into_iter().map(Timed::of).collect();
    let litert = theirs.pop().context("LiteRT was measured")?;
    let quantized = theirs.split_off(1).into_iter();
    let fastest = quantized.min_by(|a, b| a.median.total_cmp(&b.median));
    let memory = [&workshop.f32.manifest, &workshop.manifest];
    Ok(NetResult {
        name: net.name.clone(),
        macs: workshop.manifest.macs,
        f32: Timed::of(f32),
        engines: engines
            .iter()
            .map(ToString::to_string)
            .zip(ours.into_iter().map(Timed::of))
            .collect(),
        onnxruntime: theirs.remove(0),
        onnxruntime_int8: fastest.context("ONNX Runtime's tools made no int8 file")?,
        litert,
        versions,
        memory: memory.map(|manifest| [manifest.weights_bytes, manifest.arena_bytes]),
    })
}

/// Compares the logits of the crate's `classify` on an engine with the recorded ones.
fn check(workshop: &Workshop, engine: &str) -> Result<()> {
    #[derive(Deserialize)]
    struct Line {
        logits: Vec<i32>,
    }
    let [pixels, outputs] = workshop.recorded();
    let mut classify = Command::new(workshop.program("classify"));
    classify.env("NEUROPOWER_KERNELS", engine).arg(pixels).arg("--raw");
    let text = run(&mut classify)?;
    let lines = text.lines().map(serde_json::from_str::<Line>).collect::<Result<Vec<Line>, _>>()?;
    let bytes: Vec<u8> =
        lines.iter().flat_map(|line| line.logits.iter().flat_map(|x| x.to_le_bytes())).collect();
    let recorded = std::fs::read(&outputs)
        .with_context(|| format!("{}: cannot read the file", outputs.display()))?;
    ensure!(bytes == recorded, "{engine} computes other logits than the reference");
    Ok(())
}
