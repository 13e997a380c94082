//! Quantization of all kinds of networks, beside their f32 results.

use common::dataset::Images;
use common::files::json;
use common::network::activation::{Activation, PiecewiseActivation};
use common::network::baseline::Baseline;
use common::network::template::{Head, Template};
use common::network::weights::Weights;
use common::network::{Input, Network, Shape};
use common::quantized::{Method, Operation};
use common::resize::Resize;
use common::search::genome::{Genome, Optimizer};
use common::seed;
use rand::RngExt;
use std::path::Path;
use train::model::{Mode, Model};
use train::ops::simd::Level;
use train::quantize::{Quantized, quantize, score};

const RELU: PiecewiseActivation =
    PiecewiseActivation { left: Activation::Relu, right: Activation::Relu };

/// Returns smooth images, each a sum of waves.
fn images(shape: Shape, count: usize) -> Images {
    let mut rng = seed::stream(5, "images");
    let mut pixels = Vec::with_capacity(count * shape.elements());
    for _ in 0..count * shape.channels {
        let mut wave = || -> [f32; 4] { std::array::from_fn(|_| rng.random_range(-1.0..1.0)) };
        let waves = [wave(), wave(), wave()];
        for y in 0..shape.height {
            for x in 0..shape.width {
                let at = |[a, b, c, d]: [f32; 4]| a * (b * x as f32 + c * y as f32 + 3.0 * d).sin();
                let sum: f32 = waves.into_iter().map(at).sum();
                pixels.push((128.0 + 70.0 * sum).clamp(0.0, 255.0) as u8);
            }
        }
    }
    Images { shape, pixels, labels: vec![0; count], sha256: String::new() }
}

fn input(channels: usize, height: usize, width: usize) -> Input {
    Input {
        channels,
        height,
        width,
        mean: vec![0.45; channels],
        std: vec![0.25; channels],
        resize: Resize::default(),
    }
}

fn classes() -> Vec<String> {
    ["a", "b", "c"].map(String::from).into()
}

fn template(pair: PiecewiseActivation, head: Head, channels: usize) -> Network {
    let genome = Genome {
        left_activation: pair.left,
        right_activation: pair.right,
        condense_layers: 2,
        feature_extraction_layers: 7,
        kernel_size: 3,
        optimizer: Optimizer::Adam,
    };
    let template = Template { growth_rate: 5, stem_channels: 6, head, ..Template::default() };
    template.expand(&genome, input(channels, 9, 11), classes()).unwrap()
}

/// Returns weights whose batch normalisations have the statistics of the images and random gains
/// and shifts, as after a training.
fn weights(network: &Network, images: &Images) -> Weights {
    let initial = train::init::weights(network, 3);
    let mut model = Model::new(network.clone(), &initial, Level::detected()).unwrap();
    train::eval::recalibrate(&mut model, images, images.len(), images.len()).unwrap();
    let mut weights = model.weights().unwrap();
    for (name, tensor) in &mut weights.0 {
        let mut rng = seed::stream(9, name);
        if name.contains("norm") && name.ends_with("weight") {
            tensor.data.iter_mut().for_each(|x| *x = rng.random_range(0.5..1.5));
        }
        if name.contains("norm") && name.ends_with("bias") {
            tensor.data.iter_mut().for_each(|x| *x = rng.random_range(-0.5..0.5));
        }
    }
    let mut model = Model::new(network.clone(), &weights, Level::detected()).unwrap();
    train::eval::recalibrate(&mut model, images, images.len(), images.len()).unwrap();
    model.weights().unwrap()
}

/// Returns the f32 logits and those of the int8 network.
fn logits(
    network: &Network,
    weights: &Weights,
    quantized: &Quantized,
    images: &Images,
) -> (Vec<f64>, Vec<f64>) {
    let model = Model::new(network.clone(), weights, Level::detected()).unwrap();
    let exact = train::eval::score(&model, images).unwrap().logits.concat();
    let found = score(&quantized.network, quantized.logit_scale, images).logits.concat();
    (
        exact.into_iter().map(f64::from).collect(),
        found.into_iter().map(|logit| f64::from(logit) * quantized.logit_scale).collect(),
    )
}

