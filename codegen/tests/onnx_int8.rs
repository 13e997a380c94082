//! ONNX models of int8 networks: what is refused, their structure, and, if there is a Python with
//! ONNX Runtime, their numbers beside the integer reference.

#[path = "onnx/quantizer.rs"]
mod quantizer;
#[path = "onnx/runtime.rs"]
mod runtime;
mod support;

use codegen::onnx::model::OPSET;
use codegen::onnx::proto::{INT8, INT32, ModelProto, UINT8};
use common::dataset::{Dataset, Split};
use common::files::hash::sha256_hex;
use common::files::json;
use common::manifest::Manifest;
use common::network::activation::{Activation, PiecewiseActivation};
use common::network::template::{Head, Template};
use common::network::{INPUT, Network, Node, Op, Origin};
use common::precision::Precision;
use common::quantized::{Meaning, QUANTIZATION_FILE, Quantization, QuantizedNetwork, TENSORS_FILE};
use common::seed;
use prost::Message;
use quantizer::random_int8;
use rand::Rng;
use runtime::check;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use support::{SWISH_RELU, baseline, codegen, digits, expand, failure, pruned, small, success};
use tempfile::TempDir;

/// Images by which random networks are quantized.
const IMAGES: usize = 6;

/// A folder with `network.json` and the folder `int8`.
struct Workshop(TempDir);

