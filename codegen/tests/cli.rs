//! The command line: output, errors and files.

mod support;

use common::board::{Platform, Platforms};
use common::files::hash::sha256_hex;
use common::files::json;
use common::manifest::Manifest;
use common::network::template::Template;
use common::plan_report::PlanReport;
use common::resize::Resize;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use support::{SWISH_RELU, Workshop, codegen, expand, failure, small, success};

/// Returns every file below a folder and its content.
fn content(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_string();
                files.insert(name, fs::read(path).unwrap());
            }
        }
    }
    files
}

#[test]
fn the_same_input_gives_the_same_bytes_on_every_platform_in_any_folder() {
    let network = small([1, 7, 9], [2, 7, 3], SWISH_RELU);
    let (first, second) = (Workshop::new(&network), Workshop::new(&network));
    for platform in Platform::ALL.map(Platform::name) {
        let (a, b) = (format!("a-{platform}"), format!("deep/er/b-{platform}"));
        let manifest = success(&first.generate(&a, &["--platform", platform]));
        assert_eq!(manifest, success(&second.generate(&b, &["--platform", platform])));
        let manifest: Manifest = json::parse(&manifest).unwrap();
        assert_eq!(
            (manifest.name.as_str(), manifest.platform.name()),
            ("net-2x7-k3-swish-relu", platform)
        );
        let files = content(&first.path(&a));
        assert!(files == content(&second.path(&b)), "{platform}");
        assert_eq!(Manifest::read(&first.path(&a)).unwrap(), manifest);
        if let Some(weights) = files.get("src/weights.bin") {
            assert_eq!(weights.len() as u64, manifest.weights_bytes);
        }
        // No path of this machine.
        let home = first.dir.path().to_str().unwrap().as_bytes();
        assert!(files.values().all(|bytes| !bytes.windows(home.len()).any(|part| part == home)));
    }
}

#[test]
fn the_plan_is_known_without_weights_and_agrees_with_the_manifest() {
    let workshop =
        Workshop::new(&expand(&Template::default(), [1, 28, 28], [2, 16, 3], SWISH_RELU, 10));
    let network = workshop.path("network.json");
    let text = success(&codegen(&[
        "plan",
        "--network",
        network.to_str().unwrap(),
        "--platform",
        "x86_64",
    ]));
    let plan: PlanReport = json::parse(&text).unwrap();
    let manifest: Manifest = json::parse(&success(&workshop.generate("crate", &[]))).unwrap();
    assert_eq!(plan.weights_bytes, manifest.weights_bytes);
    assert_eq!(plan.arena_bytes, manifest.arena_bytes);
    assert_eq!(plan.arena_lower_bound_bytes, manifest.arena_lower_bound_bytes);
    // At the transition 72 channels of 28 x 28, which are pooled in place.
    assert_eq!(plan.arena_lower_bound_bytes, 4 * 72 * 28 * 28);
    let arena = plan.arena_bytes as f64 / plan.arena_lower_bound_bytes as f64;
    // The rest is scratch memory of the convolutions.
    assert!((1.0..=1.2).contains(&arena), "{arena}");
    assert_eq!(manifest.layers.iter().map(|layer| layer.macs).sum::<u64>(), plan.macs);
    assert_eq!(
        manifest.layers.iter().map(|layer| layer.executed_macs).sum::<u64>(),
        plan.executed_macs
    );
    assert_eq!((plan.macs, plan.parameters), (manifest.macs, manifest.parameters));
    assert_eq!(plan.parameters, 65_074);
    assert_eq!(plan.layers.iter().map(|layer| layer.macs).sum::<u64>(), plan.macs);
    assert_eq!(plan.layers.iter().map(|layer| layer.parameters).sum::<u64>(), plan.parameters);
    // The transition pools first: a quarter of its multiply-adds.
    assert_eq!(plan.macs - plan.executed_macs, 72 * 72 * 784 * 3 / 4);
}

