//! Small networks with random weights.
#![allow(dead_code, reason = "each test file uses its own part of this")]

use common::network::activation::Activation;
use common::network::template::Template;
use common::network::weights::{Tensor, Weights, tensors_of};
use common::network::{Input, Network};
use common::profile::{Allocation, PruneMethod};
use common::search::genome::{Genome, Optimizer};
use common::seed;
use prune::model::Model;
use prune::selection::Selection;
use rand::{Rng, RngExt};

/// The genes and settings that decide a network's graph.
#[derive(Clone, Debug)]
pub(crate) struct Sizes {
    /// Condense Layers.
    pub(crate) condense_layers: usize,
    /// FELs in each.
    pub(crate) fels: usize,
    /// Kernel side of the FELs.
    pub(crate) kernel: usize,
    /// Rest of the template.
    pub(crate) template: Template,
}

impl Sizes {
    /// The genome.
    pub(crate) fn genome(&self) -> Genome {
        Genome {
            left_activation: Activation::Swish,
            right_activation: Activation::Tanh,
            condense_layers: self.condense_layers,
            feature_extraction_layers: 4 + 3 * self.fels,
            kernel_size: self.kernel,
            optimizer: Optimizer::Sgd,
        }
    }

    /// The network, for colour images of `side` x `side` and 3 classes, with weights drawn from
    /// `seed`.
    pub(crate) fn model(&self, side: usize, seed: u64) -> Model {
        let input = Input {
            channels: 3,
            height: side,
            width: side,
            mean: vec![0.5; 3],
            std: vec![0.25; 3],
            resize: Default::default(),
        };
        let classes = ["a", "b", "c"].map(str::to_string).to_vec();
        with_weights(self.template.expand(&self.genome(), input, classes).unwrap(), seed)
    }
}

/// The network with weights drawn from `seed`.
pub(crate) fn with_weights(network: Network, seed: u64) -> Model {
    let mut rng = seed::stream(seed, "weights");
    let mut tensors = std::collections::BTreeMap::new();
    for (name, shape, _) in network.nodes.iter().flat_map(tensors_of) {
        // A variance is above 0.
        let lowest = if name.ends_with("running_var") { 0.5 } else { -1.0 };
        tensors
            .insert(name, Tensor { data: draw(&mut rng, shape.iter().product(), lowest), shape });
    }
    Model { network, weights: Weights(tensors) }
}

/// The trainable parameters among a model's tensors.
pub(crate) fn trainable(model: &Model) -> u64 {
    let trainable = model.weights.0.iter().filter(|(name, _)| !name.contains("running"));
    trainable.map(|(_, tensor)| tensor.data.len() as u64).sum()
}

/// Numbers from `lowest` to 1.
pub(crate) fn draw(rng: &mut impl Rng, count: usize, lowest: f32) -> Vec<f32> {
    (0..count).map(|_| rng.random_range(lowest..1.0)).collect()
}

/// The paper's selection, with another method and cluster factor.
pub(crate) fn selection(method: PruneMethod, cluster_factor: f64) -> Selection {
    Selection { method, allocation: Allocation::Uniform, also: vec![], cluster_factor, seed: 7 }
}
