//! The kernels in 8-bit integers against plain loops over the formulas, on every engine of this
//! processor.

use proptest::prelude::*;
use runtime::int8::activation::{Activation, activation, addition};
use runtime::int8::classifier::{Classifier, Rows, classifier};
use runtime::int8::conv::{Convolution, Filters, Input, convolution};
use runtime::int8::dispatch::Kernels;
use runtime::int8::packing::Packing;
use runtime::int8::pool::{average_pool, shortcut};

const PACKING: Packing = Packing::HERE;

/// Numbers of filters whose tiles have few sizes, since each size is compiled for each engine: among
/// them some with a last tile that is not full.
const FILTERS: &[usize] = &[1, 2, 3, 5, 8, 12, 15, 16, 23, 24, 34];

fn engines() -> impl Iterator<Item = Kernels> {
    Kernels::available().into_iter().flatten()
}

/// Random bytes that depend on the seed alone (xorshift).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 >> 16
    }

    fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.next() as u8).collect()
    }

    /// Returns numbers from `low` to `high`.
    fn numbers(&mut self, len: usize, low: i64, high: i64) -> Vec<i64> {
        (0..len).map(|_| low + (self.next() % (high - low + 1) as u64) as i64).collect()
    }
}

/// The parameters of an activation; its table has unsigned bytes.
struct Table {
    factors: Vec<i16>,
    offsets: Vec<i16>,
    shift: u8,
    table: [u8; 256],
    packed: [u8; 256],
}

impl Table {
    fn random(random: &mut Random, terms: usize, channels: usize) -> Table {
        let most = i64::from(i16::MAX) / terms as i64;
        let table: [u8; 256] = random.bytes(256).try_into().unwrap();
        Table {
            factors: random
                .numbers(terms * channels, -most, most)
                .iter()
                .map(|x| *x as i16)
                .collect(),
            offsets: random.numbers(channels, -32767, 32767).iter().map(|x| *x as i16).collect(),
            shift: (random.next() % 8) as u8,
            table,
            packed: table.map(|byte| byte ^ PACKING.flip),
        }
    }

    fn activation(&self) -> Activation<'_> {
        Activation {
            factors: &self.factors,
            offsets: &self.offsets,
            shift: self.shift,
            table: &self.packed,
        }
    }

    /// Returns the unsigned byte for the terms of a channel.
    fn byte(&self, channel: usize, terms: &[u8]) -> u8 {
        let mut position = i32::from(self.offsets[channel]);
        for (term, value) in terms.iter().enumerate() {
            let factor = self.factors[term * self.offsets.len() + channel];
            position += (i32::from(*value as i8) * i32::from(factor)).div_euclid(256);
        }
        self.table[(position >> self.shift).clamp(0, 255) as usize]
    }
}

/// Returns the rounded mean of signed bytes, as an unsigned byte that is 128 more.
fn mean(bytes: &[u8]) -> u8 {
    let sum: i64 = bytes.iter().map(|byte| i64::from(*byte) - 128).sum();
    let count = bytes.len() as i64;
    let reciprocal = ((1i64 << 32) + count / 2) / count;
    (((sum * reciprocal + (1 << 31)) >> 32) + 128) as u8
}

struct Case {
    layer: Convolution,
    table: Option<Table>,
    from: Vec<u8>,
    /// For each channel, the unsigned byte around the image.
    zeros: Vec<u8>,
    weights: Vec<i8>,
    biases: Vec<i32>,
    multipliers: Vec<i32>,
}

impl Case {
    fn random(layer: Convolution, with_table: bool, seed: u64) -> Case {
        let mut random = Random(seed | 1);
        let Convolution { channels, height, width, filters, kernel, .. } = layer;
        let zero = random.next() as u8;
        let zeros = match with_table {
            true => vec![zero; channels],
            false => random.bytes(channels),
        };
        let weights = random.numbers(filters * channels * kernel * kernel, -127, 127);
        let biases = random.numbers(filters, -1 << 20, 1 << 20);
        let multipliers = random.numbers(filters, 0, 1 << 18);
        Case {
            layer,
            table: with_table.then(|| Table::random(&mut random, 1, channels)),
            from: random.bytes(channels * height * width),
            zeros,
            weights: weights.iter().map(|x| *x as i8).collect(),
            biases: biases.iter().map(|x| *x as i32).collect(),
            multipliers: multipliers.iter().map(|x| 2 * *x as i32).collect(),
        }
    }

