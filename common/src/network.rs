//! A network as an explicit graph with explicit channel counts: a template network, a pruned one
//! and a baseline are the same thing to every stage.

use crate::activation::PiecewiseActivation;
use crate::baseline;
use crate::counts;
use crate::genome::{Genome, Optimizer};
use crate::json::Document;
use crate::ranges::within;
use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::ops::RangeInclusive;

/// The name by which nodes refer to the image.
pub const INPUT: &str = "input";
/// Added to the variance by every batch normalisation, as in PyTorch.
pub const BATCH_NORM_EPSILON: f64 = 1e-5;

/// `network.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// What the network was made from.
    pub origin: Origin,
    /// The images it takes and how they are normalised.
    pub input: Input,
    /// The names of the classes; the output is one logit for each, before softmax.
    pub classes: Vec<String>,
    /// The nodes in an order in which they can be computed; the last one is the output.
    pub nodes: Vec<Node>,
}

/// What a network was made from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Origin {
    /// The genome whose template expansion this is, or was before pruning.
    Genome(Genome),
    /// The baseline that this is, or was before pruning ([`crate::baseline`]).
    Baseline {
        /// Its name.
        name: String,
        /// What trains it.
        optimizer: Optimizer,
    },
}

/// Shape and normalisation of a network's input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Channels: 1 for grey, 3 for colour.
    pub channels: usize,
    /// Rows of pixels.
    pub height: usize,
    /// Columns of pixels.
    pub width: usize,
    /// Per channel, subtracted from pixel values scaled to 0..1.
    pub mean: Vec<f32>,
    /// Per channel, what the difference is divided by.
    pub std: Vec<f32>,
}

/// One node of the graph.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// Unique; lower-case letters, digits, `_` and `.`; also the prefix of the node's tensors.
    pub name: String,
    /// What it computes.
    pub op: Op,
    /// The nodes it takes, or [`INPUT`].
    pub inputs: Vec<String>,
}

/// What a node computes. Convolutions have no bias and "same" padding, `kernel / 2` on each side.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Op {
    /// Convolution.
    Conv2d {
        /// Channels taken.
        in_channels: usize,
        /// Channels made: the number of filters.
        out_channels: usize,
        /// Side of the square kernel, odd.
        kernel: usize,
        /// Step in both directions.
        stride: usize,
    },
    /// Batch normalisation over channels.
    BatchNorm {
        /// Channels taken and made.
        channels: usize,
    },
    /// The piece-wise activation.
    Activation(PiecewiseActivation),
    /// Dropout of single elements, in training only.
    Dropout {
        /// Probability of setting an element to 0.
        probability: f64,
    },
    /// Concatenation of the inputs' channels, in the order of the inputs.
    Concat {},
    /// Sum of two inputs of one shape, element by element.
    Add {},
    /// A shortcut without parameters (He et al. 2016, option A): of each `stride` rows and columns
    /// the first, then channels of zeros after those taken.
    Shortcut {
        /// Channels made, no fewer than are taken.
        out_channels: usize,
        /// Step in both directions.
        stride: usize,
    },
    /// Average of non-overlapping squares; rows and columns that do not fill a square are left out.
    AveragePool {
        /// Side of the squares, and the step.
        size: usize,
    },
    /// Average over all positions of a channel.
    GlobalAveragePool {},
    /// Largest value over all positions of a channel.
    GlobalMaxPool {},
    /// Fully connected, with bias.
    Linear {
        /// Values taken.
        in_features: usize,
        /// Values made.
        out_features: usize,
    },
}

/// Channels, rows and columns of one image's tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shape {
    /// Channels.
    pub channels: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

impl Shape {
    /// Positions in one channel.
    pub fn plane(&self) -> usize {
        self.height * self.width
    }

    /// Elements in all.
    pub fn elements(&self) -> usize {
        self.channels * self.plane()
    }
}

impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x{}x{}", self.channels, self.height, self.width)
    }
}

/// Bound what a file can make us build.
const MAX_NODES: usize = 100_000;
const MAX_CLASSES: usize = 10_000;
const SIDE: RangeInclusive<usize> = 1..=4096;

impl Document for Network {
    const KIND: &'static str = "network";

    fn check(&self) -> Result<()> {
        self.origin.check()?;
        within("input.channels", self.input.channels, &SIDE)?;
        within("input.height", self.input.height, &SIDE)?;
        within("input.width", self.input.width, &SIDE)?;
        self.input.check().context("input")?;
        ensure!(
            self.classes.len() >= 2,
            "the network has {} classes; it needs at least two",
            self.classes.len()
        );
        ensure!(self.classes.len() <= MAX_CLASSES, "the network has over {MAX_CLASSES} classes");
        ensure!(!self.nodes.is_empty(), "the network has no nodes");
        ensure!(self.nodes.len() <= MAX_NODES, "the network has over {MAX_NODES} nodes");
        self.check_names()?;
        let shapes = counts::shapes(self)?;
        let (last, expected) = (shapes[shapes.len() - 1], self.classes.len());
        ensure!(
            last == Shape { channels: expected, height: 1, width: 1 },
            "the last node makes {last}, but the network has {expected} classes"
        );
        Ok(())
    }
}

