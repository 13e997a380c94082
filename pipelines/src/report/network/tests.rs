//! Networks for the tests of this folder.

use common::network::activation::Activation;
use common::network::baseline::{Architecture, Baseline, Shortcuts};
use common::network::template::Template;
use common::network::{Input, Network};
use common::search::genome::{Genome, Optimizer};

/// Returns the paper's smallest network with another growth rate.
pub(super) fn template(growth_rate: usize) -> Network {
    let genome = Genome {
        left_activation: Activation::Swish,
        right_activation: Activation::Relu,
        condense_layers: 2,
        feature_extraction_layers: 16,
        kernel_size: 3,
        optimizer: Optimizer::Adam,
    };
    Template { growth_rate, ..Template::default() }.expand(&genome, input(), classes()).unwrap()
}

/// Returns a residual network of two stages.
pub(super) fn baseline() -> Network {
    let baseline = Baseline {
        name: "resnet".into(),
        about: String::new(),
        optimizer: Optimizer::Sgd,
        architecture: Architecture::Resnet {
            depth: 6,
            channels: vec![4, 6],
            shortcuts: Shortcuts::Padding,
        },
    };
    baseline.network(input(), classes()).unwrap()
}

fn classes() -> Vec<String> {
    (0..10).map(|class| class.to_string()).collect()
}

fn input() -> Input {
    Input {
        channels: 1,
        height: 28,
        width: 28,
        mean: vec![0.1307],
        std: vec![0.3081],
        resize: Default::default(),
    }
}
