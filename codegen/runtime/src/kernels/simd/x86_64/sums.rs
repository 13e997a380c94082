//! The taps of a convolution with pointers, for which the compiler needs few instructions besides
//! the products.

use super::super::super::taps::Taps;
use super::super::Simd;
use core::slice::from_raw_parts;

/// Does what [`Simd::add_taps`] does.
///
/// # Panics
/// Panics if a slice of `taps` is too short.
#[inline(always)]
pub(super) fn add_taps<S: Simd, const FILTERS: usize, const VECTORS: usize>(
    simd: S,
    taps: &Taps<'_>,
    from: [usize; VECTORS],
    mut sums: [[S::Vector; VECTORS]; FILTERS],
) -> [[S::Vector; VECTORS]; FILTERS] {
    taps.check::<FILTERS, VECTORS>(from, S::LANES);
    let Taps { tile, start, channels, kernel, plane_len, rows, columns, .. } = *taps;
    let (mut weights, planes) = (taps.weights.as_ptr(), taps.planes.as_ptr());
    let mut lines = [planes; VECTORS];
    for channel in 0..channels {
        let (mut row_phase, mut row) = (0, channel * plane_len);
        for _ in 0..kernel {
            for (line, from) in lines.iter_mut().zip(&from) {
                *line = planes.wrapping_add(row + row_phase + from);
            }
            let (mut phase, mut column) = (0, 0);
            for _ in 0..kernel {
                let mut x = [simd.splat(0.0); VECTORS];
                for (x, line) in x.iter_mut().zip(&lines) {
                    // SAFETY: `check` has found that the values of every tap are in the planes.
                    *x = simd.load(unsafe { from_raw_parts(line.add(phase + column), S::LANES) });
                }
                // SAFETY: `check` has found that there are `tile` weights for every tap, and that
                // these filters are among them.
                let of_tap = unsafe { from_raw_parts(weights.add(start), FILTERS) };
                for (sums, weight) in sums.iter_mut().zip(of_tap) {
                    let weight = simd.splat(*weight);
                    for (sum, x) in sums.iter_mut().zip(&x) {
                        *sum = simd.mul_add(*x, weight, *sum);
                    }
                }
                weights = weights.wrapping_add(tile);
                phase += columns.step;
                if phase == columns.end {
                    (phase, column) = (0, column + columns.next);
                }
            }
            row_phase += rows.step;
            if row_phase == rows.end {
                (row_phase, row) = (0, row + rows.next);
            }
        }
    }
    sums
}
