//! The files of a generated crate. A kernel's file here writes the calls of the kernel in the file
//! of the same name in `runtime/src/kernels`. Which kernel runs when is the plan's matter.

mod activation;
mod add;
mod arena;
mod bare_metal;
mod body;
mod c_api;
mod call;
mod conv;
mod files;
mod gpu;
mod hosted;
mod int8;
mod library;
mod linear;
mod lock;
mod norm;
mod package;
mod pictures;
mod pool;
mod programs;
mod readme;
mod steps;
mod target;

pub(crate) use body::{Body, F32Body, Int8Body};
pub(crate) use files::files;
pub(crate) use package::Crate;
pub(crate) use target::Target;
