//! Multi-objective evolutionary algorithms: pure functions over objective vectors and gene
//! positions, all objectives minimised. Nothing here knows genomes, networks, files or processes,
//! and nothing here uses another module of this crate.

pub mod dominance;
pub mod double_double;
pub mod normalize;
pub mod nsga2;
pub mod operators;
pub mod spea2;
mod truncation;
