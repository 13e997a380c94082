//! What a training does with gradients: clipping, the optimizers of Table 1, the learning rate of
//! every step, the moving average of the weights. All of it computes on the host; `transfer` copies
//! tensors from and to a device.

mod clipping;
pub mod ema;
pub mod optimizer;
pub mod schedule;
mod transfer;
mod update;
