//! The vectors in which a platform's kernels in f32 compute the columns of an output
//! (`runtime::simd`).

use common::board::Platform;
use runtime::conv::MAX_TILE;

/// The vectors for rows of some width. A crate for x86-64 chooses among instruction sets when it
/// starts; these are those of AVX-512.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Vectors {
    /// Columns in a vector.
    pub(crate) lanes: usize,
    /// Whether these vectors are shorter than the platform's longest.
    pub(crate) is_short: bool,
    /// The most filters whose sums fit into the registers.
    most_filters: usize,
}

impl Vectors {
    /// Returns the vectors for rows of a width.
    pub(crate) fn of(platform: Platform, width: usize) -> Vectors {
        let (lanes, is_short, most_filters) = match platform {
            Platform::X86_64 if width <= 8 => (8, true, MAX_TILE / 2),
            Platform::X86_64 => (16, false, MAX_TILE),
            Platform::Aarch64 => (4, false, MAX_TILE),
            Platform::Armv7 | Platform::CortexM => (4, false, MAX_TILE / 2),
            // A thread computes one column.
            Platform::Cuda | Platform::Onnx => (1, false, MAX_TILE),
        };
        Vectors { lanes, is_short, most_filters }
    }

    /// Returns how often an input is loaded for a tile of filters.
    pub(crate) fn passes(self, tile: usize) -> usize {
        tile.div_ceil(self.most_filters)
    }
}
