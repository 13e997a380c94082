//! The kernels that a plan in integers calls.

use super::constants::{FilterConstants, TableConstants};
use runtime::int8::conv::Convolution;

/// A kernel with its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kernel {
    /// Stores pixels as values.
    Image,
    /// Convolution.
    Convolution {
        /// The sizes.
        layer: Convolution,
        /// Filters that are computed together.
        tile: usize,
        /// The batch normalisation and activation of the input.
        table: Option<TableConstants>,
        /// The filters.
        filters: FilterConstants,
        /// The value that is read: its index in [`common::quantized::Plan`].
        read: usize,
    },
    /// Batch normalisation and activation, of one input or of the sum of two.
    Activation(TableConstants),
    /// Average pooling with squares of this side.
    AveragePool {
        /// The side.
        size: usize,
    },
    /// The first of every few rows and columns, then channels of zeros.
    Shortcut {
        /// Step in both directions.
        stride: usize,
        /// The step of [`common::quantized::Plan`] whose table says which byte is 0; `None` if 0 is.
        zero: Option<usize>,
    },
    /// Global pooling and the classifier.
    Classifier {
        /// Whether the largest byte of a plane counts, and not the mean.
        largest: bool,
        /// The batch normalisation and activation of the input.
        table: Option<TableConstants>,
        /// The weights.
        filters: FilterConstants,
    },
    /// Copies a value to another place.
    Copy,
}

impl Kernel {
    /// Returns the table among the constants.
    pub(crate) fn table(&self) -> Option<&TableConstants> {
        match self {
            Kernel::Convolution { table, .. } | Kernel::Classifier { table, .. } => table.as_ref(),
            Kernel::Activation(table) => Some(table),
            Kernel::Image | Kernel::AveragePool { .. } | Kernel::Shortcut { .. } | Kernel::Copy => {
                None
            }
        }
    }

    /// Returns the filters among the constants.
    pub(crate) fn filters(&self) -> Option<&FilterConstants> {
        match self {
            Kernel::Convolution { filters, .. } | Kernel::Classifier { filters, .. } => {
                Some(filters)
            }
            Kernel::Image
            | Kernel::Activation(_)
            | Kernel::AveragePool { .. }
            | Kernel::Shortcut { .. }
            | Kernel::Copy => None,
        }
    }
}
