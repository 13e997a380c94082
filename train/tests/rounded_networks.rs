//! Quantisation-aware training of whole networks: what is rounded, and what is refused.

use candle_core::{DType, Device, Tensor as CandleTensor};
use common::files::json;
use common::network::weights::{Tensor, Weights};
use common::network::{Network, Node, Op};
use common::profile::{Precision, TrainingSettings};
use std::collections::BTreeMap;
use std::path::Path;
use train::candle_backend::CandleBackend;
use train::fit::State;
use train::loss::cross_entropy;
use train::model::{Engine, Mode, Model};
use train::ops::simd::Level;

const TRAINING: Mode = Mode::Training { seed: 0, step: 0 };
const NETWORKS: [&str; 4] = ["swish-tanh-3x3", "elu-selu-5x5", "sigmoid-sigmoid-max", "resnet"];

/// A network with its weights, and images with labels.
struct Golden {
    network: Network,
    weights: Weights,
    images: CandleTensor,
    labels: CandleTensor,
}

impl Golden {
    fn read(name: &str) -> Golden {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
        let network = json::read(&folder.join(format!("network-{name}.json"))).unwrap();
        let file = std::fs::read(folder.join(format!("network-{name}.safetensors"))).unwrap();
        let tensors = Weights::from_bytes(&file).unwrap().0;
        let weights = tensors.iter().filter_map(|(name, tensor)| {
            Some((name.strip_prefix("weights/")?.to_string(), tensor.clone()))
        });
        let tensor = |raw: &Tensor| {
            CandleTensor::from_slice(&raw.data, raw.shape.as_slice(), &Device::Cpu).unwrap()
        };
        Golden {
            network,
            weights: Weights(weights.collect()),
            images: tensor(&tensors["images"]),
            labels: tensor(&tensors["labels"]).to_dtype(DType::U32).unwrap(),
        }
    }

    fn model(&self) -> Model {
        Model::new(self.network.clone(), &self.weights, Level::detected()).unwrap()
    }

    /// Returns logits, and the gradient of the loss by parameter.
    fn computed(&self, model: &Model) -> (Vec<f32>, BTreeMap<String, Vec<f32>>) {
        let logits = model.forward(&self.images, TRAINING).unwrap().logits;
        let gradients = cross_entropy(&logits, &self.labels, 0.0).unwrap().backward().unwrap();
        let gradient = |(name, var): (&String, &candle_core::Var)| {
            let gradient = gradients.get(var).unwrap().flatten_all().unwrap();
            (name.clone(), gradient.to_vec1().unwrap())
        };
        let logits = logits.flatten_all().unwrap().to_vec1().unwrap();
        (logits, model.parameters().iter().map(gradient).collect())
    }
}

/// Returns the norm of the difference as a share of the norm of `exact`.
fn distance(found: &[f32], exact: &[f32]) -> f64 {
    assert_eq!(found.len(), exact.len());
    let norm = |values: &mut dyn Iterator<Item = f32>| {
        values.map(|x| f64::from(x).powi(2)).sum::<f64>().sqrt()
    };
    norm(&mut found.iter().zip(exact).map(|(a, b)| a - b)) / norm(&mut exact.iter().copied())
}

#[test]
fn roundings_change_a_little_in_training_and_nothing_elsewhere() {
    for name in NETWORKS {
        let golden = Golden::read(name);
        let (plain, rounded) = (golden.model(), golden.model().rounded().unwrap());
        let (logits, gradients) = golden.computed(&plain);
        let (rounded_logits, rounded_gradients) = golden.computed(&rounded);
        let apart = distance(&rounded_logits, &logits);
        assert!(apart > 1e-4 && apart < 0.1, "{name}: {apart}");
        let all = |gradients: &BTreeMap<String, Vec<f32>>| -> Vec<f32> {
            gradients.values().flatten().copied().collect()
        };
        let apart = distance(&all(&rounded_gradients), &all(&gradients));
        assert!(apart > 1e-4 && apart < 0.3, "{name}: {apart}");
        for mode in [Mode::Evaluation, Mode::Statistics] {
            let logits = |model: &Model| {
                let logits = model.forward(&golden.images, mode).unwrap().logits;
                logits.flatten_all().unwrap().to_vec1::<f32>().unwrap()
            };
            assert_eq!(logits(&plain), logits(&rounded), "{name} {mode:?}");
        }
    }
}

/// The operations of single nodes and the fused one are different code. In between, a transition
/// rounds averages before its convolution only if it is fused, so the network has none.
#[test]
fn fused_and_single_operations_round_the_same() {
    let golden = Golden::read("sigmoid-sigmoid-max");
    let single = Model::unfused(golden.network.clone(), &golden.weights, Level::detected());
    let (logits, gradients) = golden.computed(&single.unwrap().rounded().unwrap());
    let (fused_logits, fused_gradients) = golden.computed(&golden.model().rounded().unwrap());
    // A number in the middle between two steps may be rounded either way.
    assert!(distance(&fused_logits, &logits) < 2e-3);
    for (name, gradient) in &gradients {
        let apart = distance(&fused_gradients[name], gradient);
        assert!(apart < 2e-2, "{name}: {apart}");
    }
}

#[test]
fn saved_weights_are_rounded() {
    let golden = Golden::read("resnet");
    let mut weights = golden.weights.clone();
    golden.model().round_weights(&mut weights);
    assert_eq!(weights, golden.weights);
    golden.model().rounded().unwrap().round_weights(&mut weights);
    for (name, tensor) in &weights.0 {
        let before = &golden.weights.0[name];
        if tensor.shape.len() < 2 {
            assert_eq!(tensor, before, "{name}");
            continue;
        }
        let size = tensor.data.len() / tensor.shape[0];
        for (filter, before) in tensor.data.chunks(size).zip(before.data.chunks(size)) {
            let step = before.iter().fold(0.0f32, |most, w| most.max(w.abs())) / 127.0;
            let whole = |w: &f32| ((w / step) - (w / step).round()).abs() < 1e-3;
            assert!(filter.iter().all(whole), "{name}");
        }
    }
}

#[test]
fn what_cannot_be_rounded_is_refused_in_one_sentence() {
    let golden = Golden::read("resnet");
    let candle = Engine::Candle(CandleBackend { device: Device::Cpu, precision: Precision::F32 });
    let settings = TrainingSettings { quantize: true, ..TrainingSettings::default() };
    let refused = |network: &Network, weights: &Weights, engine: Engine| {
        let optimizer = network.origin.optimizer();
        let state = State::new(network, weights, engine, optimizer, &settings);
        format!("{:#}", state.map(drop).unwrap_err())
    };
    let error = refused(&golden.network, &golden.weights, candle);
    assert!(error.contains("training.quantize needs the processor"), "{error}");
    let mut network = golden.network.clone();
    let last = network.nodes.last().unwrap().name.clone();
    let relu = golden.network.nodes.iter().find(|node| matches!(node.op, Op::Activation(_)));
    network.nodes.push(Node { name: "after".into(), op: relu.unwrap().op, inputs: vec![last] });
    let error = refused(&network, &golden.weights, Level::detected().into());
    assert!(error.contains("this network has no int8 form") && !error.contains('\n'), "{error}");
}
