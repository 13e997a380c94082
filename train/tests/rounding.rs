//! A condense layer with the roundings of its int8 network, against a plain f64 implementation:
//! forward to within rounding of floats, backward against finite differences. For these, all
//! roundings are replaced by what they added to the values at that point, which makes the function
//! smooth and its gradient the straight-through one.

use candle_core::{DType, Device, Tensor, Var};
use common::network::BATCH_NORM_EPSILON;
use common::network::activation::{Activation, PiecewiseActivation, SELU_SCALE};
use std::cell::RefCell;
use std::sync::Arc;
use train::ops::blocks::{to_blocks, to_rows};
use train::ops::condense::{CondenseLayer, NormStatistics, Pass, Tail};
use train::ops::dropout::Dropout;
use train::ops::rounding::results::Results;
use train::ops::simd::Level;

/// Images of a batch, but where outliers are tested.
const FEW: usize = 3;
const HEIGHT: usize = 4;
const WIDTH: usize = 5;
const PLANE: usize = HEIGHT * WIDTH;

/// What a rounding did to a value.
#[derive(Clone, Copy)]
enum Change {
    Added(f64),
    /// The value was outside the range and became this.
    Cut(f64),
}

/// All roundings of one computation, in order.
#[derive(Default)]
struct Recorder {
    changes: Vec<Change>,
    /// Changes to repeat, instead of rounding anew.
    replay: bool,
    next: usize,
    /// The rounded arguments of activations.
    arguments: Vec<f64>,
    next_argument: usize,
    /// The least distance of a value from the middle between two steps, in steps.
    margin: f64,
}

impl Recorder {
    /// Rounds `x` to `(whole - zero) * step`, where the whole number is within `codes`; values
    /// further than one half outside of `inside` have no gradient.
    fn round(&mut self, x: f64, step: f64, zero: f64, codes: [f64; 2], inside: [f64; 2]) -> f64 {
        if self.replay {
            self.next += 1;
            return match self.changes[self.next - 1] {
                Change::Added(difference) => x + difference,
                Change::Cut(value) => value,
            };
        }
        let code = x / step + zero;
        let rounded = (code.clamp(codes[0], codes[1]).round() - zero) * step;
        self.margin = self.margin.min((code.fract().abs() - 0.5).abs());
        let cut = code < inside[0] - 0.5 || code > inside[1] + 0.5;
        self.changes.push(if cut { Change::Cut(rounded) } else { Change::Added(rounded - x) });
        rounded
    }
}

impl Recorder {
    fn restart(&mut self) {
        (self.next, self.next_argument) = (0, 0);
    }

    /// Returns a rounded argument as it was in the first computation.
    fn argument(&mut self, rounded: f64) -> f64 {
        if !self.replay {
            self.arguments.push(rounded);
            return rounded;
        }
        self.next_argument += 1;
        self.arguments[self.next_argument - 1]
    }
}

/// The ranges and steps of a computation; they are found once and are constants afterwards.
#[derive(Default)]
struct Steps {
    found: Vec<[f64; 2]>,
    next: usize,
}

/// Channels of (images, HEIGHT, WIDTH) values.
type Channels = Vec<Vec<f64>>;

struct Case {
    layer: CondenseLayer,
    salt: usize,
    images: usize,
    dropout: f64,
    /// Added to one pixel of the last channel.
    outlier: f64,
}

struct Reference<'a> {
    case: &'a Case,
    recorder: &'a RefCell<Recorder>,
    steps: &'a RefCell<Steps>,
}

