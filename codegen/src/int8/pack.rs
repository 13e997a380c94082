//! The constants of a generated crate in integers, in the order in which the kernels read them.

use super::constants::{FilterConstants, TableConstants};
use super::kernel::Kernel;
use super::plan::Int8Plan;
use common::quantized::Parameters;
use runtime::int8::conv::Convolution;
use runtime::int8::packing::Packing;

/// The constants, by the size of the numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constants {
    /// Biases and multipliers.
    pub words: Vec<i32>,
    /// Factors and offsets of tables.
    pub factors: Vec<i16>,
    /// Tables.
    pub tables: Vec<[u8; 256]>,
    /// Weights.
    pub weights: Vec<i8>,
}

impl Constants {
    /// Returns the constants of a network with this plan, which is for this packing.
    ///
    /// # Panics
    /// Panics if the parameters are not those of the network.
    pub fn new(plan: &Int8Plan, parameters: &Parameters, packing: Packing) -> Constants {
        let lengths = plan.lengths;
        let mut constants = Constants {
            words: vec![0; lengths.words],
            factors: vec![0; lengths.factors],
            tables: vec![[0; 256]; lengths.tables],
            weights: vec![0; lengths.weights],
        };
        for step in &plan.steps {
            if let Some(table) = step.kernel.table() {
                constants.put_table(table, parameters, packing);
            }
            match &step.kernel {
                Kernel::Convolution { layer, filters, .. } => {
                    constants.put_convolution(layer, filters, parameters, packing);
                }
                Kernel::Classifier { filters, .. } => constants.put_classifier(filters, parameters),
                Kernel::Image
                | Kernel::Activation(_)
                | Kernel::AveragePool { .. }
                | Kernel::Shortcut { .. }
                | Kernel::Copy => {}
            }
        }
        constants
    }

    /// Returns the constants as bytes: words, factors, tables, weights, each number with its lowest
    /// byte first.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes: Vec<u8> = self.words.iter().flat_map(|word| word.to_le_bytes()).collect();
        bytes.extend(self.factors.iter().flat_map(|factor| factor.to_le_bytes()));
        bytes.extend(self.tables.iter().flatten());
        bytes.extend(self.weights.iter().map(|weight| *weight as u8));
        bytes
    }

    fn put_table(&mut self, to: &TableConstants, parameters: &Parameters, packing: Packing) {
        let table = parameters.table(to.step);
        self.factors[to.factors.clone()].copy_from_slice(&table.factors.concat());
        self.factors[to.offsets.clone()].copy_from_slice(&table.offsets);
        self.tables[to.table] = table.table.map(|byte| byte ^ packing.flip);
    }

    fn put_convolution(
        &mut self,
        layer: &Convolution,
        to: &FilterConstants,
        parameters: &Parameters,
        packing: Packing,
    ) {
        let filters = parameters.filters(to.step);
        self.put_sums(to, &filters.biases, &filters.multipliers);
        let taps = layer.kernel * layer.kernel;
        let weights = &mut self.weights[to.weights.clone()];
        for (at, weight) in filters.weights.iter().enumerate() {
            let (filter, channel) = (at / taps / layer.channels, at / taps % layer.channels);
            let tap = [at % taps / layer.kernel, at % layer.kernel];
            weights[layer.weight_at(packing, filter, channel, tap)] = *weight;
            // The bytes that kernels multiply are less by what makes them signed.
            self.words[to.biases.start + filter] += i32::from(packing.flip) * i32::from(*weight);
        }
    }

    fn put_classifier(&mut self, to: &FilterConstants, parameters: &Parameters) {
        let filters = parameters.filters(to.step);
        self.put_sums(to, &filters.biases, &filters.multipliers);
        let classes = filters.biases.len();
        let channels = filters.weights.len() / classes;
        let weights = &mut self.weights[to.weights.clone()];
        for (at, weight) in filters.weights.iter().enumerate() {
            weights[at % channels * classes + at / channels] = *weight;
        }
    }

    fn put_sums(&mut self, to: &FilterConstants, biases: &[i32], multipliers: &[i32]) {
        self.words[to.biases.start..][..biases.len()].copy_from_slice(biases);
        self.words[to.multipliers.start..][..multipliers.len()].copy_from_slice(multipliers);
    }
}