#[test]
fn a_model_has_no_plan_but_the_least_memory() {
    let workshop =
        Workshop::new(&expand(&Template::default(), [1, 28, 28], [2, 16, 3], SWISH_RELU, 10));
    let network = workshop.path("network.json");
    let error =
        failure(&codegen(&["plan", "--network", network.to_str().unwrap(), "--platform", "onnx"]));
    assert!(error.contains("network.json") && error.contains("ONNX"), "{error}");
    let manifest: Manifest = json::parse(&success(
        &workshop.generate("model", &["--platform", "onnx", "--name", "m-net-1"]),
    ))
    .unwrap();
    // At the transition 72 channels of 28 x 28, which can be pooled in place.
    assert_eq!(manifest.arena_bytes, 4 * 72 * 28 * 28);
    assert_eq!(manifest.layers.iter().map(|layer| layer.macs).sum::<u64>(), manifest.macs);
    // Parameters, and a mean and a variance for each channel that is normalised.
    let normalised = (24 + 36 + 48 + 60 + 72) + (72 + 84 + 96 + 108 + 120);
    assert_eq!(manifest.weights_bytes, 4 * (65_074 + 2 * normalised));
    let files: Vec<String> = content(&workshop.path("model")).into_keys().collect();
    assert_eq!(
        files,
        ["README.md", "golden/inputs.bin", "golden/outputs.bin", "m-net-1.onnx", "manifest.json"]
    );
}

#[test]
fn a_crate_for_a_gpu_says_how_much_of_its_memory_it_needs() {
    let workshop = Workshop::new(&small([1, 8, 8], [1, 7, 3], SWISH_RELU));
    let text = success(&workshop.generate_for("cuda", "crate", &["--board", "nvidia-gpu"]));
    let manifest: Manifest = json::parse(&text).unwrap();
    let fit = manifest.fit.unwrap();
    assert_eq!(
        fit.device_bytes,
        Some(manifest.weights_bytes + manifest.arena_bytes + 4 * (64 + 10))
    );
    assert_eq!(
        (fit.boards.as_slice(), fit.flash_bytes, fit.ram_bytes),
        (&["nvidia-gpu".to_string()][..], None, None)
    );
    let network = workshop.path("network.json");
    let text =
        success(&codegen(&["plan", "--network", network.to_str().unwrap(), "--platform", "cuda"]));
    assert_eq!(json::parse::<PlanReport>(&text).unwrap().fit, fit);
    let error = failure(&workshop.generate_for("cuda", "other", &["--board", "host"]));
    assert!(error.contains("the board host is of the platform x86_64, not cuda"), "{error}");
}

#[test]
fn platforms_are_listed() {
    let platforms: Platforms = json::parse(&success(&codegen(&["platforms"]))).unwrap();
    let names: Vec<&str> =
        platforms.platforms.iter().map(|platform| platform.name.name()).collect();
    assert!(["x86_64", "cuda", "onnx"].iter().all(|name| names.contains(name)), "{names:?}");
}

#[test]
fn a_generated_crate_is_replaced_and_nothing_else_is() {
    let workshop = Workshop::new(&small([1, 8, 8], [1, 7, 3], SWISH_RELU));
    success(&workshop.generate("crate", &["--name", "first"]));
    fs::write(workshop.path("crate/left-over"), "").unwrap();
    success(&workshop.generate("crate", &["--name", "second"]));
    assert!(!workshop.path("crate/left-over").exists());
    assert_eq!(
        json::read::<Manifest>(&workshop.path("crate/manifest.json")).unwrap().name,
        "second"
    );
    let foreign = workshop.path("foreign");
    fs::create_dir(&foreign).unwrap();
    fs::write(foreign.join("thesis.txt"), "years of work").unwrap();
    let error = failure(&workshop.generate("foreign", &[]));
    assert!(error.contains("foreign") && error.contains("not a generated crate"), "{error}");
    assert_eq!(content(&foreign).len(), 1);
}

#[test]
fn bad_input_is_refused_in_one_line_and_leaves_nothing() {
    let network = small([1, 8, 8], [1, 7, 3], SWISH_RELU);
    let workshop = Workshop::new(&network);
    let before = content(workshop.dir.path());
    let error = failure(&workshop.generate("network.json/crate", &[]));
    assert!(
        error.contains("network.json/crate") || error.contains("cannot create the folder"),
        "{error}"
    );
    let error = failure(&workshop.generate("crate", &["--name", "../evil"]));
    assert!(error.contains("../evil"), "{error}");
    let error = failure(&workshop.generate("crate", &["--samples", "no-such-folder"]));
    assert!(error.contains("no-such-folder"), "{error}");
    assert_eq!(content(workshop.dir.path()), before);

    let mut weights = workshop.weights.clone();
    weights.0.remove("head.norm.running_var");
    weights.write(&workshop.path("weights.safetensors")).unwrap();
    let error = failure(&workshop.generate("crate", &[]));
    assert!(error.contains("head.norm.running_var is missing"), "{error}");

    let mut weights = workshop.weights.clone();
    weights.0.get_mut("head.norm.running_var").unwrap().data[1] = -1.0;
    weights.write(&workshop.path("weights.safetensors")).unwrap();
    let error = failure(&workshop.generate("crate", &[]));
    assert!(error.contains("head.norm.running_var has variances below 0"), "{error}");

    fs::write(workshop.path("weights.safetensors"), [7; 100]).unwrap();
    let error = failure(&workshop.generate("crate", &[]));
    assert!(error.contains("weights.safetensors"), "{error}");

    fs::write(workshop.path("network.json"), "{\"schema\": ").unwrap();
    let error = failure(&workshop.generate("crate", &[]));
    assert!(error.contains("network.json"), "{error}");
    assert!(!workshop.path("crate").exists());
    assert_eq!(fs::read_dir(workshop.dir.path()).unwrap().count(), 2);
}

