//! Networks of other authors for comparison: ResNet (He et al. 2016, "Deep Residual Learning for
//! Image Recognition", section 4.2) and DenseNet (Huang et al. 2017, "Densely Connected
//! Convolutional Networks"), both in their versions for CIFAR.

use crate::files::json::Document;
use crate::files::ranges::{all_within, within};
use crate::network::activation::{Activation, PiecewiseActivation};
use crate::network::builder::Builder;
use crate::network::graph::{Input, Network, Node, Op, Origin};
use crate::network::template::Template;
use crate::network::validate::check_baseline_name;
use crate::search::genome::{Genome, Optimizer};
use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// Activation of all baselines.
const RELU: PiecewiseActivation =
    PiecewiseActivation { left: Activation::Relu, right: Activation::Relu };
/// Maximum depth: a file must not cause arbitrarily large networks.
const MAX_DEPTH: usize = 2000;
const CHANNELS: RangeInclusive<usize> = 1..=4096;

/// A baseline, as described in `pipelines/baselines/*.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// Name, as in `--baseline NAME`.
    pub name: String,
    /// Description and source, for people.
    pub about: String,
    /// Optimizer that trains the network.
    pub optimizer: Optimizer,
    /// Architecture of the network.
    pub architecture: Architecture,
}

/// The architecture of a baseline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Architecture {
    /// A 3x3 convolution, then stages of residual blocks of two 3x3 convolutions, then average
    /// pooling and the classifier.
    Resnet {
        /// Layers with weights besides those of shortcuts: 2 per block, and the first and the last
        /// layer.
        depth: usize,
        /// Channels of each stage. From the second on, a stage begins with stride 2.
        channels: Vec<usize>,
        /// Shortcuts where the shape changes.
        #[serde(default)]
        shortcuts: Shortcuts,
    },
    /// Three blocks of layers whose outputs are concatenated: the template network with ReLU.
    Densenet {
        /// Layers with weights: `3 n + 4` for blocks of n layers.
        depth: usize,
        /// Channels that each layer adds.
        growth_rate: usize,
        /// Output channels of the first convolution.
        stem_channels: usize,
    },
}

/// Shortcuts of residual blocks whose input has another shape than their output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shortcuts {
    /// The first of every two rows and columns, and channels of zeros: no parameters (option A of
    /// the ResNet paper).
    #[default]
    Padding,
    /// A 1x1 convolution (option B), without a normalisation of its own.
    Projection,
}

impl Document for Baseline {
    const KIND: &'static str = "baseline";

    fn check(&self) -> Result<()> {
        check_baseline_name(&self.name)?;
        match &self.architecture {
            Architecture::Resnet { depth, channels, shortcuts: _ } => {
                within("depth", *depth, &(1..=MAX_DEPTH))?;
                all_within("channels", channels.iter().copied(), &CHANNELS)
            }
            Architecture::Densenet { depth, growth_rate, stem_channels } => {
                within("depth", *depth, &(1..=MAX_DEPTH))?;
                within("growth_rate", *growth_rate, &CHANNELS)?;
                within("stem_channels", *stem_channels, &CHANNELS)
            }
        }
    }
}

impl Baseline {
    /// Returns the network for images of the given kind.
    ///
    /// # Errors
    /// Fails if the architecture cannot have this depth, or if the images are too small.
    pub fn network(&self, input: Input, classes: Vec<String>) -> Result<Network> {
        self.build(input, classes).with_context(|| format!("the baseline {}", self.name))
    }

    fn build(&self, input: Input, classes: Vec<String>) -> Result<Network> {
        let nodes = match &self.architecture {
            Architecture::Resnet { depth, channels, shortcuts } => {
                resnet(*depth, channels, *shortcuts, input.channels, classes.len())?
            }
            Architecture::Densenet { depth, growth_rate, stem_channels } => {
                let template = Template {
                    growth_rate: *growth_rate,
                    stem_channels: *stem_channels,
                    ..Template::default()
                };
                densenet(&template, *depth, input.channels, classes.len())?
            }
        };
        let origin = Origin::Baseline { name: self.name.clone(), optimizer: self.optimizer };
        let network = Network { origin, input, classes, nodes };
        network.check()?;
        Ok(network)
    }
}

fn densenet(
    template: &Template,
    depth: usize,
    image_channels: usize,
    classes: usize,
) -> Result<Vec<Node>> {
    template.check()?;
    let genome = Genome {
        left_activation: RELU.left,
        right_activation: RELU.right,
        condense_layers: 3,
        feature_extraction_layers: depth,
        kernel_size: 3,
        // The nodes do not depend on the optimizer.
        optimizer: Optimizer::Sgd,
    };
    ensure!(
        genome.fels_per_condense_layer().is_some() && depth <= MAX_DEPTH,
        "a DenseNet has a depth of 3 n + 4, at most {MAX_DEPTH}, not {depth}"
    );
    template.nodes(&genome, image_channels, classes)
}

