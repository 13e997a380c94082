//! The state that all nodes of one forward pass share.

use super::engine::Mode;
use crate::ops::statistics::{SharedStatistics, Statistics};
use candle_core::Tensor;
use std::collections::BTreeMap;

/// The state of one forward pass.
pub(super) struct ForwardContext {
    /// Images of the batch.
    pub(super) images: usize,
    pub(super) mode: Mode,
    /// For each batch normalisation computed so far: its name, its number of channels, and batch
    /// statistics whose first channels are its own.
    pub(super) statistics: Vec<(String, usize, SharedStatistics)>,
    /// Mean and variance, (2, channels), of the values of nodes, as the Candle backend computed
    /// them. Several batch normalisations read the same node or a concatenation with it.
    pub(super) moments: BTreeMap<Option<usize>, Tensor>,
}

impl ForwardContext {
    /// Returns the context of a pass over a batch of `images` before its first node.
    pub(super) fn new(images: usize, mode: Mode) -> ForwardContext {
        ForwardContext { images, mode, statistics: Vec::new(), moments: BTreeMap::new() }
    }

    /// Returns the recorded batch statistics by the name of the batch normalisation.
    pub(super) fn into_statistics(self) -> BTreeMap<String, Statistics> {
        let of = |(name, channels, shared): (String, usize, SharedStatistics)| {
            Some((name, shared.get()?.first(channels)))
        };
        self.statistics.into_iter().filter_map(of).collect()
    }
}
