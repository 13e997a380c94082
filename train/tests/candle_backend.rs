//! The Candle backend, which GPUs use, against the native kernels on the CPU: forward pass,
//! gradients, statistics, steps of every optimizer, a short training. The backend runs on the CPU,
//! or on the device that the variable `CANDLE_BACKEND_DEVICE` names, such as `cuda`
//! (`tests/gpu/first-run` does that).

use candle_core::{Device, Tensor};
use common::dataset::{Dataset, Split};
use common::network::activation::Activation;
use common::network::template::{Head, Template};
use common::network::{Input, Network};
use common::profile::{Precision, TrainingSettings};
use common::search::genome::{Genome, Optimizer};
use std::env;
use std::path::{Path, PathBuf};
use train::candle_backend::CandleBackend;
use train::device::engine;
use train::eval::score;
use train::fit::{State, Training};
use train::init;
use train::loss::cross_entropy;
use train::model::{Engine, Mode, Model};
use train::ops::simd::Level;

const IMAGES: usize = 19;

fn candle() -> Engine {
    match env::var("CANDLE_BACKEND_DEVICE") {
        Ok(device) => engine(device.parse().unwrap(), Precision::F32).unwrap(),
        Err(_) => Engine::Candle(CandleBackend { device: Device::Cpu, precision: Precision::F32 }),
    }
}

fn native() -> Engine {
    Level::detected().into()
}

fn input(channels: usize, height: usize, width: usize) -> Input {
    Input {
        channels,
        height,
        width,
        mean: vec![0.5; channels],
        std: vec![0.3; channels],
        resize: Default::default(),
    }
}

fn classes(count: usize) -> Vec<String> {
    (0..count).map(|class| class.to_string()).collect()
}

fn template_network(
    template: &Template,
    left: Activation,
    right: Activation,
    kernel_size: usize,
) -> Network {
    let genome = Genome {
        left_activation: left,
        right_activation: right,
        condense_layers: 2,
        feature_extraction_layers: 7,
        kernel_size,
        optimizer: Optimizer::Adam,
    };
    template.expand(&genome, input(2, 9, 6), classes(5)).unwrap()
}

/// Template networks with every option of a template, and a baseline with strides of 2 on even and
/// odd sides.
fn networks() -> Vec<Network> {
    let small = Template { growth_rate: 3, stem_channels: 5, ..Template::default() };
    let rich = Template {
        dropout: 0.3,
        compression: 0.5,
        head: Head::Max,
        stem_kernel: 5,
        ..small.clone()
    };
    let resnet = r#"{"schema": "neuropower/baseline/1", "name": "r", "about": "",
        "optimizer": "sgd",
        "architecture": {"kind": "resnet", "depth": 8, "channels": [4, 6, 8]}}"#;
    let resnet: common::network::baseline::Baseline = common::files::json::parse(resnet).unwrap();
    vec![
        template_network(&small, Activation::Swish, Activation::Tanh, 3),
        template_network(&rich, Activation::Sigmoid, Activation::Swish, 5),
        template_network(&rich, Activation::Elu, Activation::Linear, 3),
        resnet.network(input(3, 10, 7), classes(5)).unwrap(),
    ]
}

fn images(network: &Network) -> Tensor {
    let Input { channels, height, width, .. } = network.input;
    let values: Vec<f32> =
        (0..IMAGES * channels * height * width).map(|i| (i as f32 * 0.7).sin() * 1.5).collect();
    Tensor::from_vec(values, (IMAGES, channels, height, width), &Device::Cpu).unwrap()
}

fn labels(device: &Device) -> Tensor {
    Tensor::from_iter((0..IMAGES as u32).map(|i| i * i % 5), device).unwrap()
}

fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

/// Returns the largest difference as a share of the largest wanted value.
fn difference(got: &[f32], want: &[f32]) -> f32 {
    assert_eq!(got.len(), want.len());
    let largest = want.iter().fold(1e-6f32, |largest, x| largest.max(x.abs()));
    got.iter()
        .zip(want)
        .fold(0f32, |worst, (a, b)| if (a - b).abs() > worst { (a - b).abs() } else { worst })
        / largest
}

/// Compares values with a bound for the CPU. A GPU adds in another order, and its functions round
/// differently.
fn assert_close(got: &[f32], want: &[f32], bound: f32, what: &str) {
    let bound = if env::var_os("CANDLE_BACKEND_DEVICE").is_some() { 10.0 * bound } else { bound };
    let difference = difference(got, want);
    println!("{what}: {difference:.1e}");
    assert!(difference <= bound, "{what}: {difference} is above {bound}");
}

