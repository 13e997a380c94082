//! The measurement: the peers take turns, so that a disturbance of the machine affects all of them
//! alike.

use crate::nets::Net;
use crate::peak;
use crate::peers::{Peer, check_ours, first_result_s, onnxruntime, our_turn};
use crate::workshop::Workshop;
use anyhow::Result;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// The length of a turn, and the most of the warm-up before it.
pub(crate) const TURN: Duration = Duration::from_millis(300);
pub(crate) const WARM_UP: Duration = Duration::from_millis(100);

/// Medians of turns, in seconds.
#[derive(Clone, Debug)]
pub(crate) struct Timed {
    /// The median of the turns' medians.
    pub(crate) median: f64,
    /// The fastest turn.
    pub(crate) min: f64,
    /// The slowest turn.
    pub(crate) max: f64,
}

impl Timed {
    pub(crate) fn of(mut turns: Vec<f64>) -> Timed {
        turns.sort_by(f64::total_cmp);
        Timed { median: turns[turns.len() / 2], min: turns[0], max: turns[turns.len() - 1] }
    }
}

/// The measurements of a network.
#[derive(Clone, Debug)]
pub(crate) struct NetResult {
    pub(crate) name: String,
    pub(crate) parameters: u64,
    pub(crate) macs: u64,
    pub(crate) kernels: String,
    pub(crate) onnxruntime_version: String,
    pub(crate) ours: Timed,
    pub(crate) onnxruntime: Timed,
    pub(crate) tract: Timed,
    pub(crate) arena_bytes: u64,
    pub(crate) weights_bytes: u64,
    pub(crate) build_s: f64,
    pub(crate) first_result_s: f64,
    pub(crate) peak_bytes: Option<u64>,
    /// The most floating-point operations a second of a core.
    pub(crate) peak_flops: f64,
}

impl NetResult {
    /// Returns our time relative to ONNX Runtime's.
    pub(crate) fn against_onnxruntime(&self) -> f64 {
        self.ours.median / self.onnxruntime.median
    }

    /// Returns our floating-point operations a second, two for each multiply-add.
    pub(crate) fn flops(&self) -> f64 {
        2.0 * self.macs as f64 / self.ours.median
    }

    /// Returns our time relative to tract's.
    pub(crate) fn against_tract(&self) -> f64 {
        self.ours.median / self.tract.median
    }
}

/// Measures one network.
///
/// # Errors
/// Fails if a program fails, or computes other logits than the reference.
pub(crate) fn measure(
    net: &Net,
    workshop: &Workshop,
    python: &Path,
    tract: &Path,
    rounds: usize,
) -> Result<NetResult> {
    check_ours(workshop)?;
    let shape = net.network.input.shape().to_string();
    let mut onnxruntime = Peer::start(onnxruntime(python), workshop, &shape)?;
    let mut tract = Peer::start(Command::new(tract), workshop, &shape)?;
    let (mut ours, mut theirs, mut tracts) = (Vec::new(), Vec::new(), Vec::new());
    let (mut kernels, mut peak_bytes, mut peaks) = (String::new(), None, Vec::new());
    for _ in 0..rounds {
        let turn = our_turn(workshop, TURN, WARM_UP)?;
        ours.push(turn.p50_s);
        (kernels, peak_bytes) = (turn.kernels, peak_bytes.max(turn.peak_bytes));
        peaks.push(peak::flops(WARM_UP));
        onnxruntime.turn(WARM_UP)?;
        theirs.push(onnxruntime.turn(TURN)?);
        tract.turn(WARM_UP)?;
        tracts.push(tract.turn(TURN)?);
    }
    Ok(NetResult {
        name: net.name.clone(),
        parameters: workshop.manifest.parameters,
        macs: workshop.manifest.macs,
        kernels,
        onnxruntime_version: onnxruntime.version.clone(),
        ours: Timed::of(ours),
        onnxruntime: Timed::of(theirs),
        tract: Timed::of(tracts),
        arena_bytes: workshop.manifest.arena_bytes,
        weights_bytes: workshop.manifest.weights_bytes,
        build_s: workshop.build_s,
        first_result_s: first_result_s(workshop)?,
        peak_bytes,
        peak_flops: Timed::of(peaks).median,
    })
}
