//! Average pooling, and shortcuts, which skip rows and columns and append channels of zeros.

use super::arithmetic::square_mean;

/// Computes the averages of squares of side `size` of a value of this shape (channels, rows,
/// columns).
///
/// # Panics
/// Panics if a slice is shorter than the shapes say.
pub fn average_pool(
    [channels, height, width]: [usize; 3],
    size: usize,
    from: &[u8],
    to: &mut [u8],
) {
    let (rows, columns) = (height / size, width / size);
    for channel in 0..channels {
        let plane = &from[channel * height * width..][..height * width];
        for y in 0..rows {
            for x in 0..columns {
                let mut sum = 0;
                for row in 0..size {
                    let at = (y * size + row) * width + x * size;
                    sum += plane[at..at + size].iter().map(|x| i32::from(*x as i8)).sum::<i32>();
                }
                to[(channel * rows + y) * columns + x] = square_mean(sum, size);
            }
        }
    }
}

/// Copies the first of every `stride` rows and columns; what is left of `to` becomes `zero`.
///
/// # Panics
/// Panics if `to` is shorter than the copied part.
pub fn shortcut(
    [channels, height, width]: [usize; 3],
    stride: usize,
    zero: u8,
    from: &[u8],
    to: &mut [u8],
) {
    let mut written = 0;
    for plane in from[..channels * height * width].chunks_exact(height * width) {
        for row in plane.chunks_exact(width).step_by(stride) {
            for value in row.iter().step_by(stride) {
                to[written] = *value;
                written += 1;
            }
        }
    }
    to[written..].fill(zero);
}
