//! `codegen import`: round trips with our own models, models from PyTorch, and files that are
//! refused.

mod support;

use common::files::json;
use common::network::activation::{Activation, PiecewiseActivation};
use common::network::reference::logits;
use common::network::weights::Weights;
use common::network::{Network, Op};
use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use support::pairs::all_pairs;
use support::random::random_network;
use support::{SWISH_RELU, Workshop, baseline, codegen, failure, images, pruned, small, success};

fn import(model: &Path, out: &Path) -> std::process::Output {
    codegen(&["import", "--onnx", model.to_str().unwrap(), "--out", out.to_str().unwrap()])
}

fn read(folder: &Path) -> (Network, Weights) {
    let network: Network = json::read(&folder.join("network.json")).unwrap();
    let weights = Weights::read(&folder.join("weights.safetensors"), &network).unwrap();
    (network, weights)
}

/// Exports a network and reads it again.
fn round_trip(network: &Network) -> (Workshop, Network, Weights) {
    let workshop = Workshop::new(network);
    success(&workshop.generate("model", &["--platform", "onnx", "--name", "net"]));
    let out = workshop.path("imported");
    success(&import(&workshop.path("model/net.onnx"), &out));
    let (read, weights) = read(&out);
    (workshop, read, weights)
}

/// Returns the network without what a model does not keep: dropout, identities, nodes that lead
/// nowhere, and which of the functions that are equal from zero on was meant.
fn canonical(network: &Network) -> Network {
    let mut taken: HashMap<String, String> = HashMap::new();
    let mut canonical = Network { nodes: vec![], ..network.clone() };
    for mut node in network.nodes.clone() {
        for input in &mut node.inputs {
            *input = taken.get(input).cloned().unwrap_or(input.clone());
        }
        if let Op::Activation(pair) = &mut node.op {
            let right = pair.right.canonical_right();
            pair.right = if pair.left.canonical_right() == right { pair.left } else { right };
        }
        let identity = PiecewiseActivation { left: Activation::Linear, right: Activation::Linear };
        match node.op {
            Op::Dropout { .. } => drop(taken.insert(node.name, node.inputs[0].clone())),
            Op::Activation(pair) if pair == identity => {
                taken.insert(node.name, node.inputs[0].clone());
            }
            _ => canonical.nodes.push(node),
        }
    }
    let mut needed = vec![canonical.nodes.last().unwrap().name.clone()];
    for node in canonical.nodes.iter().rev() {
        if needed.contains(&node.name) {
            needed.extend(node.inputs.iter().cloned());
        }
    }
    canonical.nodes.retain(|node| needed.contains(&node.name));
    canonical
}

/// Checks that a network that was read has the same input, classes and weights, and computes the
/// same, to this part of a logit, or of 1 if that is larger.
fn check_logits(network: &Network, tolerance: f32) -> Network {
    let (workshop, read, weights) = round_trip(network);
    assert_eq!((&read.input, &read.classes), (&network.input, &network.classes));
    for (name, tensor) in &weights.0 {
        assert_eq!(tensor, workshop.weights.get(name), "{name}");
    }
    for image in images(network, 2) {
        let expected = logits(network, &workshop.weights, &image).unwrap();
        for (found, expected) in logits(&read, &weights, &image).unwrap().iter().zip(expected) {
            assert!((found - expected).abs() <= tolerance * expected.abs().max(1.0));
        }
    }
    read
}

/// Checks that the same nodes are read, and that they compute the same to the last bit.
fn check(network: &Network) {
    let read = check_logits(network, 0.0);
    assert_eq!(read.nodes, canonical(network).nodes);
}

#[test]
fn our_own_models_are_read_as_they_were() {
    for network in [small([3, 9, 14], [3, 10, 5], SWISH_RELU), pruned(), baseline("resnet-20", 10)]
    {
        check(&network);
    }
}

#[test]
fn every_pair_of_activations_is_read() {
    check(&all_pairs());
}

/// Two activations in a row may be read as one.
#[test]
fn random_networks_compute_the_same() {
    for network in (0..60).map(random_network) {
        check_logits(&network, 1e-6);
    }
}

