//! Shared by the tests: small networks, random weights, and an interpreter of plans.
#![allow(dead_code, reason = "each test file uses its own part of this")]

pub(crate) mod gpu;
pub(crate) mod integers;
pub(crate) mod interpreter;
pub(crate) mod pairs;
pub(crate) mod quantized;
pub(crate) mod random;
pub(crate) mod site;
#[path = "../../../tests/tools.rs"]
pub(crate) mod tools;

use common::dataset::{DataFile, Dataset, Format, Normalisation, Unpacked, Validation};
use common::files::json;
use common::network::activation::{Activation, PiecewiseActivation};
use common::network::baseline::Baseline;
use common::network::template::Template;
use common::network::weights::{Tensor, Weights, tensors_of};
use common::network::{Input, Network, Op, shapes};
use common::quantized::QuantizedNetwork;
use common::search::genome::{Genome, Optimizer};
use common::seed;
use rand::RngExt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The paper's best pair: swish below zero, relu from zero on.
pub(crate) const SWISH_RELU: PiecewiseActivation =
    PiecewiseActivation { left: Activation::Swish, right: Activation::Relu };

/// Returns a template network with this input shape and these genes: condense layers, feature
/// extraction layers, kernel size.
pub(crate) fn expand(
    template: &Template,
    [channels, height, width]: [usize; 3],
    [condense_layers, feature_extraction_layers, kernel_size]: [usize; 3],
    activation: PiecewiseActivation,
    classes: usize,
) -> Network {
    let genome = Genome {
        left_activation: activation.left,
        right_activation: activation.right,
        condense_layers,
        feature_extraction_layers,
        kernel_size,
        optimizer: Optimizer::Sgd,
    };
    let input = Input {
        channels,
        height,
        width,
        mean: vec![0.3; channels],
        std: vec![0.3; channels],
        resize: Default::default(),
    };
    template.expand(&genome, input, (0..classes).map(|class| class.to_string()).collect()).unwrap()
}

/// Returns a small template network.
pub(crate) fn small(
    shape: [usize; 3],
    genes: [usize; 3],
    activation: PiecewiseActivation,
) -> Network {
    expand(
        &Template { growth_rate: 4, stem_channels: 6, ..Template::default() },
        shape,
        genes,
        activation,
        10,
    )
}

/// Returns a baseline that ships with the project, for square images of three channels.
pub(crate) fn baseline(name: &str, side: usize) -> Network {
    baseline_for(name, [3, side, side])
}

/// Returns a baseline for images of another shape.
pub(crate) fn baseline_for(name: &str, [channels, height, width]: [usize; 3]) -> Network {
    let file =
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../pipelines/baselines/{name}.json"));
    let input = Input {
        channels,
        height,
        width,
        mean: vec![0.3; channels],
        std: vec![0.3; channels],
        resize: Default::default(),
    };
    let classes = (0..10).map(|class| class.to_string()).collect();
    json::read::<Baseline>(&file).unwrap().network(input, classes).unwrap()
}

/// Returns a network for colour images, pruned to odd widths.
pub(crate) fn pruned() -> Network {
    let pair = PiecewiseActivation { left: Activation::Selu, right: Activation::Tanh };
    let mut network = expand(&Template::default(), [3, 10, 6], [2, 10, 3], pair, 7);
    let left = [
        ("stem.conv", 23),
        ("condense1.fel1.conv", 11),
        ("condense1.fel2.conv", 1),
        ("transition1.conv", 13),
        ("condense2.fel1.conv", 5),
    ];
    prune(&mut network, &left);
    json::Document::check(&network).unwrap();
    network
}

