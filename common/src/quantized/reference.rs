//! The integer reference: scalar, and the definition of an int8 network's result.

use super::arithmetic::{
    MEAN_BITS, logit, plane_mean, plane_reciprocal, requantized, signed, square_mean, table_index,
    unsigned,
};
use super::convolution::Convolution;
use super::network::QuantizedNetwork;
use super::parameters::{Filters, Parameters};
use super::plan::{GlobalPool, IMAGE, Operand, Operation, Plan};
use crate::network::Shape;

impl QuantizedNetwork {
    /// Returns the logits of an image of 8-bit pixels (channels, rows, columns). They are in units
    /// of [`super::Quantization::logit_scale`].
    ///
    /// # Panics
    /// Panics if the image does not have the network's input shape.
    pub fn logits(&self, pixels: &[u8]) -> Vec<i32> {
        let mut values = self.image_values(pixels);
        let last = self.plan.steps.len() - 1;
        for (index, dead) in self.plan.last_uses().into_iter().enumerate().take(last) {
            let value = run_step(&self.plan, &self.parameters, index, &values);
            values.push(value);
            dead.into_iter().for_each(|value| values[value] = Vec::new());
        }
        self.classified(last, &values)
    }

    /// Returns every value of the plan for an image, the image first; that of the last step is
    /// empty. Second, the logits.
    ///
    /// # Panics
    /// Panics like [`QuantizedNetwork::logits`].
    pub fn values(&self, pixels: &[u8]) -> (Vec<Vec<i8>>, Vec<i32>) {
        let mut values = self.image_values(pixels);
        let last = self.plan.steps.len() - 1;
        for index in 0..last {
            let value = run_step(&self.plan, &self.parameters, index, &values);
            values.push(value);
        }
        let logits = self.classified(last, &values);
        values.push(Vec::new());
        (values, logits)
    }

    fn image_values(&self, pixels: &[u8]) -> Vec<Vec<i8>> {
        let shape = self.plan.values[IMAGE].shape;
        assert_eq!(pixels.len(), shape.elements(), "the image is not of the network's shape");
        vec![pixels.iter().map(|pixel| signed(*pixel)).collect()]
    }

    fn classified(&self, step: usize, values: &[Vec<i8>]) -> Vec<i32> {
        let sums = accumulators(&self.plan, &self.parameters, step, values);
        let multipliers = &self.parameters.filters(step).multipliers;
        sums.into_iter().zip(multipliers).map(|(sum, m)| logit(sum, *m)).collect()
    }
}

/// Returns the class with the largest logit, the first one of equal logits.
pub fn class_of(logits: &[i32]) -> usize {
    (0..logits.len()).fold(0, |best, i| if logits[i] > logits[best] { i } else { best })
}

/// Returns the value that a step makes of the values before it. The value of the classifier, whose
/// results are no bytes, is empty.
///
/// # Panics
/// Panics if a value that it reads is not there, or if the parameters are not those of the plan.
pub fn run_step(plan: &Plan, parameters: &Parameters, index: usize, values: &[Vec<i8>]) -> Vec<i8> {
    match &plan.steps[index].operation {
        Operation::Activate { operands, .. } => activate(plan, parameters, index, operands, values),
        Operation::Convolve { .. } => {
            let sums = accumulators(plan, parameters, index, values);
            let multipliers = &parameters.filters(index).multipliers;
            let planes = sums.chunks(plan.made_by(index).shape.plane()).zip(multipliers);
            planes.flat_map(|(sums, m)| sums.iter().map(|sum| requantized(*sum, *m))).collect()
        }
        Operation::Pool { input, size } => pool(&values[*input], plan.values[*input].shape, *size),
        Operation::Shortcut { input, stride } => {
            let zero = match plan.table_of(*input) {
                Some(step) if plan.values[*input].uniform => {
                    signed(parameters.table(step).zero_point)
                }
                Some(_) | None => 0,
            };
            let made = plan.made_by(index).shape;
            shortcut(&values[*input], plan.values[*input].shape, *stride, zero, made)
        }
        Operation::Classify { .. } => Vec::new(),
    }
}

