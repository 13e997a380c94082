//! Candle operations of our own: the few that decide how fast a training step is. Autograd stays Candle's.
//!
//! All work on dense f32 tensors on the CPU. Batches are cut into a fixed number of pieces and reduced in a fixed order, so
//! that results do not depend on the number of threads.

pub mod activation;
pub mod conv;
mod correlate;
pub mod norm;
mod pad;
pub mod simd;

use candle_core::{CpuStorage, Layout, Result, Storage, Tensor, bail};

/// A batch is always cut into this many pieces, whatever the number of threads; sums over it are taken piece by piece, in
/// this order.
const PIECES: usize = 16;

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
