//! Networks in 8-bit integers: the plan of integer steps that a network becomes, their parameters
//! (`quantized.safetensors`), their meaning (`quantization.json`), the outcome of their choice
//! (`outcome.json`), and the scalar reference, which defines the result that every other
//! implementation must reproduce to the byte. How parameters are found is in the stage `train`.

pub mod arithmetic;
mod convolution;
mod document;
mod folder;
mod lowering;
mod network;
mod outcome;
pub mod parameters;
pub mod plan;
mod reference;
mod tensors;

pub use document::{
    Calibration, Fingerprints, LayerReport, Meaning, Method, Quantization, ValidationAccuracy,
};
pub use folder::{INT8_FOLDER, QUANTIZATION_FILE, TENSORS_FILE};
pub use network::QuantizedNetwork;
pub use outcome::{OUTCOME_FILE, Outcome};
pub use parameters::{Filters, Parameters, StepParameters, Table};
pub use plan::{GlobalPool, Operand, Operation, Plan, Step, Value};
pub use reference::{accumulators, class_of, run_step};
