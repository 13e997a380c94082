//! Runs a plan in 8-bit integers with the real kernels, without writing and building a crate.

use codegen::int8::pack::Constants;
use codegen::int8::{FilterConstants, Int8Plan, Kernel, Source, Step, TableConstants};
use common::network::Network;
use common::quantized::plan::IMAGE;
use common::quantized::{QuantizedNetwork, Table};
use common::seed;
use rand::Rng;
use runtime::int8::activation::{Activation, activation, addition};
use runtime::int8::classifier::{Classifier, Rows, classifier};
use runtime::int8::conv::{self, Input, convolution};
use runtime::int8::dispatch::Kernels;
use runtime::int8::packing::Packing;
use runtime::int8::pool::{average_pool, shortcut};
use std::ops::Range;

/// The packing of the kernels that run here.
pub(crate) const PACKING: Packing = Packing::HERE;

/// Returns random images.
pub(crate) fn pixels(network: &Network, count: usize) -> Vec<Vec<u8>> {
    let mut rng = seed::stream(2, "pixels");
    let image = |_| {
        let mut pixels = vec![0; network.input.shape().elements()];
        rng.fill_bytes(&mut pixels);
        pixels
    };
    (0..count).map(image).collect()
}

/// Returns the logits of an image. The arena begins with the bytes that an earlier inference may
/// have left.
pub(crate) fn run(
    plan: &Int8Plan,
    constants: &Constants,
    quantized: &QuantizedNetwork,
    kernels: Kernels,
    image: &[u8],
) -> Vec<i32> {
    let interpreter = Interpreter { constants, quantized, kernels, image };
    let mut arena = vec![0xa5; plan.arena_len];
    let mut logits = Vec::new();
    for step in &plan.steps {
        interpreter.step(step, &mut arena, &mut logits);
    }
    logits
}

struct Interpreter<'a> {
    constants: &'a Constants,
    quantized: &'a QuantizedNetwork,
    kernels: Kernels,
    image: &'a [u8],
}

impl Interpreter<'_> {
    fn step(&self, step: &Step, arena: &mut [u8], logits: &mut Vec<i32>) {
        // Generated crates split the arena, which fails for ranges that overlap.
        assert_apart(step);
        let of_source = |source: &Source| match source {
            Source::Image => self.image.to_vec(),
            Source::Arena(range) => arena[range.clone()].to_vec(),
        };
        let sources: Vec<Vec<u8>> = step.sources.iter().map(of_source).collect();
        let mut scratch = vec![0x5a; step.scratch.len()];
        arena[step.scratch.clone()].fill(0xa5);
        let to = &mut arena[step.target.clone()];
        let (from, input) = (&sources[0][..], step.input);
        match &step.kernel {
            Kernel::Image => copy(&step.sources[0], from, to, 0x80),
            Kernel::Copy => copy(&step.sources[0], from, to, 0x80),
            Kernel::Convolution { layer, tile, table, filters, read } => {
                let image = step.sources[0] == Source::Image;
                let padding = self.padding(*read, layer.channels);
                let input = Input {
                    from,
                    activation: table.as_ref().map(|table| self.activation(table)),
                    mask: if image { PACKING.flip } else { PACKING.flip ^ 0x80 },
                    padding: &padding,
                };
                let (weights, [biases, multipliers]) = self.words(filters);
                let filters = conv::Filters { weights, biases, multipliers };
                macro_rules! with_tile {
                    ($($width:literal)*) => { match tile {
                        $($width => convolution::<$width>(self.kernels, layer, input, filters, to, &mut scratch),)*
                        other => panic!("tile {other}"),
                    } };
                }
                with_tile!(1 2 3 4 5 6 7 8 9 10 11 12);
            }
            Kernel::Activation(table) => {
                let (table, plane) = (self.activation(table), input.plane());
                match &sources[..] {
                    [from] => activation(self.kernels, table, plane, from, to),
                    [from, second] => {
                        addition(self.kernels, table, plane, [from, second], to);
                    }
                    _ => panic!("one term or two"),
                }
            }
            Kernel::AveragePool { size } => {
                average_pool([input.channels, input.height, input.width], *size, from, to);
            }
            Kernel::Shortcut { stride, zero } => {
                let zero = zero.map_or(0, |step| self.table(step).zero_point ^ 0x80);
                let shape = [input.channels, input.height, input.width];
                shortcut(shape, *stride, zero, from, to);
            }
            Kernel::Classifier { largest, table, filters } => {
                let layer = Classifier { plane: input.plane(), largest: *largest, mask: 0x80 };
                let table = table.as_ref().map(|table| self.activation(table));
                let (weights, [biases, multipliers]) = self.words(filters);
                let rows = Rows { weights, biases, multipliers };
                *logits = vec![0; biases.len()];
                classifier(self.kernels, layer, table, rows, from, logits);
            }
        }
    }

    fn table(&self, step: usize) -> &Table {
        self.quantized.parameters.table(step)
    }

    fn activation(&self, table: &TableConstants) -> Activation<'_> {
        Activation {
            factors: &self.constants.factors[table.factors.clone()],
            offsets: &self.constants.factors[table.offsets.clone()],
            shift: self.table(table.step).shift,
            table: &self.constants.tables[table.table],
        }
    }

    fn padding(&self, read: usize, channels: usize) -> Vec<u8> {
        let QuantizedNetwork { plan, parameters } = self.quantized;
        let channels = if read == IMAGE { channels } else { 1 };
        (0..channels).map(|c| parameters.zero_point(plan, read, c) ^ PACKING.flip).collect()
    }

    fn words(&self, filters: &FilterConstants) -> (&[i8], [&[i32]; 2]) {
        let words = |range: &Range<usize>| &self.constants.words[range.clone()];
        let weights = &self.constants.weights[filters.weights.clone()];
        (weights, [words(&filters.biases), words(&filters.multipliers)])
    }
}

fn copy(source: &Source, from: &[u8], to: &mut [u8], flip: u8) {
    let flip = if *source == Source::Image { flip } else { 0 };
    to.iter_mut().zip(from).for_each(|(to, from)| *to = from ^ flip);
}

/// Panics if two different parts of the arena overlap that a step uses.
fn assert_apart(step: &Step) {
    let mut ranges: Vec<Range<usize>> = step
        .sources
        .iter()
        .filter_map(|source| match source {
            Source::Image => None,
            Source::Arena(range) => Some(range.clone()),
        })
        .collect();
    ranges.dedup();
    ranges.extend([step.target.clone(), step.scratch.clone()]);
    ranges.retain(|range| !range.is_empty());
    ranges.sort_by_key(|range| range.start);
    assert!(ranges.is_sorted_by(|a, b| a.end <= b.start), "{step:?}");
}
