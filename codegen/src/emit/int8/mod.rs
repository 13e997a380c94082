//! `src/lib.rs` and the kernels of a crate in 8-bit integers.

mod calls;
mod inner_loops;
mod library;

pub(super) use library::files;
