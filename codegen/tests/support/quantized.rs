//! Networks in 8-bit integers with random parameters.

use common::network::Network;
use common::network::weights::Weights;
use common::quantized::parameters::Sizes;
use common::quantized::plan::Operation;
use common::quantized::{
    Calibration, Filters, Fingerprints, LayerReport, Meaning, Method, Parameters, Plan,
    Quantization, QuantizedNetwork, StepParameters, Table, ValidationAccuracy,
};
use common::seed;
use rand::{Rng, RngExt};
use std::path::Path;

/// Returns a network with random parameters: values use their range, few of them saturate.
pub(crate) fn random_quantized(network: &Network, seed: u64) -> QuantizedNetwork {
    let plan = Plan::new(network).unwrap();
    let mut rng = seed::stream(seed, "integers");
    let steps = plan.steps.iter().map(|step| match step.sizes(&plan) {
        Sizes::Table { operands, channels } => {
            StepParameters::Table(random_table(&mut rng, operands, channels))
        }
        Sizes::Filters { filters, filter } => {
            let classifier = filter.len() == 1;
            let size = filter.iter().product();
            StepParameters::Filters(random_filters(&mut rng, filters, size, classifier))
        }
        Sizes::None => StepParameters::None,
    });
    let steps = steps.collect();
    let image_zero_points = (0..network.input.channels).map(|_| rng.random()).collect();
    let parameters = Parameters { image_zero_points, steps };
    parameters.check(&plan).unwrap();
    QuantizedNetwork { plan, parameters }
}

/// Returns a table whose index changes by about half of its range with the values.
fn random_table(rng: &mut impl Rng, operands: usize, channels: usize) -> Table {
    let shift = rng.random_range(2..=6);
    let most = (256 << shift) / operands as i32;
    let mut factors = |_| {
        let factor = |_| {
            let factor = rng.random_range(most / 4..=most).min(32767 / operands as i32);
            (if rng.random_bool(0.5) { factor } else { -factor }) as i16
        };
        (0..channels).map(factor).collect()
    };
    let factors = (0..operands).map(&mut factors).collect();
    let middle = 128i32 << shift;
    let offset = |_| (middle + rng.random_range(-middle / 4..=middle / 4)) as i16;
    let offsets = (0..channels).map(offset).collect();
    let mut table = Box::new([0; 256]);
    rng.fill_bytes(&mut table[..]);
    Table { factors, offsets, shift, zero_point: rng.random(), table }
}

/// Gives every table the function of its activation. Neighbouring bytes mean numbers as far apart as
/// those of neighbouring indices, as in networks of `train quantize`.
#[allow(dead_code, reason = "for measurements, in which values and times of tables matter")]
pub(crate) fn with_activations(mut quantized: QuantizedNetwork) -> QuantizedNetwork {
    for (step, parameters) in quantized.plan.steps.iter().zip(&mut quantized.parameters.steps) {
        let (Operation::Activate { pair, .. }, StepParameters::Table(table)) =
            (&step.operation, parameters)
        else {
            continue;
        };
        const STEP: f64 = 0.05;
        let value = |index: usize| pair.value((index as f64 - 128.0) * STEP) / STEP;
        let least = (0..256).map(value).fold(f64::INFINITY, f64::min);
        table.zero_point = (-least).round().clamp(0.0, 255.0) as u8;
        for (index, byte) in table.table.iter_mut().enumerate() {
            *byte = (value(index).round() + f64::from(table.zero_point)).clamp(0.0, 255.0) as u8;
        }
    }
    quantized
}

fn random_filters(rng: &mut impl Rng, filters: usize, size: usize, classifier: bool) -> Filters {
    let weights: Vec<i8> = (0..filters * size).map(|_| rng.random_range(-127..=127)).collect();
    // Means have six fractional bits.
    let unit = if classifier { 64.0 } else { 1.0 };
    let spread = 74.0 * 73.0 * unit * (size as f64).sqrt();
    let biases = weights.chunks(size).map(|weights| {
        let sum: i32 = weights.iter().map(|weight| i32::from(*weight)).sum();
        -sum * 128 * unit as i32
    });
    let biases = biases.collect();
    let multiplier = |_| {
        let to = if classifier { 1e6 } else { rng.random_range(30.0..60.0) };
        2 * ((to / spread * f64::from(1u32 << 31)).min(f64::from((1 << 30) - 1)) as i32)
    };
    Filters { biases, multipliers: (0..filters).map(multiplier).collect(), weights }
}

/// Writes the folder of `train quantize` for a network with these parameters.
pub(crate) fn write(
    folder: &Path,
    network: &Network,
    weights: &Weights,
    quantized: &QuantizedNetwork,
) {
    let plan = &quantized.plan;
    let layers: Vec<LayerReport> = plan
        .steps
        .iter()
        .filter_map(|step| {
            let meaning = match step.sizes(plan) {
                Sizes::Table { .. } => Meaning::Table {
                    scale: 0.1,
                    zero_point: 0,
                    step: 0.1,
                    origin: 128.0,
                    low: -1.0,
                    high: 1.0,
                },
                Sizes::Filters { filters, filter } if filter.len() == 1 => {
                    Meaning::Classifier { weight_scales: vec![0.1; filters] }
                }
                Sizes::Filters { filters, .. } => Meaning::Convolution {
                    scales: vec![0.1; filters],
                    offsets: vec![0.0; filters],
                    low: vec![-1.0; filters],
                    high: vec![1.0; filters],
                    weight_scales: vec![0.1; filters],
                },
                Sizes::None => return None,
            };
            Some(LayerReport { name: step.name.clone(), meaning, error: 0.01, own_error: 0.01 })
        })
        .collect();
    let quantization = Quantization {
        fingerprints: Fingerprints::new(network, weights, quantized).unwrap(),
        calibration: Calibration {
            images: 1,
            method: Method::Mse,
            images_sha256: String::new(),
            data_sha256: String::new(),
        },
        accuracy: ValidationAccuracy { images: 1, f32: 1.0, int8: 1.0 },
        logit_scale: 1e-6,
        worst_layer: layers[0].name.clone(),
        layers,
    };
    quantized.write(folder, &quantization).unwrap();
}
