//! An estimate of the code size of a microcontroller's programs, known before they are built.
//!
//! A kernel is compiled once for each combination of its parameters: a small network whose
//! convolutions have many sizes needs more code than a large one. The numbers are sizes that Rust
//! 1.85 compiles the kernels to, rounded up; `make test-cross` compares them.

use crate::int8;
use crate::plan::{Kernel, Step};
use runtime::int8::packing::Packing;
use std::collections::HashSet;

/// The programs, the parts of Rust's libraries in them, and kernels without parameters.
const BASE: u64 = 38 << 10;
/// An activation, with its pooling.
const ACTIVATION: u64 = 4 << 10;
/// A convolution with one activation and one tile size, without its taps.
const CONVOLUTION: u64 = 3 << 10;
/// The taps, for each filter of a tile, or of half a tile, that is computed together.
const FILTER: u64 = 3 << 9;
/// The most filters that are computed together.
const MOST_FILTERS: usize = 6;

/// Returns an upper bound for the bytes of code and of constants other than the network's.
pub(crate) fn code_bytes(steps: &[Step]) -> u64 {
    let (mut activations, mut convolutions, mut taps) =
        (HashSet::new(), HashSet::new(), HashSet::new());
    for step in steps {
        activations.insert(step.prologue.activation);
        match step.kernel {
            Kernel::Convolution { tile, .. } => {
                convolutions.insert((step.prologue.activation, tile));
                let parts =
                    if tile > MOST_FILTERS { [tile / 2, tile - tile / 2] } else { [tile; 2] };
                taps.extend(parts.map(|filters| (tile, filters)));
            }
            Kernel::Add { activation } => {
                activations.insert(activation);
            }
            Kernel::NormActivation
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

/// The programs in integers, the parts of Rust's libraries in them, and the kernels.
const INT8_BASE: u64 = 37 << 10;
/// A call of a kernel in integers.
const INT8_CALL: u64 = 320;
/// A loop in assembly, without what it has for each column of a kernel.
const INT8_LOOP: u64 = 384;
/// What such a loop has for each column of a kernel.
const INT8_COLUMN: u64 = 208;

/// Does what [`code_bytes`] does for a plan in integers.
pub(crate) fn int8_code_bytes(steps: &[int8::Step]) -> u64 {
    let loops: HashSet<(usize, usize)> = steps
        .iter()
        .filter_map(|step| match &step.kernel {
            int8::Kernel::Convolution { layer, .. } if layer.stride == 1 => {
                Some((layer.kernel, layer.line_len(Packing::CORTEX_M)))
            }
            _ => None,
        })
        .collect();
    let loops = loops.iter().map(|(kernel, _)| INT8_LOOP + INT8_COLUMN * *kernel as u64);
    INT8_BASE + INT8_CALL * steps.len() as u64 + loops.sum::<u64>()
}
