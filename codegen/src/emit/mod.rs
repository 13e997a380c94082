//! The files of a generated crate. A kernel's file here writes the calls of the kernel in the file
//! of the same name in `runtime/src/kernels`. Which kernel runs when is the plan's matter.

mod activation;
mod add;
mod arena;
mod bare_metal;
mod call;
mod conv;
mod files;
mod gpu;
mod hosted;
mod library;
mod linear;
mod lock;
mod norm;
mod package;
mod pictures;
mod pool;
mod readme;
mod steps;
mod target;

pub(crate) use files::files;
pub(crate) use package::Crate;
pub(crate) use target::Target;
