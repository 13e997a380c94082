//! The smaller kernels against straightforward implementations, on every instruction set.

#[macro_use]
mod support;

use proptest::prelude::*;
use runtime::activation::{Activation, Piecewise, Relu, Tanh};
use runtime::norm::Norm;
use runtime::pool::{Average, Max};
use runtime::{add, arena, linear, norm, pool};

type Pair = Piecewise<Tanh, Relu>;

fn activated(
    from: &[f32],
    plane: usize,
    norms: &[f32],
    activation: impl Fn(f64) -> f64,
) -> Vec<f64> {
    let shift_at = norms.len() / 2;
    let value = |(i, x): (usize, &f32)| {
        activation(
            f64::from(*x) * f64::from(norms[i / plane]) + f64::from(norms[shift_at + i / plane]),
        )
    };
    from.iter().enumerate().map(value).collect()
}

fn tanh_relu(x: f64) -> f64 {
    support::pair("Tanh", "Relu", x)
}

/// Every value is about 1 in size.
fn unit(values: impl IntoIterator<Item = f64>) -> Vec<(f64, f64)> {
    values.into_iter().map(|value| (value, 1.0)).collect()
}

fn map_is_right<F: Activation>(left: &str, right: &str) {
    let (channels, plane) = (5, 21);
    let from: Vec<f32> =
        support::random(1, channels * plane).into_iter().map(|x| 9.0 * x).collect();
    let norms = support::random(2, 2 * channels);
    // The value at the kernel's own f32: with a pair that jumps at 0, its rounding would become an
    // error.
    let value = |(i, x): (usize, &f32)| {
        support::pair(left, right, f64::from(x * norms[i / plane] + norms[channels + i / plane]))
    };
    let want = unit(from.iter().enumerate().map(value));
    for kernels in support::levels() {
        let mut to = vec![f32::NAN; from.len()];
        norm::norm_activation::<F>(kernels, plane, Some(Norm::new(&norms)), &from, &mut to);
        support::assert_close(
            &to,
            &want,
            4e-6,
            &format!("({left}, {right}) on {}", kernels.name()),
        );
    }
}

#[test]
fn normalisation_goes_with_every_activation() {
    for_all_pairs!(map_is_right);
}