#[test]
fn forward_gradients_and_statistics_agree() {
    for (index, network) in networks().into_iter().enumerate() {
        let weights = init::weights(&network, 3);
        let model = |engine| Model::new(network.clone(), &weights, engine).unwrap();
        let (native, candle) = (model(native()), model(candle()));
        let images = images(&network);
        let loss = |model: &Model| {
            let logits =
                model.forward(&images, Mode::Training { seed: 5, step: 2 }).unwrap().logits;
            let labels = labels(logits.device());
            (values(&logits), cross_entropy(&logits, &labels, 0.0).unwrap().backward().unwrap())
        };
        let ((want_logits, want), (logits, got)) = (loss(&native), loss(&candle));
        assert_close(&logits, &want_logits, 2e-5, &format!("training logits of network {index}"));
        for (name, var) in native.parameters() {
            let got = values(got.get(&candle.parameters()[name]).unwrap());
            // At the kink of ReLU, rounding decides on which side a value is.
            let bound = if index == 3 { 1e-3 } else { 5e-5 };
            assert_close(
                &got,
                &values(want.get(var).unwrap()),
                bound,
                &format!("network {index}, gradient of {name}"),
            );
        }
        let forward = |model: &Model, mode| model.forward(&images, mode).unwrap();
        let (want, got) = (
            forward(&native, Mode::Statistics).statistics,
            forward(&candle, Mode::Statistics).statistics,
        );
        assert!(!want.is_empty() && want.keys().eq(got.keys()));
        for (name, want) in &want {
            assert_eq!(want.count, got[name].count, "{name}");
            assert_close(
                &got[name].mean,
                &want.mean,
                2e-5,
                &format!("network {index}, mean of {name}"),
            );
            assert_close(
                &got[name].variance,
                &want.variance,
                2e-5,
                &format!("network {index}, variance of {name}"),
            );
        }
        let (want, got) =
            (forward(&native, Mode::Evaluation).logits, forward(&candle, Mode::Evaluation).logits);
        assert_close(
            &values(&got),
            &values(&want),
            2e-5,
            &format!("evaluation logits of network {index}"),
        );
    }
}

#[test]
fn every_optimizer_takes_the_same_steps() {
    let network = &networks()[1];
    let settings = TrainingSettings {
        ema_decay: Some(0.9),
        clip_gradient_norm: Some(1.0),
        ..TrainingSettings::default()
    };
    let (images, initial) = (images(network), init::weights(network, 3));
    for kind in Optimizer::ALL {
        let trained = |engine| {
            let mut state = State::new(network, &initial, engine, kind, &settings).unwrap();
            for step in 0..3 {
                let logits =
                    state.model.forward(&images, Mode::Training { seed: 1, step }).unwrap().logits;
                let loss = cross_entropy(&logits, &labels(logits.device()), 0.0).unwrap();
                assert!(state.step(&loss, 1e-3).unwrap());
            }
            (state.model.weights().unwrap(), state.ema.unwrap().state())
        };
        let ((want, want_ema), (got, got_ema)) = (trained(native()), trained(candle()));
        for (want, got) in [(want, got), (want_ema, got_ema)] {
            for (name, want) in &want.0 {
                // A step of Adam and its variants has the size of the learning rate, however small
                // the gradient: for a gradient that is only rounding error, so is the step.
                assert_close(&got.get(name).data, &want.data, 2e-3, &format!("{kind}, {name}"));
            }
        }
    }
}

/// Makes the data set digits in a folder, from the project's files.
fn digits(folder: &Path) -> PathBuf {
    let recipes = Path::new(env!("CARGO_MANIFEST_DIR")).join("../pipelines/datasets");
    std::fs::copy(recipes.join("digits.json"), folder.join("dataset.json")).unwrap();
    for entry in std::fs::read_dir(recipes.join("digits")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().trim_end_matches(".gz").to_string();
        std::fs::copy(&path, folder.join(name)).unwrap();
    }
    folder.to_path_buf()
}

#[test]
fn a_short_training_reaches_the_same_accuracy() {
    let made = tempfile::tempdir().unwrap();
    // Where this program runs without its sources, the variable names the data set.
    let folder =
        env::var("CANDLE_BACKEND_DIGITS").map_or_else(|_| digits(made.path()), PathBuf::from);
    let load = |split| Dataset::load(&folder, split).unwrap();
    let (images, validation) = (load(Split::Train), load(Split::Validation));
    let description = Dataset::describe(&folder).unwrap();
    let genome = Genome {
        left_activation: Activation::Elu,
        right_activation: Activation::Swish,
        condense_layers: 2,
        feature_extraction_layers: 7,
        kernel_size: 3,
        optimizer: Optimizer::Adam,
    };
    let template =
        Template { growth_rate: 6, stem_channels: 12, dropout: 0.1, ..Template::default() };
    let network = template.expand(&genome, description.input(), description.classes).unwrap();
    let mut settings = TrainingSettings { batch: 48, ..TrainingSettings::default() };
    settings.augmentation.crop_padding = 1;
    let trained = |engine| {
        let training = Training {
            network: &network,
            engine,
            optimizer: genome.optimizer,
            settings: &settings,
            rate_scale: 1.0,
            epochs: 6,
            stop_after: None,
            seed: 1,
            images: &images,
            validation: Some(&validation),
        };
        training.run(&init::weights(&network, 1), None).unwrap()
    };
    let (want, got) = (trained(native()), trained(candle()));
    let first = |curve: &[common::train_report::Epoch]| curve[0].loss;
    let apart = (first(&got.curve) / first(&want.curve) - 1.0).abs();
    assert!(
        apart < 0.01,
        "losses of the first epoch: {} and {}",
        first(&got.curve),
        first(&want.curve)
    );
    let accuracies = [&want, &got].map(|trained| trained.validation_accuracy.unwrap());
    // Guessing reaches 0.1.
    assert!(accuracies.iter().all(|accuracy| *accuracy > 0.5), "{accuracies:?}");
    assert!((accuracies[0] - accuracies[1]).abs() < 0.05, "{accuracies:?}");
    // Both backends score the trained weights alike.
    let correct = |engine| {
        score(&Model::new(network.clone(), &got.weights, engine).unwrap(), &validation)
            .unwrap()
            .correct
    };
    assert!(correct(native()).abs_diff(correct(candle())) <= 1);
}
