//! The verbs of the command line, a file each. They read options and files, call the engine and
//! write the results; how to prune is decided in the engine.

pub(crate) mod figures;
pub(crate) mod run;
pub(crate) mod scratch;
