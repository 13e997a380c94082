//! Algorithm 1 of the paper over genomes as positions in genes: `problem` says what is searched,
//! `evolution` makes populations and keeps the archive, with the modules that it uses. Nothing here
//! knows networks, trainings, files or processes; the space of networks is one instance
//! (`search::network_problem`). Selection is in `moea`, the models are in `surrogate`.

pub mod archive;
pub mod evolution;
mod mating;
mod partial;
pub mod problem;
mod screening;
pub mod settings;
pub mod trial;
pub mod unseen;
