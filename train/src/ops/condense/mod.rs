//! A condense layer as one operation: its FELs (BatchNorm, activation, convolution, concatenation)
//! and what follows them, a transition or the pooling head (paper, section 4.1 and Fig. 2c).
//!
//! Node by node, every concatenation would be copied and every normalised and activated tensor
//! stored, which grows with the square of the depth. Here only the FELs' outputs are kept. A
//! channel's batch statistics are the same for all of its readers and are computed once; its
//! normalised and activated values are recomputed where they are needed, row by row in cache.

mod backward;
mod features;
mod forward;
mod layer;
mod pass;
mod reader;
mod tail;

pub use layer::{CondenseLayer, Tail};
pub use pass::{NormStatistics, Pass};