impl Workshop {
    /// Writes a network and its quantization.
    fn new(
        network: &Network,
        (quantized, quantization): &(QuantizedNetwork, Quantization),
    ) -> Self {
        let workshop = Workshop(tempfile::tempdir().unwrap());
        json::write(&workshop.path("network.json"), network).unwrap();
        quantized.write(&workshop.path("int8"), quantization).unwrap();
        workshop
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs `codegen generate` for the folder `int8` to the folder `model`.
    fn generate(&self, platform: &str, more: &[&str]) -> Output {
        let paths = ["network.json", "int8", "model"].map(|name| self.path(name));
        let [network, int8, out] = paths.map(|path| path.into_os_string().into_string().unwrap());
        let files = ["generate", "--network", &network, "--quantized", &int8, "--out", &out];
        codegen(&[&files[..], &["--platform", platform, "--name", "net"], more].concat())
    }

    fn model(&self) -> ModelProto {
        let bytes = fs::read(self.path("model/net.onnx")).unwrap();
        ModelProto::decode(bytes.as_slice()).unwrap()
    }
}

/// Returns random pixels.
fn images(network: &Network, count: usize) -> Vec<Vec<u8>> {
    let mut rng = seed::stream(2, "images");
    let image = |_| {
        let mut pixels = vec![0; network.input.shape().elements()];
        rng.fill_bytes(&mut pixels);
        pixels
    };
    (0..count).map(image).collect()
}

fn random(network: &Network) -> Workshop {
    Workshop::new(network, &random_int8(network, &images(network, IMAGES)))
}

/// Returns networks with all features: heads, shortcuts, channels that are added, kernels,
/// transitions, odd widths, images of three channels, values that no activation made.
fn networks() -> Vec<Network> {
    let max = Template { growth_rate: 3, stem_channels: 5, head: Head::Max, ..Template::default() };
    let elu_tanh = PiecewiseActivation { left: Activation::Elu, right: Activation::Tanh };
    let node = |name: &str, op, inputs: &[&str]| Node {
        name: name.to_string(),
        op,
        inputs: inputs.iter().map(ToString::to_string).collect(),
    };
    let conv = |in_channels, out_channels, kernel| Op::Conv2d {
        in_channels,
        out_channels,
        kernel,
        stride: 1,
    };
    let mut odd = small([3, 6, 9], [1, 7, 3], SWISH_RELU);
    odd.classes.truncate(4);
    odd.nodes = vec![
        node("image", Op::AveragePool { size: 3 }, &[INPUT]),
        node("wide", Op::Shortcut { out_channels: 5, stride: 1 }, &["image"]),
        node("pixels", Op::Activation(elu_tanh), &["wide"]),
        node("first", conv(5, 5, 3), &["pixels"]),
        node("second", conv(5, 5, 1), &["first"]),
        node("sum", Op::Add {}, &["second", "pixels"]),
        node("norm", Op::BatchNorm { channels: 5 }, &["sum"]),
        node("all", Op::Concat {}, &["norm", "first", "pixels"]),
        node("last", conv(15, 6, 3), &["all"]),
        node("head", Op::GlobalMaxPool {}, &["last"]),
        node("classifier", Op::Linear { in_features: 6, out_features: 4 }, &["head"]),
    ];
    vec![
        expand(&Template::default(), [1, 28, 28], [2, 16, 3], SWISH_RELU, 10),
        expand(&max, [3, 9, 14], [3, 10, 5], elu_tanh, 7),
        pruned(),
        baseline("resnet-20", 12),
        baseline("densenet-40-12", 8),
        odd,
    ]
}

#[test]
fn the_manifest_says_that_the_model_is_int8() {
    let network = small([1, 6, 7], [2, 7, 3], SWISH_RELU);
    let workshop = random(&network);
    let printed: Manifest = json::parse(&success(&workshop.generate("onnx", &[]))).unwrap();
    assert_eq!(printed, Manifest::read(&workshop.path("model")).unwrap());
    assert_eq!(printed.precision, Precision::Int8);
    let tensors = fs::read(workshop.path("int8").join(TENSORS_FILE)).unwrap();
    assert_eq!(printed.weights_sha256, sha256_hex(&tensors));
    // The pooling of the transition is computed before its convolution.
    let transition = printed.layers.iter().find(|l| l.name == "transition1.conv").unwrap();
    assert!(transition.executed_macs < transition.macs, "{transition:?}");
    let macs: u64 = printed.layers.iter().map(|layer| layer.macs).sum();
    assert_eq!(macs, printed.macs);
    assert_eq!(printed.weights_bytes, workshop.model().constant_bytes());
    let logits = fs::read(workshop.path("model/golden/outputs.bin")).unwrap();
    let pixels = fs::read(workshop.path("model/golden/inputs.bin")).unwrap();
    assert_eq!((logits.len(), pixels.len()), (8 * 10 * 4, 8 * 6 * 7));
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let network = small([1, 6, 7], [2, 7, 3], SWISH_RELU);
    let (first, second) = (random(&network), random(&network));
    for workshop in [&first, &second] {
        success(&workshop.generate("onnx", &[]));
    }
    for file in ["net.onnx", "README.md", "manifest.json", "golden/inputs.bin"] {
        let bytes = |workshop: &Workshop| fs::read(workshop.path("model").join(file)).unwrap();
        assert!(bytes(&first) == bytes(&second), "{file}");
    }
}

/// All numbers with more than one dimension are bytes, and every convolution reads, and makes,
/// bytes.
#[test]
fn weights_and_values_are_bytes() {
    for network in networks() {
        let workshop = random(&network);
        success(&workshop.generate("onnx", &[]));
        let model = workshop.model();
        assert_eq!(model.opset_import[0].version, OPSET);
        let graph = model.graph.unwrap();
        let element = |value: &codegen::onnx::proto::ValueInfoProto| {
            value.r#type.clone().unwrap().tensor_type.unwrap().elem_type
        };
        assert_eq!(element(&graph.input[0]), UINT8);
        for constant in &graph.initializer {
            let is_weight = constant.name.ends_with(".weight");
            assert_eq!(is_weight, constant.data_type == INT8 && constant.dims.len() > 1);
            assert_eq!(constant.name.ends_with(".bias"), constant.data_type == INT32);
            let readers = graph.node.iter().filter(|node| node.input.contains(&constant.name));
            assert!(readers.count() > 0, "no operation reads {}", constant.name);
        }
        let made_by = |name: &str| {
            let maker = graph.node.iter().find(|node| node.output[0] == name);
            maker.map_or("", |node| node.op_type.as_str())
        };
        let convolutions: Vec<_> =
            graph.node.iter().filter(|node| node.op_type == "Conv").collect();
        let expected = network.nodes.iter().filter(|node| matches!(node.op, Op::Conv2d { .. }));
        assert_eq!(convolutions.len(), expected.count());
        for node in convolutions {
            let x = made_by(&node.input[0]);
            // The channels of an image have zero points of their own.
            assert!(x == "DequantizeLinear" || x == "Sub", "{}: {x}", node.name);
            assert!(node.input[1..].iter().all(|name| made_by(name) == "DequantizeLinear"));
            let readers: Vec<_> =
                graph.node.iter().filter(|other| other.input.contains(&node.output[0])).collect();
            assert!(readers.len() == 1 && readers[0].op_type == "QuantizeLinear", "{}", node.name);
        }
    }
}

/// Checks that a model is refused with these words, and nothing is written.
fn refused(workshop: &Workshop, platform: &str, more: &[&str], words: &str) {
    let text = failure(&workshop.generate(platform, more));
    assert!(text.contains(words), "{text}");
    assert!(!workshop.path("model").exists(), "{text}");
}

#[test]
fn files_that_do_not_belong_together_are_refused() {
    let network = small([1, 6, 7], [2, 7, 3], SWISH_RELU);
    let workshop = random(&network);
    let (tensors, report) =
        (workshop.path("int8").join(TENSORS_FILE), workshop.path("int8").join(QUANTIZATION_FILE));
    refused(&workshop, "cuda", &[], "no int8 crates for NVIDIA GPUs");
    refused(&workshop, "onnx", &["--board", "rpi4"], "leave --board out");

    let original: Quantization = json::read(&report).unwrap();
    let mut changed = original.clone();
    let table = |layer: &mut common::quantized::LayerReport| match &mut layer.meaning {
        Meaning::Table { scale, .. } => *scale *= 1.5,
        Meaning::Convolution { .. } | Meaning::Classifier { .. } => {}
    };
    changed.layers.iter_mut().for_each(table);
    json::write(&report, &changed).unwrap();
    refused(&workshop, "onnx", &[], "its report is not that of its table: run `train quantize`");
    json::write(&report, &Quantization { logit_scale: 0.0, ..original.clone() }).unwrap();
    refused(&workshop, "onnx", &[], "its scale 0e0 is no positive number");
    json::write(&report, &original).unwrap();

    let bytes = fs::read(&tensors).unwrap();
    let mut other = bytes.clone();
    *other.last_mut().unwrap() ^= 1;
    fs::write(&tensors, other).unwrap();
    refused(&workshop, "onnx", &[], "the file was changed since it was written");
    fs::remove_file(&tensors).unwrap();
    refused(&workshop, "onnx", &[], TENSORS_FILE);
    fs::write(&tensors, bytes).unwrap();

    let other = Network { classes: network.classes.iter().rev().cloned().collect(), ..network };
    json::write(&workshop.path("network.json"), &other).unwrap();
    refused(&workshop, "onnx", &[], "this is the quantization of another network");
    fs::remove_dir_all(workshop.path("int8")).unwrap();
    refused(&workshop, "onnx", &[], QUANTIZATION_FILE);
}

/// Returns what is printed about the generated models, or `None` if there is no ONNX Runtime.
fn run(workshops: &[Workshop]) -> Option<Vec<serde_json::Value>> {
    let folders: Vec<PathBuf> = workshops.iter().map(|w| w.path("model")).collect();
    check(&folders.iter().map(PathBuf::as_path).collect::<Vec<_>>())
}

#[test]
fn onnx_runtime_computes_what_the_integer_reference_does() {
    let mut networks = networks();
    networks.extend(PiecewiseActivation::all().map(|pair| small([1, 6, 7], [2, 7, 3], pair)));
    let workshops: Vec<Workshop> = networks.iter().map(random).collect();
    for workshop in &workshops {
        success(&workshop.generate("onnx", &[]));
    }
    let Some(results) = run(&workshops) else { return };
    assert_eq!(results.len(), networks.len());
    for (network, result) in networks.iter().zip(&results) {
        let difference = result["difference"].as_f64().unwrap();
        // A deep network of random weights makes any difference large: its model has to run.
        let is_deep = matches!(network.origin, Origin::Baseline { .. });
        assert!(is_deep || difference <= TOLERANCE, "{difference}: {:?}", network.origin);
        assert_eq!(result["classes"], serde_json::json!(network.classes));
    }
}

/// The largest difference of logits as a part of the largest one. A number that is rounded to
/// another byte changes all that comes after it.
const TOLERANCE: f64 = 0.1;

/// A model with another weight or another index of a table is noticed.
#[test]
fn a_wrong_constant_is_noticed() {
    let network = small([1, 6, 7], [2, 7, 3], SWISH_RELU);
    for suffix in ["conv.weight", "activation/index/zero_point", "term0/offset"] {
        let workshop = random(&network);
        success(&workshop.generate("onnx", &[]));
        let mut model = workshop.model();
        let constants = &mut model.graph.as_mut().unwrap().initializer;
        let constant = constants.iter_mut().find(|c| c.name.ends_with(suffix)).unwrap();
        let last = constant.raw_data.len() - 1;
        constant.raw_data[last] ^= 0x88;
        fs::write(workshop.path("model/net.onnx"), model.encode_to_vec()).unwrap();
        let Some(results) = run(&[workshop]) else { return };
        let difference = results[0]["difference"].as_f64().unwrap();
        // That of the model as it was written is below 0.01.
        assert!(difference > 0.05, "{suffix}: {difference}");
    }
}

/// A network that was trained on the digits and quantized, on 1,000 of them. `data/digits-int8` is
/// what `train quantize` made after `train fit --config pipelines/profiles/smoke.json --epochs 40`
/// with a genome of swish, relu, 2 condense layers, 7 feature extraction layers, kernel 3 and adam.
#[test]
fn a_trained_network_has_the_classes_of_the_reference_on_a_thousand_digits() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/digits-int8");
    let network: Network = json::read(&folder.join("network.json")).unwrap();
    let (quantized, quantization) = QuantizedNetwork::read(&folder, &network).unwrap();
    let scale = quantization.logit_scale;
    let workshop = Workshop::new(&network, &(quantized.clone(), quantization));
    let data = workshop.path("digits");
    digits(&data, &network.classes);
    success(&workshop.generate("onnx", &["--samples", data.to_str().unwrap()]));

