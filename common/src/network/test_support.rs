//! A small network for tests.

use crate::network::activation::Activation;
use crate::network::graph::{Input, Network};
use crate::network::template::Template;
use crate::search::genome::{Genome, Optimizer};

/// Returns a template network with one FEL for images of 4x4 pixels and two classes.
pub(crate) fn small() -> Network {
    let genome = Genome {
        left_activation: Activation::Swish,
        right_activation: Activation::Relu,
        condense_layers: 1,
        feature_extraction_layers: 7,
        kernel_size: 3,
        optimizer: Optimizer::Adam,
    };
    let input = Input {
        channels: 1,
        height: 4,
        width: 4,
        mean: vec![0.5],
        std: vec![0.25],
        resize: Default::default(),
    };
    let template = Template { growth_rate: 3, stem_channels: 4, ..Template::default() };
    template.expand(&genome, input, vec!["zero".into(), "one".into()]).unwrap()
}