#[test]
fn what_is_imported_is_generated() {
    let (workshop, ..) = round_trip(&small([1, 6, 7], [2, 7, 3], SWISH_RELU));
    let [network, weights, out] =
        ["imported/network.json", "imported/weights.safetensors", "crate"]
            .map(|name| workshop.path(name).to_str().unwrap().to_string());
    let arguments = ["generate", "--network", &network, "--weights", &weights, "--out", &out];
    success(&codegen(&[&arguments[..], &["--platform", "x86_64"]].concat()));
}

#[test]
fn normalisation_is_an_option() {
    let workshop = Workshop::new(&small([3, 6, 7], [1, 7, 3], SWISH_RELU));
    success(&workshop.generate("model", &["--platform", "onnx", "--name", "net"]));
    let [model, out] = ["model/net.onnx", "out"].map(|name| workshop.path(name));
    let [model, out] = [&model, &out].map(|path| path.to_str().unwrap());
    let arguments = ["import", "--onnx", model, "--out", out, "--mean", "0.5,0.25,0", "--std"];
    let error = failure(&codegen(&[&arguments[..], &["3,1,1"]].concat()));
    assert!(error.contains("the normalisation std 3"), "{error}");
    success(&codegen(&[&arguments[..], &["0.25,0.5,1"]].concat()));
    let (network, _) = read(Path::new(out));
    assert_eq!(
        (network.input.mean, network.input.std),
        (vec![0.5, 0.25, 0.0], vec![0.25, 0.5, 1.0])
    );
}

#[test]
fn files_that_are_no_models_are_refused_and_nothing_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let (model, out) = (dir.path().join("m.onnx"), dir.path().join("out"));
    for bytes in [&b""[..], b"\x08\x07", b"hello, this is no model", &[0xff; 64]] {
        fs::write(&model, bytes).unwrap();
        let error = failure(&import(&model, &out));
        assert!(error.contains("m.onnx") && error.contains("no ONNX model"), "{error}");
        assert!(!out.exists());
    }
    let error = failure(&import(&dir.path().join("missing.onnx"), &out));
    assert!(error.contains("missing.onnx"), "{error}");
}

fn floats(path: &Path) -> Vec<f32> {
    let bytes = fs::read(path).unwrap();
    bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
}

#[test]
#[ignore = "it needs PyTorch: make test-torch"]
fn networks_from_pytorch_compute_the_same() {
    let python =
        std::env::var("TORCH_PYTHON").expect("make test-torch names a Python with PyTorch");
    let dir = tempfile::tempdir().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/onnx/export_torch.py");
    let output = Command::new(python).arg(script).arg(dir.path()).output().unwrap();
    let text = success(&output);
    let names: Vec<String> = text
        .lines()
        .filter_map(|line| line.strip_prefix("json "))
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|line| line["name"].as_str().unwrap().to_string())
        .collect();
    let (refused, read_ones): (Vec<&String>, Vec<&String>) =
        names.iter().partition(|name| name.starts_with("refused-"));
    assert_eq!((read_ones.len(), refused.len()), (9, 7));
    for name in read_ones {
        let out = dir.path().join(name);
        success(&import(&dir.path().join(format!("{name}.onnx")), &out));
        let (network, weights) = read(&out);
        assert_eq!((&network.input.mean[..1], &network.input.std[..1]), (&[0.0][..], &[1.0][..]));
        let [inputs, outputs] =
            ["in", "out"].map(|end| floats(&dir.path().join(format!("{name}.{end}"))));
        let image_len = network.input.shape().elements();
        for (image, expected) in inputs.chunks_exact(image_len).zip(outputs.chunks_exact(10)) {
            let found = logits(&network, &weights, image).unwrap();
            for (found, expected) in found.iter().zip(expected) {
                let size = expected.abs().max(1.0);
                assert!((found - expected).abs() <= 1e-5 * size, "{name}: {found} {expected}");
            }
        }
    }
    for name in refused {
        let out = dir.path().join(name);
        let error = failure(&import(&dir.path().join(format!("{name}.onnx")), &out));
        assert!(error.contains("node \"/") && error.lines().count() == 1, "{error}");
        assert!(!out.exists(), "{name}");
    }
}
