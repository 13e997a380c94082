//! ONNX models: their structure, and, if there is a Python with ONNX Runtime, their numbers.

#[path = "onnx/runtime.rs"]
mod runtime;
mod support;

use codegen::onnx::model::{OPSET, OUTPUT};
use codegen::onnx::proto::{
    AttributeProto, FLOAT, GraphProto, INT64, ModelProto, NodeProto, TensorProto,
};
use common::network::activation::{Activation, PiecewiseActivation};
use common::network::reference::logits;
use common::network::template::{Head, Template};
use common::network::{INPUT, Network, Node, Op, shapes};
use common::resize::Resize;
use prost::Message;
use runtime::check;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use support::{SWISH_RELU, Workshop, baseline, expand, pruned, small, success};

/// The tolerance of models, relative to the largest logit, or to 1.
const TOLERANCE: f64 = 1e-5;

/// Returns a network that is only the activation of its ten inputs.
fn bare(pair: PiecewiseActivation) -> Network {
    let mut network = small([10, 1, 1], [1, 7, 3], pair);
    network.nodes = vec![Node {
        name: "a".to_string(),
        op: Op::Activation(pair),
        inputs: vec![INPUT.to_string()],
    }];
    network
}

/// Returns networks with all features: heads, shortcuts, kernels, transitions, odd widths, dropout,
/// a last node of any kind.
fn networks() -> Vec<Network> {
    let max = Template {
        growth_rate: 3,
        stem_channels: 5,
        head: Head::Max,
        dropout: 0.1,
        ..Template::default()
    };
    let elu_tanh = PiecewiseActivation { left: Activation::Elu, right: Activation::Tanh };
    let mut networks = vec![
        expand(&Template::default(), [1, 28, 28], [2, 16, 3], SWISH_RELU, 10),
        expand(&max, [3, 9, 14], [3, 10, 5], elu_tanh, 7),
        pruned(),
        baseline("resnet-20", 10),
    ];
    let node = |name: &str, op, inputs: &[&str]| Node {
        name: name.to_string(),
        op,
        inputs: inputs.iter().map(ToString::to_string).collect(),
    };
    let linear = |in_features, out_features| Op::Linear { in_features, out_features };
    let endings = [
        vec![node("a", Op::Dropout { probability: 0.5 }, &[INPUT])],
        vec![
            node("a", linear(10, 10), &[INPUT]),
            node("b", Op::Dropout { probability: 0.5 }, &["a"]),
        ],
        vec![
            node("a", linear(10, 3), &[INPUT]),
            node("a.b", linear(10, 7), &[INPUT]),
            node("unused", Op::Activation(elu_tanh), &["a"]),
            node("c", Op::Concat {}, &["a", "a.b"]),
            node("d", Op::Activation(SWISH_RELU), &["c"]),
        ],
        vec![
            node(
                "a",
                Op::Conv2d { in_channels: 10, out_channels: 10, kernel: 5, stride: 3 },
                &[INPUT],
            ),
            node("b", Op::AveragePool { size: 1 }, &["a"]),
        ],
    ];
    for nodes in endings {
        networks.push(Network { nodes, ..bare(elu_tanh) });
    }
    networks
}

fn generate(network: &Network) -> (Workshop, PathBuf) {
    let workshop = Workshop::new(network);
    success(&workshop.generate("model", &["--platform", "onnx", "--name", "net"]));
    let folder = workshop.path("model");
    (workshop, folder)
}

fn decode(folder: &Path) -> ModelProto {
    ModelProto::decode(fs::read(folder.join("net.onnx")).unwrap().as_slice()).unwrap()
}

#[test]
fn the_structure_is_that_of_the_network() {
    for network in networks() {
        let (workshop, folder) = generate(&network);
        let model = decode(&folder);
        assert_eq!((model.ir_version, model.opset_import[0].version), (7, OPSET));
        let graph = model.graph.unwrap();
        let shapes = shapes(&graph);
        for (node, shape) in network.nodes.iter().zip(shapes::shapes(&network).unwrap()) {
            if let Some(found) = shapes.get(&format!("{}/output", node.name)) {
                assert_eq!(found, &[shape.channels, shape.height, shape.width], "{}", node.name);
            }
        }
        assert_eq!(shapes[OUTPUT], [network.classes.len()]);
        let weights = graph
            .initializer
            .iter()
            .filter(|tensor| tensor.data_type == FLOAT && tensor.name.contains('.'));
        for tensor in weights {
            assert_eq!(
                floats(&tensor.raw_data),
                workshop.weights.get(&tensor.name).data,
                "{}",
                tensor.name
            );
        }
    }
}

