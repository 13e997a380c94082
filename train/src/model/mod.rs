//! A network with trainable tensors, and how it is computed for a batch of images. This folder
//! walks the graph of `network.json`; what a single layer computes is in `ops` (native kernels) and
//! `candle_backend` (Candle's operations), which know nothing of networks.

mod candle;
mod context;
mod engine;
mod forward;
mod fusion;
mod graph;
mod native;
mod parameters;
mod rounding;

pub use engine::{Engine, Mode};
pub use forward::{Model, NodeValues, Output};