    let [test, train] = [Split::Test, Split::Train]
        .map(|split| Dataset::load(&data, split).unwrap().in_canonical_order());
    let all = [&test, &train].into_iter();
    let all = all.flat_map(|images| (0..images.len()).map(|i| (images.image(i), images.labels[i])));
    let (pixels, labels): (Vec<&[u8]>, Vec<_>) = all.take(1000).unzip();
    assert_eq!(labels.len(), 1000);
    let expected: Vec<Vec<i32>> = pixels.iter().map(|image| quantized.logits(image)).collect();
    let real = expected.iter().flatten().map(|logit| (f64::from(*logit) * scale) as f32);
    let recorded = fs::read(workshop.path("model/golden/outputs.bin")).unwrap();
    let outputs: Vec<u8> = real.flat_map(f32::to_le_bytes).collect();
    assert!(!recorded.is_empty() && outputs.starts_with(&recorded));
    fs::write(workshop.path("model/golden/inputs.bin"), pixels.concat()).unwrap();
    fs::write(workshop.path("model/golden/outputs.bin"), outputs).unwrap();

    let Some(results) = run(&[workshop]) else { return };
    println!("largest difference of a logit: {}", results[0]["largest_difference"]);
    assert_eq!(results[0]["images"], 1000);
    let same = results[0]["same_class"].as_u64().unwrap();
    assert!(same >= 995, "{same}");
    let found = results[0]["found"].as_array().unwrap();
    let right = found.iter().zip(&labels).filter(|(class, label)| **class == **label).count();
    let classes = expected.iter().map(|logits| common::quantized::class_of(logits));
    let right_in_integers = classes.zip(&labels).filter(|(c, l)| *c == usize::from(**l)).count();
    assert!(right.abs_diff(right_in_integers) <= 1, "{right} {right_in_integers}");
    assert!(right_in_integers > 950, "{right_in_integers}");
}