#[test]
fn each_pair_has_the_operators_of_its_form() {
    let operators = |left, right| -> String {
        let graph = decode(&generate(&bare(PiecewiseActivation { left, right })).1).graph.unwrap();
        graph.node.iter().map(|node| node.op_type.as_str()).collect::<Vec<_>>().join(" ")
    };
    for (left, right, expected) in [
        (Activation::Relu, Activation::Linear, "Relu"),
        (Activation::Linear, Activation::Elu, "Identity"),
        (Activation::Swish, Activation::Swish, "Sigmoid Mul"),
        (Activation::Relu, Activation::Tanh, "Relu Tanh"),
        (Activation::Swish, Activation::Relu, "Sigmoid Mul Max"),
        (Activation::Elu, Activation::Linear, "Min Exp Sub Max"),
        (Activation::Elu, Activation::Selu, "Min Exp Sub Mul Max"),
        (Activation::Linear, Activation::Swish, "Relu Sigmoid Mul Min"),
        (Activation::Tanh, Activation::Swish, "Min Tanh Relu Sigmoid Mul Add"),
        (Activation::Selu, Activation::Selu, "Min Exp Mul Sub Relu Mul Add"),
        (Activation::Swish, Activation::Tanh, "Min Sigmoid Mul Tanh Max"),
        (Activation::Sigmoid, Activation::Relu, "Sigmoid Less Cast Mul Max"),
        (Activation::Relu, Activation::Sigmoid, "Sigmoid GreaterOrEqual Cast Mul"),
    ] {
        assert_eq!(operators(left, right), format!("{expected} Flatten"), "{left}|{right}");
    }
}

#[test]
fn class_names_are_data() {
    let mut network = bare(SWISH_RELU);
    let names = ["\"]", "\\", "", "\u{202e}", "\n", "__NAME__", "{}", "日本", "'", "</td>"];
    network.classes = names.map(str::to_string).to_vec();
    let (_workshop, folder) = generate(&network);
    let metadata = decode(&folder).metadata_props;
    let classes = metadata.iter().find(|entry| entry.key == "classes").unwrap();
    assert_eq!(serde_json::from_str::<Vec<String>>(&classes.value).unwrap(), names);
}

#[test]
fn the_metadata_say_how_pictures_are_scaled() {
    for resize in Resize::ALL {
        let mut network = bare(SWISH_RELU);
        network.input.resize = resize;
        let (_workshop, folder) = generate(&network);
        let metadata = decode(&folder).metadata_props;
        let value =
            |key: &str| metadata.iter().find(|entry| entry.key == key).unwrap().value.clone();
        assert_eq!(
            (value("resize"), value("filter")),
            (resize.to_string(), "triangle".to_string())
        );
    }
}

/// Returns the shapes of all tensors without the batch, by ONNX's own rules. A tensor must be
/// written before it is read.
fn shapes(graph: &GraphProto) -> HashMap<String, Vec<usize>> {
    let constants: HashMap<&str, &TensorProto> =
        graph.initializer.iter().map(|t| (t.name.as_str(), t)).collect();
    assert_eq!(constants.len(), graph.initializer.len(), "a constant's name is used twice");
    for tensor in &graph.initializer {
        let width = if tensor.data_type == INT64 { 8 } else { 4 };
        let elements: i64 = tensor.dims.iter().product();
        assert_eq!(tensor.raw_data.len() as i64, elements * width, "{}", tensor.name);
    }
    let declared = |value: &codegen::onnx::proto::ValueInfoProto| {
        let tensor = value.r#type.clone().unwrap().tensor_type.unwrap();
        assert_eq!(tensor.elem_type, FLOAT);
        let dim = tensor.shape.unwrap().dim;
        assert_eq!(dim[0].dim_param.as_deref(), Some("batch"));
        (
            value.name.clone(),
            dim[1..].iter().map(|side| side.dim_value.unwrap() as usize).collect::<Vec<_>>(),
        )
    };
    let mut shapes = HashMap::from([declared(&graph.input[0])]);
    for node in &graph.node {
        let inputs: Vec<Vec<usize>> = node
            .input
            .iter()
            .map(|name| match constants.get(name.as_str()) {
                Some(tensor) => tensor.dims.iter().map(|side| *side as usize).collect(),
                None => shapes
                    .get(name)
                    .unwrap_or_else(|| panic!("{}: there is no {name} yet", node.name))
                    .clone(),
            })
            .collect();
        let known = shapes.insert(node.output[0].clone(), shape(node, &inputs, &constants));
        assert!(known.is_none(), "{} is made twice", node.output[0]);
    }
    let (name, shape) = declared(&graph.output[0]);
    assert_eq!(shapes[&name], shape);
    shapes
}