/// Returns the root mean square error of logits as a share of their standard deviation over images,
/// and the largest difference of a class's means as a share of it.
fn errors(exact: &[f64], found: &[f64]) -> (f64, f64) {
    let classes = classes().len();
    let of_class = |all: &[f64], class: usize| -> Vec<f64> {
        all.iter().skip(class).step_by(classes).copied().collect()
    };
    let mean = |numbers: &[f64]| numbers.iter().sum::<f64>() / numbers.len() as f64;
    let (mut error, mut variance, mut shift) = (0.0, 0.0, 0.0f64);
    for class in 0..classes {
        let (exact, found) = (of_class(exact, class), of_class(found, class));
        let of = mean(&exact);
        variance += mean(&exact.iter().map(|x| (x - of).powi(2)).collect::<Vec<_>>());
        let squares = exact.iter().zip(&found).map(|(a, b)| (a - b).powi(2));
        error += mean(&squares.collect::<Vec<_>>());
        shift = shift.max((of - mean(&found)).abs());
    }
    ((error / variance).sqrt(), shift / (variance / classes as f64).sqrt())
}

/// Quantizes by some images and returns the errors on others.
fn errors_of(network: &Network, method: Method) -> (f64, f64, Quantized) {
    let all = images(network.input.shape(), 320);
    let part = |range: std::ops::Range<usize>| all.select(&range.collect::<Vec<_>>());
    let (calibration, test) = (part(0..256), part(256..320));
    let weights = weights(network, &calibration);
    let quantized = quantize(network, &weights, &calibration, method).unwrap();
    let (exact, found) = logits(network, &weights, &quantized, &calibration);
    let shift = errors(&exact, &found).1;
    let (exact, found) = logits(network, &weights, &quantized, &test);
    (errors(&exact, &found).0, shift, quantized)
}

#[test]
fn networks_of_all_pairs_agree_with_their_weights() {
    let mut worst = (0.0, None);
    for (nth, pair) in PiecewiseActivation::all().enumerate() {
        let head = if nth % 2 == 0 { Head::Average } else { Head::Max };
        let network = template(pair, head, if nth % 3 == 0 { 3 } else { 1 });
        let (error, shift, _) = errors_of(&network, Method::Mse);
        let most = if pair.jumps_at_zero() { 0.5 } else { 0.15 };
        assert!(error < most, "{pair} {head:?}: {error}");
        // The bias of the last layer is corrected too, on the calibration images.
        assert!(shift < 1e-3, "{pair}: {shift}");
        worst = if error > worst.0 { (error, Some(pair)) } else { worst };
    }
    println!("largest error: {worst:?}");
}

#[test]
fn every_method_works_and_the_least_error_is_no_worse() {
    let swish = PiecewiseActivation { left: Activation::Swish, right: Activation::Elu };
    let network = template(swish, Head::Average, 1);
    let errors = Method::ALL.map(|method| errors_of(&network, method).0);
    assert!(errors.iter().all(|error| *error < 0.12), "{errors:?}");
    assert!(errors[0] < 1.2 * errors[1], "{errors:?}");
}

fn baseline(name: &str, edit: impl Fn(&str) -> String, side: usize) -> Network {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../pipelines/baselines/{name}.json"));
    let text = edit(&std::fs::read_to_string(path).unwrap());
    json::parse::<Baseline>(&text).unwrap().network(input(3, side, side), classes()).unwrap()
}

/// Additions of two scales, strides, shortcuts and shortcuts' new channels.
#[test]
fn residual_and_dense_baselines_agree_with_their_weights() {
    let small = |text: &str| {
        let text = text.replace("[16, 32, 64]", "[4, 6, 8]").replace(": 20,", ": 14,");
        text.replace(": 40,", ": 13,").replace("_rate\": 12", "_rate\": 4")
    };
    for (name, most) in [("resnet-20", 0.15), ("densenet-40-12", 0.12)] {
        let network = baseline(name, small, 8);
        let (error, _, quantized) = errors_of(&network, Method::Mse);
        assert!(error < most, "{name}: {error}");
        let sums = quantized.network.plan.steps.iter().filter(|step| {
            matches!(&step.operation, Operation::Activate { operands, .. } if operands.len() == 2)
        });
        assert_eq!(sums.count(), if name == "resnet-20" { 6 } else { 0 });
    }
}

