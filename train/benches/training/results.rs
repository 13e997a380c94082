//! What a run found, and the ratios that follow from it.

use crate::cells::{Cell, Macs};
use crate::peer::Engine;

/// All of a run.
pub(crate) struct Results {
    pub(crate) cells: Vec<CellResult>,
    pub(crate) pairs: Vec<PairResult>,
    /// What ours and PyTorch said of themselves.
    pub(crate) versions: Versions,
    pub(crate) rounds: usize,
    /// Whether torch.compile was left out.
    pub(crate) quick: bool,
}

/// Versions, and the memory that the bare processes take.
pub(crate) struct Versions {
    pub(crate) ours: String,
    pub(crate) pytorch: String,
    pub(crate) ours_bare_bytes: Option<u64>,
    pub(crate) pytorch_bare_bytes: Option<u64>,
}

/// What was measured of one cell.
pub(crate) struct CellResult {
    pub(crate) cell: Cell,
    pub(crate) macs: Macs,
    /// Every engine that was to take part; a sentence for one that could not.
    pub(crate) entries: Vec<(Engine, Result<Timed, String>)>,
    /// Floating-point operations per second of the faster matrix product, between the same rounds.
    pub(crate) sgemm: f64,
}

/// What one peer reached.
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
    /// What an engine reached, if it did.
    pub(crate) fn of(&self, wanted: Engine) -> Option<Timed> {
        self.entries.iter().find(|(engine, _)| *engine == wanted)?.1.as_ref().ok().copied()
    }

    /// The fastest PyTorch variant.
    pub(crate) fn best_pytorch(&self) -> Option<(Engine, Timed)> {
        let ran = self.entries.iter().filter(|(engine, _)| engine.is_pytorch());
        let ran = ran.filter_map(|(engine, outcome)| Some((*engine, *outcome.as_ref().ok()?)));
        ran.min_by(|(_, a), (_, b)| a.step_s.total_cmp(&b.step_s))
    }

    /// How many times as fast as the best PyTorch ours is.
    pub(crate) fn against_pytorch(&self) -> Option<f64> {
        Some(self.best_pytorch()?.1.step_s / self.of(Engine::Ours)?.step_s)
    }

    /// How many times as fast as plain Candle ours is.
    pub(crate) fn against_candle(&self) -> Option<f64> {
        Some(self.of(Engine::Candle)?.step_s / self.of(Engine::Ours)?.step_s)
    }

    /// The share of the sgemm peak that ours reaches with so many multiply-adds an image: forward,
    /// and two gradients.
    pub(crate) fn share_of_peak(&self, macs: u64) -> Option<f64> {
        let operations = 3.0 * 2.0 * macs as f64 * self.cell.batch as f64;
        Some(operations / self.of(Engine::Ours)?.step_s / self.sgemm)
    }
}

/// The middle one, or the mean of the two middle ones; `None` of nothing.
pub(crate) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = *values.get(middle)?;
    Some(if values.len().is_multiple_of(2) { (values[middle - 1] + upper) / 2.0 } else { upper })
}