impl Reference<'_> {
    /// Returns a range that is found at the first computation only.
    fn range(&self, find: impl FnOnce() -> [f64; 2]) -> [f64; 2] {
        let mut steps = self.steps.borrow_mut();
        let next = steps.next;
        steps.next += 1;
        if next == steps.found.len() {
            let range = find();
            steps.found.push(range);
        }
        steps.found[next]
    }

    /// The range of a channel: its extremes, at most eight standard deviations from its mean.
    fn of_channel(&self, values: &[f64]) -> [f64; 2] {
        self.range(|| {
            let (mean, variance) = moments(values);
            let reach = 8.0 * variance.sqrt();
            let low = values.iter().copied().fold(f64::INFINITY, f64::min);
            let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            [low.max(mean - reach), high.min(mean + reach)]
        })
    }

    /// Rounds the results of a convolution to a scale and offset.
    fn results(&self, values: &mut [f64]) -> [f64; 2] {
        let [low, high] = self.of_channel(values);
        let step = (high - low) / 253.0;
        for x in values {
            let mut recorder = self.recorder.borrow_mut();
            *x = low + recorder.round(*x - low, step, 0.0, [-1.0, 254.0], [0.0, 253.0]);
        }
        [low, high]
    }

    /// Batch normalisation and rounded activation; returns the step of the results too.
    fn activated(
        &self,
        x: &Channels,
        ranges: &[[f64; 2]],
        parameters: &mut &[f64],
    ) -> (Channels, f64) {
        let (gamma, rest) = parameters.split_at(x.len());
        let (beta, rest) = rest.split_at(x.len());
        *parameters = rest;
        let norms: Vec<[f64; 2]> = x
            .iter()
            .zip(gamma.iter().zip(beta))
            .map(|(values, (gamma, beta))| {
                let (mean, variance) = moments(values);
                let scale = gamma / (variance + BATCH_NORM_EPSILON).sqrt();
                [scale, beta - mean * scale]
            })
            .collect();
        let ends = self.range(|| {
            let all = norms
                .iter()
                .zip(ranges)
                .flat_map(|([scale, shift], range)| range.map(|end| end * scale + shift));
            all.fold([0.0, 0.0], |[low, high], p| [f64::min(low, p), f64::max(high, p)])
        });
        let table = Table::new(self.case.layer.pair, ends);
        let value = |(x, norm): (&f64, &[f64; 2])| self.value(&table, x * norm[0] + norm[1]);
        let channels = x.iter().zip(&norms);
        let values = channels.map(|(x, norm)| x.iter().map(|x| value((x, norm))).collect());
        (values.collect(), table.scale)
    }

    fn value(&self, table: &Table, argument: f64) -> f64 {
        let Table { pair, step, zero, scale, least } = *table;
        let mut recorder = self.recorder.borrow_mut();
        let p = recorder.round(argument, step, zero, [0.0, 255.0], [0.0, 255.0]);
        let at = recorder.argument(p);
        // The tangent, because a rounded argument is often 0, where functions have no derivative.
        let y = pair.value(at) + pair.derivative(at) * (p - at);
        let ends = [f64::NEG_INFINITY, f64::INFINITY];
        recorder.round(y, scale, 0.0, [least, least + 255.0], ends)
    }

    fn layer(&self, input: &Channels, parameters: &[f64]) -> Channels {
        let CondenseLayer { filters, kernel, tail, .. } = &self.case.layer;
        let (mut x, mut rest) = (input.clone(), parameters);
        let mut ranges: Vec<[f64; 2]> = x.iter().map(|x| self.of_channel(x)).collect();
        for (index, filters) in filters.iter().enumerate() {
            let (z, _) = self.activated(&x, &ranges, &mut rest);
            let mut outputs = convolution(&z, *filters, *kernel, &mut rest);
            let mask = self.case.mask(index);
            for (c, output) in outputs.iter_mut().enumerate() {
                output.iter_mut().enumerate().for_each(|(at, x)| *x *= mask[c][at]);
                ranges.push(self.results(output));
            }
            x.extend(outputs);
        }
        match *tail {
            Tail::Concat => x,
            Tail::Transition { out_channels, pool } => {
                let (z, scale) = self.activated(&x, &ranges, &mut rest);
                let mut pooled = average(&z, pool);
                for mean in pooled.iter_mut().flatten() {
                    let mut recorder = self.recorder.borrow_mut();
                    let ends = [f64::NEG_INFINITY, f64::INFINITY];
                    // Halves are rounded upwards.
                    let up = *mean + scale / 1024.0;
                    *mean = recorder.round(up, scale, 0.0, ends, ends);
                }
                convolution(&pooled, out_channels, 1, &mut rest)
            }
            Tail::AverageHead => {
                let (z, _) = self.activated(&x, &ranges, &mut rest);
                let mean = |values: &[f64]| values.iter().sum::<f64>() / PLANE as f64;
                z.iter().map(|values| values.chunks(PLANE).map(mean).collect()).collect()
            }
        }
    }
}