fn shape(
    node: &NodeProto,
    inputs: &[Vec<usize>],
    constants: &HashMap<&str, &TensorProto>,
) -> Vec<usize> {
    let x = &inputs[0];
    let attribute = |name: &str| -> &AttributeProto {
        node.attribute
            .iter()
            .find(|a| a.name == name)
            .unwrap_or_else(|| panic!("{} without {name}", node.name))
    };
    let sides =
        |name: &str| attribute(name).ints.iter().map(|side| *side as usize).collect::<Vec<_>>();
    match node.op_type.as_str() {
        "Conv" => {
            let (kernel, strides, pads) = (sides("kernel_shape"), sides("strides"), sides("pads"));
            assert_eq!(inputs[1][1..], [x[0], kernel[0], kernel[1]]);
            let side = |i: usize| (x[i + 1] + pads[i] + pads[i + 2] - kernel[i]) / strides[i] + 1;
            vec![inputs[1][0], side(0), side(1)]
        }
        "BatchNormalization" => {
            assert!(inputs[1..].iter().all(|constant| constant[..] == x[..1]) && inputs.len() == 5);
            x.clone()
        }
        "AveragePool" => {
            let (kernel, strides) = (sides("kernel_shape"), sides("strides"));
            vec![x[0], (x[1] - kernel[0]) / strides[0] + 1, (x[2] - kernel[1]) / strides[1] + 1]
        }
        "GlobalAveragePool" | "GlobalMaxPool" => vec![x[0], 1, 1],
        "Flatten" => vec![x.iter().product()],
        "Gemm" => {
            assert_eq!(
                (inputs[1][1], inputs[2][0], attribute("transB").i),
                (x[0], inputs[1][0], Some(1))
            );
            vec![inputs[1][0]]
        }
        "Unsqueeze" => vec![x[0], 1, 1],
        "Pad" => {
            let pads = constants[node.input[1].as_str()].raw_data.chunks_exact(8);
            let pads: Vec<i64> =
                pads.map(|bytes| i64::from_le_bytes(bytes.try_into().unwrap())).collect();
            assert!(
                pads.iter().enumerate().all(|(place, pad)| *pad == 0 || place == 5),
                "{pads:?}"
            );
            vec![x[0] + pads[5] as usize, x[1], x[2]]
        }
        "Add" => {
            assert_eq!(inputs[0], inputs[1]);
            x.clone()
        }
        "Concat" => {
            assert!(
                inputs.iter().all(|input| input[1..] == x[1..]) && attribute("axis").i == Some(1)
            );
            vec![inputs.iter().map(|input| input[0]).sum(), x[1], x[2]]
        }
        "Mul" | "Sub" | "Min" | "Max" | "Less" | "GreaterOrEqual" => {
            let full = inputs.iter().find(|input| !input.is_empty()).unwrap();
            assert!(inputs.iter().all(|input| input.is_empty() || input == full), "{}", node.name);
            full.clone()
        }
        "Relu" | "Sigmoid" | "Tanh" | "Exp" | "Cast" | "Identity" => x.clone(),
        other => panic!("{}: what is {other}?", node.name),
    }
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
}

