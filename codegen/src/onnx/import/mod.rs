//! From an ONNX model that another program wrote to a network and its weights. What a network
//! cannot represent is refused by the name of its node; no bytes make this panic.

mod constant;
mod convolution;
#[cfg(test)]
mod fuzz;
mod importer;
mod layers;
mod model;
mod operator;
mod samples;

pub(crate) use model::{Imported, Normalisation, import};
