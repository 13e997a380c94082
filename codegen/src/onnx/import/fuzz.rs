//! Damaged models: each is refused or read, and none makes the program panic.

use super::{Normalisation, import};
use crate::onnx::graph::{GraphBuilder, batch_of, int, int_of, ints};
use crate::onnx::proto::{FLOAT, GraphProto, ModelProto, OperatorSetIdProto};
use common::seed;
use prost::Message;
use rand::RngExt;

const NONE: Normalisation = Normalisation { mean: None, std: None };

/// Returns a model with operators of every kind.
fn model() -> ModelProto {
    let mut graph = GraphBuilder::default();
    let mut constant = |name: &str, dims: &[usize]| {
        let count = dims.iter().product();
        graph.floats(name, dims, &vec![0.5; count]);
    };
    constant("a.weight", &[4, 1, 3, 3]);
    constant("a.bias", &[4]);
    constant("n", &[4]);
    constant("scale", &[4, 1, 1]);
    constant("zero", &[]);
    constant("f.weight", &[3, 16]);
    constant("f.bias", &[3]);
    graph.integers("pads", &[0, 0, 0, 0, 0, 4, 0, 0]);
    graph.integers("shape", &[-1, 16]);
    let sides = |name: &str, side: usize| ints(name, vec![int_of(side); 2]);
    let conv = vec![sides("kernel_shape", 3), sides("strides", 1), ints("pads", vec![1; 4])];
    graph.push("Conv", "a", &["x", "a.weight", "a.bias"], conv);
    graph.push("BatchNormalization", "b", &["a", "n", "n", "n", "n"], vec![]);
    graph.push("Sigmoid", "s", &["b"], vec![]);
    graph.push("Mul", "m", &["b", "s"], vec![]);
    graph.push("Less", "l", &["b", "zero"], vec![]);
    graph.push("Cast", "c", &["l"], vec![int("to", 1)]);
    graph.push("Max", "r", &["m", "b"], vec![]);
    graph.push("Mul", "scaled", &["r", "scale"], vec![]);
    graph.push("Add", "sum", &["scaled", "a"], vec![]);
    let halves = vec![sides("kernel_shape", 2), sides("strides", 2)];
    graph.push("AveragePool", "p", &["sum"], halves);
    graph.push("Pad", "w", &["p", "pads"], vec![]);
    graph.push("Concat", "k", &["w", "w"], vec![int("axis", 1)]);
    graph.push("GlobalAveragePool", "g", &["k"], vec![]);
    graph.push("Reshape", "v", &["g", "shape"], vec![]);
    graph.push("Gemm", "y", &["v", "f.weight", "f.bias"], vec![int("transB", 1)]);
    let graph = GraphProto {
        node: graph.nodes,
        initializer: graph.initializers,
        input: vec![batch_of("x", FLOAT, &[1, 6, 8])],
        output: vec![batch_of("y", FLOAT, &[3])],
        ..GraphProto::default()
    };
    let opset = OperatorSetIdProto { domain: String::new(), version: 13 };
    ModelProto { opset_import: vec![opset], graph: Some(graph), ..ModelProto::default() }
}

#[test]
fn the_model_is_read() {
    let imported = import(&model().encode_to_vec(), "Net 1.2", &NONE).unwrap();
    let names: Vec<&str> = imported.network.nodes.iter().map(|node| node.name.as_str()).collect();
    assert_eq!(names, ["a", "a.bias", "b", "r", "scaled", "sum", "p", "w", "k", "g", "f"]);
    assert_eq!(imported.network.origin.to_string(), "net-1-2, adam");
    assert_eq!(imported.network.classes, ["0", "1", "2"]);
}

/// Bytes of a model become other ones, or are left out.
#[test]
fn damaged_bytes_never_panic() {
    let bytes = model().encode_to_vec();
    let mut rng = seed::stream(0, "onnx-import/bytes");
    let mut read = 0;
    for round in 0..20_000 {
        let mut damaged = bytes.clone();
        for _ in 0..rng.random_range(1..4) {
            let at = rng.random_range(0..damaged.len().max(1));
            if at == damaged.len() {
                break;
            }
            match rng.random_range(0..4) {
                0 => damaged[at] = rng.random_range(0..=255),
                1 => damaged[at] ^= 1 << rng.random_range(0..8),
                2 => {
                    let end = damaged.len().min(at + rng.random_range(1..40));
                    damaged.drain(at..end);
                }
                _ => damaged.truncate(at),
            }
        }
        read += usize::from(import(&damaged, &round.to_string(), &NONE).is_ok());
    }
    assert!(read > 100, "most damage is to numbers of the weights: {read}");
}

/// Attributes, shapes and inputs of whole messages are changed, which bytes rarely are.
#[test]
fn damaged_messages_never_panic() {
    let mut rng = seed::stream(0, "onnx-import/messages");
    const NUMBERS: [i64; 12] = [0, 1, -1, 2, 3, 99, 4096, 1 << 31, i64::MAX, i64::MIN, 7, 1 << 26];
    const OPERATORS: [&str; 16] = [
        "Flatten",
        "Squeeze",
        "Unsqueeze",
        "ReduceMean",
        "MaxPool",
        "MatMul",
        "Clip",
        "Where",
        "Elu",
        "Dropout",
        "Identity",
        "Sub",
        "Div",
        "GlobalMaxPool",
        "Conv",
        "Pad",
    ];
    for _ in 0..20_000 {
        let mut model = model();
        let graph = model.graph.as_mut().unwrap();
        for _ in 0..rng.random_range(1..5) {
            let number = NUMBERS[rng.random_range(0..NUMBERS.len())];
            let other = graph.node[rng.random_range(0..graph.node.len())].clone();
            let tensor = rng.random_range(0..graph.initializer.len());
            let count = graph.node.len();
            let node = &mut graph.node[rng.random_range(0..count)];
            match rng.random_range(0..8) {
                0 => node.op_type = OPERATORS[rng.random_range(0..OPERATORS.len())].to_string(),
                1 => node.input = other.input,
                2 => node.attribute = other.attribute,
                3 => node.input.truncate(1),
                4 => node.attribute.iter_mut().for_each(|a| a.i = a.i.map(|_| number)),
                5 => node.attribute.iter_mut().flat_map(|a| &mut a.ints).for_each(|i| *i = number),
                6 => {
                    let dims = &mut graph.initializer[tensor].dims;
                    dims.iter_mut().take(2).for_each(|side| *side = number);
                }
                _ => graph.input[0] = batch_of("x", FLOAT, &[1, number as usize % 5000, 8]),
            }
        }
        let _ = import(&model.encode_to_vec(), "net", &NONE);
    }
}
