//! The verbs of the command line, one file each. A verb reads its arguments, calls the engine and
//! writes the result; it computes nothing itself.

pub(crate) mod boards;
pub(crate) mod compare;
pub(crate) mod run;
