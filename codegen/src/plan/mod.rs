//! How a network is computed: which kernel runs on which part of the memory, in which order, with
//! which constants. What a platform's files look like does not belong here. All offsets and lengths
//! are in f32 elements.

pub(crate) mod arena;
mod kernel;
pub(crate) mod layout;
pub(crate) mod liveness;
pub(crate) mod lower_bound;
pub mod lowering;
pub mod pack;
pub(crate) mod placement;
mod planner;
pub(crate) mod prologue;
mod steps;
pub(crate) mod tiling;
mod x86_64;

pub use kernel::Kernel;
pub use prologue::Prologue;
pub use steps::{Constant, ConstantKind, Device, Operand, Plan, Step};