/// Removes some filters of convolutions, and their channels from all nodes after them.
pub(crate) fn prune(network: &mut Network, filters: &[(&str, usize)]) {
    for node in 0..network.nodes.len() {
        if let Some((_, left)) = filters.iter().find(|(name, _)| *name == network.nodes[node].name)
        {
            let Op::Conv2d { out_channels, .. } = &mut network.nodes[node].op else {
                panic!("not a convolution")
            };
            *out_channels = *left;
        }
        // The nodes before this one are pruned already.
        let inputs = network.input_indices().unwrap();
        let before = Network { nodes: network.nodes[..node].to_vec(), ..network.clone() };
        let shapes = shapes::shapes(&before).unwrap();
        let found =
            inputs[node][0].map_or(network.input.channels, |source| shapes[source].channels);
        match &mut network.nodes[node].op {
            Op::Conv2d { in_channels: channels, .. } | Op::BatchNorm { channels } => {
                *channels = found;
            }
            Op::Linear { in_features, .. } => *in_features = found,
            Op::Activation(_)
            | Op::Dropout { .. }
            | Op::Concat {}
            | Op::Add {}
            | Op::Shortcut { .. }
            | Op::AveragePool { .. }
            | Op::GlobalAveragePool {}
            | Op::GlobalMaxPool {} => {}
        }
    }
}

/// Returns weights that keep the magnitude of values about the same from layer to layer.
pub(crate) fn random_weights(network: &Network, seed: u64) -> Weights {
    let mut weights = Weights::default();
    for (name, shape, _) in network.nodes.iter().flat_map(tensors_of) {
        let mut rng = seed::stream(seed, &name);
        let fan_in: usize = shape.iter().skip(1).product();
        let (low, high) = match name.rsplit('.').next().unwrap() {
            "weight" if shape.len() > 1 => {
                (-(3.0 / fan_in as f32).sqrt(), (3.0 / fan_in as f32).sqrt())
            }
            "weight" | "running_var" => (0.5, 1.5),
            _ => (-0.5, 0.5),
        };
        let data = (0..shape.iter().product()).map(|_| rng.random_range(low..high)).collect();
        weights.0.insert(name, Tensor { shape, data });
    }
    weights
}

/// Makes a data set folder of the digits that ship with the project, with these class names.
pub(crate) fn digits(folder: &Path, classes: &[String]) -> Dataset {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../pipelines/datasets/digits");
    let names = [
        "train-images-idx3-ubyte",
        "train-labels-idx1-ubyte",
        "t10k-images-idx3-ubyte",
        "t10k-labels-idx1-ubyte",
    ];
    fs::create_dir(folder).unwrap();
    let files = names.map(|name| {
        let mut unpacked = Unpacked::open(&shipped.join(format!("{name}.gz"))).unwrap();
        std::io::copy(&mut unpacked, &mut fs::File::create(folder.join(name)).unwrap()).unwrap();
        DataFile { path: name.to_string(), sha256: None }
    });
    let [a, b, c, d] = files;
    let dataset = Dataset {
        name: "digits".to_string(),
        about: String::new(),
        format: Format::Idx,
        channels: 1,
        height: 8,
        width: 8,
        resize: Default::default(),
        classes: classes.to_vec(),
        normalisation: Normalisation { mean: vec![0.3], std: vec![0.3] },
        validation: Some(Validation { fraction: 0.2, seed: 0, by_class: false }),
        train: vec![a, b],
        val: vec![],
        test: vec![c, d],
        sources: vec![],
    };
    json::write(&folder.join("dataset.json"), &dataset).unwrap();
    dataset
}

/// Returns random normalised images.
pub(crate) fn images(network: &Network, count: usize) -> Vec<Vec<f32>> {
    let mut rng = seed::stream(1, "images");
    let elements = network.input.shape().elements();
    (0..count).map(|_| (0..elements).map(|_| rng.random_range(-1.0..2.0)).collect()).collect()
}

/// A folder with a network, its random weights, and generated crates.
pub(crate) struct Workshop {
    /// The folder, which is deleted with this value.
    pub(crate) dir: tempfile::TempDir,
    /// The weights that were written.
    pub(crate) weights: Weights,
}

