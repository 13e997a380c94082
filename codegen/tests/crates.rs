//! Generated crates: built without warnings, tested by their own tests, and run.

mod support;

use common::dataset::{Dataset, Split};
use common::files::json;
use common::manifest::Manifest;
use common::measurement::bench_protocol::BenchEvent;
use common::network::Network;
use common::network::activation::{Activation, PiecewiseActivation};
use common::network::reference::{class_of, logits};
use common::network::template::{Head, Template};
use serde_json::Value;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};
use support::{
    SWISH_RELU, Workshop, baseline, cargo, digits, expand, failure, pruned, small, success,
};

/// Generates, builds and tests a crate.
fn make(network: &Network, more: &[&str]) -> Workshop {
    let workshop = Workshop::new(network);
    // The crate is inside another workspace, as below `runs`.
    fs::write(workshop.path("Cargo.toml"), "[workspace]\nmembers = []\n").unwrap();
    success(&workshop.generate("crate", more));
    cargo(&workshop, &["build"]);
    cargo(&workshop, &["test"]);
    workshop
}

fn run(workshop: &Workshop, program: &str, arguments: &[&str]) -> Output {
    let program = workshop.path("target/release").join(program);
    Command::new(program).args(arguments).current_dir(workshop.dir.path()).output().unwrap()
}

fn classify(workshop: &Workshop, arguments: &[&str]) -> Vec<Value> {
    let text = success(&run(workshop, "classify", arguments));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Checks a line of `classify` for an image: class and label exactly, the rest approximately.
fn check_line(line: &Value, index: usize, network: &Network, workshop: &Workshop, image: &[f32]) {
    let want = logits(network, &workshop.weights, image).unwrap();
    let class = class_of(&want);
    assert_eq!(line["index"], index);
    assert_eq!(line["class"], class);
    assert_eq!(line["label"], network.classes[class].as_str());
    let sum: f64 = want.iter().map(|logit| f64::from(logit - want[class]).exp()).sum();
    assert!((line["probability"].as_f64().unwrap() - 1.0 / sum).abs() < 1e-5);
    let got: Vec<f64> =
        line["logits"].as_array().unwrap().iter().map(|logit| logit.as_f64().unwrap()).collect();
    assert_eq!(got.len(), want.len());
    assert!(
        got.iter().zip(&want).all(|(got, want)| (got - f64::from(*want)).abs() < 1e-5),
        "{got:?}, not {want:?}"
    );
}

#[test]
fn digits_with_hostile_class_names() {
    let mut network = small([1, 8, 8], [2, 16, 3], SWISH_RELU);
    let hostile =
        ["\"); }", "\\", "*/ \u{202e}", "\n\u{1}", "__NAME__", "{}", "日本", "'", "//", "</td>"];
    network.classes = hostile.map(str::to_string).to_vec();
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().join("digits");
    digits(&folder, &network.classes);
    let workshop = make(&network, &["--name", "m-net_1", "--samples", folder.to_str().unwrap()]);
    // 20 images of 64 f32.
    assert_eq!(fs::metadata(workshop.path("crate/golden/inputs.bin")).unwrap().len(), 20 * 64 * 4);

    let file = folder.join("t10k-images-idx3-ubyte");
    let file = file.to_str().unwrap();
    let images = Dataset::load(&folder, Split::Test).unwrap();
    let lines = classify(&workshop, &[file]);
    assert_eq!(lines.len(), images.len());
    let normalised = |index: usize| -> Vec<f32> {
        images.image(index).iter().map(|pixel| network.input.normalise(0, *pixel)).collect()
    };
    for index in [0, 1, 358] {
        check_line(&lines[index], index, &network, &workshop, &normalised(index));
    }
    assert_eq!(classify(&workshop, &[file, "--offset", "5", "--limit", "2"]), lines[5..7]);
    assert_eq!(classify(&workshop, &["--limit", "0", file]), lines[..0]);
    bench_prints_its_events(&workshop, "m-net_1");
    several_files_are_counted_through(&workshop, file);
    bad_files_are_refused(&workshop, &fs::read(file).unwrap());
}

/// Numbers, limit and offset are of all files. A file that cannot be read has no images.
fn several_files_are_counted_through(workshop: &Workshop, file: &str) {
    let idx = fs::read(file).unwrap();
    let few = |from: usize, count: u8| {
        let images = &idx[16 + 64 * from..][..64 * usize::from(count)];
        [&idx[..4], &[0, 0, 0, count], &idx[8..16], images].concat()
    };
    fs::write(workshop.path("a \"b\""), few(0, 3)).unwrap();
    fs::write(workshop.path("c"), few(3, 2)).unwrap();
    let all = classify(workshop, &[file, "--limit", "5"]);
    let logits = |lines: &[Value]| -> Vec<Value> {
        lines.iter().map(|line| line["logits"].clone()).collect()
    };
    let lines = classify(workshop, &["a \"b\"", "c"]);
    assert_eq!(logits(&lines), logits(&all));
    for (index, line) in lines.iter().enumerate() {
        assert_eq!(line["index"], index);
        assert_eq!(line["file"], if index < 3 { "a \"b\"" } else { "c" });
    }
    assert_eq!(classify(workshop, &["a \"b\"", "c", "--offset", "2", "--limit", "2"]), lines[2..4]);
    assert_eq!(classify(workshop, &["a \"b\"", "c", "--offset", "4"]), lines[4..]);
    let output = run(workshop, "classify", &["none", "a \"b\"", "none", "c"]);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).unwrap();
    let found: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(found, lines);
    assert_eq!(String::from_utf8(output.stderr).unwrap().lines().count(), 2);
    let infinite = f32::INFINITY.to_le_bytes().repeat(64);
    let zeros = 0f32.to_le_bytes().repeat(64);
    fs::write(workshop.path("zeros"), &zeros).unwrap();
    fs::write(workshop.path("bad"), [zeros.as_slice(), &infinite, &zeros].concat()).unwrap();
    let output = run(workshop, "classify", &["bad", "zeros", "--f32"]);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(text, "error: bad: image 1 leads to numbers that are not finite\n");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.lines().count() == 2 && text.contains("{\"index\":3,"), "{text}");
}

