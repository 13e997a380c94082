//! The results of a run, and the ratios computed from them.

use crate::cells::{Cell, Macs};
use crate::peer::Engine;

/// The results of a run.
pub(crate) struct Results {
    pub(crate) cells: Vec<CellResult>,
    pub(crate) pairs: Vec<PairResult>,
    /// The versions that this crate and PyTorch report.
    pub(crate) versions: Versions,
    pub(crate) rounds: usize,
    /// Whether the run had `--quick`, without torch.compile.
    pub(crate) quick: bool,
}

/// Versions, and the memory of the bare processes.
pub(crate) struct Versions {
    pub(crate) ours: String,
    pub(crate) pytorch: String,
    pub(crate) ours_bare_bytes: Option<u64>,
    pub(crate) pytorch_bare_bytes: Option<u64>,
}

/// The results of one cell.
pub(crate) struct CellResult {
    pub(crate) cell: Cell,
    pub(crate) macs: Macs,
    /// The result of every engine, or the reason why it failed.
    pub(crate) entries: Vec<(Engine, Result<Timed, String>)>,
    /// Floating-point operations per second of the faster matrix product, measured between the
    /// rounds.
    pub(crate) sgemm: f64,
}

/// The result of one peer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timed {
    /// Median time of a step.
    pub(crate) step_s: f64,
    /// Peak memory of its process.
    pub(crate) peak_bytes: Option<u64>,
}

/// Images per second of two processes of one thread each.
pub(crate) struct PairResult {
    pub(crate) cell: Cell,
    pub(crate) ours: f64,
    pub(crate) pytorch: f64,
    pub(crate) engine: Engine,
}

impl CellResult {
    /// Returns the result of an engine, if it did not fail.
    pub(crate) fn of(&self, wanted: Engine) -> Option<Timed> {
        self.entries.iter().find(|(engine, _)| *engine == wanted)?.1.as_ref().ok().copied()
    }

    /// Returns the fastest PyTorch variant.
    pub(crate) fn best_pytorch(&self) -> Option<(Engine, Timed)> {
        let ran = self.entries.iter().filter(|(engine, _)| engine.is_pytorch());
        let ran = ran.filter_map(|(engine, outcome)| Some((*engine, *outcome.as_ref().ok()?)));
        ran.min_by(|(_, a), (_, b)| a.step_s.total_cmp(&b.step_s))
    }

    /// Returns the speedup of this crate over the best PyTorch variant.
    pub(crate) fn against_pytorch(&self) -> Option<f64> {
        Some(self.best_pytorch()?.1.step_s / self.of(Engine::Ours)?.step_s)
    }

    /// Returns the time of a step with `training.quantize` in steps without it.
    pub(crate) fn cost_of_rounding(&self) -> Option<f64> {
        Some(self.of(Engine::Rounded)?.step_s / self.of(Engine::Ours)?.step_s)
    }

    /// Returns the speedup of this crate over plain Candle.
    pub(crate) fn against_candle(&self) -> Option<f64> {
        Some(self.of(Engine::Candle)?.step_s / self.of(Engine::Ours)?.step_s)
    }

    /// Returns the share of the sgemm peak that this crate reaches with `macs` multiply-adds an
    /// image, counted for the forward pass and two gradients.
    pub(crate) fn share_of_peak(&self, macs: u64) -> Option<f64> {
        let operations = 3.0 * 2.0 * macs as f64 * self.cell.batch as f64;
        Some(operations / self.of(Engine::Ours)?.step_s / self.sgemm)
    }
}

/// Returns the median; `None` if there are no values.
pub(crate) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = *values.get(middle)?;
    Some(if values.len().is_multiple_of(2) { (values[middle - 1] + upper) / 2.0 } else { upper })
}
