//! Layers computed by Candle's operations on any device, for tensors (images, channels, height,
//! width). `candle-nn` serves where it computes the same. Nothing in here knows a network.

mod activation;
pub(crate) mod batch_norm;
mod custom_grad;
mod layers;

pub use layers::CandleBackend;
pub(crate) use layers::{average_pool, shortcut};
