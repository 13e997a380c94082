//! The norm of a gradient, and clipping to a largest norm.

use anyhow::{Result, bail};
use candle_core::{Storage, Tensor};

/// The epsilon of `torch.nn.utils.clip_grad_norm_`.
const EPSILON: f64 = 1e-6;

/// Returns the factor that reduces a gradient of norm `norm` to a norm of at most `max_norm`, as
/// PyTorch's `clip_grad_norm_` does; 1 without `max_norm`.
pub(super) fn clip_factor(norm: f64, max_norm: Option<f64>) -> f64 {
    max_norm.map_or(1.0, |max_norm| (max_norm / (norm + EPSILON)).min(1.0))
}

/// Returns the Euclidean norm of all tensors together, summed in f64 in a fixed order.
///
/// # Errors
/// Fails if a tensor is not contiguous f32 on the CPU.
pub(super) fn norm<'a>(tensors: impl Iterator<Item = &'a Tensor>) -> Result<f64> {
    let mut sum = 0.0;
    for tensor in tensors {
        let (storage, layout) = tensor.storage_and_layout();
        let (Storage::Cpu(storage), Some((start, end))) = (&*storage, layout.contiguous_offsets())
        else {
            bail!("the norm of a gradient needs a contiguous tensor on the CPU");
        };
        sum += sum_of_squares(&storage.as_slice::<f32>()?[start..end]);
    }
    Ok(f64::sqrt(sum))
}

/// Returns the sum of squares, taken as eight partial sums that the compiler can vectorise.
fn sum_of_squares(values: &[f32]) -> f64 {
    let square = |x: &f32| f64::from(*x) * f64::from(*x);
    let (chunks, rest) = values.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for chunk in chunks {
        for (sum, x) in sums.iter_mut().zip(chunk) {
            *sum += square(x);
        }
    }
    sums.iter().sum::<f64>() + rest.iter().map(square).sum::<f64>()
}
