//! Int8 networks with random weights, whose values have sensible ranges on some images.

use common::network::Network;
use common::network::activation::PiecewiseActivation;
use common::network::weights::Weights;
use common::quantized::parameters::{Sizes, TABLE};
use common::quantized::{
    Calibration, Filters, Fingerprints, LayerReport, Meaning, Method, Operand, Operation,
    Parameters, Plan, Quantization, QuantizedNetwork, StepParameters, Table, ValidationAccuracy,
    accumulators, run_step,
};
use common::seed;
use rand::{Rng, RngExt};

/// Difference of neighbouring arguments of all tables.
const STEP: f64 = 0.05;
/// Standard deviation of arguments in indices.
const SPREAD: f64 = 36.0;
/// Standard deviation of logits.
const LOGITS: f64 = 4.0;

/// What has been found so far.
struct Quantizer<'a, R> {
    plan: &'a Plan,
    parameters: Parameters,
    layers: Vec<LayerReport>,
    /// The values of each image.
    values: Vec<Vec<Vec<i8>>>,
    rng: R,
    logit_scale: f64,
}

/// Returns a random int8 network and the report on it.
pub(crate) fn random_int8(
    network: &Network,
    images: &[Vec<u8>],
) -> (QuantizedNetwork, Quantization) {
    let plan = Plan::new(network).unwrap();
    let mut rng = seed::stream(3, "int8");
    let zero_point = |_| rng.random_range(40..160);
    let image_zero_points = (0..network.input.channels).map(zero_point).collect();
    let signed = |image: &Vec<u8>| vec![image.iter().map(|pixel| (pixel ^ 0x80) as i8).collect()];
    let mut quantizer = Quantizer {
        plan: &plan,
        parameters: Parameters { image_zero_points, steps: vec![] },
        layers: vec![],
        values: images.iter().map(signed).collect(),
        rng,
        logit_scale: 0.0,
    };
    (0..plan.steps.len()).for_each(|index| quantizer.step(index));
    let Quantizer { parameters, layers, logit_scale, .. } = quantizer;
    let quantized = QuantizedNetwork { plan, parameters };
    quantized.parameters.check(&quantized.plan).unwrap();
    let quantization = Quantization {
        fingerprints: Fingerprints::new(network, &Weights::default(), &quantized).unwrap(),
        calibration: Calibration {
            images: images.len(),
            method: Method::Mse,
            images_sha256: String::new(),
            data_sha256: String::new(),
        },
        accuracy: ValidationAccuracy { images: 1, f32: 0.5, int8: 0.5 },
        logit_scale,
        worst_layer: layers[0].name.clone(),
        layers,
    };
    (quantized, quantization)
}

