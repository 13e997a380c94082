//! Candle operations of our own: the few that decide how fast a training step is. Autograd stays
//! Candle's.
//!
//! All work on dense f32 tensors on the CPU, batches in blocks of 16 images ([`blocks`]). Work is
//! cut into bands of rows that depend on shapes alone, and sums over bands are taken in a fixed
//! order, so that results do not depend on the number of threads.

pub mod activation;
pub mod blocks;
pub mod condense;
pub mod conv;
mod correlate;
pub mod dropout;
pub mod norm;
mod products;
pub mod scratch;
pub mod simd;
pub mod statistics;

use candle_core::{CpuStorage, Layout, Result, Storage, Tensor, bail};

/// The elements of an op's argument, which must be dense and f32.
fn elements<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&storage.as_slice::<f32>()?[start..end]),
        None => bail!("this operation needs a contiguous tensor"),
    }
}

/// Calls `f` with the elements of a tensor on the CPU.
fn with_elements<T>(tensor: &Tensor, f: impl FnOnce(&[f32]) -> Result<T>) -> Result<T> {
    let tensor = tensor.contiguous()?;
    let (storage, layout) = tensor.storage_and_layout();
    match &*storage {
        Storage::Cpu(storage) => f(elements(storage, layout)?),
        Storage::Cuda(_) | Storage::Metal(_) => bail!("this operation works on the CPU only"),
    }
}

/// The sum of several parts, element by element, in their order.
fn add_up<T: Copy + Default + std::ops::AddAssign>(parts: &[Vec<T>]) -> Vec<T> {
    let mut total = vec![T::default(); parts.first().map_or(0, Vec::len)];
    for part in parts {
        total.iter_mut().zip(part).for_each(|(sum, part)| *sum += *part);
    }
    total
}