/// Returns the sums of a convolution or classifier before they are multiplied.
///
/// # Panics
/// Panics like [`run_step`], or if the step is of another kind.
pub fn accumulators(
    plan: &Plan,
    parameters: &Parameters,
    index: usize,
    values: &[Vec<i8>],
) -> Vec<i32> {
    match &plan.steps[index].operation {
        Operation::Convolve { input, kernel, stride, pool: size, .. } => {
            let (shape, filters) = (plan.values[*input].shape, parameters.filters(index));
            let pooled = pool(&values[*input], shape, *size);
            let bytes: Vec<u8> = pooled.into_iter().map(unsigned).collect();
            let convolution = Convolution {
                input: pooled_shape(shape, *size),
                output: plan.made_by(index).shape,
                kernel: *kernel,
                stride: *stride,
                weights: &filters.weights,
                biases: &filters.biases,
            };
            convolution.sums(&bytes, |channel| parameters.zero_point(plan, *input, channel))
        }
        Operation::Classify { input, pool, .. } => {
            classify(&values[*input], plan.values[*input].shape, *pool, parameters.filters(index))
        }
        Operation::Activate { .. } | Operation::Pool { .. } | Operation::Shortcut { .. } => {
            panic!("step {index} has no sums")
        }
    }
}

fn activate(
    plan: &Plan,
    parameters: &Parameters,
    index: usize,
    operands: &[Operand],
    values: &[Vec<i8>],
) -> Vec<i8> {
    let (table, shape) = (parameters.table(index), plan.made_by(index).shape);
    let plane = shape.plane();
    let channels: Vec<Vec<(usize, usize)>> =
        operands.iter().map(|operand| plan.channels(operand).collect()).collect();
    let mut made = Vec::with_capacity(shape.elements());
    for channel in 0..shape.channels {
        let factors: Vec<i16> = table.factors.iter().map(|factors| factors[channel]).collect();
        let planes: Vec<&[i8]> = channels
            .iter()
            .map(|channels| {
                let (value, from) = channels[channel];
                &values[value][from * plane..][..plane]
            })
            .collect();
        let offset = table.offsets[channel];
        let result = |terms: &[(i8, i16)]| {
            signed(table.table[usize::from(table_index(terms, offset, table.shift))])
        };
        match (planes.as_slice(), factors.as_slice()) {
            ([first], [a]) => made.extend(first.iter().map(|x| result(&[(*x, *a)]))),
            ([first, second], [a, b]) => {
                let pairs = first.iter().zip(*second);
                made.extend(pairs.map(|(x, y)| result(&[(*x, *a), (*y, *b)])));
            }
            _ => panic!("step {index} has one or two operands"),
        }
    }
    made
}

fn pooled_shape(shape: Shape, size: usize) -> Shape {
    Shape { height: shape.height / size, width: shape.width / size, ..shape }
}

fn pool(input: &[i8], shape: Shape, size: usize) -> Vec<i8> {
    if size == 1 {
        return input.to_vec();
    }
    let output = pooled_shape(shape, size);
    let mut pooled = Vec::with_capacity(output.elements());
    for plane in input.chunks(shape.plane()) {
        for y in 0..output.height {
            for x in 0..output.width {
                let rows = (0..size)
                    .flat_map(|dy| &plane[(y * size + dy) * shape.width + x * size..][..size]);
                pooled.push(square_mean(rows.map(|value| i32::from(*value)).sum(), size));
            }
        }
    }
    pooled
}

fn shortcut(input: &[i8], shape: Shape, stride: usize, zero: i8, made: Shape) -> Vec<i8> {
    let rows = input.chunks(shape.width).enumerate();
    let taken = rows.filter(|(row, _)| (row % shape.height).is_multiple_of(stride));
    let mut result: Vec<i8> =
        taken.flat_map(|(_, row)| row.iter().step_by(stride).copied()).collect();
    result.resize(made.elements(), zero);
    result
}

fn classify(input: &[i8], shape: Shape, pool: GlobalPool, filters: &Filters) -> Vec<i32> {
    let reciprocal = plane_reciprocal(shape.plane());
    let pooled: Vec<i32> = input
        .chunks(shape.plane())
        .map(|plane| match pool {
            GlobalPool::Average => {
                let sum = plane.iter().map(|value| u32::from(unsigned(*value))).sum();
                plane_mean(sum, reciprocal)
            }
            GlobalPool::Max => {
                i32::from(plane.iter().map(|value| unsigned(*value)).max().unwrap_or(0))
                    << MEAN_BITS
            }
        })
        .collect();
    let rows = filters.weights.chunks(shape.channels).zip(&filters.biases);
    rows.map(|(row, bias)| {
        bias + row.iter().zip(&pooled).map(|(w, mean)| i32::from(*w) * mean).sum::<i32>()
    })
    .collect()
}
