//! The vocabulary of a search: the design space, its genomes, objectives and requirements, and the
//! files of a search. Search algorithms are not here.

pub mod accuracy_table;
pub mod archive;
pub mod config;
pub mod evaluation;
pub mod fidelity;
pub mod genome;
pub mod objective;
pub mod requirements;
pub mod space;
