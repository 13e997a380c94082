//! The networks that are compared.

use anyhow::{Result, bail};
use common::files::json;
use common::network::activation::{Activation, PiecewiseActivation};
use common::network::baseline::Baseline;
use common::network::template::Template;
use common::network::weights::{Tensor, Weights, tensors_of};
use common::network::{Input, Network, Op, counts};
use common::search::genome::{Genome, Optimizer};
use common::seed;
use rand::RngExt;
use std::path::Path;

const MNIST: [usize; 3] = [1, 28, 28];
const CIFAR: [usize; 3] = [3, 32, 32];

/// A network of the comparison.
pub(crate) struct Net {
    /// The paper's name or the genome, and the activation.
    pub(crate) name: String,
    /// The network.
    pub(crate) network: Network,
}

/// Returns all networks.
///
/// # Errors
/// Fails if the template cannot be expanded.
pub(crate) fn all() -> Result<Vec<Net>> {
    use Activation::{Elu, Relu, Swish, Tanh};
    let mut nets = Vec::new();
    let mut add = |name: &str, shape, genes, (left, right), pruned: bool| -> Result<()> {
        let pair = PiecewiseActivation { left, right };
        let mut network = template(&Template::default(), shape, genes, pair)?;
        if pruned {
            network = half(network)?;
        }
        nets.push(Net { name: format!("{name} {left}|{right}"), network });
        Ok(())
    };
    for (name, shape, genes) in [
        ("M_Net_1", MNIST, [2, 16, 3]),
        ("C10-Net.1", CIFAR, [2, 16, 3]),
        ("C10-Net.2", CIFAR, [2, 28, 3]),
        ("C10-Net.3", CIFAR, [3, 40, 3]),
    ] {
        add(name, shape, genes, (Swish, Relu), false)?;
        add(name, shape, genes, (Relu, Relu), false)?;
    }
    add("FEL16/1 5x5", MNIST, [1, 16, 5], (Swish, Relu), false)?;
    add("C10-Net.1", CIFAR, [2, 16, 3], (Elu, Tanh), false)?;
    add("C10-Net.2 pruned", CIFAR, [2, 28, 3], (Swish, Relu), true)?;
    for (name, shape, growth_rate) in
        [("growth 7", MNIST, 7), ("growth 8", MNIST, 8), ("64x64", [3, 64, 64], 12)]
    {
        let of = Template { growth_rate, ..Template::default() };
        let pair = PiecewiseActivation { left: Relu, right: Relu };
        let network = template(&of, shape, [2, 16, 3], pair)?;
        nets.push(Net { name: format!("{name} {Relu}|{Relu}"), network });
    }
    for (name, file) in [
        ("ResNet-8", "resnet-8"),
        ("ResNet-20", "resnet-20"),
        ("ResNet-56", "resnet-56"),
        ("DenseNet-40-12", "densenet-40-12"),
    ] {
        nets.push(Net { name: name.to_string(), network: baseline(file)? });
    }
    Ok(nets)
}

/// Returns a baseline that ships with the project.
fn baseline(name: &str) -> Result<Network> {
    let file = format!("pipelines/baselines/{name}.json");
    let baseline: Baseline =
        json::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file))?;
    baseline.network(input(CIFAR), classes())
}

fn input([channels, height, width]: [usize; 3]) -> Input {
    Input {
        channels,
        height,
        width,
        mean: vec![0.5; channels],
        std: vec![0.25; channels],
        resize: Default::default(),
    }
}

fn classes() -> Vec<String> {
    (0..10).map(|class| class.to_string()).collect()
}

/// Returns a network of a template with these genes: condense layers, feature extraction layers, kernel
/// size.
pub(crate) fn template(
    template: &Template,
    shape: [usize; 3],
    [condense_layers, feature_extraction_layers, kernel_size]: [usize; 3],
    activation: PiecewiseActivation,
) -> Result<Network> {
    let genome = Genome {
        left_activation: activation.left,
        right_activation: activation.right,
        condense_layers,
        feature_extraction_layers,
        kernel_size,
        optimizer: Optimizer::Sgd,
    };
    template.expand(&genome, input(shape), classes())
}

/// Removes random filters of a network's convolutions until half of its parameters are left.
pub(crate) fn half(mut network: Network) -> Result<Network> {
    let mut rng = seed::stream(0, "bench-codegen/pruned");
    let target = counts::count(&network)?.parameters / 2;
    while counts::count(&network)?.parameters > target {
        let node = rng.random_range(0..network.nodes.len());
        if let Op::Conv2d { out_channels, .. } = &mut network.nodes[node].op
            && *out_channels > 1
        {
            *out_channels -= 1;
            repair(&mut network)?;
        }
    }
    Ok(network)
}

/// Sets the input channels of every node to the output channels of its inputs.
fn repair(network: &mut Network) -> Result<()> {
    let inputs = network.input_indices()?;
    let mut made: Vec<usize> = Vec::new();
    for (node, inputs) in network.nodes.iter_mut().zip(inputs) {
        let taken = inputs
            .iter()
            .map(|input| input.map_or(network.input.channels, |node| made[node]))
            .sum();
        made.push(match &mut node.op {
            Op::Conv2d { in_channels, out_channels, .. } => {
                *in_channels = taken;
                *out_channels
            }
            Op::BatchNorm { channels } => {
                *channels = taken;
                taken
            }
            Op::Linear { in_features, out_features } => {
                *in_features = taken;
                *out_features
            }
            // The terms of a sum would have to lose the same channels.
            Op::Add {} | Op::Shortcut { .. } => {
                bail!("only networks without additions can be halved")
            }
            Op::Activation(_)
            | Op::Dropout { .. }
            | Op::Concat {}
            | Op::AveragePool { .. }
            | Op::GlobalAveragePool {}
            | Op::GlobalMaxPool {} => taken,
        });
    }
    Ok(())
}

/// Returns random weights that keep the magnitude of values about the same from layer to layer.
pub(crate) fn random_weights(network: &Network) -> Weights {
    let mut weights = Weights::default();
    for (name, shape, _) in network.nodes.iter().flat_map(tensors_of) {
        let mut rng = seed::stream(0, &name);
        let fan_in: usize = shape.iter().skip(1).product();
        let bound = (3.0 / fan_in as f32).sqrt();
        let (low, high) = match name.rsplit('.').next() {
            Some("weight") if shape.len() > 1 => (-bound, bound),
            Some("weight" | "running_var") => (0.5, 1.5),
            Some(_) | None => (-0.5, 0.5),
        };
        let data = (0..shape.iter().product()).map(|_| rng.random_range(low..high)).collect();
        weights.0.insert(name, Tensor { shape, data });
    }
    weights
}
