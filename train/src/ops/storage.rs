//! Access to the elements of tensors on the CPU.

use candle_core::{CpuStorage, Layout, Result, Storage, Tensor, bail};

/// Returns the elements of an operation's argument.
///
/// # Errors
/// Fails if the argument is not contiguous f32.
pub(super) fn elements<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&storage.as_slice::<f32>()?[start..end]),
        None => bail!("this operation needs a contiguous tensor"),
    }
}

/// Calls `f` with the elements of a tensor.
///
/// # Errors
/// Fails if the tensor is not f32 on the CPU. Returns the error of `f`.
pub(super) fn with_elements<T>(tensor: &Tensor, f: impl FnOnce(&[f32]) -> Result<T>) -> Result<T> {
    let tensor = tensor.contiguous()?;
    let (storage, layout) = tensor.storage_and_layout();
    match &*storage {
        Storage::Cpu(storage) => f(elements(storage, layout)?),
        Storage::Cuda(_) | Storage::Metal(_) => bail!("this operation works on the CPU only"),
    }
}

/// Returns the sum of several parts, element by element, in their order.
pub(super) fn add_up<T: Copy + Default + std::ops::AddAssign>(parts: &[Vec<T>]) -> Vec<T> {
    let mut total = vec![T::default(); parts.first().map_or(0, Vec::len)];
    for part in parts {
        total.iter_mut().zip(part).for_each(|(sum, part)| *sum += *part);
    }
    total
}
