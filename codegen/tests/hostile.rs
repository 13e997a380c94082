//! Hostile files: sizes beyond any memory, false headers, names that are code or paths. Each ends
//! with one line and exit code 1, and leaves no files.

mod support;

use common::network::{Network, Origin};
use serde_json::{Value, json};
use std::fs;
use support::{SWISH_RELU, Workshop, codegen, failure, small, success};

fn network() -> Network {
    small([2, 8, 8], [2, 7, 3], SWISH_RELU)
}

/// Changes `network.json`, and returns the error message of `plan` and `generate`, which is the
/// same for a crate and for a model.
fn refused(change: impl FnOnce(&mut Value)) -> String {
    let workshop = Workshop::new(&network());
    let path = workshop.path("network.json");
    let mut document: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    change(&mut document);
    fs::write(&path, document.to_string()).unwrap();
    let planned =
        failure(&codegen(&["plan", "--network", path.to_str().unwrap(), "--platform", "x86_64"]));
    for platform in ["x86_64", "onnx"] {
        let generated = failure(&workshop.generate("out", &["--platform", platform]));
        assert_eq!(generated, planned);
    }
    assert_eq!(fs::read_dir(workshop.dir.path()).unwrap().count(), 2);
    planned
}

#[test]
fn sizes_beyond_any_memory() {
    let conv = |channels: u64, filters: u64, kernel: u64, stride: u64| json!({"kind": "conv2d", "in_channels": channels, "out_channels": filters, "kernel": kernel, "stride": stride});
    let cases = [
        (conv(2, 1 << 60, 3, 1), "over"),
        (conv(2, u64::MAX, 99, 1), "over"),
        (conv(1 << 33, 1 << 33, 3, 1), "takes 8589934592 channels"),
        (conv(2, 6, (1 << 60) + 1, 1), "kernel"),
        (conv(2, 6, u64::MAX, 1), "kernel"),
        (conv(2, 6, 3, 1 << 60), "stride"),
        (conv(2, 6, 3, 0), "stride"),
        (conv(2, 0, 3, 1), "nothing is left"),
        (json!({"kind": "average_pool", "size": u64::MAX}), "nothing is left"),
        (json!({"kind": "batch_norm", "channels": u64::MAX}), "channels"),
        (json!({"kind": "linear", "in_features": u64::MAX, "out_features": u64::MAX}), "1x1"),
    ];
    for (op, expected) in cases {
        let line = refused(|document| document["nodes"][0]["op"] = op.clone());
        assert!(line.contains("stem.conv") && line.contains(expected), "{op}: {line}");
    }
    for side in [1u64 << 31, 1 << 60, u64::MAX] {
        assert!(refused(|document| document["input"]["height"] = json!(side)).contains("input"));
        assert!(refused(|document| document["input"]["channels"] = json!(side)).contains("input"));
    }
    assert!(refused(|document| document["input"]["height"] = json!(-1)).contains("height"));
    // Each tensor alone is small enough, and so are the weights.
    let line = refused(|document| {
        document["input"]["height"] = json!(2560);
        document["input"]["width"] = json!(2560);
    });
    assert!(line.contains("working memory"), "{line}");
}

#[test]
fn names_that_are_code_or_paths() {
    for name in ["../up", "/etc/passwd", "a\nb", "\"); panic!(\"", "a b", "*/", "é", ""] {
        let line = refused(|document| document["nodes"][1]["name"] = json!(name));
        assert!(line.contains("name"), "{line}");
    }
    let workshop = Workshop::new(&network());
    for name in [
        "../up", "/tmp/up", "a/b", "..", ".", "a\nb", "a\"", "a;b", "-rf", "A", "é", "", "self",
        "$(x)", "__NAME__",
    ] {
        for platform in ["x86_64", "onnx"] {
            let line = failure(
                &workshop.generate("out", &["--platform", platform, &format!("--name={name}")]),
            );
            assert!(line.contains("name"), "{line}");
        }
    }
    assert_eq!(fs::read_dir(workshop.dir.path()).unwrap().count(), 2);
}

#[test]
fn a_genome_of_absurd_size_is_refused() {
    let mut network = network();
    let Origin::Genome(genome) = &mut network.origin else { panic!("a template network") };
    (genome.condense_layers, genome.feature_extraction_layers, genome.kernel_size) =
        (usize::MAX, usize::MAX, usize::MAX);
    let workshop = Workshop::new(&network);
    for options in [&[][..], &["--name", "net"]] {
        let line = failure(&workshop.generate("out", options));
        assert!(line.contains("condense_layers 18446744073709551615 must be"), "{line}");
    }
}

