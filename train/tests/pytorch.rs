//! Forward and backward passes and optimizer steps against numbers recorded with PyTorch
//! (`golden/make_golden.py`).

use candle_core::{Device, Tensor as CandleTensor, Var};
use common::network::Network;
use common::network::weights::{Tensor, Weights};
use common::profile::{Precision, Schedule, TrainingSettings};
use common::search::genome::Optimizer as Kind;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use train::candle_backend::CandleBackend;
use train::loss::cross_entropy;
use train::model::{Engine, Mode, Model};
use train::ops::simd::Level;
use train::optim::ema::Ema;
use train::optim::optimizer::Optimizer;
use train::optim::schedule::LearningRates;

/// Largest difference from PyTorch of logits and gradients, for values around 1.
const TOLERANCE: f32 = 2e-5;

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

fn read(name: &str) -> BTreeMap<String, Tensor> {
    Weights::from_bytes(&std::fs::read(golden(name)).unwrap()).unwrap().0
}

fn tensor(raw: &Tensor) -> CandleTensor {
    CandleTensor::from_slice(&raw.data, raw.shape.as_slice(), &Device::Cpu).unwrap()
}

fn assert_close(got: &CandleTensor, want: &Tensor, what: &str) {
    assert_eq!(got.dims(), want.shape, "{what}");
    let got: Vec<f32> = got.flatten_all().unwrap().to_vec1().unwrap();
    for (i, (got, want)) in got.iter().zip(&want.data).enumerate() {
        assert!(
            (got - want).abs() <= TOLERANCE * want.abs().max(1.0),
            "{what}[{i}]: {got} is not {want}"
        );
    }
}

fn check_network(name: &str, engine: &Engine) {
    let network: Network =
        common::files::json::read(&golden(&format!("network-{name}.json"))).unwrap();
    let golden = read(&format!("network-{name}.safetensors"));
    let named = |prefix: &str| {
        let strip = |(key, value): (&String, &Tensor)| {
            Some((key.strip_prefix(prefix)?.to_string(), value.clone()))
        };
        golden.iter().filter_map(strip).collect::<BTreeMap<_, _>>()
    };
    let weights = Weights(named("weights/"));
    let images = tensor(&golden["images"]);
    check_reference(&network, &weights, &golden);
    let model = Model::new(network, &weights, engine.clone()).unwrap();
    let labels = tensor(&golden["labels"]).to_dtype(candle_core::DType::U32).unwrap();

    let evaluation = model.forward(&images, Mode::Evaluation).unwrap().logits;
    assert_close(&evaluation, &golden["evaluation_logits"], "evaluation logits");
    let training = model.forward(&images, Mode::Training { seed: 0, step: 0 }).unwrap().logits;
    assert_close(&training, &golden["training_logits"], "training logits");
    let loss = cross_entropy(&training, &labels, 0.0).unwrap();
    assert_close(&loss.reshape(1).unwrap(), &golden["loss"], "loss");
    let gradients = loss.backward().unwrap();
    let expected = named("gradients/");
    assert_eq!(expected.len(), model.parameters().len());
    for (name, want) in &expected {
        assert_close(
            gradients.get(&model.parameters()[name]).unwrap(),
            want,
            &format!("{engine:?} gradient of {name}"),
        );
    }
}

/// Checks the scalar reference of `common`, with which generated crates are compared.
fn check_reference(network: &Network, weights: &Weights, golden: &BTreeMap<String, Tensor>) {
    let images = golden["images"].data.chunks(network.input.shape().elements());
    for (image, want) in images.zip(golden["evaluation_logits"].data.chunks(network.classes.len()))
    {
        let logits = common::network::reference::logits(network, weights, image).unwrap();
        let got = CandleTensor::from_slice(&logits, logits.len(), &Device::Cpu).unwrap();
        assert_close(
            &got,
            &Tensor { shape: vec![want.len()], data: want.to_vec() },
            "reference logits",
        );
    }
}

