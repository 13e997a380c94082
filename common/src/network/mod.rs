//! Networks: the graph and its operations, shapes, costs and weights, and the networks of genomes
//! and baselines. No training and no generated code.

pub mod activation;
pub mod baseline;
mod builder;
pub mod counts;
mod graph;
pub mod reference;
pub mod shapes;
pub mod template;
#[cfg(test)]
pub(crate) mod test_support;
mod validate;
pub mod weights;

pub use graph::{BATCH_NORM_EPSILON, INPUT, Input, Network, Node, Op, Origin, Shape};
