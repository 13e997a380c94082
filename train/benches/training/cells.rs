//! The measured cells: networks at batch sizes.

use anyhow::Result;
use common::network::activation::Activation;
use common::network::template::Template;
use common::network::{Input, Network, Op, counts, shapes};
use common::search::genome::{Genome, Optimizer};

/// A network to train.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Net {
    pub(crate) name: &'static str,
    feature_extraction_layers: usize,
    condense_layers: usize,
    pub(crate) kernel: usize,
    channels: usize,
    side: usize,
    activation: (Activation, Activation),
    /// Steps of a peer in one turn; more for networks with short steps.
    pub(crate) steps: usize,
}

/// A network at one batch size.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cell {
    pub(crate) net: Net,
    pub(crate) batch: usize,
    /// Whether the bars of speed apply to this cell; other cells are for information.
    pub(crate) judged: bool,
    /// Whether plain Candle, which needs seconds for a step, is measured too.
    pub(crate) with_candle: bool,
    /// Whether two processes of one thread each are measured, too.
    pub(crate) in_pairs: bool,
}

const RELU: (Activation, Activation) = (Activation::Relu, Activation::Relu);

const FEL16_3: Net = Net {
    name: "FEL16/3",
    feature_extraction_layers: 16,
    condense_layers: 3,
    kernel: 3,
    channels: 3,
    side: 32,
    activation: RELU,
    steps: 5,
};
const FEL16_1: Net =
    Net { name: "FEL16/1", condense_layers: 1, channels: 1, side: 28, steps: 10, ..FEL16_3 };
const FEL40_1: Net = Net { name: "FEL40/1", feature_extraction_layers: 40, steps: 3, ..FEL16_1 };
/// DenseNet-40-12.
const FEL40_3: Net = Net { name: "FEL40/3", feature_extraction_layers: 40, steps: 1, ..FEL16_3 };
const FEL16_3_5X5: Net = Net { name: "FEL16/3 5x5", kernel: 5, steps: 3, ..FEL16_3 };
const FEL16_3_SMOOTH: Net = Net {
    name: "FEL16/3 swish|tanh",
    activation: (Activation::Swish, Activation::Tanh),
    ..FEL16_3
};

/// The largest cell of DenseNet-40-12, whose memory has a bar.
pub(crate) const LARGEST: &str = "FEL40/3 batch 128";

/// Returns all cells whose name contains `only`.
pub(crate) fn all(only: &str) -> Vec<Cell> {
    let judged = |net: Net, batch: usize| Cell {
        net,
        batch,
        judged: true,
        with_candle: batch == 64 && [FEL16_3.name, FEL16_1.name].contains(&net.name),
        in_pairs: batch == 128 && [FEL16_3.name, FEL16_1.name].contains(&net.name),
    };
    let mut cells: Vec<Cell> = [FEL16_3, FEL16_1, FEL40_1, FEL40_3, FEL16_3_5X5]
        .into_iter()
        .flat_map(|net| [judged(net, 64), judged(net, 128)])
        .collect();
    cells.push(Cell { judged: false, with_candle: false, ..judged(FEL16_3_SMOOTH, 64) });
    cells.retain(|cell| cell.name().contains(only));
    cells
}

impl Cell {
    pub(crate) fn name(&self) -> String {
        format!("{} batch {}", self.net.name, self.batch)
    }
}

impl Net {
    /// Returns the network, with growth rate 12, 24 stem channels and ten classes.
    pub(crate) fn network(&self) -> Result<Network> {
        let Net {
            feature_extraction_layers,
            condense_layers,
            kernel,
            channels,
            side,
            activation,
            ..
        } = *self;
        let genome = Genome {
            left_activation: activation.0,
            right_activation: activation.1,
            condense_layers,
            feature_extraction_layers,
            kernel_size: kernel,
            optimizer: Optimizer::Adam,
        };
        let input = Input {
            channels,
            height: side,
            width: side,
            mean: vec![0.5; channels],
            std: vec![0.25; channels],
            resize: Default::default(),
        };
        let template = Template { growth_rate: 12, stem_channels: 24, ..Template::default() };
        template.expand(&genome, input, (0..10).map(|class| class.to_string()).collect())
    }
}

/// Multiply-adds of the forward pass for one image.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Macs {
    /// Those of the network.
    pub(crate) network: u64,
    /// Those that this crate executes: a 1x1 convolution before an average pooling is computed
    /// after the pooling.
    pub(crate) executed: u64,
}

/// Counts a network's multiply-adds.
pub(crate) fn macs(network: &Network) -> Result<Macs> {
    let (shapes, inputs) = (shapes::shapes(network)?, network.input_indices()?);
    let mut executed = counts::count(network)?.macs;
    for (pool, node) in network.nodes.iter().enumerate() {
        let (Op::AveragePool { .. }, Some(before)) = (node.op, inputs[pool][0]) else { continue };
        if let Op::Conv2d { kernel: 1, stride: 1, .. } = network.nodes[before].op {
            executed -= counts::macs(&network.nodes[before], shapes[before]);
            executed += counts::macs(&network.nodes[before], shapes[pool]);
        }
    }
    Ok(Macs { network: counts::count(network)?.macs, executed })
}
