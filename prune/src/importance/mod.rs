//! The importance of the filters of one convolution, and which of them a round can remove. Other
//! convolutions, numbers of parameters and the cap are not known here.

mod kmeans;
mod methods;

pub use methods::{Removal, filters_to_keep, removals};
