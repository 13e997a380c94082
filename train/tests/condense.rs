//! The condense layer: forward against a plain f64 implementation, backward against its finite
//! differences, for all 49 activation pairs, odd sizes, batch 1, several blocks of images, unequal
//! numbers of filters, every tail, every level.

use candle_core::{Device, Tensor, Var};
use common::network::BATCH_NORM_EPSILON;
use common::network::activation::PiecewiseActivation;
use std::sync::Arc;
use train::ops::blocks::{to_blocks, to_rows};
use train::ops::condense::{CondenseLayer, NormStatistics, Pass, Tail};
use train::ops::dropout::Dropout;
use train::ops::simd::Level;

/// A layer and the size of its input.
struct Case {
    layer: CondenseLayer,
    images: usize,
    height: usize,
    width: usize,
    dropout: f64,
}

/// Planes of f64: (images, channels, height, width).
#[derive(Clone)]
struct Planes {
    data: Vec<f64>,
    channels: usize,
    height: usize,
    width: usize,
}

impl Planes {
    fn at(&self, image: usize, channel: usize, y: usize, x: usize) -> f64 {
        self.data[((image * self.channels + channel) * self.height + y) * self.width + x]
    }

    fn build(
        &self,
        images: usize,
        (channels, height, width): (usize, usize, usize),
        f: impl Fn(usize, usize, usize, usize) -> f64,
    ) -> Planes {
        let mut data = Vec::with_capacity(images * channels * height * width);
        for place in 0..images * channels * height * width {
            let (rest, x) = (place / width, place % width);
            let (rest, y) = (rest / height, rest % height);
            data.push(f(rest / channels, rest % channels, y, x));
        }
        Planes { data, channels, height, width }
    }
}

impl Case {
    fn images_of(&self, planes: &Planes) -> usize {
        planes.data.len() / (planes.channels * planes.height * planes.width)
    }

    fn input(&self) -> Vec<f64> {
        let count = self.images * self.layer.in_channels * self.height * self.width;
        (0..count).map(|i| (i as f64 * 0.9 + 0.3).sin() + 0.2 * (i as f64 * 0.013).cos()).collect()
    }

    fn parameters(&self) -> Vec<f64> {
        (0..self.layer.parameters()).map(|i| 0.5 * (i as f64 * 1.7 + 1.0).sin() + 0.1).collect()
    }

    fn dropouts(&self) -> Vec<Dropout> {
        let of = |index| Dropout::new(self.dropout, 3, &format!("fel{index}"), Level::Portable);
        if self.dropout > 0.0 {
            (0..self.layer.filters.len()).map(of).collect()
        } else {
            Vec::new()
        }
    }

    /// Returns the dropout factor of each element of a FEL's output.
    fn mask(&self, index: usize) -> Vec<f64> {
        let shape = (self.images, self.layer.filters[index], self.height, self.width);
        let ones = to_blocks(&Tensor::ones(shape, candle_core::DType::F32, &Device::Cpu).unwrap())
            .unwrap();
        let mask = self.dropouts().get(index).map_or(ones.clone(), |d| d.apply(&ones).unwrap());
        values(&to_rows(&mask, self.images).unwrap())
    }

    /// Computes the layer in f64, in the plainest way.
    fn reference(&self, input: &[f64], parameters: &[f64]) -> Vec<f64> {
        let CondenseLayer { in_channels, filters, kernel, tail, .. } = &self.layer;
        let mut x = Planes {
            data: input.to_vec(),
            channels: *in_channels,
            height: self.height,
            width: self.width,
        };
        let mut rest = parameters;
        for (index, filters) in filters.iter().enumerate() {
            let z = self.norm_activation(&x, &mut rest);
            let mut output = convolution(&z, *filters, *kernel, &mut rest, self.images);
            output.data.iter_mut().zip(self.mask(index)).for_each(|(x, mask)| *x *= mask);
            let channels = x.channels + filters;
            x = x.build(self.images, (channels, self.height, self.width), |n, c, y, column| {
                if c < x.channels {
                    x.at(n, c, y, column)
                } else {
                    output.at(n, c - x.channels, y, column)
                }
            });
        }
        match *tail {
            Tail::Concat => x.data,
            Tail::Transition { out_channels, pool } => {
                let z = self.norm_activation(&x, &mut rest);
                let z = convolution(&z, out_channels, 1, &mut rest, self.images);
                average(&z, pool, (z.height / pool, z.width / pool), self.images).data
            }
            Tail::AverageHead => {
                let z = self.norm_activation(&x, &mut rest);
                z.build(self.images, (z.channels, 1, 1), |n, c, _, _| {
                    let all = (0..z.height).flat_map(|y| (0..z.width).map(move |x| (y, x)));
                    all.map(|(y, x)| z.at(n, c, y, x)).sum::<f64>() / (z.height * z.width) as f64
                })
                .data
            }
        }
    }