/// The bins and bytes of an activation.
#[derive(Clone, Copy)]
struct Table {
    pair: PiecewiseActivation,
    step: f64,
    /// The bin of 0, with its fraction.
    zero: f64,
    scale: f64,
    least: f64,
}

impl Table {
    fn new(pair: PiecewiseActivation, [low, high]: [f64; 2]) -> Table {
        let below = match pair.left {
            Activation::Relu => 0.0,
            Activation::Tanh => 3.0,
            Activation::Elu | Activation::Selu => 4.0,
            Activation::Sigmoid => 5.0,
            Activation::Swish => 6.0,
            Activation::Linear => f64::INFINITY,
        };
        let (above, slope) = match pair.right {
            Activation::Tanh => (3.0, None),
            Activation::Sigmoid => (5.0, None),
            Activation::Swish => (f64::INFINITY, None),
            Activation::Selu => (f64::INFINITY, Some(SELU_SCALE)),
            Activation::Relu | Activation::Elu | Activation::Linear => (f64::INFINITY, Some(1.0)),
        };
        let (low, high) = (low.max(-below), high.min(above));
        // A bin below 0 in any case.
        let low = if pair.jumps_at_zero() { low.min(-high / 254.0) } else { low };
        let step = (high - low) / if low < 0.0 { 254.0 } else { 255.0 };
        let bins = (-low / step - 1e-9).ceil().max(0.0);
        let zero = if pair.jumps_at_zero() { bins.max(1.0) - 0.5 } else { bins };
        let results: Vec<f64> =
            (0..256).map(|bin| pair.value((f64::from(bin) - zero) * step)).collect();
        let least = results.iter().copied().fold(0.0, f64::min);
        let natural = (results.iter().copied().fold(0.0, f64::max) - least) / 255.0;
        let scale = match slope {
            Some(slope) if !pair.jumps_at_zero() => natural.max(slope * step),
            Some(_) | None => natural,
        };
        Table { pair, step, zero, scale, least: -(-least / scale - 1e-6).ceil().max(0.0) }
    }
}

fn moments(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    (mean, values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count)
}

fn convolution(x: &Channels, filters: usize, kernel: usize, rest: &mut &[f64]) -> Channels {
    let taps = kernel * kernel;
    let (weights, after) = rest.split_at(filters * x.len() * taps);
    *rest = after;
    let inputs = x.len();
    // Only pooled values, whose kernel has one tap, have another size.
    let (plane, width) = if taps == 1 { (1, 1) } else { (PLANE, WIDTH) };
    let value = |filter: usize, at: usize| -> f64 {
        let (image, y, column) = (at / plane, at % plane / width, at % width);
        let mut sum = 0.0;
        for (c, x) in x.iter().enumerate() {
            for tap in 0..taps {
                let row = (y + tap / kernel).wrapping_sub(kernel / 2);
                let column = (column + tap % kernel).wrapping_sub(kernel / 2);
                if row < plane / width && column < width {
                    sum += weights[(filter * inputs + c) * taps + tap]
                        * x[image * plane + row * width + column];
                }
            }
        }
        sum
    };
    (0..filters).map(|f| (0..x[0].len()).map(|at| value(f, at)).collect()).collect()
}

