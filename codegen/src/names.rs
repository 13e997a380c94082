//! Names that generated code uses.

use common::activation::Activation;

/// What computes a function, by the name that the runtime and the GPU's kernels give it.
pub(crate) fn function_type(activation: Activation) -> &'static str {
    match activation {
        Activation::Relu => "Relu",
        Activation::Elu => "Elu",
        Activation::Sigmoid => "Sigmoid",
        Activation::Tanh => "Tanh",
        Activation::Swish => "Swish",
        Activation::Selu => "Selu",
        Activation::Linear => "Linear",
    }
}