impl Origin {
    /// The genome, where it is one.
    pub fn genome(&self) -> Option<Genome> {
        match self {
            Origin::Genome(genome) => Some(*genome),
            Origin::Baseline { .. } => None,
        }
    }

    /// What trains the network.
    pub fn optimizer(&self) -> Optimizer {
        match self {
            Origin::Genome(genome) => genome.optimizer,
            Origin::Baseline { optimizer, .. } => *optimizer,
        }
    }

    fn check(&self) -> Result<()> {
        match self {
            Origin::Genome(genome) => genome.check().context("origin"),
            Origin::Baseline { name, .. } => baseline::check_name(name).context("origin"),
        }
    }
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Origin::Genome(genome) => write!(f, "{genome}"),
            Origin::Baseline { name, optimizer } => write!(f, "{name}, {optimizer}"),
        }
    }
}

impl Input {
    /// The input's shape.
    pub fn shape(&self) -> Shape {
        Shape { channels: self.channels, height: self.height, width: self.width }
    }

    /// A pixel of a channel (0..=255) as the network takes it.
    pub fn normalise(&self, channel: usize, pixel: u8) -> f32 {
        (f32::from(pixel) / 255.0 - self.mean[channel]) / self.std[channel]
    }

    /// Fails where there is not one mean and one standard deviation a channel, or where no images
    /// could have them.
    ///
    /// # Errors
    /// A mean outside 0..1, or a standard deviation that is not above 0 and at most 0.5, the
    /// largest that values of 0..1 can have; 1 stands for no division.
    pub fn check(&self) -> Result<()> {
        ensure!(
            self.mean.len() == self.channels && self.std.len() == self.channels,
            "normalisation needs one mean and one std for each of the {} channels",
            self.channels
        );
        let hint = "they are those of pixels scaled to 0..1; divide those of 0..255 by 255";
        if let Some(mean) = self.mean.iter().find(|mean| !(0.0..=1.0).contains(*mean)) {
            bail!("the normalisation mean {mean} must be 0 to 1: {hint}");
        }
        if let Some(std) =
            self.std.iter().find(|std| !(**std > 0.0 && **std <= 0.5 || **std == 1.0))
        {
            bail!(
                "the normalisation std {std} must be above 0 and at most 0.5, or 1 for no division: {hint}"
            );
        }
        Ok(())
    }
}

impl Network {
    /// For each node, the indices of the nodes it takes; `None` stands for the image.
    ///
    /// # Errors
    /// A node takes something that is not before it.
    pub fn input_indices(&self) -> Result<Vec<Vec<Option<usize>>>> {
        let mut seen = HashMap::new();
        let mut all = Vec::with_capacity(self.nodes.len());
        for (index, node) in self.nodes.iter().enumerate() {
            let mut indices = Vec::with_capacity(node.inputs.len());
            for input in &node.inputs {
                match seen.get(input.as_str()) {
                    _ if input == INPUT => indices.push(None),
                    Some(&source) => indices.push(Some(source)),
                    None => {
                        bail!("node {}: its input {input:?} is not a node before it", node.name)
                    }
                }
            }
            all.push(indices);
            seen.insert(node.name.as_str(), index);
        }
        Ok(all)
    }