    /// Returns the unsigned byte that the convolution reads at a place; `None` outside the image.
    fn read(&self, channel: usize, y: isize, x: isize) -> Option<u8> {
        let Convolution { height, width, pool, .. } = self.layer;
        let (rows, columns) = (height / pool, width / pool);
        if y < 0 || x < 0 || y as usize >= rows || x as usize >= columns {
            return None;
        }
        let mut bytes = Vec::new();
        for row in 0..pool {
            for column in 0..pool {
                let at = (channel * height + y as usize * pool + row) * width;
                let byte = self.from[at + x as usize * pool + column];
                bytes.push(match &self.table {
                    Some(table) => table.byte(channel, &[byte]),
                    None => byte ^ 0x80,
                });
            }
        }
        Some(if pool == 1 { bytes[0] } else { mean(&bytes) })
    }

    fn expected(&self) -> Vec<u8> {
        let Convolution { channels, filters, kernel, stride, .. } = self.layer;
        let mut made = Vec::new();
        for filter in 0..filters {
            for row in 0..self.layer.out_height() {
                for column in 0..self.layer.out_width() {
                    let mut sum = i64::from(self.biases[filter]);
                    for channel in 0..channels {
                        for dy in 0..kernel {
                            for dx in 0..kernel {
                                let y = (row * stride + dy) as isize - (kernel / 2) as isize;
                                let x = (column * stride + dx) as isize - (kernel / 2) as isize;
                                let byte = self.read(channel, y, x).unwrap_or(self.zeros[channel]);
                                let at =
                                    ((filter * channels + channel) * kernel + dy) * kernel + dx;
                                sum += i64::from(byte) * i64::from(self.weights[at]);
                            }
                        }
                    }
                    let value = (sum * i64::from(self.multipliers[filter])) >> 32;
                    made.push(value.clamp(-128, 127) as u8);
                }
            }
        }
        made
    }

    fn computed(&self, kernels: Kernels) -> Vec<u8> {
        let layer = self.layer;
        let Convolution { channels, filters, kernel, .. } = layer;
        let padded = layer.padded_filters(PACKING);
        let mut packed = vec![0; layer.weights_len(PACKING)];
        let mut biases = self.biases.clone();
        for filter in 0..filters {
            for channel in 0..channels {
                for tap in 0..kernel * kernel {
                    let weight =
                        self.weights[(filter * channels + channel) * kernel * kernel + tap];
                    let tap = [tap / kernel, tap % kernel];
                    packed[layer.weight_at(PACKING, filter, channel, tap)] = weight;
                    biases[filter] += i32::from(PACKING.flip) * i32::from(weight);
                }
            }
        }
        biases.resize(padded, 0);
        let mut multipliers = self.multipliers.clone();
        multipliers.resize(padded, 0);
        let padding: Vec<u8> = self.zeros.iter().map(|zero| zero ^ PACKING.flip).collect();
        let input = Input {
            from: &self.from,
            activation: self.table.as_ref().map(Table::activation),
            mask: 0x80 ^ PACKING.flip,
            padding: &padding,
        };
        let filters = Filters { weights: &packed, biases: &biases, multipliers: &multipliers };
        let plane = layer.out_height() * layer.out_width();
        // What follows the result must stay as it is.
        let mut to = vec![0xa5; layer.filters * plane + 64];
        let mut scratch = vec![0x5a; layer.scratch_len(PACKING)];
        macro_rules! with_tile {
            ($($tile:literal)*) => { match PACKING.tile(layer.filters) {
                $($tile => convolution::<$tile>(kernels, &layer, input, filters, &mut to, &mut scratch),)*
                other => panic!("tile {other}"),
            } };
        }
        with_tile!(1 2 3 5 8 12);
        assert_eq!(to.split_off(layer.filters * plane), [0xa5; 64]);
        to
    }

