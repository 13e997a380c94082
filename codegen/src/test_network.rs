//! A network for tests.

use common::network::activation::Activation;
use common::network::template::Template;
use common::network::{Input, Network};
use common::search::genome::{Genome, Optimizer};

/// Two condense layers of two FELs each.
pub(crate) fn network() -> Network {
    let genome = Genome {
        left_activation: Activation::Swish,
        right_activation: Activation::Relu,
        condense_layers: 2,
        feature_extraction_layers: 10,
        kernel_size: 3,
        optimizer: Optimizer::Sgd,
    };
    let input = Input {
        channels: 1,
        height: 16,
        width: 16,
        mean: vec![0.0],
        std: vec![1.0],
        resize: Default::default(),
    };
    Template::default().expand(&genome, input, vec!["a".into(), "b".into()]).unwrap()
}