#[test]
fn a_baseline_s_name_is_no_path() {
    for name in ["../up", "a/b", "\"); }", "Net", ""] {
        let line = refused(|document| {
            document["origin"] = json!({"baseline": {"name": name, "optimizer": "sgd"}});
        });
        assert!(line.contains("name"), "{line}");
    }
}

#[test]
fn documents_of_extreme_depth_or_length() {
    let workshop = Workshop::new(&network());
    let path = workshop.path("network.json");
    let document: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    fs::write(&path, "[".repeat(1_000_000)).unwrap();
    assert!(failure(&workshop.generate("out", &[])).contains("not valid JSON"));

    // A chain of twenty thousand nodes without weights before the classifier.
    let mut long = document;
    let nodes = long["nodes"].as_array_mut().unwrap();
    let classifier = nodes.pop().unwrap();
    let mut last = classifier["inputs"][0].clone();
    for index in 0..20_000 {
        let name = json!(format!("dropout{index}"));
        nodes.push(
            json!({"name": name, "op": {"kind": "dropout", "probability": 0.5}, "inputs": [last]}),
        );
        last = name;
    }
    nodes.push(classifier);
    nodes.last_mut().unwrap()["inputs"] = json!([last]);
    fs::write(&path, long.to_string()).unwrap();
    for platform in ["x86_64", "onnx"] {
        success(&workshop.generate(platform, &["--platform", platform]));
    }
}

#[test]
fn numbers_that_are_not_finite() {
    for (mean, std, expected) in [
        (1e38, 0.5, "the normalisation mean"),
        (0.5, 1e-45, "not finite numbers: the network's mean and std"),
    ] {
        let mut network = network();
        network.input.mean.fill(mean);
        network.input.std.fill(std);
        let workshop = Workshop::new(&network);
        for platform in ["x86_64", "onnx"] {
            let line = failure(&workshop.generate("out", &["--platform", platform]));
            assert!(line.contains(expected), "{line}");
        }
    }
    let workshop = Workshop::new(&network());
    let mut weights = workshop.weights.clone();
    for name in ["head.norm.weight", "head.classifier.weight"] {
        weights.0.get_mut(name).unwrap().data.fill(1e30);
    }
    weights.write(&workshop.path("weights.safetensors")).unwrap();
    assert!(
        failure(&workshop.generate("out", &[])).contains("logits of random images are not finite")
    );
}

/// Returns a safetensors file: the stated length of the header, the header, and data.
fn safetensors(length: u64, header: &str, data: usize) -> Vec<u8> {
    [&length.to_le_bytes(), header.as_bytes(), &vec![0; data]].concat()
}

#[test]
fn weights_with_false_headers() {
    let workshop = Workshop::new(&network());
    let path = workshop.path("weights.safetensors");
    let good = fs::read(&path).unwrap();
    let honest = |header: &str| safetensors(header.len() as u64, header, 64);
    let mut cases: Vec<Vec<u8>> = vec![
        vec![],
        vec![0; 7],
        vec![0; 8],
        vec![0xff; 64],
        safetensors(u64::MAX, "{}", 0),
        safetensors(1 << 62, "{}", 0),
        safetensors(3, "{}", 0),
        honest("{"),
        honest("[]"),
        honest(&"[".repeat(10_000)),
        honest(r#"{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,64]}}"#),
        honest(r#"{"a":{"dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,64]}}"#),
        honest(r#"{"a":{"dtype":"F32","shape":[16],"data_offsets":[0,18446744073709551615]}}"#),
        honest(r#"{"a":{"dtype":"F32","shape":[16],"data_offsets":[64,0]}}"#),
        honest(r#"{"a":{"dtype":"F32","shape":[15],"data_offsets":[0,64]}}"#),
        honest(
            r#"{"a":{"dtype":"F32","shape":[16],"data_offsets":[1152921504606846976,1152921504606847040]}}"#,
        ),
        honest(r#"{"../../a":{"dtype":"F32","shape":[16],"data_offsets":[0,64]}}"#),
        honest(r#"{"a":{"dtype":"BF16","shape":[32],"data_offsets":[0,64]}}"#),
        good[..good.len() - 1].to_vec(),
        [&good[..], &[0]].concat(),
    ];
    // One bit of the header after the other.
    let header = u64::from_le_bytes(good[..8].try_into().unwrap()) as usize + 8;
    for bit in (0..8 * header).step_by(97) {
        let mut flipped = good.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        cases.push(flipped);
    }
    for bytes in cases {
        fs::write(&path, &bytes).unwrap();
        let output = workshop.generate("out", &[]);
        // A flipped bit in white space at the end of the header is harmless.
        if output.status.success() {
            assert_eq!(bytes.len(), good.len());
            fs::remove_dir_all(workshop.path("out")).unwrap();
        } else {
            assert!(failure(&output).contains("weights.safetensors"));
        }
    }
}