fn average(x: &Channels, pool: usize) -> Channels {
    let (rows, columns) = (HEIGHT / pool, WIDTH / pool);
    let pooled = rows * columns;
    let mean = |x: &[f64], at: usize| {
        let (image, y, column) = (at / pooled, at % pooled / columns, at % columns);
        let square = (0..pool * pool).map(|i| {
            let (y, column) = (y * pool + i / pool, column * pool + i % pool);
            x[image * PLANE + y * WIDTH + column]
        });
        square.sum::<f64>() / (pool * pool) as f64
    };
    let of = |x: &Vec<f64>| (0..x.len() / PLANE * pooled).map(|at| mean(x, at)).collect();
    x.iter().map(of).collect()
}

impl Case {
    fn input(&self) -> Channels {
        let value = |c: usize, at: usize| {
            let i = (c * self.images * PLANE + at) as f64;
            let last = c + 1 == self.layer.in_channels;
            let added = if last && at == 7 { self.outlier } else { 0.2 };
            f64::from((i * 0.9 + 0.3 + self.salt as f64).sin() as f32 + added as f32)
        };
        let channels = 0..self.layer.in_channels;
        channels.map(|c| (0..self.images * PLANE).map(|at| value(c, at)).collect()).collect()
    }

    fn parameters(&self) -> Vec<f64> {
        let value = |i: usize| (0.5 * (i as f64 * 1.7 + 1.0 + self.salt as f64).sin() + 0.1) as f32;
        (0..self.layer.parameters()).map(|i| f64::from(value(i))).collect()
    }

    fn dropouts(&self) -> Vec<Dropout> {
        let of = |index| Dropout::new(self.dropout, 3, &format!("fel{index}"), Level::Portable);
        let count = if self.dropout > 0.0 { self.layer.filters.len() } else { 0 };
        (0..count).map(of).collect()
    }

    /// Returns the dropout factor of each element of a FEL's output.
    fn mask(&self, index: usize) -> Channels {
        let shape = (self.images, self.layer.filters[index], HEIGHT, WIDTH);
        let ones = to_blocks(&Tensor::ones(shape, DType::F32, &Device::Cpu).unwrap()).unwrap();
        let mask = self.dropouts().get(index).map_or(ones.clone(), |d| d.apply(&ones).unwrap());
        channels(&to_rows(&mask, self.images).unwrap(), self.layer.filters[index])
    }

    /// Returns output, and the gradients of `sum(output * grad_output)` by input and parameters.
    fn computed(&self, level: Level, grad_output: &Channels) -> (Channels, Channels, Vec<f64>) {
        let input = to_blocks(&tensor(&self.input(), (HEIGHT, WIDTH))).unwrap();
        let parameters: Vec<f32> = self.parameters().iter().map(|x| *x as f32).collect();
        let (x, p) = (
            Var::from_tensor(&input).unwrap(),
            Var::from_vec(parameters.clone(), parameters.len(), &Device::Cpu).unwrap(),
        );
        let norms = NormStatistics::Batch(Default::default());
        let layer = Arc::new(self.layer.clone());
        let pass = Pass::new(layer, self.images, level, Arc::default(), norms)
            .rounded()
            .with_dropouts(self.dropouts());
        let y = to_rows(&pass.apply(&x, &p).unwrap(), self.images).unwrap();
        let plane = grad_output[0].len() / self.images;
        let grad = tensor(grad_output, (plane, 1)).flatten_from(1).unwrap();
        let gradients = (&y * grad).unwrap().sum_all().unwrap().backward().unwrap();
        let dx = to_rows(gradients.get(&x).unwrap(), self.images).unwrap();
        let dp = gradients.get(&p).unwrap().to_vec1::<f32>().unwrap();
        (
            channels(&y, grad_output.len()),
            channels(&dx, self.layer.in_channels),
            dp.into_iter().map(f64::from).collect(),
        )
    }

