//! Sums of a convolution: exact, so the order of the additions is free. It is chosen for speed: the
//! sums of some filters and columns are kept while all channels and taps are added.

use crate::network::Shape;

/// Filters and columns whose sums are kept together.
const FILTERS: usize = 4;
const COLUMNS: usize = 8;

/// Products that are added as f32, which compilers make faster code for than for integers. All sums
/// of so many products of 255 and 127 are integers below 2^24, which f32 holds exactly.
const EXACT: usize = (1 << 24) / (255 * 127);

/// A convolution with "same" padding.
pub(super) struct Convolution<'a> {
    /// Shape of the input.
    pub(super) input: Shape,
    /// Shape of the output.
    pub(super) output: Shape,
    pub(super) kernel: usize,
    pub(super) stride: usize,
    /// Weights: filters, channels, rows, columns.
    pub(super) weights: &'a [i8],
    /// Where the sum of each filter begins.
    pub(super) biases: &'a [i32],
}

impl Convolution<'_> {
    /// Returns the sums, in the shape of the output, of unsigned bytes `input` (channels, rows,
    /// columns) with the byte `padding(channel)` around them.
    pub(super) fn sums(&self, input: &[u8], padding: impl Fn(usize) -> u8) -> Vec<i32> {
        let padded = Padded::new(self, input, padding);
        let weights: Vec<f32> = self.weights.iter().map(|weight| f32::from(*weight)).collect();
        let plane = self.output.plane();
        let filter = self.input.channels * self.kernel * self.kernel;
        let mut sums = vec![0; self.output.elements()];
        for first in (0..self.output.channels).step_by(FILTERS) {
            // The last group repeats its last filter.
            let filters: [usize; FILTERS] =
                std::array::from_fn(|f| (first + f).min(self.output.channels - 1));
            let weights = filters.map(|f| &weights[f * filter..][..filter]);
            for y in 0..self.output.height {
                for x in (0..self.output.width).step_by(COLUMNS) {
                    let block = self.block(&padded, weights, y, x);
                    let columns = (self.output.width - x).min(COLUMNS);
                    for (f, block) in filters.into_iter().zip(block) {
                        let row = &mut sums[f * plane + y * self.output.width + x..][..columns];
                        for (sum, products) in row.iter_mut().zip(block) {
                            *sum = self.biases[f] + products;
                        }
                    }
                }
            }
        }
        sums
    }

    /// Returns the products of some filters, summed for some columns of one row.
    fn block(
        &self,
        padded: &Padded,
        weights: [&[f32]; FILTERS],
        y: usize,
        x: usize,
    ) -> [[i32; COLUMNS]; FILTERS] {
        let mut sums = [[0; COLUMNS]; FILTERS];
        let rows = self.input.channels * self.kernel;
        let at_once = EXACT / self.kernel;
        for first in (0..rows).step_by(at_once) {
            let part = self.part(padded, weights, first..rows.min(first + at_once), [y, x]);
            for (sums, part) in sums.iter_mut().flatten().zip(part.iter().flatten()) {
                *sums += *part as i32;
            }
        }
        sums
    }

    /// Returns the products with some rows of the filters, counted over all channels.
    fn part(
        &self,
        padded: &Padded,
        weights: [&[f32]; FILTERS],
        rows: std::ops::Range<usize>,
        [y, x]: [usize; 2],
    ) -> [[f32; COLUMNS]; FILTERS] {
        let mut sums = [[0.0; COLUMNS]; FILTERS];
        for filter_row in rows {
            let (channel, dy) = (filter_row / self.kernel, filter_row % self.kernel);
            let row = padded.row(channel, y * self.stride + dy);
            for dx in 0..self.kernel {
                let at = x * self.stride + dx;
                let inputs: [f32; COLUMNS] = match row[at..].first_chunk() {
                    Some(inputs) if self.stride == 1 => *inputs,
                    Some(_) | None => std::array::from_fn(|x| row[at + x * self.stride]),
                };
                for (sums, weights) in sums.iter_mut().zip(weights) {
                    let weight = weights[filter_row * self.kernel + dx];
                    for (sum, input) in sums.iter_mut().zip(inputs) {
                        *sum += weight * input;
                    }
                }
            }
        }
        sums
    }
}

/// An input with its padding, and as many columns as whole groups of columns need.
struct Padded {
    height: usize,
    width: usize,
    bytes: Vec<f32>,
}

