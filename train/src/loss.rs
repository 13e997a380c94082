//! The loss of a training.

use anyhow::Result;
use candle_core::Tensor;
use candle_nn::loss::nll;

/// Returns the mean cross-entropy of `logits` (images, classes) and `labels` (images), a
/// differentiable scalar. The share `label_smoothing` (0..1) of each label is spread evenly over
/// all classes, as in PyTorch (Szegedy et al. 2016).
///
/// # Errors
/// Fails if the shapes do not fit.
pub fn cross_entropy(logits: &Tensor, labels: &Tensor, label_smoothing: f64) -> Result<Tensor> {
    let log_probabilities = log_softmax(logits)?;
    let of_labels = nll(&log_probabilities, labels)?;
    if label_smoothing == 0.0 {
        return Ok(of_labels);
    }
    let of_all_classes = log_probabilities.mean_all()?.neg()?;
    Ok(((of_labels * (1.0 - label_smoothing))? + (of_all_classes * label_smoothing)?)?)
}

/// Not candle-nn's `log_softmax`: its gradient also passes through the maximum, where it adds
/// nothing but rounding errors.
fn log_softmax(logits: &Tensor) -> Result<Tensor> {
    let shifted = logits.broadcast_sub(&logits.max_keepdim(1)?.detach())?;
    let log_sum = shifted.exp()?.sum_keepdim(1)?.log()?;
    Ok(shifted.broadcast_sub(&log_sum)?)
}
