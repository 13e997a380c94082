//! The choices of a forward pass: which kernels compute it, and in which mode.

use crate::candle_backend::CandleBackend;
use crate::ops::simd::Level;
use candle_core::Device;

/// How a forward pass treats batch normalisation and dropout.
#[derive(Clone, Copy, Debug)]
pub enum Mode {
    /// Normalises with the statistics of the batch; dropout masks depend on this seed and step.
    Training {
        /// Seed of the training.
        seed: u64,
        /// Number of the step, from 0.
        step: usize,
    },
    /// Normalises with the statistics of the batch and records them; no dropout.
    Statistics,
    /// Normalises with the running statistics; no dropout.
    Evaluation,
}

/// The kernels that compute a network.
#[derive(Clone, Debug)]
pub enum Engine {
    /// The kernels of this crate (`ops`), on the CPU.
    Native(Level),
    /// Candle's operations, on any device.
    Candle(CandleBackend),
}

impl Engine {
    /// Returns the device that holds the tensors.
    pub fn device(&self) -> &Device {
        match self {
            Engine::Native(_) => &Device::Cpu,
            Engine::Candle(backend) => &backend.device,
        }
    }
}

impl From<Level> for Engine {
    fn from(level: Level) -> Engine {
        Engine::Native(level)
    }
}
