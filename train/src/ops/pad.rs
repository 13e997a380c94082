//! Flat padded planes: an image channel with its zero padding as one line of numbers, in which a convolution tap is a
//! constant offset.
//!
//! A row has the pitch `width + pad`: the zeros right of one row are those left of the next. Pixel (y, x) stands at
//! `(y + pad) * pitch + pad + x`. Position `i = y * pitch + x` of the output takes `plane[i + ky * pitch + kx]` for tap (ky, kx).

/// Vectors may run this far past the last position.
const SLACK: usize = 32;

/// The layout of flat padded planes for one image size and kernel.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plane {
    pub height: usize,
    pub width: usize,
    pub kernel: usize,
    pad: usize,
    /// Distance between rows.
    pub pitch: usize,
}

impl Plane {
    pub(super) fn new(height: usize, width: usize, kernel: usize) -> Plane {
        let pad = kernel / 2;
        Plane { height, width, kernel, pad, pitch: width + pad }
    }

    /// Positions of the output in flat form, rounded up to whole vectors; those past a row's width are meaningless.
    pub(super) fn positions(&self) -> usize {
        (self.height * self.pitch).next_multiple_of(SLACK)
    }

    /// Elements of one padded plane: every tap of every position lies inside.
    pub(super) fn elements(&self) -> usize {
        self.positions() + (self.kernel - 1) * (self.pitch + 1)
    }

    /// Copies dense planes into padded ones whose padding is already zero.
    pub(super) fn fill(&self, dense: &[f32], padded: &mut [f32]) {
        let planes = dense.chunks_exact(self.height * self.width).zip(padded.chunks_exact_mut(self.elements()));
        for (from, to) in planes {
            for (y, row) in from.chunks_exact(self.width).enumerate() {
                to[(y + self.pad) * self.pitch + self.pad..][..self.width].copy_from_slice(row);
            }
        }
    }

    /// Copies every `stride`-th pixel of flat output planes into dense planes.
    pub(super) fn take(&self, flat: &[f32], stride: usize, dense: &mut [f32]) {
        let (rows, columns) = (self.height.div_ceil(stride), self.width.div_ceil(stride));
        let planes = flat.chunks_exact(self.positions()).zip(dense.chunks_exact_mut(rows * columns));
        for (from, to) in planes {
            for (y, row) in to.chunks_exact_mut(columns).enumerate() {
                let start = y * stride * self.pitch;
                for (x, value) in row.iter_mut().enumerate() {
                    *value = from[start + x * stride];
                }
            }
        }
    }

    /// The reverse of [`Plane::take`]: spreads dense planes over flat ones that are zero elsewhere, row `y` and column `x`
    /// shifted by `shift` positions.
    pub(super) fn spread(&self, dense: &[f32], stride: usize, shift: usize, plane_elements: usize, flat: &mut [f32]) {
        let (rows, columns) = (self.height.div_ceil(stride), self.width.div_ceil(stride));
        let planes = dense.chunks_exact(rows * columns).zip(flat.chunks_exact_mut(plane_elements));
        for (from, to) in planes {
            for (y, row) in from.chunks_exact(columns).enumerate() {
                let start = shift + y * stride * self.pitch;
                for (x, value) in row.iter().enumerate() {
                    to[start + x * stride] = *value;
                }
            }
        }
    }

    /// Where pixel (0, 0) stands in a padded plane.
    pub(super) fn origin(&self) -> usize {
        self.pad * self.pitch + self.pad
    }
}