fn bench_prints_its_events(workshop: &Workshop, name: &str) {
    let arguments = ["--windows", "2", "--window-s", "0.02", "--warmup-s", "0.05"];
    let text = success(&run(workshop, "bench", &arguments));
    let events: Vec<BenchEvent> = text.lines().map(|line| json::parse(line).unwrap()).collect();
    assert_eq!(events.len(), 5);
    let BenchEvent::Ready { name: found, kernels, target, threads: 1, batch: 1 } = &events[0]
    else {
        panic!("{events:?}")
    };
    assert_eq!(
        (found.as_str(), kernels.as_str()),
        (name, runtime::dispatch::Kernels::detect().name())
    );
    assert!(target.starts_with(std::env::consts::ARCH), "{target}");
    for (pair, expected) in events[1..].chunks(2).zip(1..) {
        assert_eq!(pair[0], BenchEvent::Start { window: expected });
        let BenchEvent::Window { window, inferences, seconds, p50_s, p90_s, p99_s, communication } =
            pair[1]
        else {
            panic!("{pair:?}")
        };
        assert_eq!((window, communication), (expected, None));
        assert!(seconds >= 0.02 && inferences > 0);
        assert!(0.0 < p50_s && p50_s <= p90_s && p90_s <= p99_s && p99_s <= seconds);
    }
    for wrong in [
        &["--windows", "0"][..],
        &["--window-s", "-1"],
        &["--window-s", "nan"],
        &["--warmup-s"],
        &["x"],
    ] {
        assert_eq!(run(workshop, "bench", wrong).status.code(), Some(2), "{wrong:?}");
    }
}

