//! The integer parameters of a plan's steps, and the bounds within which no sum overflows.

use super::arithmetic::{MEAN_BITS, plane_mean, plane_reciprocal};
use super::plan::{IMAGE, Operation, Plan, Step};
use anyhow::{Context, Result, bail, ensure};

/// Entries of a table.
pub const TABLE: usize = 256;

/// Maximum shift of a table's index; see [`super::arithmetic::table_index`].
pub const MAX_SHIFT: u8 = 7;

/// The integer parameters of a network.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters {
    /// For each channel of the image, the pixel that stands for 0 outside the image.
    pub image_zero_points: Vec<u8>,
    /// Parameters of each step, in the order of the plan.
    pub steps: Vec<StepParameters>,
}

/// The parameters of a step.
#[derive(Clone, Debug, PartialEq)]
pub enum StepParameters {
    /// Of [`Operation::Activate`].
    Table(Table),
    /// Of [`Operation::Convolve`] and [`Operation::Classify`].
    Filters(Filters),
    /// A step without parameters.
    None,
}

/// The parameters of a batch normalisation and activation.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// For each operand, the factor of each channel.
    pub factors: Vec<Vec<i16>>,
    /// The offset of each channel, with one half for rounding.
    pub offsets: Vec<i16>,
    /// Shift from the sum to the index, at most [`MAX_SHIFT`].
    pub shift: u8,
    /// The byte that stands for 0.
    pub zero_point: u8,
    /// Results.
    pub table: Box<[u8; TABLE]>,
}

/// The parameters of a convolution or classifier.
#[derive(Clone, Debug, PartialEq)]
pub struct Filters {
    /// Weights, -127 to 127: filters, channels, rows, columns.
    pub weights: Vec<i8>,
    /// For each filter, where its sum begins: what the zero point adds, the bias, and one half of
    /// the result's step.
    pub biases: Vec<i32>,
    /// For each filter, the even multiplier of its sum.
    pub multipliers: Vec<i32>,
}

/// The sizes of a step's parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sizes {
    /// Of a [`Table`].
    Table {
        /// Operands.
        operands: usize,
        /// Channels of each.
        channels: usize,
    },
    /// Of [`Filters`].
    Filters {
        /// Filters.
        filters: usize,
        /// Dimensions of a filter: channels, and for convolutions rows and columns.
        filter: Vec<usize>,
    },
    /// Of a step without parameters.
    None,
}

impl Step {
    /// Returns the sizes of the parameters of this step of `plan`.
    pub fn sizes(&self, plan: &Plan) -> Sizes {
        match &self.operation {
            Operation::Activate { operands, .. } => Sizes::Table {
                operands: operands.len(),
                channels: plan.channels(&operands[0]).count(),
            },
            Operation::Convolve { input, filters, kernel, .. } => {
                let channels = plan.values[*input].shape.channels;
                Sizes::Filters { filters: *filters, filter: vec![channels, *kernel, *kernel] }
            }
            Operation::Classify { input, .. } => {
                let classes = plan.values[plan.values.len() - 1].shape.channels;
                Sizes::Filters {
                    filters: classes,
                    filter: vec![plan.values[*input].shape.channels],
                }
            }
            Operation::Pool { .. } | Operation::Shortcut { .. } => Sizes::None,
        }
    }

    /// Returns the largest unsigned number that weights of this step of `plan` are multiplied with.
    pub fn largest_factor(&self, plan: &Plan) -> i64 {
        match self.operation {
            Operation::Classify { input, .. } => {
                let positions = plan.values[input].shape.plane();
                let rounded = plane_mean(255 * positions as u32, plane_reciprocal(positions));
                i64::from(rounded.max(255 << MEAN_BITS))
            }
            Operation::Activate { .. }
            | Operation::Convolve { .. }
            | Operation::Pool { .. }
            | Operation::Shortcut { .. } => 255,
        }
    }
}

impl Parameters {
    /// Returns the table of the step at `index`.
    ///
    /// # Panics
    /// Panics if the step has none. [`Parameters::check`] checks that steps have what they need.
    pub fn table(&self, index: usize) -> &Table {
        match &self.steps[index] {
            StepParameters::Table(table) => table,
            StepParameters::Filters(_) | StepParameters::None => {
                panic!("step {index} has no table")
            }
        }
    }

