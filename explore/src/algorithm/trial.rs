//! The evaluation of a genome, as selection sees it.

use super::problem::{Genome, Known};

/// The evaluation of a genome.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// The genome.
    pub genome: Genome,
    /// What was known before the evaluation.
    pub known: Known,
    /// What tournaments by score compare, larger is better; `None` if the evaluation failed.
    pub score: Option<f64>,
    /// Errors that were known at stages of the evaluation, the first stage first; a stopped one has
    /// the last of them as its error.
    pub rungs: Vec<f64>,
    /// Measured quantities, in the order of [`Problem::quantities`](super::problem::Problem::quantities);
    /// `None` if one was not measured.
    pub measured: Vec<Option<f64>>,
    /// What the evaluation found.
    pub standing: Standing,
}

impl Trial {
    /// Returns the first objective.
    pub(super) fn error(&self) -> f64 {
        self.standing.objectives.first().copied().flatten().unwrap_or(1.0)
    }

    /// Returns whether the evaluation is one in full.
    pub(super) fn in_full(&self) -> bool {
        self.standing.extent == Extent::InFull
    }

    /// Returns whether the evaluation was stopped.
    pub(super) fn is_stopped(&self) -> bool {
        self.standing.extent == Extent::Stopped
    }
}

/// What an evaluation found.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// The objectives, which are minimised; `None` if one is not known.
    pub objectives: Vec<Option<f64>>,
    /// How far the evaluation came.
    pub extent: Extent,
}

/// How far an evaluation came; those that are selected first precede.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// To its end.
    InFull,
    /// It was stopped because it was weak.
    Stopped,
    /// It failed.
    Failed,
}

impl Extent {
    /// All extents.
    pub(super) const ALL: [Extent; 3] = [Extent::InFull, Extent::Stopped, Extent::Failed];
}
