//! The memory layout of a batch inside the network: blocks of 16 images, the images innermost.
//!
//! A tensor has the shape (blocks, height, channels, width, 16). A vector of the processor then
//! holds the same pixel of neighbouring images: no kernel shuffles, every load is aligned, a
//! convolution tap moves by whole vectors, and all channels of one image row are adjacent. Lanes of
//! the last block that have no image are dead: values there are finite but have no meaning, and
//! gradients there are zero.

use super::storage::with_elements;
use candle_core::{Device, Result, Shape, Tensor};

/// Images in a block.
pub const LANES: usize = 16;

/// The shape of a batch in blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Blocks {
    /// Images of the batch.
    pub images: usize,
    pub height: usize,
    pub channels: usize,
    pub width: usize,
}

impl Blocks {
    /// Returns the shape of a tensor that holds `images` images.
    ///
    /// # Errors
    /// Fails if the tensor has another number of blocks or lanes.
    pub(crate) fn of(shape: &Shape, images: usize) -> Result<Blocks> {
        let (blocks, height, channels, width, lanes) = shape.dims5()?;
        if lanes != LANES || blocks != images.div_ceil(LANES) {
            candle_core::bail!(
                "a tensor of shape {shape:?} does not hold {images} images in blocks of {LANES}"
            );
        }
        Ok(Blocks { images, height, channels, width })
    }

    /// Returns the number of blocks.
    pub(crate) fn count(&self) -> usize {
        self.images.div_ceil(LANES)
    }

    /// Returns the number of elements in one channel of one row of a block.
    pub(crate) fn line(&self) -> usize {
        self.width * LANES
    }

    /// Returns the number of elements in one row of a block, all channels.
    pub(crate) fn row(&self) -> usize {
        self.channels * self.line()
    }

    /// Returns the number of elements in a block.
    pub(crate) fn block(&self) -> usize {
        self.height * self.row()
    }

    /// Returns the number of elements in the tensor.
    pub(crate) fn elements(&self) -> usize {
        self.count() * self.block()
    }

    /// Returns the shape of the tensor.
    pub(crate) fn shape(&self) -> Shape {
        Shape::from((self.count(), self.height, self.channels, self.width, LANES))
    }

    /// Returns the shape of the same batch with another number of channels.
    pub(crate) fn with_channels(self, channels: usize) -> Blocks {
        Blocks { channels, ..self }
    }

    /// Returns the number of images in a block.
    pub(crate) fn live(&self, block: usize) -> usize {
        (self.images - block * LANES).min(LANES)
    }

    /// Returns 1 for each lane of a block that has an image, and 0 for dead lanes.
    pub(crate) fn mask(&self, block: usize) -> [f32; LANES] {
        let mut mask = [0.0; LANES];
        mask[..self.live(block)].fill(1.0);
        mask
    }
}

/// Converts images (images, channels, height, width) to blocks.
///
/// # Errors
/// Fails if the images are not f32 on the CPU.
pub fn to_blocks(images: &Tensor) -> Result<Tensor> {
    let (count, channels, height, width) = images.dims4()?;
    let shape = Blocks { images: count, height, channels, width };
    let mut data = vec![0.0; shape.elements()];
    with_elements(images, |pixels| {
        for (image, pixels) in pixels.chunks_exact(channels * height * width).enumerate() {
            let block = &mut data[image / LANES * shape.block()..][..shape.block()];
            for (at, row) in pixels.chunks_exact(width).enumerate() {
                let (channel, y) = (at / height, at % height);
                let line = &mut block[y * shape.row() + channel * shape.line()..][..shape.line()];
                for (pixel, lanes) in row.iter().zip(line.chunks_exact_mut(LANES)) {
                    lanes[image % LANES] = *pixel;
                }
            }
        }
        Ok(())
    })?;
    Tensor::from_vec(data, shape.shape(), &Device::Cpu)
}

/// Converts blocks to one row of `channels * height * width` values per image, in PyTorch's order;
/// differentiable.
///
/// # Errors
/// Fails if the tensor does not hold `images` images.
pub fn to_rows(tensor: &Tensor, images: usize) -> Result<Tensor> {
    let shape = Blocks::of(tensor.shape(), images)?;
    let rows = tensor.permute((0, 4, 2, 1, 3))?.contiguous()?;
    rows.reshape((shape.count() * LANES, shape.channels * shape.height * shape.width))?
        .narrow(0, 0, images)
}

/// Converts rows of values (images, channels) to blocks of one pixel; differentiable.
///
/// # Errors
/// Fails if `rows` has not two dimensions.
pub fn from_rows(rows: &Tensor) -> Result<Tensor> {
    let (images, channels) = rows.dims2()?;
    let shape = Blocks { images, height: 1, channels, width: 1 };
    let filled = rows.pad_with_zeros(0, 0, shape.count() * LANES - images)?;
    filled
        .reshape((shape.count(), LANES, channels))?
        .permute((0, 2, 1))?
        .contiguous()?
        .reshape(shape.shape())
}
