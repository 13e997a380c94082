//! From images on disk to the batches of a training: order, augmentation, normalisation, and
//! batches made ahead of their use. Everything here runs on the host, whatever device computes.

pub mod augment;
pub mod batches;
pub(crate) mod check;
pub(crate) mod prefetch;
