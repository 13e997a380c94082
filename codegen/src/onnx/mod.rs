//! The platform `onnx`: a folder with a model for ONNX Runtime and other programs that read ONNX.
//! A model is the network as it is described; there is no plan here.

mod files;
mod layers;
pub mod model;
pub mod proto;

pub(crate) use files::files;
pub(crate) use layers::layers;