    /// Compares with the reference; returns false if a value lies so close to the middle between
    /// two steps that floats may round it either way.
    fn agrees(&self, level: Level) -> bool {
        let what = format!("{level:?} {:?} {}", self.layer, self.salt);
        let recorder = RefCell::new(Recorder { margin: 0.5, ..Default::default() });
        let steps = RefCell::default();
        let reference = Reference { case: self, recorder: &recorder, steps: &steps };
        let (input, parameters) = (self.input(), self.parameters());
        let output = reference.layer(&input, &parameters);
        if recorder.borrow().margin < 3e-4 {
            return false;
        }
        let grad_output: Channels = output
            .iter()
            .enumerate()
            .map(|(c, y)| (0..y.len()).map(|i| ((i + c * 31) as f64 * 0.37 + 2.0).cos()).collect())
            .collect();
        let (y, dx, dp) = self.computed(level, &grad_output);
        for (got, want) in y.iter().flatten().zip(output.iter().flatten()) {
            assert!((got - want).abs() <= 1e-5 * want.abs().max(1.0), "{what}: {got}, not {want}");
        }
        recorder.borrow_mut().replay = true;
        let loss = |input: &Channels, parameters: &[f64]| -> f64 {
            recorder.borrow_mut().restart();
            steps.borrow_mut().next = 0;
            let y = reference.layer(input, parameters);
            y.iter().flatten().zip(grad_output.iter().flatten()).map(|(y, g)| y * g).sum()
        };
        for salt in 0..3 {
            let direction = |i: usize| ((i * 7 + salt * 3) as f64 * 1.9).sin();
            let compare = |gradient: &[f64], moved: &dyn Fn(f64) -> f64, of: &str| {
                let want = (moved(1e-6) - moved(-1e-6)) / 2e-6;
                let products = gradient.iter().enumerate().map(|(i, g)| g * direction(i));
                let scale = products.clone().map(f64::abs).sum::<f64>().max(1.0);
                let got: f64 = products.sum();
                assert!((got - want).abs() <= 2e-5 * scale, "{what} {of}: {got}, not {want}");
            };
            let of_input = |t: f64| {
                let mut i = 0;
                let mut next = |x: &f64| {
                    i += 1;
                    x + t * direction(i - 1)
                };
                let moved: Channels =
                    input.iter().map(|x| x.iter().map(&mut next).collect()).collect();
                loss(&moved, &parameters)
            };
            compare(&dx.concat(), &of_input, "input gradient");
            let of_parameters = |t: f64| {
                let moved: Vec<f64> =
                    parameters.iter().enumerate().map(|(i, p)| p + t * direction(i)).collect();
                loss(&input, &moved)
            };
            compare(&dp, &of_parameters, "parameter gradient");
        }
        true
    }
}

/// Returns (images, channels, height, width).
fn tensor(channels: &Channels, (height, width): (usize, usize)) -> Tensor {
    let plane = height * width;
    let images = channels[0].len() / plane;
    let image = |n: usize| channels.iter().flat_map(move |x| &x[n * plane..(n + 1) * plane]);
    let values: Vec<f32> = (0..images).flat_map(image).map(|x| *x as f32).collect();
    Tensor::from_vec(values, (images, channels.len(), height, width), &Device::Cpu).unwrap()
}

/// Returns the channels of rows (images, channels * plane).
fn channels(rows: &Tensor, count: usize) -> Channels {
    let rows: Vec<Vec<f32>> = rows.to_vec2().unwrap();
    let plane = rows[0].len() / count;
    let of = |c: usize| rows.iter().flat_map(move |row| &row[c * plane..(c + 1) * plane]);
    (0..count).map(|c| of(c).map(|x| f64::from(*x)).collect()).collect()
}

/// Compares layers with the reference, with the first input each that floats round like f64.
fn check(case: impl Fn(usize) -> Case, level: Level) {
    let layer = case(0).layer;
    let any = (0..60).any(|salt| case(salt).agrees(level));
    assert!(any, "{layer:?}: all inputs are near a middle");
}