#[test]
fn networks_at_all_levels_and_with_the_candle_backend() {
    let candle = Engine::Candle(CandleBackend { device: Device::Cpu, precision: Precision::F32 });
    for engine in Level::available().into_iter().map(Engine::Native).chain([candle]) {
        for name in ["swish-tanh-3x3", "elu-selu-5x5", "sigmoid-sigmoid-max", "resnet"] {
            check_network(name, &engine);
        }
    }
}

#[test]
fn optimizers_take_the_steps_of_pytorch() {
    let golden = read("optimizers.safetensors");
    let cases = [
        (Kind::Sgd, "sgd", 0.1),
        (Kind::Adam, "adam", 0.01),
        (Kind::Adagrad, "adagrad", 0.1),
        (Kind::Adamax, "adamax", 0.01),
        (Kind::Nadam, "nadam", 0.01),
    ];
    let settings =
        TrainingSettings { momentum: 0.9, weight_decay: 0.01, ..TrainingSettings::default() };
    let gradients = tensor(&golden["gradients"]);
    for (kind, name, rate) in cases {
        let var = Var::from_tensor(&tensor(&golden["start"])).unwrap();
        let parameters = BTreeMap::from([("p".to_string(), var.clone())]);
        let mut optimizer = Optimizer::new(kind, &settings);
        let expected = tensor(&golden[name]);
        for step in 0..10 {
            // The gradient of the sum of p * g with respect to p is g.
            let loss = (var.as_tensor() * gradients.get(step).unwrap()).unwrap().sum_all().unwrap();
            optimizer.step(&parameters, &loss.backward().unwrap(), rate).unwrap();
            let want = expected.get(step).unwrap();
            let want =
                Tensor { shape: vec![2, 3], data: want.flatten_all().unwrap().to_vec1().unwrap() };
            assert_close(var.as_tensor(), &want, &format!("{name}, step {step}"));
        }
    }
}

/// Returns row `step` of a golden tensor.
fn row(golden: &Tensor, step: usize) -> Tensor {
    let shape = golden.shape[1..].to_vec();
    let count: usize = shape.iter().product();
    Tensor { shape, data: golden.data[step * count..][..count].to_vec() }
}

#[test]
fn gradients_are_clipped_together_and_only_matrices_decay() {
    let golden = read("recipes.safetensors");
    let parameters: BTreeMap<String, Var> = ["matrix", "vector"]
        .map(|name| {
            (name.to_string(), Var::from_tensor(&tensor(&golden[&format!("clip/{name}")])).unwrap())
        })
        .into();
    let settings = TrainingSettings {
        weight_decay: 0.01,
        clip_gradient_norm: Some(1.5),
        ..TrainingSettings::default()
    };
    let mut optimizer = Optimizer::new(Kind::Adam, &settings);
    for step in 0..10 {
        let term = |name: &str| {
            let gradient = tensor(&row(&golden[&format!("clip/{name}_gradients")], step));
            (parameters[name].as_tensor() * gradient).unwrap().sum_all().unwrap()
        };
        let loss = (term("matrix") + term("vector")).unwrap();
        let norm = optimizer.step(&parameters, &loss.backward().unwrap(), 0.01).unwrap();
        let want = f64::from(golden["clip/norms"].data[step]);
        assert!((norm / want - 1.0).abs() < 1e-6, "norm of step {step}: {norm} is not {want}");
        assert_close(
            &parameters["matrix"],
            &row(&golden["clip/matrices"], step),
            &format!("matrix, step {step}"),
        );
        assert_close(
            &parameters["vector"],
            &row(&golden["clip/vectors"], step),
            &format!("vector, step {step}"),
        );
    }
}

#[test]
fn learning_rates_are_those_of_the_pytorch_schedulers() {
    let golden = read("recipes.safetensors");
    let step = Schedule::Step { milestones: vec![0.3, 0.65], factor: 0.2 };
    for (name, schedule) in [("cosine", Schedule::Cosine), ("step", step)] {
        for warmup in [0, 8] {
            let settings = TrainingSettings {
                schedule: schedule.clone(),
                warmup_epochs: f64::from(warmup) / 4.0,
                ..TrainingSettings::default()
            };
            let rates = LearningRates::new(&settings, 0.1, 4, 10);
            let want = &golden[&format!("rates/{name}-{warmup}")].data;
            for (at, want) in want.iter().enumerate() {
                let got = rates.at(at);
                assert!(
                    (got - f64::from(*want)).abs() < 1e-8,
                    "{name}-{warmup}, step {at}: {got} is not {want}"
                );
            }
        }
    }
}

