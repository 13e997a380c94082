//! Whatever a `network.json` says, planning and generating end with a result or an error, never
//! with a panic.

use super::generate;
use crate::cli::GenerateArgs;
use crate::commands::plan::report;
use crate::test_network::network;
use common::board::Platform;
use common::files::json;
use common::network::Network;
use common::network::weights::{Tensor, Weights, tensors_of};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Weights are made for what has at most so many of them.
const MAX_WEIGHTS: usize = 200_000;

/// Values that programs trip over.
fn hostile() -> impl Strategy<Value = Value> {
    prop_oneof![
        prop::sample::select(vec![
            0u64,
            1,
            2,
            3,
            5,
            12,
            24,
            99,
            100,
            1 << 20,
            1 << 30,
            1 << 32,
            1 << 60,
            u64::MAX
        ])
        .prop_map(|n| json!(n)),
        prop::sample::select(vec![-1.0, 0.5, 1e-45, 1e-30, 1e38, 1e300]).prop_map(|x| json!(x)),
        prop::sample::select(vec![
            "",
            "input",
            "stem.conv",
            "condense1.fel1.concat",
            "head.norm",
            "../up",
            "\"); }",
            "é"
        ])
        .prop_map(|text| json!(text)),
        prop::sample::select(vec![
            json!({"kind": "concat"}),
            json!({"kind": "dropout", "probability": 0.5}),
            json!({"kind": "average_pool", "size": 3}),
            json!({"kind": "global_max_pool"}),
            json!({"kind": "activation", "left": "sigmoid", "right": "tanh"}),
            json!({"kind": "linear", "in_features": 48, "out_features": 2}),
            json!(null),
            json!([]),
        ]),
    ]
}

/// Every value in a document that holds no other ones, or is an operation or a list of names.
fn places(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            if fields.contains_key("kind") {
                found.push(path.to_string());
            }
            fields.iter().for_each(|(name, value)| places(value, &format!("{path}/{name}"), found));
        }
        Value::Array(items) => {
            items
                .iter()
                .enumerate()
                .for_each(|(index, value)| places(value, &format!("{path}/{index}"), found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            found.push(path.to_string());
        }
    }
}

/// A change of the document.
#[derive(Clone, Debug)]
enum Change {
    /// The value at a place, counted round all places.
    Set(usize, Value),
    /// A node is left out.
    Remove(usize),
    /// A node is there again, under another name, taking what came before it.
    Repeat(usize),
    /// Two nodes change places.
    Swap(usize, usize),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        4 => (any::<usize>(), hostile()).prop_map(|(place, value)| Change::Set(place, value)),
        1 => any::<usize>().prop_map(Change::Remove),
        1 => any::<usize>().prop_map(Change::Repeat),
        1 => (any::<usize>(), any::<usize>()).prop_map(|(a, b)| Change::Swap(a, b)),
    ]
}

fn apply(document: &mut Value, change: Change) {
    let mut all = Vec::new();
    places(document, "", &mut all);
    let Some(nodes) = document["nodes"].as_array_mut().filter(|nodes| !nodes.is_empty()) else {
        return;
    };
    let count = nodes.len();
    match change {
        Change::Set(place, value) => {
            if let Some(old) = document.pointer_mut(&all[place % all.len()]) {
                *old = value;
            }
        }
        Change::Remove(node) => drop(nodes.remove(node % count)),
        Change::Repeat(node) => {
            let mut again = nodes[node % count].clone();
            again["inputs"] = json!([again["name"]]);
            again["name"] = json!(format!("again{count}"));
            nodes.insert(node % count + 1, again);
        }
        Change::Swap(a, b) => nodes.swap(a % count, b % count),
    }
}

fn weights(network: &Network) -> Option<Weights> {
    let tensors: Vec<_> = network.nodes.iter().flat_map(tensors_of).collect();
    let elements: usize = tensors.iter().map(|(_, shape, _)| shape.iter().product::<usize>()).sum();
    let tensor = |shape: Vec<usize>| Tensor { data: vec![0.1; shape.iter().product()], shape };
    (elements <= MAX_WEIGHTS).then(|| {
        Weights(tensors.into_iter().map(|(name, shape, _)| (name, tensor(shape))).collect())
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 160, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_document_gives_a_result_or_an_error(changes in prop::collection::vec(change(), 1..3)) {
        let mut document: Value = serde_json::from_str(&json::to_text(&network()).unwrap()).unwrap();
        changes.into_iter().for_each(|change| apply(&mut document, change));
        let Ok(network) = json::parse::<Network>(&document.to_string()) else { return Ok(()) };
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        json::write(&path("network.json"), &network).unwrap();
        for platform in Platform::ALL {
            let planned = report(&network, platform);
            let Some(weights) = weights(&network) else { continue };
            weights.write(&path("weights.safetensors")).unwrap();
            let args = GenerateArgs {
                network: path("network.json"),
                weights: Some(path("weights.safetensors")),
                quantized: None,
                platform,
                out: path(platform.name()),
                name: Some("net".to_string()),
                board: None,
                samples: None,
                test: None,
                train: None,
                c_api: false,
            };
            let generated = generate(&args);
            prop_assert_eq!(generated.is_ok(), path(platform.name()).exists());
            if platform != Platform::Onnx {
                prop_assert!(planned.is_ok() || generated.is_err());
            }
        }
    }
}
