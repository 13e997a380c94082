//! How much code a microcontroller's programs hold, so that it is known before they are built.
//!
//! Kernels are compiled once for each use that differs: small networks whose convolutions have many
//! sizes need more code than large ones. The numbers are what Rust 1.85 makes of the kernels,
//! rounded up; `make test-cross` compares.

use crate::plan::{Kernel, Step};
use std::collections::HashSet;

/// The programs, what they need of Rust's libraries, and kernels of which there is one copy.
const BASE: u64 = 38 << 10;
/// An activation, with the pooling that it goes with.
const ACTIVATION: u64 = 4 << 10;
/// A convolution of one activation and one size of tiles, without its taps.
const CONVOLUTION: u64 = 3 << 10;
/// The taps, for each filter of the tiles or half tiles that are computed together.
const FILTER: u64 = 3 << 9;
/// The most filters that are computed together.
const MOST_FILTERS: usize = 6;

/// Bytes of code and of constants that are not the network's, at most.
pub(crate) fn code_bytes(steps: &[Step]) -> u64 {
    let (mut activations, mut convolutions, mut taps) =
        (HashSet::new(), HashSet::new(), HashSet::new());
    for step in steps {
        activations.insert(step.entry.activation);
        match step.kernel {
            Kernel::Convolution { tile, .. } => {
                convolutions.insert((step.entry.activation, tile));
                let parts =
                    if tile > MOST_FILTERS { [tile / 2, tile - tile / 2] } else { [tile; 2] };
                taps.extend(parts.map(|filters| (tile, filters)));
            }
            Kernel::Add { activation } => {
                activations.insert(activation);
            }
            Kernel::Map
            | Kernel::Shortcut { .. }
            | Kernel::AveragePool { .. }
            | Kernel::GlobalAveragePool
            | Kernel::GlobalMaxPool
            | Kernel::Linear { .. }
            | Kernel::Copy => {}
        }
    }
    let filters: usize = taps.iter().map(|(_, filters)| filters).sum();
    let activations = activations.iter().flatten().count();
    BASE + ACTIVATION * activations as u64
        + CONVOLUTION * convolutions.len() as u64
        + FILTER * filters as u64
}
