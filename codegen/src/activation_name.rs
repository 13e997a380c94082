//! The names of activations in generated code.

use common::network::activation::Activation;

/// Returns the type that computes a function, as the runtime and the kernels for GPUs name it.
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