impl Workshop {
    /// Writes `network.json` and `weights.safetensors`.
    pub(crate) fn new(network: &Network) -> Workshop {
        let dir = tempfile::tempdir().unwrap();
        let weights = random_weights(network, 5);
        json::write(&dir.path().join("network.json"), network).unwrap();
        weights.write(&dir.path().join("weights.safetensors")).unwrap();
        Workshop { dir, weights }
    }

    /// Returns a path in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Runs `codegen generate` to the folder `out` with more arguments, for x86_64 unless they have
    /// a platform.
    pub(crate) fn generate(&self, out: &str, more: &[&str]) -> Output {
        let (network, weights, out) =
            (self.path("network.json"), self.path("weights.safetensors"), self.path(out));
        let paths =
            [network, weights, out].map(|path| path.into_os_string().into_string().unwrap());
        let [network, weights, out] = &paths;
        let fixed = ["generate", "--network", network, "--weights", weights, "--out", out.as_str()];
        let platform =
            if more.contains(&"--platform") { &[][..] } else { &["--platform", "x86_64"] };
        codegen(&[&fixed, platform, more].concat())
    }

    /// Writes the folder `int8` with random parameters, and returns these.
    pub(crate) fn quantize(&self, network: &Network) -> QuantizedNetwork {
        let quantized = quantized::random_quantized(network, 6);
        quantized::write(&self.path("int8"), network, &self.weights, &quantized);
        quantized
    }

    /// Runs `codegen generate` with the folder `int8` for a platform to the folder `out`.
    pub(crate) fn generate_int8(&self, platform: &str, out: &str, more: &[&str]) -> Output {
        let paths = ["network.json", "int8", out]
            .map(|name| self.path(name).into_os_string().into_string().unwrap());
        let [network, quantized, out] = &paths;
        let fixed = ["generate", "--network", network, "--quantized", quantized, "--out", out];
        codegen(&[&fixed[..], &["--platform", platform], more].concat())
    }

    /// Runs `codegen generate` for a platform to the folder `out` with more arguments.
    pub(crate) fn generate_for(&self, platform: &str, out: &str, more: &[&str]) -> Output {
        self.generate(out, &[&["--platform", platform], more].concat())
    }
}

/// Runs the `codegen` binary.
pub(crate) fn codegen(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_codegen")).args(arguments).output().unwrap()
}

/// Runs cargo in the generated crate, offline, with warnings as errors.
pub(crate) fn cargo(workshop: &Workshop, arguments: &[&str]) {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .args(["--release", "--offline", "--locked"])
        .current_dir(workshop.path("crate"))
        .env("CARGO_TARGET_DIR", workshop.path("target"))
        .env("RUSTFLAGS", "-Dwarnings")
        .output()
        .unwrap();
    success(&output);
}

/// Returns the one line that a failed run has written to stderr. Panics if the exit code is not 1,
/// or if there is output on stdout.
pub(crate) fn failure(output: &Output) -> String {
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(output.stdout.is_empty());
    assert_eq!(text.lines().count(), 1, "{text}");
    text
}

/// Returns the stdout of a run; panics if it failed.
pub(crate) fn success(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Returns the bytes of flash and of RAM, which begins at 0x2000_0000, that a 32-bit ELF file
/// takes.
pub(crate) fn segments(elf: &[u8]) -> (u64, u64) {
    let word = |at: usize| u32::from_le_bytes(elf[at..at + 4].try_into().unwrap());
    let headers = elf[word(28) as usize..].chunks_exact(32).take(usize::from(elf[44]));
    let (mut flash, mut ram) = (0, 0);
    for header in headers {
        let word = |i: usize| u32::from_le_bytes(header[4 * i..4 * i + 4].try_into().unwrap());
        let (is_loaded, address, in_file, in_memory) = (word(0) == 1, word(2), word(4), word(5));
        if is_loaded {
            flash += u64::from(in_file);
            ram += if address >= 0x2000_0000 { u64::from(in_memory) } else { 0 };
        }
    }
    (flash, ram)
}
