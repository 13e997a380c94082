//! Prediction of a latency, or of a number of instructions, from the plan of a network's crate and
//! those of networks that were measured on the same board. Pure arithmetic: no files.

pub mod features;
pub mod latency_predictor;
mod non_negative;
mod positive_definite;
pub mod rates;
pub mod refusal;
mod student;