#[test]
fn all_five_baselines_have_a_plan() {
    for name in ["resnet-20", "resnet-56", "resnet-110", "densenet-40-12", "densenet-100-12"] {
        let network = baseline(name, str::to_string, 32);
        let plan = common::quantized::Plan::new(&network).unwrap();
        let requantized = plan.steps.iter().filter(|step| step.name.ends_with("requantized"));
        assert_eq!(requantized.count(), 0, "{name}");
    }
}

/// A filter that pruning or training has made useless costs nothing and hurts nothing.
#[test]
fn dead_filters_and_dead_channels_are_constants() {
    let network = template(RELU, Head::Average, 1);
    let images = images(network.input.shape(), 32);
    let mut weights = weights(&network, &images);
    let dead = |weights: &mut Weights, name: &str, from: usize, count: usize| {
        weights.0.get_mut(name).unwrap().data[from..from + count].fill(0.0);
    };
    dead(&mut weights, "stem.conv.weight", 9, 9);
    dead(&mut weights, "condense1.fel1.norm.weight", 2, 1);
    dead(&mut weights, "head.classifier.weight", 0, 3);
    let quantized = quantize(&network, &weights, &images, Method::Mse).unwrap();
    assert_eq!(quantized.network.parameters.filters(0).multipliers[1], 0);
    let (exact, found) = logits(&network, &weights, &quantized, &images);
    let error = errors(&exact, &found).0;
    assert!(error < 0.08, "{error}");
}

/// The network computes the same if its filters change places, so their int8 forms do too.
#[test]
fn filters_in_another_order_give_the_same_logits() {
    let network = template(RELU, Head::Average, 1);
    let images = images(network.input.shape(), 32);
    let weights = weights(&network, &images);
    let mut permuted = weights.clone();
    // The filters of the last FEL are read by the head alone, as its last channels.
    let last = "condense2.fel1";
    let tensors = ["weight", "bias", "running_mean", "running_var"];
    let conv = permuted.0.get_mut(&format!("{last}.conv.weight")).unwrap();
    let filter = conv.data.len() / conv.shape[0];
    conv.data = conv.data.chunks(filter).rev().flatten().copied().collect();
    let filters = conv.shape[0];
    for what in tensors {
        let tensor = permuted.0.get_mut(&format!("head.norm.{what}")).unwrap();
        let first = tensor.data.len() - filters;
        tensor.data[first..].reverse();
    }
    let classifier = permuted.0.get_mut("head.classifier.weight").unwrap();
    let features = classifier.shape[1];
    classifier.data.chunks_mut(features).for_each(|row| row[features - filters..].reverse());
    let logits = [&weights, &permuted].map(|weights| {
        let quantized = quantize(&network, weights, &images, Method::Minmax).unwrap();
        (score(&quantized.network, quantized.logit_scale, &images).logits, quantized.logit_scale)
    });
    assert_eq!(logits[0], logits[1]);
}

#[test]
fn observed_values_are_those_of_the_forward_pass() {
    let network = template(RELU, Head::Max, 3);
    let images = images(network.input.shape(), 5);
    let weights = weights(&network, &images);
    let model = Model::unfused(network.clone(), &weights, Level::detected()).unwrap();
    let batch = train::data::batches::batch(&images, &[0, 1, 2, 3, 4], &network.input).unwrap();
    let mut seen = Vec::new();
    model
        .observe(&batch, &mut |node, values| {
            seen.push((node, values()?));
            Ok(())
        })
        .unwrap();
    assert_eq!(
        seen.iter().map(|(node, _)| *node).collect::<Vec<_>>(),
        (0..network.nodes.len()).collect::<Vec<_>>()
    );
    for image in 0..5 {
        let pixels =
            images.image(image).iter().enumerate().map(|(at, pixel)| {
                network.input.normalise(at / network.input.shape().plane(), *pixel)
            });
        let expected = common::network::reference::forward_all(
            &network,
            &weights,
            &pixels.collect::<Vec<_>>(),
        )
        .unwrap();
        for ((node, values), expected) in seen.iter().zip(&expected) {
            let found = &values[image * expected.len()..][..expected.len()];
            let close = found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-4);
            assert!(close, "{}", network.nodes[*node].name);
        }
    }
    let logits = model.forward(&batch, Mode::Evaluation).unwrap().logits;
    assert_eq!(logits.flatten_all().unwrap().to_vec1::<f32>().unwrap(), seen.last().unwrap().1);
}