    fn check(&self) {
        let expected = self.expected();
        for kernels in engines() {
            let computed = self.computed(kernels);
            if let Some(at) = (0..expected.len()).find(|at| computed[*at] != expected[*at]) {
                panic!(
                    "{} {:?}: byte {at} is {}, not {}",
                    kernels.name(),
                    self.layer,
                    computed[at],
                    expected[at]
                );
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 300 }))]

    #[test]
    fn convolutions(
        channels in 1usize..=20,
        height in 1usize..=9,
        width in 1usize..=40,
        filters in prop::sample::select(FILTERS),
        kernel in prop_oneof![Just(1usize), Just(3), Just(5), Just(7)],
        stride in 1usize..=3,
        with_table: bool,
        seed: u64,
    ) {
        let layer = Convolution { channels, height, width, pool: 1, filters, kernel, stride };
        Case::random(layer, with_table, seed).check();
    }

    #[test]
    fn convolutions_of_averages(
        channels in 1usize..=20,
        pool in 2usize..=4,
        rows in 1usize..=5,
        columns in 1usize..=20,
        rest in [0usize..4, 0..4],
        filters in prop::sample::select(FILTERS),
        with_table: bool,
        seed: u64,
    ) {
        let height = pool * rows + rest[0].min(pool - 1);
        let width = pool * columns + rest[1].min(pool - 1);
        let layer = Convolution { channels, height, width, pool, filters, kernel: 1, stride: 1 };
        Case::random(layer, with_table, seed).check();
    }

    #[test]
    fn activations_and_additions(channels in 1usize..=5, plane in 1usize..=100, seed: u64) {
        let mut random = Random(seed | 1);
        let values = [random.bytes(channels * plane), random.bytes(channels * plane)];
        let (one, two) =
            (Table::random(&mut random, 1, channels), Table::random(&mut random, 2, channels));
        for kernels in engines() {
            let mut to = vec![0; channels * plane];
            activation(kernels, one.activation(), plane, &values[0], &mut to);
            for (at, to) in to.iter().enumerate() {
                prop_assert_eq!(to ^ 0x80, one.byte(at / plane, &[values[0][at]]));
            }
            addition(kernels, two.activation(), plane, [&values[0], &values[1]], &mut to);
            for (at, to) in to.iter().enumerate() {
                let terms = [values[0][at], values[1][at]];
                prop_assert_eq!(to ^ 0x80, two.byte(at / plane, &terms), "{}", kernels.name());
            }
        }
    }

    #[test]
    fn classifiers(
        channels in 1usize..=20,
        plane in 1usize..=100,
        classes in 1usize..=12,
        largest: bool,
        with_table: bool,
        seed: u64,
    ) {
        let mut random = Random(seed | 1);
        let from = random.bytes(channels * plane);
        let table = with_table.then(|| Table::random(&mut random, 1, channels));
        let numbers = |random: &mut Random, len: usize, low, high| -> Vec<i32> {
            random.numbers(len, low, high).iter().map(|x| *x as i32).collect()
        };
        let weights: Vec<i8> =
            numbers(&mut random, channels * classes, -127, 127).iter().map(|x| *x as i8).collect();
        let biases = numbers(&mut random, classes, -1 << 24, 1 << 24);
        let multipliers = numbers(&mut random, classes, 0, i64::from(i32::MAX));
        let pooled: Vec<i64> = (0..channels)
            .map(|channel| {
                let bytes = from[channel * plane..][..plane].iter().map(|byte| match &table {
                    Some(table) => i64::from(table.byte(channel, &[*byte])),
                    None => i64::from(byte ^ 0x80),
                });
                if largest {
                    return bytes.max().unwrap() << 6;
                }
                let reciprocal = ((1i64 << 30) + plane as i64 / 2) / plane as i64;
                (bytes.sum::<i64>() * reciprocal + (1 << 23)) >> 24
            })
            .collect();
        let expected: Vec<i32> = (0..classes)
            .map(|class| {
                let products = pooled.iter().enumerate().map(|(channel, mean)| {
                    mean * i64::from(weights[channel * classes + class])
                });
                let sum = i64::from(biases[class]) + products.sum::<i64>();
                ((sum * i64::from(multipliers[class])) >> 32) as i32
            })
            .collect();
        for kernels in engines() {
            let mut logits = vec![0; classes];
            let layer = Classifier { plane, largest, mask: 0x80 };
            let rows =
                Rows { weights: &weights, biases: &biases, multipliers: &multipliers };
            let activation = table.as_ref().map(Table::activation);
            classifier(kernels, layer, activation, rows, &from, &mut logits);
            prop_assert_eq!(&logits, &expected, "{}", kernels.name());
        }
    }

    #[test]
    fn averages(shape in [1usize..=3, 1..=9, 1..=9], size in 1usize..=3, seed: u64) {
        let [channels, height, width] = shape;
        let size = size.min(height).min(width);
        let from = Random(seed | 1).bytes(channels * height * width);
        let mut to = vec![0; channels * (height / size) * (width / size)];
        average_pool(shape, size, &from, &mut to);
        let mut expected = Vec::new();
        for channel in 0..channels {
            for y in 0..height / size {
                for x in 0..width / size {
                    let square: Vec<u8> = (0..size * size)
                        .map(|at| {
                            let (row, column) = (y * size + at / size, x * size + at % size);
                            from[(channel * height + row) * width + column] ^ 0x80
                        })
                        .collect();
                    expected.push(mean(&square) ^ 0x80);
                }
            }
        }
        prop_assert_eq!(to, expected);
    }
}

