//! The progress of a training.

use common::train_report::Epoch;
use std::time::Duration;

/// The progress display of a training.
#[derive(Debug)]
pub(super) struct Progress {
    display: process::progress::Progress,
    epochs: usize,
    /// Images in an epoch.
    images: usize,
    /// Epochs completed by an earlier run.
    earlier: usize,
}

impl Progress {
    /// Shows a training of `epochs` epochs with `images` images each, of which an earlier run has
    /// completed `earlier` epochs.
    pub(super) fn new(epochs: usize, images: usize, earlier: usize) -> Progress {
        let display = process::progress::Progress::new((epochs * images) as u64);
        display.skip((earlier * images) as u64);
        Progress { display, epochs, images, earlier }
    }

    /// Shows that `count` more images were trained with.
    pub(super) fn images(&self, count: usize) {
        self.display.advance(count as u64);
    }

    /// Shows the results of an epoch.
    pub(super) fn epoch(&self, done: &Epoch) {
        self.display.tell(&self.line(done, self.display.elapsed()));
    }

    fn line(&self, done: &Epoch, elapsed: Duration) -> String {
        let here = done.epoch - self.earlier;
        let speed = (here * self.images) as f64 / elapsed.as_secs_f64();
        let validation =
            done.validation_accuracy.map_or(String::new(), |a| format!(", validation {a:.4}"));
        format!(
            "epoch {}/{}: loss {:.4}, accuracy {:.4}{validation}, {speed:.0} images/s",
            done.epoch, self.epochs, done.loss, done.train_accuracy
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_speed_counts_this_run_only() {
        let progress = Progress::new(10, 600, 2);
        let done = |validation_accuracy| Epoch {
            epoch: 4,
            learning_rate: 0.1,
            loss: 0.123_456,
            train_accuracy: 0.95,
            validation_accuracy,
        };
        let line = |validation| progress.line(&done(validation), Duration::from_secs(10));
        assert_eq!(line(None), "epoch 4/10: loss 0.1235, accuracy 0.9500, 120 images/s");
        assert!(line(Some(0.9)).contains("accuracy 0.9500, validation 0.9000, 120"));
    }
}
