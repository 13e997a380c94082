//! Accuracies with what is needed to judge them.

use common::statistics::wilson;
use common::train_report::EvalReport;
use serde::Serialize;

/// An accuracy on the validation images.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct ValidationAccuracy {
    /// Share (0..1) of correct ones.
    pub(crate) accuracy: f64,
    /// Number of images; `null` if no file of the run says it.
    pub(crate) n: Option<usize>,
    /// Wilson's 95 % interval; `null` like `n`.
    pub(crate) interval: Option<[f64; 2]>,
}

impl ValidationAccuracy {
    /// Returns the accuracy on a number of images, if it is known.
    pub(crate) fn of(accuracy: f64, n: Option<usize>) -> ValidationAccuracy {
        let interval = n.map(|n| wilson((accuracy * n as f64).round() as usize, n));
        ValidationAccuracy { accuracy, n, interval }
    }
}

/// An accuracy on the test images.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct TestAccuracy {
    /// Share (0..1) of correct ones.
    pub(crate) accuracy: f64,
    /// Number of correct ones.
    pub(crate) correct: usize,
    /// Number of images.
    pub(crate) n: usize,
    /// Wilson's 95 % interval.
    pub(crate) interval: [f64; 2],
}

impl TestAccuracy {
    pub(crate) fn of(test: &EvalReport) -> TestAccuracy {
        TestAccuracy {
            accuracy: test.accuracy,
            correct: test.correct,
            n: test.images,
            interval: wilson(test.correct, test.images),
        }
    }
}