#[test]
fn a_shortcut_skips_rows_and_columns() {
    let from: Vec<u8> = (0..2 * 3 * 5).collect();
    let mut to = [0; 2 * 2 * 3 + 6];
    shortcut([2, 3, 5], 2, 99, &from, &mut to);
    assert_eq!(to[..12], [0, 2, 4, 10, 12, 14, 15, 17, 19, 25, 27, 29]);
    assert_eq!(to[12..], [99; 6]);
}

#[test]
fn engines_are_found_by_name() {
    let names: Vec<&str> = engines().map(Kernels::name).collect();
    assert_eq!(names.last(), Some(&"scalar"));
    assert_eq!(Kernels::detect().name(), names[0]);
    for name in &names {
        assert_eq!(Kernels::named(name).expect("it is there").name(), *name);
        assert_eq!(names.iter().filter(|other| *other == name).count(), 1);
    }
    assert!(Kernels::named("").is_none() && Kernels::named("avx").is_none());
}

/// Widths with all numbers of columns in the last vector, rows for all numbers of rows at a time,
/// groups and tiles that are filled in part.
#[test]
fn rows_of_all_lengths() {
    let most = if cfg!(miri) { 3 } else { 40 };
    for width in 1..=most {
        for (index, [kernel, stride]) in
            [[1, 1], [3, 1], [5, 1], [7, 1], [3, 2], [5, 3], [1, 2]].into_iter().enumerate()
        {
            for height in if width <= 16 { 1..=6 } else { 2..=3 } {
                let seed = (width * 64 + index * 8 + height) as u64;
                let (channels, filters) =
                    (1 + (width + index) % 9, FILTERS[(width + height) % FILTERS.len()]);
                let layer =
                    Convolution { channels, height, width, pool: 1, filters, kernel, stride };
                Case::random(layer, index % 3 > 0, seed * 0x9e37_79b9).check();
            }
        }
    }
}

#[test]
fn averages_of_rows_of_all_lengths() {
    for width in 2..=if cfg!(miri) { 3 } else { 70 } {
        let (channels, filters, height) =
            (1 + width % 9, FILTERS[width % FILTERS.len()], 2 + width % 7);
        let layer = Convolution { channels, height, width, pool: 2, filters, kernel: 1, stride: 1 };
        Case::random(layer, true, width as u64 * 0x9e37_79b9).check();
    }
}