#[test]
fn label_smoothing_is_that_of_pytorch() {
    let golden = read("recipes.safetensors");
    let logits = Var::from_tensor(&tensor(&golden["smoothing/logits"])).unwrap();
    let labels = tensor(&golden["smoothing/labels"]).to_dtype(candle_core::DType::U32).unwrap();
    let loss = cross_entropy(&logits, &labels, 0.1).unwrap();
    assert_close(&loss.reshape(1).unwrap(), &golden["smoothing/loss"], "loss");
    let gradients = loss.backward().unwrap();
    assert_close(gradients.get(&logits).unwrap(), &golden["smoothing/gradient"], "gradient");
}

#[test]
fn moving_averages_are_those_of_the_pytorch_averaged_model() {
    let golden = read("recipes.safetensors");
    let (weights, averages) = (&golden["average/weights"], &golden["average/averages"]);
    let mut average = Ema::new(0.5);
    for step in 0..12 {
        // A restored state continues with the same averages.
        let mut restored = Ema::new(0.5);
        restored.restore(average.state(), step).unwrap();
        average = restored;
        let var = Var::from_tensor(&tensor(&row(weights, step))).unwrap();
        average.update(&BTreeMap::from([("p".to_string(), var)])).unwrap();
        let mut result = Weights(BTreeMap::from([("p".to_string(), row(weights, step))]));
        average.apply(&mut result);
        assert_close(
            &tensor(result.get("p")),
            &row(averages, step),
            &format!("after {} steps", step + 1),
        );
    }
}

#[test]
fn a_gradient_that_is_not_finite_changes_nothing() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        for kind in Kind::ALL {
            let var = Var::new(&[1.0f32, -2.0], &Device::Cpu).unwrap();
            let parameters = BTreeMap::from([("p".to_string(), var.clone())]);
            let mut optimizer = Optimizer::new(kind, &TrainingSettings::default());
            let gradient = CandleTensor::new(&[1.0f32, bad], &Device::Cpu).unwrap();
            let loss = (var.as_tensor() * gradient).unwrap().sum_all().unwrap();
            assert!(
                !optimizer.step(&parameters, &loss.backward().unwrap(), 0.1).unwrap().is_finite()
            );
            assert_eq!(var.to_vec1::<f32>().unwrap(), [1.0, -2.0]);
            assert_eq!((optimizer.progress(), optimizer.state().0.len()), ((0, 1.0), 0));
        }
    }
}

#[test]
fn a_restored_optimizer_continues_with_the_same_steps() {
    let golden = read("optimizers.safetensors");
    let gradients = tensor(&golden["gradients"]);
    for kind in Kind::ALL {
        let start = || Var::from_tensor(&tensor(&golden["start"])).unwrap();
        let (whole, interrupted) = (start(), start());
        let run = |var: &Var, optimizer: &mut Optimizer, steps: std::ops::Range<usize>| {
            let parameters = BTreeMap::from([("p".to_string(), var.clone())]);
            for step in steps {
                let loss =
                    (var.as_tensor() * gradients.get(step).unwrap()).unwrap().sum_all().unwrap();
                optimizer.step(&parameters, &loss.backward().unwrap(), 0.01).unwrap();
            }
        };
        let new = || Optimizer::new(kind, &TrainingSettings::default());
        run(&whole, &mut new(), 0..10);
        let mut before = new();
        run(&interrupted, &mut before, 0..4);
        let mut after = new();
        let (step, momentum_product) = before.progress();
        after.restore(before.state(), step, momentum_product).unwrap();
        run(&interrupted, &mut after, 4..10);
        assert_eq!(
            whole.to_vec2::<f32>().unwrap(),
            interrupted.to_vec2::<f32>().unwrap(),
            "{kind}"
        );
    }
}