proptest! {
    #[test]
    fn addition(channels in 1usize..5, plane in 1usize..100) {
        let [from, term] = [1, 2].map(|seed| support::random(seed, channels * plane));
        let norms = support::random(3, 2 * channels);
        let normalised = activated(&from, plane, &norms, |x| x);
        let want = unit(normalised.iter().zip(&term).map(|(x, y)| tanh_relu(x + f64::from(*y))));
        for kernels in support::levels() {
            let mut to = term.clone();
            add::add::<Pair>(kernels, plane, Some(Norm::new(&norms)), &from, &mut to);
            support::assert_close(&to, &want, 2e-6, kernels.name());
        }
    }

    #[test]
    fn shortcuts(channels in 1usize..4, height in 1usize..9, width in 1usize..9, stride in 1usize..4, more in 0usize..3) {
        let from = support::random(1, channels * height * width);
        let mut want = Vec::new();
        for c in 0..channels {
            for y in (0..height).step_by(stride) {
                want.extend((0..width).step_by(stride).map(|x| from[(c * height + y) * width + x]));
            }
        }
        want.resize(want.len() / channels * (channels + more), 0.0);
        let mut to = vec![f32::NAN; want.len()];
        add::shortcut([channels, height, width], stride, &from, &mut to);
        prop_assert_eq!(to, want);
    }

    #[test]
    fn average_pooling(channels in 1usize..4, height in 1usize..12, width in 1usize..40, size in 1usize..4) {
        prop_assume!(size <= height && size <= width);
        let from = support::random(1, channels * height * width);
        let norms = support::random(2, 2 * channels);
        let values = activated(&from, height * width, &norms, tanh_relu);
        let mut want = Vec::new();
        for c in 0..channels {
            for y in 0..height / size {
                for x in 0..width / size {
                    let square = (0..size * size).map(|i| {
                        values[(c * height + y * size + i / size) * width + x * size + i % size]
                    });
                    want.push(square.sum::<f64>() / (size * size) as f64);
                }
            }
        }
        for kernels in support::levels() {
            let (mut to, mut scratch) = (vec![f32::NAN; want.len()], vec![f32::NAN; size * width]);
            let norm = Some(Norm::new(&norms));
            let shape = [channels, height, width];
            pool::average_pool::<Pair>(kernels, shape, size, norm, Some(&from), &mut to, &mut scratch);
            support::assert_close(&to, &unit(want.iter().copied()), 2e-6, kernels.name());
            let mut in_place = from.clone();
            pool::average_pool::<Pair>(kernels, shape, size, norm, None, &mut in_place, &mut scratch);
            assert_eq!(in_place[..to.len()], to);
        }
    }

    #[test]
    fn global_pooling(channels in 1usize..6, plane in 1usize..100) {
        let from = support::random(1, channels * plane);
        let norms = support::random(2, 2 * channels);
        let values = activated(&from, plane, &norms, tanh_relu);
        let averages = values.chunks(plane).map(|c| c.iter().sum::<f64>() / plane as f64);
        let largest = values.chunks(plane).map(|c| c.iter().copied().fold(f64::NEG_INFINITY, f64::max));
        for kernels in support::levels() {
            let (mut to, mut scratch) = (vec![f32::NAN; channels], vec![f32::NAN; plane]);
            pool::global_pool::<Pair, Average>(kernels, plane, Some(Norm::new(&norms)), &from, &mut to, &mut scratch);
            support::assert_close(&to, &unit(averages.clone()), 2e-6, kernels.name());
            pool::global_pool::<Pair, Max>(kernels, plane, Some(Norm::new(&norms)), &from, &mut to, &mut scratch);
            support::assert_close(&to, &unit(largest.clone()), 2e-6, kernels.name());
        }
    }

    #[test]
    fn fully_connected(inputs in 1usize..70, outputs in 1usize..12) {
        let (from, weights) = (support::random(1, inputs), support::random(2, inputs * outputs));
        let bias = support::random(3, outputs);
        let want: Vec<(f64, f64)> = weights.chunks(inputs).zip(&bias).map(|(row, bias)| {
            let terms = row.iter().zip(&from).map(|(w, x)| f64::from(*w) * f64::from(*x));
            let size = terms.clone().map(f64::abs).sum::<f64>() + f64::from(bias.abs());
            (terms.sum::<f64>() + f64::from(*bias), size)
        }).collect();
        for kernels in support::levels() {
            let mut to = vec![f32::NAN; outputs];
            linear::linear(kernels, &weights, &bias, &from, &mut to);
            support::assert_close(&to, &want, 2e-6, kernels.name());
        }
    }
}

#[test]
fn the_arena_is_cut_where_the_ranges_say() {
    let mut memory: Vec<f32> = (0..10).map(|i| i as f32).collect();
    let [a, b, c] = arena::split(&mut memory, [1..3, 3..3, 5..10]);
    assert_eq!((&*a, &*b, &*c), (&[1.0, 2.0][..], &[][..], &[5.0, 6.0, 7.0, 8.0, 9.0][..]));
}

#[test]
#[should_panic(expected = "ascend")]
fn overlapping_ranges_are_refused() {
    arena::split(&mut [0.0; 8], [0..4, 3..8]);
}

#[test]
fn the_processor_has_at_least_one_instruction_set_and_the_best_is_taken() {
    let names: Vec<&str> = support::levels().map(runtime::dispatch::Kernels::name).collect();
    assert_eq!(names.last(), Some(&"scalar"));
    assert_eq!(names[0], runtime::dispatch::Kernels::detect().name());
    #[cfg(target_arch = "x86_64")]
    {
        let std_says = [is_x86_feature_detected!("avx512f"), is_x86_feature_detected!("avx2")];
        assert_eq!([names.contains(&"avx512"), names.contains(&"avx2")], std_says);
    }
}