fn resnet(
    depth: usize,
    channels: &[usize],
    shortcuts: Shortcuts,
    image_channels: usize,
    classes: usize,
) -> Result<Vec<Node>> {
    ensure!(!channels.is_empty(), "a ResNet needs the channels of at least one stage");
    ensure!(
        channels.iter().all(|c| (1..=4096).contains(c)) && channels.is_sorted(),
        "the channels {channels:?} of a ResNet's stages must be 1 to 4096 and never decrease"
    );
    let layers = depth.saturating_sub(2);
    ensure!(
        layers > 0 && layers.is_multiple_of(2 * channels.len()) && depth <= MAX_DEPTH,
        "a ResNet of {} stages has a depth of {} n + 2, at most {MAX_DEPTH}, not {depth}",
        channels.len(),
        2 * channels.len()
    );
    let mut graph = Builder::new(image_channels);
    graph.conv("stem.conv", channels[0], 3, 1);
    graph.norm_and_activation("stem", RELU);
    for (stage, &width) in channels.iter().enumerate() {
        for block in 1..=layers / (2 * channels.len()) {
            let stride = if stage > 0 && block == 1 { 2 } else { 1 };
            let name = format!("stage{}.block{block}", stage + 1);
            residual_block(&mut graph, &name, width, stride, shortcuts);
        }
    }
    graph.push("head.pool", Op::GlobalAveragePool {});
    graph.classifier("head.classifier", classes);
    Ok(graph.nodes)
}

/// Adds a residual block: two convolutions, whose result is added to the block's input, then the
/// activation.
fn residual_block(
    graph: &mut Builder,
    name: &str,
    channels: usize,
    stride: usize,
    shortcuts: Shortcuts,
) {
    let (mut shortcut, before) = (graph.last.clone(), graph.channels);
    graph.conv(&format!("{name}.conv1"), channels, 3, stride);
    graph.norm_and_activation(name, RELU);
    graph.conv(&format!("{name}.conv2"), channels, 3, 1);
    graph.norm(&format!("{name}.norm2"));
    let residual = graph.last.clone();
    if (before, 1) != (channels, stride) {
        let op = match shortcuts {
            Shortcuts::Padding => Op::Shortcut { out_channels: channels, stride },
            Shortcuts::Projection => {
                Op::Conv2d { in_channels: before, out_channels: channels, kernel: 1, stride }
            }
        };
        graph.push_with(&format!("{name}.shortcut"), op, vec![shortcut]);
        shortcut = graph.last.clone();
    }
    graph.push_with(&format!("{name}.add"), Op::Add {}, vec![residual, shortcut]);
    graph.push(&format!("{name}.out"), Op::Activation(RELU));
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::files::json;
    use crate::network::counts;

    pub(crate) fn resnet_of(depth: usize, channels: &[usize]) -> Baseline {
        let architecture = Architecture::Resnet {
            depth,
            channels: channels.to_vec(),
            shortcuts: Shortcuts::Padding,
        };
        Baseline {
            name: "resnet".into(),
            about: String::new(),
            optimizer: Optimizer::Sgd,
            architecture,
        }
    }

    fn input(channels: usize, side: usize) -> Input {
        Input {
            channels,
            height: side,
            width: side,
            mean: vec![0.5; channels],
            std: vec![0.5; channels],
            resize: Default::default(),
        }
    }

    fn classes(count: usize) -> Vec<String> {
        (0..count).map(|class| class.to_string()).collect()
    }

    /// Counts by hand: one block per stage, 2 and 3 channels, grey images of 5x5 pixels.
    #[test]
    fn a_small_resnet_counted_by_hand() {
        let network = resnet_of(6, &[2, 3]).network(input(1, 5), classes(4)).unwrap();
        let counts = counts::count(&network).unwrap();
        let norms = 2 * (2 + 2 + 2 + 3 + 3);
        assert_eq!(
            counts.parameters,
            9 * (2 + 2 * 2 + 2 * 2 + 2 * 3 + 3 * 3) + norms + (3 * 4 + 4)
        );
        assert_eq!(counts.macs, 25 * 9 * (2 + 2 * 2 + 2 * 2) + 9 * 9 * (2 * 3 + 3 * 3) + 3 * 4);
        assert_eq!(json::parse::<Network>(&json::to_text(&network).unwrap()).unwrap(), network);
    }

    #[test]
    fn impossible_architectures_are_refused() {
        let error = |baseline: Baseline, side| {
            format!("{:#}", baseline.network(input(3, side), classes(10)).unwrap_err())
        };
        for depth in [0, 2, 19, 21, 2 + 6 * 1000] {
            assert!(
                error(resnet_of(depth, &[16, 32, 64]), 32).contains(&format!("not {depth}")),
                "{depth}"
            );
        }
        assert!(error(resnet_of(20, &[]), 32).contains("at least one stage"));
        assert!(error(resnet_of(20, &[16, 8, 64]), 32).contains("never decrease"));
        assert!(error(resnet_of(20, &[16, 32, 1 << 62]), 32).contains("4096"));
        let densenet = |depth, growth_rate| {
            let architecture = Architecture::Densenet { depth, growth_rate, stem_channels: 16 };
            Baseline { architecture, ..resnet_of(20, &[16]) }
        };
        assert!(error(densenet(41, 12), 32).contains("3 n + 4, at most 2000, not 41"));
        assert!(error(densenet(40, 0), 32).contains("growth_rate"));
        assert!(error(densenet(40, 12), 3).contains("transition2.pool"));
        assert!(error(densenet(1 << 62, 12), 32).contains("2000"));
    }

    #[test]
    fn names_that_are_paths_are_refused() {
        for name in ["", "-a", "a b", "../a", "A", "1a", &"a".repeat(65)] {
            assert!(
                Baseline { name: name.into(), ..resnet_of(20, &[16]) }.check().is_err(),
                "{name:?}"
            );
        }
    }
}
