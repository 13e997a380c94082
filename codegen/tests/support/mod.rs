//! What the tests share: small networks, random weights, and an interpreter of plans.
#![allow(dead_code, reason = "each test file uses its own part of this")]

pub(crate) mod interpreter;

use common::activation::{Activation, PiecewiseActivation};
use common::baseline::Baseline;
use common::genome::{Genome, Optimizer};
use common::network::{Input, Network};
use common::template::Template;
use common::weights::{Tensor, Weights, tensors_of};
use common::{json, seed};
use rand::RngExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The paper's favourite: swish below zero, relu from there on.
pub(crate) const SWISH_RELU: PiecewiseActivation =
    PiecewiseActivation { left: Activation::Swish, right: Activation::Relu };

/// A template network: input shape, condense layers, FEL gene, kernel.
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
    let input = Input { channels, height, width, mean: vec![0.3; channels], std: vec![0.3; channels] };
    template.expand(&genome, input, (0..classes).map(|class| class.to_string()).collect()).unwrap()
}

/// A small template network.
pub(crate) fn small(shape: [usize; 3], genes: [usize; 3], activation: PiecewiseActivation) -> Network {
    expand(&Template { growth_rate: 4, stem_channels: 6, ..Template::default() }, shape, genes, activation, 10)
}

/// A baseline that ships with the project, for square images of three channels.
pub(crate) fn baseline(name: &str, side: usize) -> Network {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../pipelines/baselines/{name}.json"));
    let input = Input { channels: 3, height: side, width: side, mean: vec![0.3; 3], std: vec![0.3; 3] };
    let classes = (0..10).map(|class| class.to_string()).collect();
    json::read::<Baseline>(&file).unwrap().network(input, classes).unwrap()
}

/// Weights that keep values at about their size from layer to layer.
pub(crate) fn random_weights(network: &Network, seed: u64) -> Weights {
    let mut weights = Weights::default();
    for (name, shape, _) in network.nodes.iter().flat_map(tensors_of) {
        let mut rng = seed::stream(seed, &name);
        let fan_in: usize = shape.iter().skip(1).product();
        let (low, high) = match name.rsplit('.').next().unwrap() {
            "weight" if shape.len() > 1 => (-(3.0 / fan_in as f32).sqrt(), (3.0 / fan_in as f32).sqrt()),
            "weight" | "running_var" => (0.5, 1.5),
            _ => (-0.5, 0.5),
        };
        let data = (0..shape.iter().product()).map(|_| rng.random_range(low..high)).collect();
        weights.0.insert(name, Tensor { shape, data });
    }
    weights
}

/// Random normalised images.
pub(crate) fn images(network: &Network, count: usize) -> Vec<Vec<f32>> {
    let mut rng = seed::stream(1, "images");
    let elements = network.input.shape().elements();
    (0..count).map(|_| (0..elements).map(|_| rng.random_range(-1.0..2.0)).collect()).collect()
}

/// A folder with a network, its random weights, and what was generated from them.
pub(crate) struct Workshop {
    /// The folder, which goes when this does.
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

    /// A path in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Runs `codegen generate` to the folder `out` with some more arguments.
    pub(crate) fn generate(&self, out: &str, more: &[&str]) -> Output {
        let (network, weights, out) = (self.path("network.json"), self.path("weights.safetensors"), self.path(out));
        let paths = [network, weights, out].map(|path| path.into_os_string().into_string().unwrap());
        let [network, weights, out] = &paths;
        let fixed =
            ["generate", "--network", network, "--weights", weights, "--platform", "x86_64", "--out", out.as_str()];
        codegen(&[&fixed, more].concat())
    }
}

/// Runs the `codegen` binary.
pub(crate) fn codegen(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_codegen")).args(arguments).output().unwrap()
}

/// The one line that a failed run writes to stderr; it must have failed with 1 and written nothing to stdout.
pub(crate) fn failure(output: &Output) -> String {
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(output.stdout.is_empty());
    assert_eq!(text.lines().count(), 1, "{text}");
    text
}

/// What a successful run writes to stdout.
pub(crate) fn success(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}
