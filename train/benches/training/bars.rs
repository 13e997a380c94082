//! The bars that a run must reach, and the verdict on each.

use crate::cells::{self, Cell, LARGEST};
use crate::peer::Engine;
use crate::results::{CellResult, Results};

/// A bar, the measured value and the verdict.
pub(crate) struct Bar {
    pub(crate) target: &'static str,
    pub(crate) measured: String,
    pub(crate) verdict: Verdict,
}

/// The verdict on a bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Passed,
    Failed,
    /// Passed, but the run left out some of the cells or peers that the bar covers.
    Incomplete,
}

impl Verdict {
    /// Returns the text for tables.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Verdict::Passed => "passed",
            Verdict::Failed => "**failed**",
            Verdict::Incomplete => "incomplete",
        }
    }
}

/// Judges a run by all bars.
pub(crate) fn judge(results: &Results) -> Vec<Bar> {
    let speed = |result: &CellResult| result.against_pytorch();
    let candle = |result: &CellResult| result.against_candle();
    let of_network = |result: &CellResult| result.share_of_peak(result.macs.network);
    let executed = |result: &CellResult| result.share_of_peak(result.macs.executed);
    let (every, slow) = (|cell: &Cell| cell.judged, |cell: &Cell| cell.with_candle);
    let small_kernel = |cell: &Cell| cell.judged && cell.net.kernel == 3;
    vec![
        least(results, every, speed).bar(
            "at least 1.15 times the best PyTorch on every cell",
            1.15,
            times,
        ),
        mean(results, every, speed).bar("geometric mean of these at least 1.6", 1.6, times),
        mean(results, every, speed).bar("stretch: geometric mean at least 2.0", 2.0, times),
        least(results, slow, candle).bar("at least 15 times plain Candle", 15.0, times),
        least(results, small_kernel, of_network).bar(
            "3x3: at least 55 % of the sgemm peak",
            0.55,
            percent,
        ),
        least(results, small_kernel, executed).bar(
            "3x3: the same by executed operations",
            0.55,
            percent,
        ),
        least(results, small_kernel, of_network).bar(
            "stretch: 3x3: at least 70 % of the sgemm peak",
            0.7,
            percent,
        ),
        least(results, small_kernel, executed).bar(
            "stretch: the same by executed operations",
            0.7,
            percent,
        ),
        memory(results),
        most(results, |_| true, |result: &CellResult| result.cost_of_rounding()).bar_above(
            "a step with training.quantize: at most 1.25 times one without, on every cell",
            1.25,
            times,
        ),
    ]
}

/// One value that summarises several cells.
struct Summary {
    value: Option<f64>,
    /// The cells that the value comes from.
    origin: String,
    /// Whether all cells and all peers are included.
    complete: bool,
}

impl Summary {
    /// Returns the bar that the value has to reach.
    fn bar(self, target: &'static str, bound: f64, show: impl Fn(f64) -> String) -> Bar {
        self.judged(target, |value| value >= bound, show)
    }

    /// Returns the bar that the value must not exceed.
    fn bar_above(self, target: &'static str, bound: f64, show: impl Fn(f64) -> String) -> Bar {
        self.judged(target, |value| value <= bound, show)
    }

    fn judged(
        self,
        target: &'static str,
        passes: impl Fn(f64) -> bool,
        show: impl Fn(f64) -> String,
    ) -> Bar {
        let Some(value) = self.value else {
            return Bar { target, measured: "-".into(), verdict: Verdict::Incomplete };
        };
        let verdict = match (passes(value), self.complete) {
            (false, _) => Verdict::Failed,
            (true, true) => Verdict::Passed,
            (true, false) => Verdict::Incomplete,
        };
        Bar { target, measured: format!("{} ({})", show(value), self.origin), verdict }
    }
}

/// Returns the values of the wanted cells with the cells' names, and the number of such cells in a
/// full run.
fn values(
    results: &Results,
    wanted: impl Fn(&Cell) -> bool,
    value: impl Fn(&CellResult) -> Option<f64>,
) -> (Vec<(f64, String)>, usize) {
    let measured = results.cells.iter().filter(|result| wanted(&result.cell));
    let found = measured.filter_map(|result| Some((value(result)?, result.cell.name()))).collect();
    (found, cells::all("").iter().filter(|cell| wanted(cell)).count())
}

/// Returns the least of the cells' values.
fn least(
    results: &Results,
    wanted: impl Fn(&Cell) -> bool,
    value: impl Fn(&CellResult) -> Option<f64>,
) -> Summary {
    let (values, all) = values(results, wanted, value);
    let complete = values.len() == all && !results.quick;
    match values.iter().min_by(|a, b| a.0.total_cmp(&b.0)) {
        Some((least, name)) => {
            let origin = format!("{name}, the lowest of {} of {all}", values.len());
            Summary { value: Some(*least), origin, complete }
        }
        None => Summary { value: None, origin: String::new(), complete },
    }
}

/// Returns the largest of the cells' values.
fn most(
    results: &Results,
    wanted: impl Fn(&Cell) -> bool,
    value: impl Fn(&CellResult) -> Option<f64>,
) -> Summary {
    let (values, all) = values(results, wanted, value);
    let complete = values.len() == all && !results.quick;
    let most = values.iter().max_by(|a, b| a.0.total_cmp(&b.0));
    let origin = most.map_or_else(String::new, |(_, name)| {
        format!("{name}, the highest of {} of {all}", values.len())
    });
    Summary { value: most.map(|(value, _)| *value), origin, complete }
}

/// Returns the geometric mean of the cells' values.
fn mean(
    results: &Results,
    wanted: impl Fn(&Cell) -> bool,
    value: impl Fn(&CellResult) -> Option<f64>,
) -> Summary {
    let (values, all) = values(results, wanted, value);
    let logarithm = values.iter().map(|(value, _)| value.ln()).sum::<f64>() / values.len() as f64;
    Summary {
        value: (!values.is_empty()).then(|| logarithm.exp()),
        origin: format!("{} of {all} cells", values.len()),
        complete: values.len() == all && !results.quick,
    }
}

fn memory(results: &Results) -> Bar {
    let target = "DenseNet-40-12 at batch 128 under 1 GB";
    let largest = results.cells.iter().find(|result| result.cell.name() == LARGEST);
    match largest.and_then(|result| result.of(Engine::Ours)?.peak_bytes) {
        Some(bytes) => {
            let verdict = if bytes < 1_000_000_000 { Verdict::Passed } else { Verdict::Failed };
            Bar { target, measured: format!("{:.2} GB", bytes as f64 / 1e9), verdict }
        }
        None => Bar { target, measured: "-".into(), verdict: Verdict::Incomplete },
    }
}

/// Formats a ratio as `1.23 x`.
pub(crate) fn times(ratio: f64) -> String {
    format!("{ratio:.2} x")
}

/// Formats a share as `45 %`, rounded down so that a missed bar never looks passed.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.0} %", (share * 100.0).floor())
}
