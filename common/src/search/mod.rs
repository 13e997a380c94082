//! The vocabulary of a search: the design space, its genomes, what is asked of them, and the files
//! that a search keeps. No search algorithm.

pub mod accuracy_table;
pub mod archive;
pub mod config;
pub mod evaluation;
pub mod fidelity;
pub mod genome;
pub mod objective;
pub mod requirements;
pub mod space;