fn bad_files_are_refused(workshop: &Workshop, idx: &[u8]) {
    let mut other_shape = idx.to_vec();
    other_shape[11] = 9;
    let cases: [(&str, &[u8], &str); 8] = [
        ("empty", &[], "cut off"),
        ("header", &idx[..10], "cut off"),
        ("cut", &idx[..idx.len() - 1], "promises 359 images"),
        ("longer", &[idx, &[0]].concat(), "promises 359 images"),
        ("labels", &[0, 0, 8, 1, 0, 0, 0, 1, 5], "not an IDX file of images"),
        ("text", b"neither", "not an IDX file of images, nor a picture"),
        ("packed", &[0x1f, 0x8b, 8, 0, 0], "gunzip"),
        ("shape", &other_shape, "its images are 1x9x8, but the network takes 1x8x8"),
    ];
    for (name, bytes, message) in cases {
        fs::write(workshop.path(name), bytes).unwrap();
        let error = failure(&run(workshop, "classify", &[name]));
        assert!(error.contains(name) && error.contains(message), "{error}");
    }
    assert!(failure(&run(workshop, "classify", &["no-such-file"])).contains("no-such-file"));
    assert!(
        failure(&run(workshop, "classify", &["cut", "--raw"]))
            .contains("not whole images of 64 bytes")
    );
    fs::write(workshop.path("infinite"), f32::INFINITY.to_le_bytes().repeat(64)).unwrap();
    assert!(failure(&run(workshop, "classify", &["infinite", "--f32"])).contains("image 0"));
    for wrong in [&[][..], &["a", "--raw", "--f32"], &["a", "--limit"], &["a", "--what"]] {
        assert_eq!(run(workshop, "classify", wrong).status.code(), Some(2), "{wrong:?}");
    }
}

#[test]
fn pruned_to_odd_widths_in_colour() {
    let network = pruned();
    let workshop = make(&network, &[]);
    let pixels: Vec<u8> = (0..2 * 180u32).map(|i| (i * i % 251) as u8).collect();
    let images: Vec<Vec<f32>> = pixels
        .chunks(180)
        .map(|image| {
            image
                .iter()
                .enumerate()
                .map(|(i, pixel)| network.input.normalise(i / 60, *pixel))
                .collect()
        })
        .collect();
    fs::write(workshop.path("raw"), &pixels).unwrap();
    let idx = [&[0, 0, 8, 4, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 10, 0, 0, 0, 6], pixels.as_slice()]
        .concat();
    fs::write(workshop.path("idx"), idx).unwrap();
    let floats: Vec<u8> = images.concat().iter().flat_map(|x| x.to_le_bytes()).collect();
    fs::write(workshop.path("f32"), floats).unwrap();
    let lines = classify(&workshop, &["--raw", "raw"]);
    assert_eq!(lines.len(), 2);
    for (index, (line, image)) in lines.iter().zip(&images).enumerate() {
        check_line(line, index, &network, &workshop, image);
    }
    for arguments in [&["idx"][..], &["f32", "--f32"]] {
        let mut found = classify(&workshop, arguments);
        found.iter_mut().for_each(|line| line["file"] = "raw".into());
        assert_eq!(found, lines);
    }
}

#[test]
fn large_kernels_a_max_head_and_three_condense_layers() {
    let template = Template {
        growth_rate: 3,
        stem_channels: 5,
        head: Head::Max,
        dropout: 0.1,
        ..Template::default()
    };
    let pair = PiecewiseActivation { left: Activation::Elu, right: Activation::Swish };
    make(&expand(&template, [1, 7, 9], [3, 7, 5], pair, 3), &[]);
}

/// On images with odd sides, which strides and poolings do not divide.
#[test]
fn a_residual_network_is_named_after_its_baseline() {
    let workshop = make(&baseline("resnet-20", 11), &[]);
    let manifest: Manifest = json::read(&workshop.path("crate/manifest.json")).unwrap();
    assert_eq!(manifest.name, "resnet-20");
}

#[test]
fn a_pair_that_jumps() {
    let pair = PiecewiseActivation { left: Activation::Sigmoid, right: Activation::Relu };
    let workshop = make(&small([1, 8, 8], [1, 10, 3], pair), &[]);
    let golden = fs::read_to_string(workshop.path("crate/tests/golden.rs")).unwrap();
    assert!(golden.contains("const JUMPS: bool = true;"));
    a_wrong_weight_is_noticed(&workshop, &workshop.path("crate/src/weights.bin"));
}

/// Checks that the crate's own test can fail.
fn a_wrong_weight_is_noticed(workshop: &Workshop, file: &PathBuf) {
    let mut weights = fs::read(file).unwrap();
    for weight in weights.chunks_exact_mut(4) {
        let value = f32::from_le_bytes(weight.try_into().unwrap());
        weight.copy_from_slice(&(-value).to_le_bytes());
    }
    fs::write(file, weights).unwrap();
    let output = Command::new(env!("CARGO"))
        .args(["test", "--release", "--offline"])
        .current_dir(workshop.path("crate"))
        .env("CARGO_TARGET_DIR", workshop.path("target"))
        .output()
        .unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stdout).contains("classes differ"));
}