    /// Returns the filters of the step at `index`.
    ///
    /// # Panics
    /// Panics like [`Parameters::table`].
    pub fn filters(&self, index: usize) -> &Filters {
        match &self.steps[index] {
            StepParameters::Filters(filters) => filters,
            StepParameters::Table(_) | StepParameters::None => {
                panic!("step {index} has no filters")
            }
        }
    }

    /// Returns the byte that stands for 0 in a channel of a value that a convolution reads.
    pub fn zero_point(&self, plan: &Plan, value: usize, channel: usize) -> u8 {
        match plan.table_of(value) {
            None if value == IMAGE => self.image_zero_points[channel],
            // A shortcut or pooling of the image; no convolution reads it.
            None => 0,
            Some(step) => self.table(step).zero_point,
        }
    }

    /// Checks that these are parameters of `plan`, with which no sum overflows.
    ///
    /// # Errors
    /// Fails with the name of a step whose parameters are missing, have another size or are out of
    /// bounds.
    pub fn check(&self, plan: &Plan) -> Result<()> {
        ensure!(
            self.image_zero_points.len() == plan.values[IMAGE].shape.channels,
            "the image has {} channels, not {}",
            plan.values[IMAGE].shape.channels,
            self.image_zero_points.len()
        );
        ensure!(
            self.steps.len() == plan.steps.len(),
            "the network has {} steps, not {}",
            plan.steps.len(),
            self.steps.len()
        );
        for (step, parameters) in plan.steps.iter().zip(&self.steps) {
            match (step.sizes(plan), parameters) {
                (Sizes::Table { operands, channels }, StepParameters::Table(table)) => {
                    table.check(operands, channels)
                }
                (Sizes::Filters { filters, filter }, StepParameters::Filters(found)) => {
                    found.check(filters, filter.iter().product(), step.largest_factor(plan))
                }
                (Sizes::None, StepParameters::None) => Ok(()),
                (Sizes::Table { .. } | Sizes::Filters { .. } | Sizes::None, _) => {
                    bail!("the parameters are those of another kind of step")
                }
            }
            .with_context(|| format!("step {}", step.name))?;
        }
        Ok(())
    }
}

impl Table {
    fn check(&self, operands: usize, channels: usize) -> Result<()> {
        let sized = self.factors.len() == operands
            && self.factors.iter().all(|factors| factors.len() == channels)
            && self.offsets.len() == channels;
        ensure!(sized, "the table needs {operands} factors and an offset for {channels} channels");
        ensure!(self.shift <= MAX_SHIFT, "the shift {} is above {MAX_SHIFT}", self.shift);
        for channel in 0..channels {
            let factors = self.factors.iter().map(|factors| i32::from(factors[channel]).abs());
            let size = factors.sum::<i32>();
            ensure!(
                size <= i32::from(i16::MAX) && self.offsets[channel] != i16::MIN,
                "the factors or the offset of channel {channel} do not fit 16 bits"
            );
        }
        Ok(())
    }
}

impl Filters {
    fn check(&self, filters: usize, weights: usize, largest_factor: i64) -> Result<()> {
        let sized = self.weights.len() == filters * weights
            && self.biases.len() == filters
            && self.multipliers.len() == filters;
        ensure!(sized, "{filters} filters of {weights} weights are needed");
        for (filter, weights) in self.weights.chunks(weights).enumerate() {
            ensure!(
                !weights.contains(&i8::MIN),
                "the weight -128 of filter {filter} is outside -127 to 127"
            );
            ensure!(
                largest_sum(self.biases[filter], weights, largest_factor) <= i64::from(i32::MAX),
                "the sums of filter {filter} do not fit 32 bits"
            );
            let multiplier = self.multipliers[filter];
            ensure!(
                multiplier >= 0 && multiplier % 2 == 0,
                "the multiplier {multiplier} of filter {filter} is not an even number of at least 0"
            );
        }
        Ok(())
    }
}

/// Returns a bound of the size of a filter's sum, if its inputs are 0 to `largest_factor`. Engines
/// that add the products in another order, or of inputs less 128, stay below it too.
pub fn largest_sum(bias: i32, weights: &[i8], largest_factor: i64) -> i64 {
    let size: i64 = weights.iter().map(|weight| i64::from(*weight).abs()).sum();
    i64::from(bias).abs() + largest_factor * size
}
