//! The comparison as a Markdown table.

use crate::progress::MARKS;
use crate::table::{Cost, Dataset};

/// Searches of one kind.
pub(crate) struct Row {
    pub(crate) name: String,
    /// Largest number of evaluations of a search.
    pub(crate) budget: usize,
    /// By seed and mark: evaluations until it was reached.
    pub(crate) reached: Vec<[Option<usize>; MARKS.len()]>,
}

/// Returns a Markdown table: by kind of search and mark, the median of the evaluations, with the
/// quartiles.
pub(crate) fn table(dataset: &Dataset, cost: Cost, rows: &[Row], seeds: u64) -> String {
    let marks = MARKS.map(|mark| format!(" {} % |", mark * 100.0)).concat();
    let mut text = format!(
        "{}, error and {}, medians of {} seeds (quartiles)\n\n| search |{marks}\n|---|{}\n",
        dataset.name,
        cost.name(),
        seeds,
        "---|".repeat(MARKS.len())
    );
    for row in rows {
        let cells = (0..MARKS.len()).map(|mark| format!(" {} |", row.cell(mark)));
        let fewer = match row.reached.len() as u64 {
            count if count < seeds => format!(", {count} seeds"),
            _ => String::new(),
        };
        text += &format!("| {}{fewer} |{}\n", row.name, cells.collect::<String>());
    }
    text
}

impl Row {
    fn cell(&self, mark: usize) -> String {
        let mut counts: Vec<usize> =
            self.reached.iter().map(|reached| reached[mark].unwrap_or(usize::MAX)).collect();
        counts.sort_unstable();
        let [low, median, high] = [0.25, 0.5, 0.75].map(|share| self.quantile(&counts, share));
        format!("{median} ({low} to {high})")
    }

    /// Returns a quantile of sorted numbers, the mean of the two nearest; more than the budget if
    /// one of these was not reached.
    fn quantile(&self, counts: &[usize], share: f64) -> String {
        let place = share * (counts.len() - 1) as f64;
        let (below, above) = (counts[place.floor() as usize], counts[place.ceil() as usize]);
        match above {
            usize::MAX => format!("> {}", self.budget),
            _ => (below + above).div_ceil(2).to_string(),
        }
    }
}
