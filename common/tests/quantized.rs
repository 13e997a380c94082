//! Quantized networks: the integer reference beside NumPy's golden numbers, and the checks of the
//! two files.

use common::files::{hash::sha256_hex, json};
use common::network::Network;
use common::network::weights::{Tensor, Weights, tensors_of};
use common::quantized::{
    Calibration, Fingerprints, LayerReport, Meaning, Method, Operation, Parameters, Plan,
    QUANTIZATION_FILE, Quantization, QuantizedNetwork, StepParameters, TENSORS_FILE,
    ValidationAccuracy,
};
use safetensors::SafeTensors;
use std::path::{Path, PathBuf};

const NAMES: [&str; 2] = ["template", "residual"];

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/quantized_golden").join(name)
}

fn network(name: &str) -> Network {
    json::read(&golden(&format!("{name}.json"))).unwrap()
}

fn quantized(name: &str) -> QuantizedNetwork {
    let plan = Plan::new(&network(name)).unwrap();
    let bytes = std::fs::read(golden(&format!("{name}.safetensors"))).unwrap();
    let parameters = Parameters::from_bytes(&bytes, &plan).unwrap();
    QuantizedNetwork { plan, parameters }
}

#[test]
fn logits_are_those_of_numpy() {
    for name in NAMES {
        let quantized = quantized(name);
        let file = std::fs::read(golden(&format!("{name}-results.safetensors"))).unwrap();
        let results = SafeTensors::deserialize(&file).unwrap();
        let bytes = results.tensor("logits").unwrap().data().to_vec();
        let expected: Vec<i32> =
            bytes.chunks_exact(4).map(|b| i32::from_le_bytes(b.try_into().unwrap())).collect();
        let images = results.tensor("images").unwrap();
        let size = quantized.plan.values[0].shape.elements();
        let images: Vec<&[u8]> = images.data().chunks_exact(size).collect();
        let logits: Vec<i32> = images.iter().flat_map(|image| quantized.logits(image)).collect();
        assert_eq!(logits, expected, "{name}");
        assert!(images.iter().all(|image| quantized.values(image).1 == quantized.logits(image)));
        let distinct: std::collections::BTreeSet<&i32> = expected.iter().collect();
        assert!(distinct.len() > 20, "{name}: {distinct:?}");
    }
}

#[test]
fn parameters_survive_their_file() {
    for name in NAMES {
        let quantized = quantized(name);
        let bytes = quantized.parameters.to_bytes(&quantized.plan).unwrap();
        let again = Parameters::from_bytes(&bytes, &quantized.plan).unwrap();
        assert_eq!(again, quantized.parameters, "{name}");
        assert_eq!(again.to_bytes(&quantized.plan).unwrap(), bytes);
        for length in 0..bytes.len() {
            assert!(Parameters::from_bytes(&bytes[..length], &quantized.plan).is_err());
        }
        let other = Plan::new(&network(NAMES[usize::from(name == NAMES[0])])).unwrap();
        assert!(Parameters::from_bytes(&bytes, &other).is_err());
    }
}

/// Parameters with which a sum could overflow, or an engine with 16 bits differ, are refused.
#[test]
fn parameters_out_of_bounds_are_refused() {
    let refused = |step: &str, change: &dyn Fn(&mut StepParameters)| {
        let mut network = quantized("residual");
        let index = network.plan.steps.iter().position(|found| found.name == step).unwrap();
        change(&mut network.parameters.steps[index]);
        let bytes = network.parameters.to_bytes(&network.plan).unwrap();
        let error = format!("{:#}", Parameters::from_bytes(&bytes, &network.plan).unwrap_err());
        assert!(error.contains(step), "{error}");
        error
    };
    let table = |change: &'static dyn Fn(&mut common::quantized::Table)| {
        refused("block0.out", &|parameters| match parameters {
            StepParameters::Table(table) => change(table),
            StepParameters::Filters(_) | StepParameters::None => panic!(),
        })
    };
    let filters = |change: &'static dyn Fn(&mut common::quantized::Filters)| {
        refused("block0.conv1", &|parameters| match parameters {
            StepParameters::Filters(filters) => change(filters),
            StepParameters::Table(_) | StepParameters::None => panic!(),
        })
    };
    assert!(table(&|t| t.shift = 8).contains("shift 8"));
    assert!(table(&|t| t.factors.iter_mut().for_each(|f| f[1] = 16_384)).contains("channel 1"));
    assert!(table(&|t| t.offsets[2] = i16::MIN).contains("channel 2"));
    assert!(table(&|t| t.factors[1].truncate(1)).contains("second_factor"));
    assert!(filters(&|f| f.weights[3] = -128).contains("-128"));
    assert!(filters(&|f| f.biases[1] = i32::MIN).contains("filter 1"));
    assert!(filters(&|f| f.biases[1] = i32::MAX).contains("32 bits"));
    assert!(filters(&|f| f.multipliers[0] = 3).contains("multiplier 3"));
    assert!(filters(&|f| f.multipliers[0] = -2).contains("multiplier -2"));
}