    /// Node names become file keys and source code, so only harmless characters pass.
    fn check_names(&self) -> Result<()> {
        let mut seen = std::collections::HashSet::new();
        for Node { name, .. } in &self.nodes {
            let harmless =
                |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '.';
            ensure!(
                !name.is_empty() && name.len() <= 100 && name.chars().all(harmless),
                "the node name {name:?} may only have lower-case letters, digits, '_' and '.', at most 100"
            );
            ensure!(name != INPUT && seen.insert(name), "the node name {name:?} is used twice");
        }
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::activation::Activation;
    use crate::json;
    use crate::template::Template;

    /// A template network with one FEL for images of 4x4 pixels and two classes.
    pub(crate) fn small() -> Network {
        let genome = Genome {
            left_activation: Activation::Swish,
            right_activation: Activation::Relu,
            condense_layers: 1,
            feature_extraction_layers: 7,
            kernel_size: 3,
            optimizer: Optimizer::Adam,
        };
        let input = Input { channels: 1, height: 4, width: 4, mean: vec![0.5], std: vec![0.25] };
        let template = Template { growth_rate: 3, stem_channels: 4, ..Template::default() };
        template.expand(&genome, input, vec!["zero".into(), "one".into()]).unwrap()
    }

    fn refused(change: impl FnOnce(&mut Network)) -> String {
        let mut network = small();
        change(&mut network);
        let error = json::parse::<Network>(&json::to_text(&network).unwrap()).unwrap_err();
        format!("{error:#}")
    }

    #[test]
    fn a_network_survives_its_file() {
        assert_eq!(json::parse::<Network>(&json::to_text(&small()).unwrap()).unwrap(), small());
    }

    #[test]
    fn inconsistent_graphs_are_refused_by_the_name_of_the_node() {
        let unknown = refused(|n| n.nodes[1].inputs = vec!["nowhere".into()]);
        assert!(
            unknown.contains("condense1.fel1.norm") && unknown.contains("nowhere"),
            "{unknown}"
        );
        let later = refused(|n| n.nodes[1].inputs = vec!["head.norm".into()]);
        assert!(later.contains("not a node before it"), "{later}");
        let channels = refused(|n| n.nodes[1].op = Op::BatchNorm { channels: 5 });
        assert!(channels.contains("takes 5 channels, but its input has 4"), "{channels}");
        let two = refused(|n| n.nodes[1].inputs.push(INPUT.into()));
        assert!(two.contains("needs exactly one"), "{two}");
        let unequal = refused(|n| {
            n.nodes[4].op = Op::Add {};
        });
        assert!(unequal.contains("cannot add 4x4x4 and 3x4x4"), "{unequal}");
        let alone = refused(|n| {
            n.nodes[4] = Node { op: Op::Add {}, inputs: vec![INPUT.into()], ..n.nodes[4].clone() }
        });
        assert!(alone.contains("takes 1 inputs, but needs exactly two"), "{alone}");
        let fewer = refused(|n| n.nodes[1].op = Op::Shortcut { out_channels: 3, stride: 1 });
        assert!(fewer.contains("makes 3 channels of 4"), "{fewer}");
        let still = refused(|n| n.nodes[1].op = Op::Shortcut { out_channels: 4, stride: 0 });
        assert!(still.contains("stride"), "{still}");
        let classes = refused(|n| n.classes.push("two".into()));
        assert!(classes.contains("3 classes"), "{classes}");
    }

    #[test]
    fn names_that_could_do_harm_are_refused() {
        for name in ["", "../up", "a b", "\"); panic!(\"", "Upper", "input", "stem.conv"] {
            let error = refused(|n| n.nodes[1].name = name.into());
            assert!(error.contains("name"), "{error}");
        }
    }

    #[test]
    fn a_baseline_with_a_name_that_could_do_harm_is_refused() {
        let error = refused(|n| {
            n.origin = Origin::Baseline { name: "../up".into(), optimizer: Optimizer::Sgd }
        });
        assert!(error.contains("origin") && error.contains("\"../up\""), "{error}");
    }

    #[test]
    fn sizes_past_any_memory_are_refused_without_overflow() {
        for huge in [1usize << 32, 1 << 40, 1 << 62, usize::MAX] {
            let conv = Op::Conv2d { in_channels: 1, out_channels: huge, kernel: 99, stride: 1 };
            assert!(refused(|n| n.nodes[0].op = conv).contains("stem.conv"));
            let shortcut = Op::Shortcut { out_channels: huge, stride: 1 };
            assert!(refused(|n| n.nodes[1].op = shortcut).contains("condense1.fel1.norm"));
            assert!(refused(|n| n.input.height = huge).contains("input"));
        }
    }
    /// A few bytes of JSON must not make anybody ask for all memory.
    #[test]
    fn what_no_machine_can_hold_is_refused() {
        let weights = Op::Conv2d { in_channels: 1, out_channels: 1 << 20, kernel: 33, stride: 1 };
        assert!(
            refused(|n| n.nodes[0].op = weights)
                .contains("its weights have over 134217728 elements")
        );
        let wide = |index: usize, input: &str| Node {
            name: format!("wide{index}"),
            op: Op::Shortcut { out_channels: 1 << 22, stride: 1 },
            inputs: vec![input.into()],
        };
        let one = refused(|n| {
            n.nodes.insert(
                0,
                Node { op: Op::Shortcut { out_channels: 1 << 23, stride: 1 }, ..wide(0, INPUT) },
            );
        });
        let deep = refused(|n| {
            n.nodes.insert(0, wide(0, INPUT));
            (1..100).for_each(|index| {
                n.nodes.insert(index, wide(index, &format!("wide{}", index - 1)))
            });
        });
        assert!(one.contains("wide0") && one.contains("over 67108864 elements"), "{one}");
        assert!(deep.contains("elements of one image"), "{deep}");
        let norms = refused(|n| {
            let make = |index: usize, op, input: &str| Node {
                name: format!("n{index}"),
                op,
                inputs: vec![input.into()],
            };
            let shrink = Op::Shortcut { out_channels: 1 << 22, stride: 99 };
            n.nodes.insert(0, make(0, shrink, INPUT));
            for index in 1..100 {
                n.nodes.insert(
                    index,
                    make(index, Op::BatchNorm { channels: 1 << 22 }, &format!("n{}", index - 1)),
                );
            }
        });
        assert!(norms.contains("trainable parameters"), "{norms}");
    }

    #[test]
    fn no_more_nodes_and_classes_than_anybody_needs() {
        assert!(
            refused(|n| n.classes = vec![String::new(); 10_001]).contains("over 10000 classes")
        );
        assert!(
            refused(|n| n.nodes = vec![n.nodes[0].clone(); 100_001]).contains("over 100000 nodes")
        );
    }
}
