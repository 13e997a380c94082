//! What Linux says: a generated crate has the kernels' file in this place.

pub use super::super::kernels::linux::processor_has;
