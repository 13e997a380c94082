//! The platform `onnx`: a folder with a model for ONNX Runtime and other programs that read ONNX.
//! A model is the network as it is described; there is no plan here, except for the steps of an int8
//! network. `import` reads models.

mod activation;
mod files;
mod graph;
pub(crate) mod import;
mod layers;
pub mod model;
pub mod proto;
pub(crate) mod quantized;

pub(crate) use files::{Description, files, quantized_files};
pub(crate) use layers::layers;