    fn norm_activation(&self, x: &Planes, parameters: &mut &[f64]) -> Planes {
        let (gamma, rest) = parameters.split_at(x.channels);
        let (beta, rest) = rest.split_at(x.channels);
        *parameters = rest;
        let images = self.images_of(x);
        let mut result = x.clone();
        for c in 0..x.channels {
            let plane = x.height * x.width;
            let places: Vec<usize> = (0..images)
                .flat_map(|n| (n * x.channels + c) * plane..(n * x.channels + c + 1) * plane)
                .collect();
            let mean = places.iter().map(|i| x.data[*i]).sum::<f64>() / places.len() as f64;
            let variance = places.iter().map(|i| (x.data[*i] - mean).powi(2)).sum::<f64>()
                / places.len() as f64;
            for i in places {
                let normalised = (x.data[i] - mean) / (variance + BATCH_NORM_EPSILON).sqrt();
                result.data[i] = self.layer.pair.value(normalised * gamma[c] + beta[c]);
            }
        }
        result
    }

    /// Returns the operation's output, and the gradients of `sum(output * grad_output)` with
    /// respect to input and parameters.
    fn computed(&self, level: Level, grad_output: &[f64]) -> [Vec<f64>; 3] {
        let shape = (self.images, self.layer.in_channels, self.height, self.width);
        let input = to_blocks(&tensor(&self.input(), shape)).unwrap();
        let (x, p) = (
            Var::from_tensor(&input).unwrap(),
            tensor(&self.parameters(), self.layer.parameters()),
        );
        let p = Var::from_tensor(&p).unwrap();
        let norms = NormStatistics::Batch(Default::default());
        let pass =
            Pass::new(Arc::new(self.layer.clone()), self.images, level, Arc::default(), norms);
        let y = to_rows(&pass.with_dropouts(self.dropouts()).apply(&x, &p).unwrap(), self.images)
            .unwrap();
        let loss = (&y * tensor(grad_output, y.shape())).unwrap().sum_all().unwrap();
        let gradients = loss.backward().unwrap();
        let of_input = to_rows(gradients.get(&x).unwrap(), self.images).unwrap();
        [values(&y), values(&of_input), values(gradients.get(&p).unwrap())]
    }

    fn check(&self, level: Level) {
        let what =
            format!("{level:?} {:?} {}x{}x{}", self.layer, self.images, self.height, self.width);
        let (input, parameters) = (self.input(), self.parameters());
        let output = self.reference(&input, &parameters);
        let grad_output: Vec<f64> =
            (0..output.len()).map(|i| (i as f64 * 0.37 + 2.0).cos()).collect();
        let [y, dx, dp] = self.computed(level, &grad_output);
        assert_eq!(y.len(), output.len(), "{what}");
        for (i, (got, want)) in y.iter().zip(&output).enumerate() {
            assert!(
                (got - want).abs() <= 2e-5 * want.abs().max(1.0),
                "{what}: output {i}: {got} is not {want}"
            );
        }
        let loss = |x: &[f64], p: &[f64]| -> f64 {
            self.reference(x, p).iter().zip(&grad_output).map(|(y, grad)| y * grad).sum()
        };
        for salt in 0..4 {
            let along =
                |step: f64, at: &[f64], gradient: &[f64], f: &dyn Fn(&[f64]) -> f64, what: &str| {
                    let direction: Vec<f64> =
                        (0..at.len()).map(|i| ((i * 7 + salt * 3) as f64 * 1.9).sin()).collect();
                    let moved = |t: f64| {
                        at.iter().zip(&direction).map(|(x, d)| x + t * d).collect::<Vec<_>>()
                    };
                    let want = (f(&moved(step)) - f(&moved(-step))) / (2.0 * step);
                    let products = gradient.iter().zip(&direction).map(|(g, d)| g * d);
                    let scale = products.clone().map(f64::abs).sum::<f64>().max(1.0);
                    let got: f64 = products.sum();
                    assert!(
                        (got - want).abs() <= 1e-5 * scale,
                        "{what} {salt}: {got} is not {want} ({scale})"
                    );
                };
            along(1e-7, &input, &dx, &|x| loss(x, &parameters), &format!("{what}: input gradient"));
            along(
                1e-7,
                &parameters,
                &dp,
                &|p| loss(&input, p),
                &format!("{what}: parameter gradient"),
            );
        }
    }
}