impl<R: Rng> Quantizer<'_, R> {
    fn step(&mut self, index: usize) {
        let step = &self.plan.steps[index];
        let (parameters, meaning) = match &step.operation {
            Operation::Activate { pair, operands, .. } => self.table(*pair, operands),
            Operation::Convolve { filters, .. } => {
                let found = self.filters(index);
                let zeros = vec![0.0; *filters];
                let meaning = Meaning::Convolution {
                    scales: zeros.clone(),
                    offsets: zeros.clone(),
                    low: zeros.clone(),
                    high: zeros.clone(),
                    weight_scales: zeros,
                };
                (StepParameters::Filters(found), Some(meaning))
            }
            Operation::Classify { .. } => {
                let found = self.classifier(index);
                let meaning = Meaning::Classifier { weight_scales: vec![0.0; found.biases.len()] };
                (StepParameters::Filters(found), Some(meaning))
            }
            Operation::Pool { .. } | Operation::Shortcut { .. } => (StepParameters::None, None),
        };
        self.parameters.steps.truncate(index);
        self.parameters.steps.push(parameters);
        let report =
            |meaning| LayerReport { name: step.name.clone(), meaning, error: 0.0, own_error: 0.0 };
        self.layers.extend(meaning.map(report));
        for values in &mut self.values {
            let made = run_step(self.plan, &self.parameters, index, values);
            values.push(made);
        }
    }

    fn table(
        &mut self,
        pair: PiecewiseActivation,
        operands: &[Operand],
    ) -> (StepParameters, Option<Meaning>) {
        let at_zero = self.rng.random_range(60..190);
        // Half of all tables have the middle of a bin at 0, unless the function jumps there.
        let phase = if pair.jumps_at_zero() || self.rng.random() { 0.0 } else { 0.5 };
        let origin = f64::from(at_zero) + phase;
        let results: [f64; TABLE] =
            std::array::from_fn(|i| pair.value((i as f64 + 0.5 - origin) * STEP));
        let least = results.iter().copied().fold(0.0, f64::min);
        let scale = (results.iter().copied().fold(0.0, f64::max) - least) / 255.0;
        let zero_point = (-least / scale).round();
        let byte = |result: f64| (result / scale + zero_point).round().clamp(0.0, 255.0) as u8;
        let (factors, offsets, shift) = self.affine(operands, origin);
        let table = Table {
            factors,
            offsets,
            shift,
            zero_point: zero_point as u8,
            table: Box::new(results.map(byte)),
        };
        let zero_point = zero_point as u64;
        let meaning =
            Meaning::Table { scale, zero_point, step: STEP, origin, low: -1.0, high: 1.0 };
        (StepParameters::Table(table), Some(meaning))
    }

    /// Returns factors and offsets with which indices are spread around that of 0, and a shift.
    fn affine(&mut self, operands: &[Operand], origin: f64) -> (Vec<Vec<i16>>, Vec<i16>, u8) {
        let moments: Vec<Vec<(f64, f64)>> =
            operands.iter().map(|operand| self.moments(operand)).collect();
        let channels = moments[0].len();
        let spread = SPREAD / operands.len() as f64;
        let factors: Vec<Vec<f64>> = moments
            .iter()
            .map(|moments| {
                let gain = |(_, deviation): &(f64, f64)| {
                    spread / deviation * if self.rng.random() { 1.0 } else { -1.0 }
                };
                moments.iter().map(gain).collect()
            })
            .collect();
        let fits = |shift: &u8| {
            let unit = f64::from(1u32 << shift);
            (0..channels).all(|c| {
                let size: f64 = factors.iter().map(|factors| factors[c].abs()).sum();
                size * unit * 256.0 < 32_000.0
            })
        };
        let shift = (0..=7).rev().find(fits).unwrap();
        let unit = f64::from(1u32 << shift);
        let offset = |c: usize| {
            let means: f64 = factors.iter().zip(&moments).map(|(f, m)| f[c] * m[c].0).sum();
            let centre = origin + self.rng.random_range(-20.0..20.0);
            ((centre - means) * unit).round().clamp(-32_000.0, 32_000.0) as i16
        };
        let offsets = (0..channels).map(offset).collect();
        let rounded = |factor: &f64| (factor * unit * 256.0).round() as i16;
        let factors = factors.iter().map(|all| all.iter().map(rounded).collect()).collect();
        (factors, offsets, shift)
    }

    /// Returns mean and standard deviation of each channel; the latter is at least a few bytes.
    fn moments(&self, operand: &Operand) -> Vec<(f64, f64)> {
        let channels = self.plan.channels(operand).map(|(value, channel)| {
            let plane = self.plan.values[value].shape.plane();
            let of_image =
                |values: &Vec<Vec<i8>>| values[value][channel * plane..][..plane].to_vec();
            let all: Vec<f64> = self.values.iter().flat_map(of_image).map(f64::from).collect();
            let (mean, deviation) = moments(&all);
            (mean, deviation.max(2.0))
        });
        channels.collect()
    }

    /// Returns random filters whose results fill a byte; the second filter has none but 0.
    fn filters(&mut self, index: usize) -> Filters {
        let mut filters = self.unscaled(index);
        for (filter, sums) in self.sums(index, &filters).iter().enumerate() {
            let low = sums.iter().copied().fold(f64::INFINITY, f64::min);
            let high = sums.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let step = ((high - low) / 240.0).max(3.0);
            let constant = filter == 1 && filters.biases.len() > 2;
            filters.multipliers[filter] = if constant { 0 } else { multiplier(1.0 / step) };
            filters.biases[filter] = (step / 2.0 - (low + high) / 2.0).round() as i32;
        }
        filters
    }

    fn classifier(&mut self, index: usize) -> Filters {
        let mut filters = self.unscaled(index);
        let mut most: f64 = 0.0;
        for (class, sums) in self.sums(index, &filters).iter().enumerate() {
            let (mean, deviation) = moments(sums);
            filters.biases[class] = (32.0 - mean).round() as i32;
            filters.multipliers[class] = multiplier(1.0 / 64.0);
            most = most.max(deviation / 64.0);
        }
        self.logit_scale = LOGITS / most.max(1.0);
        filters
    }

    /// Returns random weights without biases and multipliers.
    fn unscaled(&mut self, index: usize) -> Filters {
        let Sizes::Filters { filters, filter } = self.plan.steps[index].sizes(self.plan) else {
            panic!("step {index} has no filters")
        };
        let count = filters * filter.iter().product::<usize>();
        let weights = (0..count).map(|_| self.rng.random_range(-127..=127)).collect();
        Filters { weights, biases: vec![0; filters], multipliers: vec![0; filters] }
    }

    /// Returns the sums of each filter for all images.
    fn sums(&mut self, index: usize, filters: &Filters) -> Vec<Vec<f64>> {
        let count = filters.biases.len();
        self.parameters.steps.push(StepParameters::Filters(filters.clone()));
        let mut sums = vec![Vec::new(); count];
        for values in &self.values {
            let found = accumulators(self.plan, &self.parameters, index, values);
            let plane = found.len() / count;
            for (sums, found) in sums.iter_mut().zip(found.chunks(plane)) {
                sums.extend(found.iter().copied().map(f64::from));
            }
        }
        sums
    }
}

/// Returns the multiplier that stands for a factor below one half.
fn multiplier(factor: f64) -> i32 {
    2 * (factor * f64::from(1u32 << 31)).round() as i32
}

fn moments(numbers: &[f64]) -> (f64, f64) {
    let mean = numbers.iter().sum::<f64>() / numbers.len() as f64;
    let variance = numbers.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / numbers.len() as f64;
    (mean, variance.sqrt())
}
