//! Activations as operators of ONNX, in the forms that ONNX Runtime computes fastest; `make
//! bench-onnx` compares them with others.
//!
//! The obvious form, a selection by `Where`, takes a network two to four times as long as the ones
//! here: `Where` and its mask are slow. So a pair is, in this order:
//!
//! - one function, where both sides are the same one, or where the left one is 0;
//! - the larger or the smaller of both functions, where each is so on its own side of 0 (perhaps
//!   only if the left one is taken of `min(x, 0)`);
//! - `left(min(x, 0)) + right(max(x, 0))`, where both functions are 0 at 0;
//! - a sigmoid times a mask of 0 and 1, and the other side, where one of them is not.
//!
//! `e^x - 1` is written out, since ONNX Runtime's `Exp` takes half the time of its `Elu` and
//! `Selu`.

use super::graph::{GraphBuilder, int};
use super::proto::FLOAT;
use common::network::activation::{Activation, PiecewiseActivation, SELU_ALPHA, SELU_SCALE};

/// Stands for the output among the tensors of a node.
const OUTPUT: &str = "output";

/// An activation node whose operators are added to a graph.
struct ActivationWriter<'a> {
    graph: &'a mut GraphBuilder,
    node: &'a str,
    output: &'a str,
    x: &'a str,
}

/// How the two sides of a pair become one tensor.
enum Form {
    /// The right function of `max(x, 0)`: the left one is 0.
    Right,
    /// The same function on both sides.
    Whole,
    /// The larger one of two functions.
    Larger,
    /// The smaller one of two functions.
    Smaller,
    /// The sum of functions of `min(x, 0)` and `max(x, 0)`.
    Sum,
    /// A sigmoid for `x < 0`.
    SigmoidLeft,
    /// A sigmoid for `x >= 0`.
    SigmoidRight,
}

/// Returns the form of a pair with a canonical right side.
///
/// For `x < 0`, `0 > swish > elu > tanh > x` and `tanh > selu`; for `x >= 0`, `x` is the largest one
/// but for SELU, and 0 the smallest.
fn form(left: Activation, right: Activation) -> Form {
    use Activation::{Elu, Linear, Relu, Selu, Sigmoid, Swish, Tanh};
    match (left, right) {
        (Relu, Linear | Relu | Elu | Tanh | Swish | Selu) => Form::Right,
        (Sigmoid, Sigmoid) | (Tanh, Tanh) | (Swish, Swish) | (Linear, Linear | Relu | Elu) => {
            Form::Whole
        }
        (Sigmoid, Linear | Relu | Elu | Tanh | Swish | Selu) => Form::SigmoidLeft,
        (Linear | Relu | Elu | Tanh | Swish | Selu, Sigmoid) => Form::SigmoidRight,
        (Elu | Tanh | Swish, Linear | Relu | Elu | Selu) | (Elu | Swish, Tanh) | (Linear, Selu) => {
            Form::Larger
        }
        (Linear, Tanh | Swish) => Form::Smaller,
        (Elu | Tanh, Swish) | (Selu, Linear | Relu | Elu | Selu | Tanh | Swish) => Form::Sum,
    }
}

impl GraphBuilder {
    /// Adds the activation `node` of the tensor `x`: `left` for `x < 0`, else `right`.
    pub(super) fn activation(
        &mut self,
        node: &str,
        output: &str,
        x: &str,
        pair: PiecewiseActivation,
    ) {
        ActivationWriter { graph: self, node, output, x }.write(pair);
    }
}