/// Returns f32 weights of a network; their numbers do not matter here.
fn weights(network: &Network) -> Weights {
    let ones = network.nodes.iter().flat_map(tensors_of).map(|(name, shape, _)| {
        let data = vec![1.0; shape.iter().product()];
        (name, Tensor { shape, data })
    });
    Weights(ones.collect())
}

fn quantization(network: &Network, quantized: &QuantizedNetwork) -> Quantization {
    let layer = |(name, meaning)| LayerReport { name, meaning, error: 0.1, own_error: 0.1 };
    let layers = quantized.plan.steps.iter().enumerate().filter_map(|(index, step)| {
        let count = quantized.plan.made_by(index).shape.channels;
        let meaning = match step.operation {
            Operation::Activate { .. } => {
                let (step, origin) = (0.1, 0.5);
                Meaning::Table { scale: 0.1, zero_point: 3, step, origin, low: -1.0, high: 1.0 }
            }
            Operation::Convolve { .. } => Meaning::Convolution {
                scales: vec![0.1; count],
                offsets: vec![0.0; count],
                low: vec![-1.0; count],
                high: vec![1.0; count],
                weight_scales: vec![0.1; count],
            },
            Operation::Classify { .. } => Meaning::Classifier { weight_scales: vec![0.1; count] },
            Operation::Pool { .. } | Operation::Shortcut { .. } => return None,
        };
        Some(layer((step.name.clone(), meaning)))
    });
    Quantization {
        fingerprints: Fingerprints::new(network, &weights(network), quantized).unwrap(),
        calibration: Calibration {
            images: 512,
            method: Method::Mse,
            images_sha256: sha256_hex(b"images"),
            data_sha256: sha256_hex(b"data"),
        },
        accuracy: ValidationAccuracy { images: 10, f32: 0.9, int8: 0.9 },
        logit_scale: 0.001,
        worst_layer: "stem.conv".to_string(),
        layers: layers.collect(),
    }
}

#[test]
fn a_folder_is_read_only_if_its_files_belong_together_and_to_the_network() {
    let dir = tempfile::tempdir().unwrap();
    for name in NAMES {
        let (folder, network) = (dir.path().join(name), network(name));
        let quantized = quantized(name);
        let quantization = quantization(&network, &quantized);
        quantized.write(&folder, &quantization).unwrap();
        assert_eq!(
            QuantizedNetwork::read(&folder, &network).unwrap(),
            (quantized.clone(), quantization.clone())
        );
        let tensors = std::fs::read(folder.join(TENSORS_FILE)).unwrap();
        let document = std::fs::read(folder.join(QUANTIZATION_FILE)).unwrap();
        let refused = |network: &Network| {
            let error = QuantizedNetwork::read(&folder, network).unwrap_err();
            format!("{error:#}")
        };
        let mut other = network.clone();
        other.input.mean[0] = 0.25;
        assert!(refused(&other).contains("another network"));
        // A changed table, of which every byte alone is valid.
        let mut changed = tensors.clone();
        *changed.last_mut().unwrap() ^= 1;
        std::fs::write(folder.join(TENSORS_FILE), changed).unwrap();
        assert!(refused(&network).contains("was changed"), "{}", refused(&network));
        std::fs::remove_file(folder.join(TENSORS_FILE)).unwrap();
        assert!(refused(&network).contains(TENSORS_FILE));
        std::fs::write(folder.join(TENSORS_FILE), &tensors).unwrap();
        let with = |change: &dyn Fn(&mut Quantization)| {
            let mut quantization = quantization.clone();
            change(&mut quantization);
            json::write(&folder.join(QUANTIZATION_FILE), &quantization).unwrap();
            refused(&network)
        };
        assert!(with(&|q| drop(q.layers.pop())).contains("layers"));
        assert!(with(&|q| q.layers.swap(0, 1)).contains("layers"));
        assert!(with(&|q| q.worst_layer.clear()).contains("worst_layer"));
        assert!(with(&|q| q.layers[0].error = f64::INFINITY).contains("error"));
        assert!(with(&|q| q.layers[0].meaning = q.layers[1].meaning.clone()).contains("stem.conv"));
        std::fs::write(folder.join(QUANTIZATION_FILE), &document[..document.len() / 2]).unwrap();
        assert!(refused(&network).contains("not valid JSON"));
    }
}
