//! The convolution against a straightforward implementation, in odd shapes, on every instruction
//! set.

mod support;

use proptest::prelude::*;
use runtime::activation::{Activation, Identity, Piecewise, Relu, Swish};
use runtime::conv::{Convolution, convolution};
use runtime::norm::Norm;

/// Returns the exact sums and the sums of absolute values, from exact values and their sizes.
fn naive(layer: &Convolution, weights: &[f32], from: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let Convolution { channels, height, width, filters, kernel, stride, .. } = *layer;
    let pad = kernel / 2;
    let mut result = Vec::new();
    for filter in 0..filters {
        for y in 0..layer.out_height() {
            for x in 0..layer.out_width() {
                let (mut sum, mut size) = (0.0, 0.0);
                for channel in 0..channels {
                    for tap in 0..kernel * kernel {
                        let (py, px) = (y * stride + tap / kernel, x * stride + tap % kernel);
                        if py >= pad && py < height + pad && px >= pad && px < width + pad {
                            let (value, value_size) =
                                from[(channel * height + py - pad) * width + px - pad];
                            let weight = f64::from(
                                weights[(filter * channels + channel) * kernel * kernel + tap],
                            );
                            sum += value * weight;
                            size += value_size * weight.abs();
                        }
                    }
                }
                result.push((sum, size));
            }
        }
    }
    result
}

/// Reorders weights from (filter, channel, tap) to tiles of (channel, tap, filter), as the
/// documentation of `weights_len` says.
fn pack(layer: &Convolution, tile: usize, weights: &[f32]) -> Vec<f32> {
    let per_filter = layer.channels * layer.kernel * layer.kernel;
    let mut packed = vec![0.0; layer.weights_len(tile)];
    for filter in 0..layer.filters {
        for i in 0..per_filter {
            packed[(filter / tile * per_filter + i) * tile + filter % tile] =
                weights[filter * per_filter + i];
        }
    }
    packed
}

fn check<F: Activation, const TILE: usize>(
    layer: &Convolution,
    norm: Option<&[f32]>,
    activation: fn(f64) -> f64,
) {
    let from = support::random(1, layer.channels * layer.height * layer.width);
    let weights = support::random(2, layer.filters * layer.channels * layer.kernel * layer.kernel);
    let packed = pack(layer, TILE, &weights);
    let plane = layer.height * layer.width;
    let activated: Vec<(f64, f64)> = from
        .iter()
        .enumerate()
        .map(|(i, x)| {
            let (scale, shift) =
                norm.map_or((1.0, 0.0), |n| (n[i / plane], n[layer.channels + i / plane]));
            let (scaled, shift) = (f64::from(*x) * f64::from(scale), f64::from(shift));
            (activation(scaled + shift), scaled.abs() + shift.abs())
        })
        .collect();
    let want = naive(layer, &weights, &activated);
    for kernels in support::levels() {
        let mut to = vec![f32::NAN; want.len()];
        // The content of the memory before must not matter.
        let mut scratch = vec![f32::NAN; layer.scratch_len()];
        convolution::<F, TILE>(
            kernels,
            layer,
            norm.map(Norm::new),
            &packed,
            &from,
            &mut to,
            &mut scratch,
        );
        support::assert_close(
            &to,
            &want,
            2e-6,
            &format!("{layer:?}, tile {TILE}, {}", kernels.name()),
        );
    }
}

fn swish_relu(x: f64) -> f64 {
    support::pair("Swish", "Relu", x)
}

fn check_tile(layer: &Convolution, tile: usize) {
    type Pair = Piecewise<Swish, Relu>;
    let norm: Vec<f32> = support::random(3, 2 * layer.channels);
    let norm = Some(norm.as_slice());
    match tile {
        1 => check::<Pair, 1>(layer, norm, swish_relu),
        2 => check::<Pair, 2>(layer, norm, swish_relu),
        3 => check::<Pair, 3>(layer, norm, swish_relu),
        4 => check::<Pair, 4>(layer, norm, swish_relu),
        7 => check::<Pair, 7>(layer, norm, swish_relu),
        11 => check::<Pair, 11>(layer, norm, swish_relu),
        _ => check::<Pair, 12>(layer, norm, swish_relu),
    }
}

#[test]
fn without_normalisation_and_activation() {
    let layer = Convolution {
        channels: 3,
        height: 9,
        width: 5,
        filters: 7,
        kernel: 3,
        stride: 1,
        chunk: 2,
        band: 4,
        flat: false,
    };
    check::<Identity, 4>(&layer, None, |x| x);
}

#[test]
fn image_smaller_than_the_kernel() {
    for kernel in [3, 5, 7] {
        for chunk in [1, 2] {
            check_tile(
                &Convolution {
                    channels: 2,
                    height: 2,
                    width: 1,
                    filters: 3,
                    kernel,
                    stride: 1,
                    chunk,
                    band: 2,
                    flat: false,
                },
                3,
            );
        }
    }
}

#[test]
fn chunks_need_not_divide_the_channels() {
    for chunk in 1..=6 {
        check_tile(
            &Convolution {
                channels: 5,
                height: 9,
                width: 28,
                filters: 12,
                kernel: 5,
                stride: 1,
                chunk,
                band: 9,
                flat: false,
            },
            12,
        );
    }
}

#[test]
fn strides_that_exceed_the_kernel() {
    for stride in 1..=5 {
        check_tile(
            &Convolution {
                channels: 2,
                height: 11,
                width: 13,
                filters: 4,
                kernel: 3,
                stride,
                chunk: 2,
                band: 2,
                flat: stride % 2 == 0,
            },
            4,
        );
    }
}

proptest! {
    #[test]
    fn any_shape(
        channels in 1usize..6, height in 1usize..14, width in 1usize..37, filters in 1usize..15,
        kernel in prop::sample::select(vec![1usize, 3, 5]), stride in 1usize..4, chunk in 1usize..6,
        band in 1usize..15, flat in any::<bool>(), tile in prop::sample::select(vec![1usize, 2, 3, 4, 7, 11, 12]),
    ) {
        check_tile(&Convolution { channels, height, width, filters, kernel, stride, chunk, band, flat }, tile);
    }
}