impl ActivationWriter<'_> {
    fn write(&mut self, pair: PiecewiseActivation) {
        let (left, right) = (pair.left, pair.right.canonical_right());
        let x = self.x;
        match form(left, right) {
            Form::Right => {
                let name = if right == Activation::Linear { OUTPUT } else { "above" };
                let above = self.add(name, "Relu", &[x]);
                self.function(OUTPUT, &above, right);
            }
            Form::Whole if left == Activation::Linear => drop(self.add(OUTPUT, "Identity", &[x])),
            Form::Whole => drop(self.function(OUTPUT, x, left)),
            Form::Larger => {
                // As it is, ELU costs more, and swish is above tanh for some x >= 0.
                let left = if left == Activation::Elu || right == Activation::Tanh {
                    self.below(left)
                } else {
                    self.function("left", x, left)
                };
                let right = self.function("right", x, right);
                self.add(OUTPUT, "Max", &[&left, &right]);
            }
            Form::Smaller => {
                let right = self.finite(right);
                self.add(OUTPUT, "Min", &[x, &right]);
            }
            Form::Sum => {
                let left = self.below(left);
                let right = self.above(right);
                self.add(OUTPUT, "Add", &[&left, &right]);
            }
            Form::SigmoidLeft => {
                let left = self.masked_sigmoid("Less", "left");
                // Swish is taken of `max(x, 0)`, and is 0 where the sigmoid is not.
                let join = if right == Activation::Swish { "Add" } else { "Max" };
                let right = self.finite(right);
                self.add(OUTPUT, join, &[&left, &right]);
            }
            Form::SigmoidRight if left == Activation::Relu => {
                self.masked_sigmoid("GreaterOrEqual", OUTPUT);
            }
            Form::SigmoidRight => {
                let right = self.masked_sigmoid("GreaterOrEqual", "right");
                let left = self.below(left);
                self.add(OUTPUT, "Add", &[&left, &right]);
            }
        }
    }

    /// Adds a function that is 0 at 0 of `min(x, 0)`, and returns the tensor.
    fn below(&mut self, function: Activation) -> String {
        let zero = self.constant("zero", 0.0);
        let below = self.add("below", "Min", &[self.x, &zero]);
        match function {
            Activation::Elu => self.exponential(&below, None),
            Activation::Selu => self.exponential(&below, Some(SELU_SCALE * SELU_ALPHA)),
            Activation::Relu
            | Activation::Sigmoid
            | Activation::Tanh
            | Activation::Swish
            | Activation::Linear => self.function("left", &below, function),
        }
    }

    /// Adds `scale * (e^x - 1)`.
    fn exponential(&mut self, x: &str, scale: Option<f64>) -> String {
        let power = self.add("power", "Exp", &[x]);
        let Some(scale) = scale else {
            let one = self.constant("one", 1.0);
            return self.add("left", "Sub", &[&power, &one]);
        };
        let scale = self.constant("selu_left", scale);
        let scaled = self.add("scaled", "Mul", &[&power, &scale]);
        self.add("left", "Sub", &[&scaled, &scale])
    }

    /// Adds a function of `max(x, 0)`, and returns the tensor.
    fn above(&mut self, function: Activation) -> String {
        let above = self.add("above", "Relu", &[self.x]);
        self.function("right", &above, function)
    }

    /// Adds a function that is right for `x >= 0`, and at most 0 and no NaN below, where swish of
    /// `-inf` is one.
    fn finite(&mut self, function: Activation) -> String {
        if function == Activation::Swish {
            self.above(function)
        } else {
            self.function("right", self.x, function)
        }
    }

    /// Adds the sigmoid where a comparison with 0 holds, and 0 elsewhere.
    fn masked_sigmoid(&mut self, comparison: &str, output: &str) -> String {
        let sigmoid = self.add("sigmoid", "Sigmoid", &[self.x]);
        let zero = self.constant("zero", 0.0);
        let holds = self.add("holds", comparison, &[self.x, &zero]);
        let mask = self.name("mask");
        let to = vec![int("to", i64::from(FLOAT))];
        self.graph.push("Cast", &mask, &[&holds], to);
        self.add(output, "Mul", &[&sigmoid, &mask])
    }

    /// Adds a function as it is for `x >= 0`, and returns its tensor: `x` itself for the identity.
    fn function(&mut self, output: &str, x: &str, function: Activation) -> String {
        match function {
            Activation::Relu | Activation::Elu | Activation::Linear => x.to_string(),
            Activation::Sigmoid => self.add(output, "Sigmoid", &[x]),
            Activation::Tanh => self.add(output, "Tanh", &[x]),
            Activation::Swish => {
                let sigmoid = self.add(&format!("{output}_sigmoid"), "Sigmoid", &[x]);
                self.add(output, "Mul", &[x, &sigmoid])
            }
            Activation::Selu => {
                let scale = self.constant("selu_right", SELU_SCALE);
                self.add(output, "Mul", &[x, &scale])
            }
        }
    }

    fn constant(&mut self, name: &str, value: f64) -> String {
        self.graph.floats(name, &[], &[value as f32]);
        name.to_string()
    }

    fn add(&mut self, what: &str, operator: &str, inputs: &[&str]) -> String {
        let output = self.name(what);
        self.graph.push(operator, &output, inputs, vec![]);
        output
    }

    fn name(&self, what: &str) -> String {
        if what == OUTPUT { self.output.to_string() } else { format!("{}/{what}", self.node) }
    }
}