#[test]
fn onnx_runtime_computes_what_the_reference_does() {
    let mut networks = networks();
    networks.extend(PiecewiseActivation::all().map(|pair| small([1, 6, 7], [2, 7, 3], pair)));
    let generated: Vec<(Workshop, PathBuf)> = networks.iter().map(generate).collect();
    let folders: Vec<&Path> = generated.iter().map(|(_, folder)| folder.as_path()).collect();
    let Some(results) = check(&folders) else { return };
    assert_eq!(results.len(), networks.len());
    for ((network, (workshop, _)), result) in networks.iter().zip(&generated).zip(&results) {
        let jumps = network
            .nodes
            .iter()
            .any(|node| matches!(node.op, Op::Activation(pair) if pair.jumps_at_zero()));
        let difference = result["difference"].as_f64().unwrap();
        assert!(jumps || difference <= TOLERANCE, "{difference}: {network:?}");
        // With eight images, one in a hundred is none.
        assert_eq!(result["same_class"], result["images"], "{:?}", network.origin);
        assert_eq!(result["classes"], serde_json::json!(network.classes));
        if !jumps {
            let shape = network.input.shape();
            let image: Vec<f32> = (0..shape.elements())
                .map(|i| network.input.normalise(i / shape.plane(), 51))
                .collect();
            let want = logits(network, &workshop.weights, &image).unwrap();
            let got =
                result["from_pixels"][0].as_array().unwrap().iter().map(|x| x.as_f64().unwrap());
            let size = want.iter().fold(1.0f64, |size, logit| size.max(f64::from(logit.abs())));
            assert!(
                got.zip(&want)
                    .all(|(got, want)| (got - f64::from(*want)).abs() <= TOLERANCE * size)
            );
        }
    }
}

/// A single activation is exact for all pairs, also for those that jump, and at 0 and -0, next to
/// them, and at infinity.
#[test]
fn every_pair_is_exact_by_itself_in_onnx_runtime() {
    const INFINITE: f32 = f32::INFINITY;
    let inputs = [
        [0.0f32, -0.0, 1e-30, -1e-30, -1e-6, 0.7, -0.7, 3.0, -3.0, -20.0],
        [1e-45, -1e-45, 1e-40, -1e-40, -1e-38, 1e-38, -1.5, 1e-6, -0.01, 0.01],
        [90.0, -90.0, 200.0, -200.0, 0.25, -0.25, 10.0, -10.0, 1.0, -1.0],
        [INFINITE, -INFINITE, 0.5, -0.5, 0.0, -0.0, 5.0, -5.0, 30.0, -30.0],
    ];
    let mut generated = Vec::new();
    for pair in PiecewiseActivation::all() {
        let network = bare(pair);
        let (workshop, folder) = generate(&network);
        let of = |image: &[f32; 10]| logits(&network, &workshop.weights, image).unwrap();
        let outputs: Vec<f32> = inputs.iter().flat_map(of).collect();
        for (name, values) in [("inputs", inputs.as_flattened()), ("outputs", &outputs)] {
            let bytes: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
            fs::write(folder.join(format!("golden/{name}.bin")), bytes).unwrap();
        }
        generated.push((pair, workshop, folder));
    }
    let folders: Vec<&Path> = generated.iter().map(|(.., folder)| folder.as_path()).collect();
    let Some(results) = check(&folders) else { return };
    for ((pair, ..), result) in generated.iter().zip(&results) {
        let difference = result["difference"].as_f64().unwrap();
        assert!(difference <= 5e-7, "{difference}: {pair}");
    }
    assert_eq!(results.len(), 49);
}

/// A model with another weight is noticed.
#[test]
fn a_wrong_weight_is_noticed() {
    let network = small([1, 6, 7], [2, 7, 3], SWISH_RELU);
    let (_workshop, folder) = generate(&network);
    let mut model = decode(&folder);
    let tensor = &mut model.graph.as_mut().unwrap().initializer[0];
    tensor.raw_data.chunks_exact_mut(4).for_each(|bytes| bytes[3] ^= 0x80);
    fs::write(folder.join("net.onnx"), model.encode_to_vec()).unwrap();
    let Some(results) = check(&[&folder]) else { return };
    assert!(results[0]["difference"].as_f64().unwrap() > 1e-3);
}
