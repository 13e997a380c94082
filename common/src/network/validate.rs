//! Checks of a network that was read: names, sizes, and a graph that fits together.

use crate::files::json::Document;
use crate::files::ranges::within;
use crate::network::graph::{INPUT, Input, Network, Node, Origin, Shape};
use crate::network::shapes;
use anyhow::{Context, Result, bail, ensure};
use std::ops::RangeInclusive;

/// Maximum sizes: a file must not cause arbitrarily large networks.
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
        let shapes = shapes::shapes(self)?;
        let (last, expected) = (shapes[shapes.len() - 1], self.classes.len());
        ensure!(
            last == Shape { channels: expected, height: 1, width: 1 },
            "the last node makes {last}, but the network has {expected} classes"
        );
        Ok(())
    }
}

impl Origin {
    fn check(&self) -> Result<()> {
        match self {
            Origin::Genome(genome) => genome.check().context("origin"),
            Origin::Baseline { name, .. } => check_baseline_name(name).context("origin"),
        }
    }
}

impl Input {
    /// Checks that there is one mean and one standard deviation per channel, and that images can
    /// have them.
    ///
    /// # Errors
    /// Fails if a mean is outside 0..1, or if a standard deviation is not above 0 and at most 0.5,
    /// the maximum for values in 0..1. A standard deviation of 1 is also allowed and means no
    /// division.
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
    /// Checks the names of nodes. They become file keys and source code, so only a few characters
    /// are allowed.
    fn check_names(&self) -> Result<()> {
        let mut seen = std::collections::HashSet::new();
        for Node { name, .. } in &self.nodes {
            let allowed =
                |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '.';
            ensure!(
                !name.is_empty() && name.len() <= 100 && name.chars().all(allowed),
                "the node name {name:?} may only have lower-case letters, digits, '_' and '.', at most 100"
            );
            ensure!(name != INPUT && seen.insert(name), "the node name {name:?} is used twice");
        }
        Ok(())
    }
}

/// Maximum length of a name that can become the name of a crate.
const MAX_NAME: usize = 64;

/// Checks the name of a baseline. It becomes the name of files and crates, so only a few characters
/// are allowed.
pub(crate) fn check_baseline_name(name: &str) -> Result<()> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    ensure!(
        name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.len() <= MAX_NAME
            && name.chars().all(allowed),
        "the baseline name {name:?} must begin with a lower-case letter and have only such, digits and '-', at most \
         {MAX_NAME}"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::json;
    use crate::network::graph::Op;
    use crate::network::test_support::small;
    use crate::search::genome::Optimizer;

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
    fn inconsistent_graphs_are_refused_with_the_name_of_the_node() {
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
    fn node_names_with_other_characters_are_refused() {
        for name in ["", "../up", "a b", "\"); panic!(\"", "Upper", "input", "stem.conv"] {
            let error = refused(|n| n.nodes[1].name = name.into());
            assert!(error.contains("name"), "{error}");
        }
    }

    #[test]
    fn baseline_names_with_other_characters_are_refused() {
        let error = refused(|n| {
            n.origin = Origin::Baseline { name: "../up".into(), optimizer: Optimizer::Sgd }
        });
        assert!(error.contains("origin") && error.contains("\"../up\""), "{error}");
    }

    #[test]
    fn overflowing_sizes_are_refused() {
        for huge in [1usize << 32, 1 << 40, 1 << 62, usize::MAX] {
            let conv = Op::Conv2d { in_channels: 1, out_channels: huge, kernel: 99, stride: 1 };
            assert!(refused(|n| n.nodes[0].op = conv).contains("stem.conv"));
            let shortcut = Op::Shortcut { out_channels: huge, stride: 1 };
            assert!(refused(|n| n.nodes[1].op = shortcut).contains("condense1.fel1.norm"));
            assert!(refused(|n| n.input.height = huge).contains("input"));
        }
    }

    /// A small JSON file must not cause huge allocations.
    #[test]
    fn huge_networks_are_refused() {
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
                n.nodes.insert(index, wide(index, &format!("wide{}", index - 1)));
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
    fn too_many_nodes_or_classes_are_refused() {
        assert!(
            refused(|n| n.classes = vec![String::new(); 10_001]).contains("over 10000 classes")
        );
        assert!(
            refused(|n| n.nodes = vec![n.nodes[0].clone(); 100_001]).contains("over 100000 nodes")
        );
    }
}
