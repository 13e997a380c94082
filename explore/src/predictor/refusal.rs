//! Why nothing is predicted.

use std::fmt;

/// The fewest measured networks from which others are predicted.
pub const LEAST_MEASURED: usize = 10;
/// The lowest rank correlation of measured values with those that are predicted from the others.
pub const LEAST_CORRELATION: f64 = 0.95;

/// The reason why a predictor refuses.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Refusal {
    /// Too few networks are measured; those with equal features count once.
    TooFew {
        /// Measured networks.
        measured: usize,
    },
    /// A measured value is no positive number.
    NotPositive {
        /// The value.
        value: f64,
    },
    /// The measured networks, each predicted from the others, are not ranked well enough.
    Unranked {
        /// Measured networks.
        measured: usize,
        /// Spearman's rank correlation of measured and predicted values.
        rank_correlation: f64,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::TooFew { measured } => write!(
                f,
                "{measured} different networks are measured, but predictions need at least \
                 {LEAST_MEASURED}: measure more"
            ),
            Refusal::NotPositive { value } => {
                write!(f, "a measured value is {value}, but must be above 0")
            }
            Refusal::Unranked { measured, rank_correlation } => write!(
                f,
                "the {measured} measured networks, each predicted from the others, have a rank \
                 correlation of {rank_correlation:.3}, but {LEAST_CORRELATION} is needed: measure \
                 more networks, or more quietly"
            ),
        }
    }
}

impl std::error::Error for Refusal {}