fn convolution(
    x: &Planes,
    filters: usize,
    kernel: usize,
    parameters: &mut &[f64],
    images: usize,
) -> Planes {
    let (weight, rest) = parameters.split_at(filters * x.channels * kernel * kernel);
    *parameters = rest;
    x.build(images, (filters, x.height, x.width), |n, o, y, column| {
        let mut sum = 0.0;
        for place in 0..x.channels * kernel * kernel {
            let (c, ky, kx) = (place / (kernel * kernel), place / kernel % kernel, place % kernel);
            let (row, column) =
                ((y + ky).wrapping_sub(kernel / 2), (column + kx).wrapping_sub(kernel / 2));
            if row < x.height && column < x.width {
                sum += weight[o * x.channels * kernel * kernel + place] * x.at(n, c, row, column);
            }
        }
        sum
    })
}

fn average(x: &Planes, pool: usize, (height, width): (usize, usize), images: usize) -> Planes {
    x.build(images, (x.channels, height, width), |n, c, y, column| {
        let square =
            (0..pool * pool).map(|i| x.at(n, c, y * pool + i / pool, column * pool + i % pool));
        square.sum::<f64>() / (pool * pool) as f64
    })
}

fn tensor(values: &[f64], shape: impl candle_core::shape::ShapeWithOneHole) -> Tensor {
    let values: Vec<f32> = values.iter().map(|x| *x as f32).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

fn values(tensor: &Tensor) -> Vec<f64> {
    tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap().into_iter().map(f64::from).collect()
}

fn case(
    pair: &str,
    sizes: (usize, usize, usize, usize),
    filters: &[usize],
    kernel: usize,
    tail: Tail,
) -> Case {
    let (images, in_channels, height, width) = sizes;
    let pair = PiecewiseActivation::all().find(|p| p.to_string() == pair).unwrap();
    let layer = CondenseLayer { in_channels, filters: filters.to_vec(), kernel, pair, tail };
    Case { layer, images, height, width, dropout: 0.0 }
}

fn halving(out_channels: usize) -> Tail {
    Tail::Transition { out_channels, pool: 2 }
}

#[test]
fn shapes_at_all_levels() {
    let cases = [
        case("(swish, tanh)", (1, 1, 3, 3), &[1], 3, Tail::Concat),
        case("(swish, tanh)", (1, 3, 7, 5), &[2, 3], 3, Tail::AverageHead),
        case("(tanh, tanh)", (3, 2, 5, 4), &[5, 1, 7], 3, halving(3)),
        case("(elu, selu)", (17, 2, 4, 3), &[3], 3, halving(13)),
        case("(selu, tanh)", (2, 3, 19, 2), &[13, 2], 5, halving(4)),
        case("(swish, swish)", (18, 14, 1, 1), &[3], 3, Tail::AverageHead),
        case(
            "(tanh, swish)",
            (2, 4, 6, 7),
            &[3, 3],
            1,
            Tail::Transition { out_channels: 2, pool: 3 },
        ),
        case("(elu, tanh)", (1, 2, 9, 1), &[2], 5, Tail::Concat),
        Case { dropout: 0.4, ..case("(swish, tanh)", (17, 3, 5, 4), &[4, 3], 3, halving(5)) },
    ];
    for level in Level::available() {
        cases.iter().for_each(|case| case.check(level));
    }
}

#[test]
fn all_activation_pairs() {
    for pair in PiecewiseActivation::all() {
        case(&pair.to_string(), (3, 3, 6, 5), &[3, 2], 3, halving(3)).check(Level::detected());
        case(&pair.to_string(), (3, 2, 3, 5), &[4], 3, Tail::AverageHead).check(Level::detected());
    }
}