impl Padded {
    fn new(of: &Convolution, input: &[u8], padding: impl Fn(usize) -> u8) -> Padded {
        let (pad, shape) = (of.kernel / 2, of.input);
        let columns = of.output.width.next_multiple_of(COLUMNS) * of.stride;
        let width = (columns + of.kernel).max(shape.width + 2 * pad);
        let height = shape.height + 2 * pad;
        let mut bytes = Vec::with_capacity(shape.channels * height * width);
        for (channel, plane) in input.chunks(shape.plane()).enumerate() {
            let first = bytes.len();
            bytes.resize(first + height * width, f32::from(padding(channel)));
            for (y, row) in plane.chunks(shape.width).enumerate() {
                let at = first + (y + pad) * width + pad;
                for (padded, byte) in bytes[at..at + shape.width].iter_mut().zip(row) {
                    *padded = f32::from(*byte);
                }
            }
        }
        Padded { height, width, bytes }
    }

    fn row(&self, channel: usize, y: usize) -> &[f32] {
        &self.bytes[(channel * self.height + y) * self.width..][..self.width]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed;
    use proptest::prelude::*;
    use rand::RngExt;

    /// Returns one sum as the formula says.
    fn sum(of: &Convolution, input: &[u8], padding: &[u8], [f, y, x]: [usize; 3]) -> i32 {
        let (k, shape) = (of.kernel, of.input);
        let mut sum = of.biases[f];
        for c in 0..shape.channels {
            for dy in 0..k {
                for dx in 0..k {
                    let (row, column) = (y * of.stride + dy, x * of.stride + dx);
                    let inside = (k / 2..shape.height + k / 2).contains(&row)
                        && (k / 2..shape.width + k / 2).contains(&column);
                    let byte = if inside {
                        input[c * shape.plane() + (row - k / 2) * shape.width + column - k / 2]
                    } else {
                        padding[c]
                    };
                    let weight = of.weights[((f * shape.channels + c) * k + dy) * k + dx];
                    sum += i32::from(weight) * i32::from(byte);
                }
            }
        }
        sum
    }

    proptest! {
        #[test]
        fn sums_are_those_of_the_formula(
            [channels, filters, height, width] in [1usize..4, 1usize..7, 1usize..8, 1usize..20],
            kernel in prop::sample::select(vec![1usize, 3, 5]),
            stride in 1usize..4,
            seed: u64,
        ) {
            let mut rng = seed::stream(seed, "bytes");
            let input = Shape { channels, height, width };
            let output = Shape {
                channels: filters,
                height: height.div_ceil(stride),
                width: width.div_ceil(stride),
            };
            let weights: Vec<i8> = (0..filters * channels * kernel * kernel)
                .map(|_| rng.random_range(-127..=127)).collect();
            let biases: Vec<i32> = (0..filters).map(|_| rng.random_range(-99..99)).collect();
            let bytes: Vec<u8> = (0..input.elements()).map(|_| rng.random_range(0..=255)).collect();
            let padding: Vec<u8> = (0..channels).map(|_| rng.random_range(0..=255)).collect();
            let convolution =
                Convolution { input, output, kernel, stride, weights: &weights, biases: &biases };
            let sums = convolution.sums(&bytes, |channel| padding[channel]);
            for (at, found) in sums.into_iter().enumerate() {
                let (f, position) = (at / output.plane(), at % output.plane());
                let place = [f, position / output.width, position % output.width];
                prop_assert_eq!(found, sum(&convolution, &bytes, &padding, place));
            }
        }
    }

    /// The largest products, more of them than f32 could hold the sum of.
    #[test]
    fn large_sums_are_exact() {
        let (channels, kernel) = (70, 5);
        let input = Shape { channels, height: 5, width: 5 };
        let output = Shape { channels: 2, ..input };
        let mut weights = vec![127; 2 * channels * kernel * kernel];
        weights[channels * kernel * kernel..].fill(-127);
        weights[3] = 126;
        let convolution =
            Convolution { input, output, kernel, stride: 1, weights: &weights, biases: &[1, 0] };
        let sums = convolution.sums(&vec![255; input.elements()], |_| 255);
        let sum = 255 * 127 * (channels * kernel * kernel) as i32;
        assert!(sum > 1 << 25);
        assert!(sums[..25].iter().all(|found| *found == sum - 255 + 1));
        assert!(sums[25..].iter().all(|found| *found == -sum));
    }
}
