//! Progress on stderr: a bar on a terminal, else a line for each epoch.

use common::train_report::Epoch;
use indicatif::{HumanDuration, ProgressBar, ProgressStyle};
use std::io::Write;
use std::time::{Duration, Instant};

/// The progress display of a training.
pub(super) struct Progress {
    bar: ProgressBar,
    epochs: usize,
    /// Images in an epoch.
    images: usize,
    /// Epochs completed by an earlier run.
    earlier: usize,
    started: Instant,
}

impl Progress {
    /// Shows a training of `epochs` epochs with `images` images each, of which an earlier run has
    /// completed `earlier` epochs.
    pub(super) fn new(epochs: usize, images: usize, earlier: usize) -> Progress {
        let bar = ProgressBar::new((epochs * images) as u64);
        let style = ProgressStyle::with_template("{bar:30} {percent:>3}% {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_position((earlier * images) as u64);
        Progress { bar, epochs, images, earlier, started: Instant::now() }
    }

    /// Advances the bar by `count` images.
    pub(super) fn images(&self, count: usize) {
        self.bar.inc(count as u64);
    }

    /// Shows the results of an epoch.
    pub(super) fn epoch(&self, done: &Epoch) {
        let line = self.line(done, self.started.elapsed());
        if self.bar.is_hidden() {
            // A closed stderr does not stop the training.
            let _ = writeln!(std::io::stderr(), "{line}");
        } else {
            self.bar.set_message(line);
        }
    }

    fn line(&self, done: &Epoch, elapsed: Duration) -> String {
        let here = done.epoch - self.earlier;
        let speed = (here * self.images) as f64 / elapsed.as_secs_f64();
        let left = elapsed.mul_f64((self.epochs - done.epoch) as f64 / here as f64);
        let validation =
            done.validation_accuracy.map_or(String::new(), |a| format!(", validation {a:.4}"));
        format!(
            "epoch {}/{}: loss {:.4}, accuracy {:.4}{validation}, {speed:.0} images/s, {} left",
            done.epoch,
            self.epochs,
            done.loss,
            done.train_accuracy,
            HumanDuration(left)
        )
    }
}

impl Drop for Progress {
    /// Clears the bar, however the training ended.
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speed_and_time_left_count_this_run_only() {
        let progress = Progress::new(10, 600, 2);
        let done = |validation_accuracy| Epoch {
            epoch: 4,
            learning_rate: 0.1,
            loss: 0.123_456,
            train_accuracy: 0.95,
            validation_accuracy,
        };
        let line = |validation| progress.line(&done(validation), Duration::from_secs(10));
        assert_eq!(
            line(None),
            "epoch 4/10: loss 0.1235, accuracy 0.9500, 120 images/s, 30 seconds left"
        );
        assert!(line(Some(0.9)).contains("accuracy 0.9500, validation 0.9000, 120"));
    }
}
