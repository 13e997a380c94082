//! The vocabulary of a search: the design space, its genomes, objectives and requirements, the files
//! of a search, and the hypervolume of what it found. Search algorithms are not here.

pub mod accuracy_table;
pub mod archive;
pub mod board_costs;
pub mod config;
pub mod criteria;
pub mod evaluation;
pub mod fidelity;
pub mod genome;
pub mod hypervolume;
pub mod limit;
pub mod objective;
pub mod on_board;
pub mod region;
pub mod requirements;
pub mod space;
pub mod volume;