/// Sums near both ends of 32 bits, and multipliers that make the smallest and largest values of
/// them.
#[test]
fn values_saturate() {
    let layer = Convolution {
        channels: 4,
        height: 5,
        width: 21,
        pool: 1,
        filters: 23,
        kernel: 3,
        stride: 1,
    };
    let mut case = Case::random(layer, true, 77);
    let most = 4 * 9 * 255 * 127;
    for (filter, (bias, multiplier)) in
        case.biases.iter_mut().zip(&mut case.multipliers).enumerate()
    {
        *bias = [i32::MAX - most, i32::MIN + most, 0, -1, 1][filter % 5];
        *multiplier = [i32::MAX - 1, 1 << 24, 1 << 20, 254, 2, 0][filter % 6];
    }
    case.check();
    let values = case.expected();
    assert!(values.contains(&0x7f) && values.contains(&0x80) && values.contains(&0));
}

/// Every byte, every shift, and linear functions at the ends of 16 bits.
#[test]
fn indexes_at_the_ends_of_16_bits() {
    let table: [u8; 256] = Random(5).bytes(256).try_into().unwrap();
    let all: Vec<u8> = (0..=255).collect();
    let pairs =
        [[32767, 0], [-32767, 0], [16384, 16383], [-16384, -16383], [16000, -16767], [1, -1]];
    let offsets = [-32768, -32767, -16384, -1, 0, 1, 255, 16383, 32767];
    for shift in if cfg!(miri) { 0..=0 } else { 0..=7 } {
        for [first, second] in pairs {
            for offset in offsets {
                let parameters = Table {
                    factors: vec![first, second],
                    offsets: vec![offset],
                    shift,
                    table,
                    packed: table.map(|byte| byte ^ PACKING.flip),
                };
                let one = Activation { factors: &[first], ..parameters.activation() };
                let reversed: Vec<u8> = all.iter().rev().copied().collect();
                for kernels in engines() {
                    let mut to = [0; 256];
                    activation(kernels, one, 256, &all, &mut to);
                    for (to, value) in to.iter().zip(&all) {
                        assert_eq!(to ^ 0x80, parameters.byte(0, &[*value]), "{}", kernels.name());
                    }
                    for other in [&all, &reversed] {
                        let terms = [&all[..], other];
                        addition(kernels, parameters.activation(), 256, terms, &mut to);
                        for (to, (value, other)) in to.iter().zip(all.iter().zip(other)) {
                            let expected = parameters.byte(0, &[*value, *other]);
                            assert_eq!(to ^ 0x80, expected, "{}", kernels.name());
                        }
                    }
                }
            }
        }
    }
}

/// Engines may know shorter ways for tables that are lines, or lines in part.
#[test]
fn tables_of_all_shapes() {
    let noise: [u8; 256] = Random(9).bytes(256).try_into().unwrap();
    let shapes: [fn(u8, u8) -> u8; 10] = [
        |index, _| index,
        |index, _| index.saturating_sub(100),
        |index, _| index.saturating_add(100),
        |index, _| if index < 90 { 30 - index / 3 } else { index - 70 },
        |index, _| if index < 128 { 0 } else { index - 128 + index % 3 },
        |index, noise| if index < 128 { noise } else { index },
        |index, noise| if index < 128 { index } else { noise },
        |index, noise| if index / 16 == 7 { noise } else { index.saturating_sub(3) },
        |_, _| 0,
        |_, _| 255,
    ];
    for (number, shape) in shapes.into_iter().enumerate() {
        let mut table = noise;
        for (index, byte) in (0..=255u8).zip(&mut table) {
            *byte = shape(index, *byte);
        }
        // The index of a value X is X + 128.
        let (factors, offsets) = (vec![256], vec![128]);
        let packed = table.map(|byte| byte ^ PACKING.flip);
        let parameters = Table { factors, offsets, shift: 0, table, packed };
        let values: Vec<u8> = (0..=255).collect();
        for kernels in engines() {
            let mut to = [0; 256];
            activation(kernels, parameters.activation(), 256, &values, &mut to);
            for (to, value) in to.iter().zip(&values) {
                let expected = table[usize::from(value ^ 0x80)] ^ 0x80;
                assert_eq!(*to, expected, "{} {number} {value}", kernels.name());
            }
        }
    }
}