/// A report of a training and a score, of the weights with this hash.
fn reports(workshop: &Workshop, weights_sha256: &str) {
    let timing = r#"{"wall_s": 1.0, "cpu_s": 1.0, "images_per_s": 9.0, "threads": 1, "device": "cpu",
        "peak_rss_bytes": null, "peak_rss_reason": "not known"}"#;
    let train = format!(
        r#"{{"schema": "neuropower/train/1", "seed": 71, "epochs": 0, "images": 9, "optimizer": "sgd",
        "parameters": 1, "macs": 1, "accuracy": {{"train": 0.5, "validation": null}}, "diverged": false,
        "curve": [], "data_sha256": "d`a\n|ta", "weights_sha256": "{weights_sha256}", "timing": {timing}}}"#
    );
    let test = |split: &str| {
        format!(
            r#"{{"schema": "neuropower/eval/1", "split": "{split}", "images": 359, "correct": 349,
            "accuracy": 0.972, "loss": 0.1, "data_sha256": "tested", "weights_sha256": "{weights_sha256}"}}"#
        )
    };
    fs::write(workshop.path("train.json"), train).unwrap();
    fs::write(workshop.path("test.json"), test("test")).unwrap();
    fs::write(workshop.path("validation.json"), test("validation")).unwrap();
}

