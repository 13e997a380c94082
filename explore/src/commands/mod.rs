//! The commands, one file each: what they read, what they run, what they print. Nothing but
//! `lib.rs` uses them.

pub(crate) mod choose;
pub(crate) mod fidelity;
pub(crate) mod network;
pub(crate) mod predict;
pub(crate) mod run;
pub(crate) mod select;
pub(crate) mod space;
