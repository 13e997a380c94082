//! How much of the true front a search has found, by evaluations.

use std::collections::HashSet;

/// Shares of the true hypervolume that searches are timed to.
pub(crate) const MARKS: [f64; 4] = [0.95, 0.98, 0.99, 0.995];
/// Distance of the reference point from zero cost, in units of the largest cost.
const MARGIN: f64 = 1.1;

/// The true error and cost of each cell, and the hypervolume of all.
pub(crate) struct Yardstick {
    points: Vec<[f64; 2]>,
    /// The error and the cost up to which volume counts.
    pub(crate) reference: [f64; 2],
    whole: f64,
}

impl Yardstick {
    /// Takes true errors and costs, and the error of the reference point.
    pub(crate) fn new(points: Vec<[f64; 2]>, worst_error: f64) -> Yardstick {
        let largest = points.iter().map(|point| point[1]).fold(0.0, f64::max);
        let reference = [worst_error, MARGIN * largest];
        let whole = hypervolume(points.clone(), reference);
        Yardstick { points, reference, whole }
    }

    /// Returns, by mark, the number of evaluations after which a search of these cells has reached
    /// it. A cell that is evaluated again costs nothing.
    pub(crate) fn reached(&self, cells: &[usize]) -> [Option<usize>; MARKS.len()] {
        let (mut progress, mut seen) = (self.progress(), HashSet::new());
        cells.iter().filter(|cell| seen.insert(**cell)).for_each(|cell| progress.add(*cell));
        progress.reached
    }

    /// Begins a search.
    pub(crate) fn progress(&self) -> Progress<'_> {
        Progress {
            yardstick: self,
            front: Vec::new(),
            evaluations: 0,
            reached: [None; MARKS.len()],
        }
    }
}

/// The progress of one search.
pub(crate) struct Progress<'a> {
    yardstick: &'a Yardstick,
    /// True points found so far of which none dominates another one.
    front: Vec<[f64; 2]>,
    evaluations: usize,
    /// By mark: the number of evaluations after which it was reached.
    pub(crate) reached: [Option<usize>; MARKS.len()],
}

impl Progress<'_> {
    /// Counts an evaluation of a cell.
    pub(crate) fn add(&mut self, cell: usize) {
        self.evaluations += 1;
        let Yardstick { points, reference, whole } = self.yardstick;
        let point = points[cell];
        if self.front.iter().any(|other| other[0] <= point[0] && other[1] <= point[1]) {
            return;
        }
        self.front.retain(|other| other[0] < point[0] || other[1] < point[1]);
        self.front.push(point);
        let share = hypervolume(self.front.clone(), *reference) / whole;
        for (reached, mark) in self.reached.iter_mut().zip(MARKS) {
            if share >= mark {
                reached.get_or_insert(self.evaluations);
            }
        }
    }

    /// Returns the error beyond which cells count for nothing.
    pub(crate) fn worst_error(&self) -> f64 {
        self.yardstick.reference[0]
    }

    /// Returns whether the last mark is reached.
    pub(crate) fn is_complete(&self) -> bool {
        self.reached.iter().all(Option::is_some)
    }
}

/// Returns the area that points of error and cost dominate up to a reference point.
fn hypervolume(mut points: Vec<[f64; 2]>, reference: [f64; 2]) -> f64 {
    points.sort_by(|a, b| a[1].total_cmp(&b[1]).then(a[0].total_cmp(&b[0])));
    let (mut volume, mut lowest) = (0.0, reference[0]);
    for [error, cost] in points {
        volume += (lowest - error).max(0.0) * (reference[1] - cost).max(0.0);
        lowest = lowest.min(error);
    }
    volume
}