#[test]
fn the_readme_has_classes_accuracy_data_and_seed() {
    let mut network = small([3, 8, 8], [1, 7, 3], SWISH_RELU);
    network.classes[0] = "\"); }".to_string();
    network.classes[1] = "a`b\n# Title\u{202e} </td> |".to_string();
    network.classes.extend(["eleventh".to_string(), "twelfth".to_string()]);
    let network = {
        let template = Template { growth_rate: 4, stem_channels: 6, ..Template::default() };
        let common::network::Origin::Genome(genome) = network.origin else { panic!() };
        let mut expanded = template.expand(&genome, network.input, network.classes).unwrap();
        expanded.input.resize = Resize::Letterbox;
        expanded
    };
    let workshop = Workshop::new(&network);
    let path = |name: &str| workshop.path(name).to_str().unwrap().to_string();
    let hash = sha256_hex(&fs::read(path("weights.safetensors")).unwrap());
    reports(&workshop, &hash);
    let (test, train) = (path("test.json"), path("train.json"));
    for platform in Platform::ALL.map(Platform::name) {
        let readme = |more: &[&str]| {
            success(&workshop.generate_for(platform, "out", more));
            fs::read_to_string(workshop.path("out/README.md")).unwrap()
        };
        let bare = readme(&[]);
        for row in ["| accuracy | not tested |", "| seed | not known |"] {
            assert!(bare.contains(row), "{platform}: {bare}");
        }
        let full = readme(&["--test", &test, "--train", &train]);
        for part in [
            "| accuracy | 97.21 % of 359 test images (94.95 to 98.48 % with 95 % confidence, Wilson) |",
            "| data, fingerprint | `` d`a\\u000a\\|ta `` |",
            "| seed | 71 |",
            "| pictures of another shape | `letterbox`, filter `triangle` |",
            "\n0. `\"\\\"); }\"`\n1. `` \"a`b\\u000a# Title\\u202e </td> |\" ``\n2. `\"2\"`\n",
            "\nand 2 more, in ",
        ] {
            assert!(full.contains(part), "{platform}: {part} is not in {full}");
        }
        assert!(full.lines().all(|line| !line.starts_with("# Title")));
        assert!(platform == "onnx" || full.contains(r#""label":"\"); }","probability""#), "{full}");
        let manifest = Manifest::read(&workshop.path("out")).unwrap();
        let input = manifest.input.unwrap();
        assert_eq!((input.resize, input.filter.as_str()), (Resize::Letterbox, "triangle"));
        let tested = readme(&["--test", &test]);
        assert!(tested.contains("| data, fingerprint | `tested` |"), "{tested}");
        assert!(tested.contains("97.21 %") && tested.contains("| seed | not known |"));
    }
}

#[test]
fn reports_of_other_weights_are_refused() {
    let workshop = Workshop::new(&small([1, 8, 8], [1, 7, 3], SWISH_RELU));
    let path = |name: &str| workshop.path(name).to_str().unwrap().to_string();
    let refused = |option: &str, file: &str| {
        let error = failure(&workshop.generate("crate", &[option, &path(file)]));
        assert!(error.contains(file) && !workshop.path("crate").exists(), "{error}");
        error
    };
    reports(&workshop, &"ab".repeat(32));
    assert!(refused("--test", "test.json").contains("of other weights"));
    assert!(refused("--train", "train.json").contains("of other weights"));
    assert!(refused("--test", "validation.json").contains("of the split \"validation\""));
    assert!(refused("--train", "test.json").contains("neither the report of a training"));
    assert!(refused("--test", "train.json").contains("neuropower/eval/1"));
    refused("--test", "none.json");
    fs::write(workshop.path("text.json"), "seed: 7").unwrap();
    assert!(refused("--train", "text.json").contains("not valid JSON"));
}

/// The report of pruning has no hash, but a seed.
#[test]
fn the_seed_of_pruning_is_that_of_its_report() {
    let workshop = Workshop::new(&small([1, 8, 8], [1, 7, 3], SWISH_RELU));
    let formats = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/formats.md");
    let formats = fs::read_to_string(formats).unwrap();
    let example = formats
        .split("```json\n")
        .map(|rest| rest.split("```").next().unwrap())
        .find(|text| text.contains("\"neuropower/prune/1\""))
        .unwrap();
    let file = workshop.path("prune.json");
    fs::write(&file, example.replace("\"seed\": 0", "\"seed\": 12345")).unwrap();
    success(&workshop.generate("crate", &["--train", file.to_str().unwrap()]));
    let readme = fs::read_to_string(workshop.path("crate/README.md")).unwrap();
    assert!(readme.contains("| seed | 12345 |"), "{readme}");
}

#[test]
fn a_board_that_is_too_small_is_refused_before_anything_is_written() {
    let workshop =
        Workshop::new(&expand(&Template::default(), [1, 56, 56], [2, 16, 3], SWISH_RELU, 10));
    let network = workshop.path("network.json");
    let plan = |more: &[&str]| {
        codegen(
            &[&["plan", "--network", network.to_str().unwrap(), "--platform", "cortex-m"], more]
                .concat(),
        )
    };
    let report: PlanReport = json::parse(&success(&plan(&["--board", "qemu-mps2-an386"]))).unwrap();
    assert_eq!(report.fit.boards, ["qemu-mps2-an386", "qemu-mps3-an547"]);
    assert!(report.fit.ram_bytes.unwrap() > report.arena_bytes);
    for output in [
        plan(&["--board", "nucleo-h743zi"]),
        workshop.generate_for("cortex-m", "crate", &["--board", "nucleo-h743zi"]),
    ] {
        let error = failure(&output);
        assert!(
            error.contains("does not fit on the board nucleo-h743zi")
                && error.contains("bytes of RAM"),
            "{error}"
        );
    }
    let error = failure(&workshop.generate("crate", &["--board", "nucleo-h743zi"]));
    assert!(error.contains("of the platform cortex-m, not x86_64"), "{error}");
    assert!(failure(&workshop.generate("crate", &["--board", "no-such"])).contains("known boards"));
    assert!(
        failure(&workshop.generate_for("onnx", "model", &["--board", "host"]))
            .contains("for no board")
    );
    assert!(!workshop.path("crate").exists() && !workshop.path("model").exists());
}

#[test]
fn wrong_usage_exits_with_2() {
    let output = codegen(&["plan", "--network", "network.json", "--platform", "pdp11"]);
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("pdp11") && text.contains("x86_64"), "{text}");
}

#[test]
fn every_help_has_an_example() {
    for arguments in
        [&["--help"][..], &["generate", "--help"], &["plan", "--help"], &["platforms", "--help"]]
    {
        assert!(success(&codegen(arguments)).contains("Example"), "{arguments:?}");
    }
}