fn case(
    pair: PiecewiseActivation,
    filters: &[usize],
    tail: Tail,
    dropout: f64,
) -> impl Fn(usize) -> Case {
    let layer = CondenseLayer { in_channels: 2, filters: filters.to_vec(), kernel: 3, pair, tail };
    move |salt| Case { layer: layer.clone(), salt, images: FEW, dropout, outlier: 0.2 }
}

const TRANSITION: Tail = Tail::Transition { out_channels: 3, pool: 2 };

fn pair(name: &str) -> PiecewiseActivation {
    PiecewiseActivation::all().find(|pair| pair.to_string() == name).unwrap()
}

#[test]
fn all_activation_pairs_agree_with_the_reference() {
    for pair in PiecewiseActivation::all() {
        check(case(pair, &[2], TRANSITION, 0.0), Level::detected());
        check(case(pair, &[2], Tail::AverageHead, 0.0), Level::detected());
    }
}

#[test]
fn all_levels_tails_and_dropout_agree_with_the_reference() {
    for level in Level::available() {
        check(case(pair("(linear, selu)"), &[1, 2], Tail::Concat, 0.0), level);
        check(case(pair("(relu, relu)"), &[2, 1], TRANSITION, 0.3), level);
        check(case(pair("(swish, tanh)"), &[1, 1], Tail::AverageHead, 0.3), level);
    }
}

/// Among 320 values one is so far away that it is outside the range of arguments and, after the
/// convolution, outside that of results.
#[test]
fn outliers_agree_with_the_reference() {
    let of = case(pair("(linear, linear)"), &[1], Tail::Concat, 0.0);
    let with_outlier = |salt| {
        let few = of(salt);
        let layer = CondenseLayer { in_channels: 1, kernel: 1, ..few.layer };
        Case { layer, images: 16, outlier: 60.0, ..few }
    };
    check(with_outlier, Level::detected());
    let recorder = RefCell::new(Recorder::default());
    let (case, steps) = (with_outlier(0), RefCell::default());
    let reference = Reference { case: &case, recorder: &recorder, steps: &steps };
    reference.layer(&case.input(), &case.parameters());
    let cut = |change: &&Change| matches!(change, Change::Cut(_));
    assert_eq!(recorder.borrow().changes.iter().filter(cut).count(), 2);
}

/// The results of a convolution outside a layer: the stem's and a transition's.
#[test]
fn results_agree_with_the_reference() {
    let case =
        Case { images: 16, outlier: 60.0, ..case(pair("(relu, relu)"), &[], Tail::Concat, 0.0)(0) };
    let (recorder, steps) = (RefCell::new(Recorder::default()), RefCell::default());
    let reference = Reference { case: &case, recorder: &recorder, steps: &steps };
    let input = case.input();
    let mut want = input.clone();
    for x in &mut want {
        reference.results(x);
    }
    let x = Var::from_tensor(&to_blocks(&tensor(&input, (HEIGHT, WIDTH))).unwrap()).unwrap();
    let y = Results::new(case.images, Level::detected()).apply(&x).unwrap();
    let found = channels(&to_rows(&y, case.images).unwrap(), 2);
    for (got, want) in found.iter().flatten().zip(want.iter().flatten()) {
        assert!((got - want).abs() <= 1e-4, "{got}, not {want}");
    }
    let gradients = (y * 3.0).unwrap().sum_all().unwrap().backward().unwrap();
    let dx = channels(&to_rows(gradients.get(&x).unwrap(), case.images).unwrap(), 2);
    let outside: Vec<usize> =
        dx.iter().flatten().enumerate().filter(|(_, g)| **g == 0.0).map(|(at, _)| at).collect();
    assert_eq!(outside, [case.images * PLANE + 7]);
    assert!(dx.iter().flatten().all(|g| *g == 0.0 || *g == 3.0));
}
