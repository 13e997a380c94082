//! Average pooling of a batch in blocks.

use candle_core::{Result, Tensor};

/// Averages non-overlapping squares of `size` x `size` pixels of a tensor (blocks, height,
/// channels, width, 16). Rows and columns that do not fill a square are left out.
pub(crate) fn average_pool(input: &Tensor, size: usize) -> Result<Tensor> {
    let (blocks, height, channels, width, lanes) = input.dims5()?;
    let (rows, columns) = (height / size, width / size);
    let squares = input.narrow(1, 0, rows * size)?.narrow(3, 0, columns * size)?.contiguous()?;
    let of_rows =
        squares.reshape((blocks, rows, size, channels, columns * size * lanes))?.mean(2)?;
    of_rows
        .reshape((blocks * rows * channels, columns, size, lanes))?
        .mean(2)?
        .reshape((blocks, rows, channels, columns, lanes))
}
