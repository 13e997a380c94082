//! The numbers of filters of a network's convolutions, before and after pruning.

use common::network::shapes::shapes;
use common::network::{Network, Op, Shape};
use std::collections::HashMap;

/// Convolutions that belong together: a condense layer with what leads to it and away from it, or
/// a stage of a baseline.
#[derive(Debug, PartialEq)]
pub(super) struct Block {
    /// `condense layer 1`, `stage 2`.
    pub(super) title: String,
    /// Rows and columns of its first convolution's output.
    pub(super) plane: String,
    pub(super) bars: Vec<Bar>,
}

/// A convolution.
#[derive(Debug, PartialEq)]
pub(super) struct Bar {
    /// Its name in the block: `FEL 3`, `transition`.
    pub(super) name: String,
    /// Filters before pruning.
    pub(super) filters: usize,
    /// Filters after pruning; `None` if the network has not been pruned.
    pub(super) kept: Option<usize>,
}

impl Bar {
    /// Returns the numbers of filters: `8 of 12`.
    pub(super) fn numbers(&self) -> String {
        match self.kept {
            Some(kept) if kept != self.filters => format!("{kept} of {}", self.filters),
            Some(_) | None => self.filters.to_string(),
        }
    }
}

/// Returns the convolutions of a network, and how many filters pruning kept.
pub(super) fn blocks(network: &Network, pruned: Option<&Network>) -> Vec<Block> {
    let kept: Option<HashMap<&str, usize>> = pruned.map(|pruned| filters(pruned).collect());
    let shapes = shapes(network).unwrap_or_default();
    let planes: HashMap<&str, Shape> =
        network.nodes.iter().map(|node| node.name.as_str()).zip(shapes).collect();
    let mut blocks: Vec<Block> = Vec::new();
    let mut group = String::new();
    for (name, filters) in filters(network) {
        let first = name.split('.').next().unwrap_or(name);
        let opens = is_group(first) && first != group;
        // What comes before the first group belongs to it.
        let untitled = opens && group.is_empty() && !blocks.is_empty();
        if blocks.is_empty() || opens && !untitled {
            blocks.push(Block { title: title(first), plane: String::new(), bars: vec![] });
        }
        let Some(block) = blocks.last_mut() else { continue };
        if opens {
            (group, block.title) = (first.to_string(), title(first));
        }
        if block.plane.is_empty()
            && let Some(Shape { height, width, .. }) = planes.get(name)
        {
            block.plane = format!("{height}x{width}");
        }
        let kept = kept.as_ref().map(|kept| kept.get(name).copied().unwrap_or(0));
        block.bars.push(Bar { name: short(name), filters, kept });
    }
    blocks
}

fn filters(network: &Network) -> impl Iterator<Item = (&str, usize)> {
    network.nodes.iter().filter_map(|node| match node.op {
        Op::Conv2d { out_channels, .. } => Some((node.name.as_str(), out_channels)),
        Op::BatchNorm { .. }
        | Op::Activation(_)
        | Op::Dropout { .. }
        | Op::Concat {}
        | Op::Add {}
        | Op::Shortcut { .. }
        | Op::AveragePool { .. }
        | Op::GlobalAveragePool {}
        | Op::GlobalMaxPool {}
        | Op::Linear { .. } => None,
    })
}

/// Tells whether convolutions whose names begin like this have a block of their own.
fn is_group(first: &str) -> bool {
    first.starts_with("condense") || first.starts_with("stage")
}

/// Returns `condense layer 1` for `condense1`.
fn title(first: &str) -> String {
    let digits = first.find(|c: char| c.is_ascii_digit()).unwrap_or(first.len());
    let (word, number) = first.split_at(digits);
    let word = if word == "condense" { "condense layer" } else { word };
    format!("{word} {number}").trim_end().to_string()
}

/// Returns the name of a convolution in its block.
fn short(name: &str) -> String {
    let name = name.strip_suffix(".conv").unwrap_or(name);
    match name.split_once('.') {
        Some((first, rest)) if is_group(first) => match rest.strip_prefix("fel") {
            Some(number) => format!("FEL {number}"),
            None => rest.to_string(),
        },
        Some(_) | None => name.trim_end_matches(|c: char| c.is_ascii_digit()).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::network::tests::{baseline, template};

    #[test]
    fn condense_layers_are_blocks_with_their_stem_and_transition() {
        let (dense, pruned) = (template(12), template(7));
        let found = blocks(&dense, Some(&pruned));
        let titles: Vec<(&str, &str)> =
            found.iter().map(|block| (block.title.as_str(), block.plane.as_str())).collect();
        assert_eq!(titles, [("condense layer 1", "28x28"), ("condense layer 2", "14x14")]);
        let bars: Vec<String> =
            found[0].bars.iter().map(|bar| format!("{} {}", bar.name, bar.numbers())).collect();
        // 24 + 4 FELs of 12 channels before the transition, and of 7 after pruning.
        assert_eq!(
            bars,
            [
                "stem 24",
                "FEL 1 7 of 12",
                "FEL 2 7 of 12",
                "FEL 3 7 of 12",
                "FEL 4 7 of 12",
                "transition 52 of 72"
            ]
        );
        let all: usize = found.iter().flat_map(|block| &block.bars).map(|bar| bar.filters).sum();
        assert_eq!(all, filters(&dense).map(|(_, filters)| filters).sum::<usize>());
    }

    #[test]
    fn an_unpruned_network_keeps_nothing_and_removes_nothing() {
        let found = blocks(&template(12), None);
        assert!(found.iter().flat_map(|block| &block.bars).all(|bar| bar.kept.is_none()));
    }

    #[test]
    fn stages_of_a_baseline_are_blocks() {
        let found = blocks(&baseline(), None);
        let titles: Vec<&str> = found.iter().map(|block| block.title.as_str()).collect();
        assert_eq!(titles, ["stage 1", "stage 2"]);
        let names: Vec<&str> = found[0].bars.iter().map(|bar| bar.name.as_str()).collect();
        assert_eq!(names, ["stem", "block1.conv1", "block1.conv2"]);
    }
}
