//! What activations cost on a CPU.

use common::network::activation::{Activation, PiecewiseActivation};

/// The argument of an exponential, as a multiple of `-|x|`.
type Argument = u64;

/// Returns the exponentials that a kernel in f32 computes for each element, 0 to 2: those of both
/// sides, since lanes cannot branch apart, and one where both sides need the same.
pub(crate) fn exponentials(pair: PiecewiseActivation) -> u64 {
    match (below_zero(pair.left), from_zero_on(pair.right)) {
        (Some(left), Some(right)) if left != right => 2,
        (Some(_), _) | (_, Some(_)) => 1,
        (None, None) => 0,
    }
}

fn below_zero(function: Activation) -> Option<Argument> {
    match function {
        Activation::Relu | Activation::Linear => None,
        Activation::Elu | Activation::Selu | Activation::Sigmoid | Activation::Swish => Some(1),
        Activation::Tanh => Some(2),
    }
}

fn from_zero_on(function: Activation) -> Option<Argument> {
    match function {
        Activation::Relu | Activation::Linear | Activation::Elu | Activation::Selu => None,
        Activation::Sigmoid | Activation::Swish => Some(1),
        Activation::Tanh => Some(2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_are_computed_for_every_element() {
        use Activation::*;
        let of = |left, right| exponentials(PiecewiseActivation { left, right });
        assert_eq!([of(Relu, Linear), of(Linear, Selu), of(Relu, Elu)], [0; 3]);
        assert_eq!([of(Swish, Relu), of(Elu, Elu), of(Relu, Tanh), of(Tanh, Tanh)], [1; 4]);
        assert_eq!([of(Swish, Sigmoid), of(Selu, Swish)], [1; 2], "e^-|x| serves both");
        assert_eq!([of(Swish, Tanh), of(Tanh, Sigmoid)], [2; 2]);
    }
}
