//! Activations as operators of ONNX.

use super::graph::{GraphBuilder, float};
use common::network::activation::{Activation, PiecewiseActivation, SELU_ALPHA, SELU_SCALE};

const ZERO: &str = "zero";

impl GraphBuilder {
    /// Adds an activation: `left` for `x < 0`, else `right`; only one function if `left` continues
    /// as `right` does.
    pub(super) fn activation(
        &mut self,
        name: &str,
        output: &str,
        x: &str,
        pair: PiecewiseActivation,
    ) {
        let right = pair.right.canonical_right();
        if pair.left.canonical_right() == right {
            return self.function(output, x, pair.left);
        }
        self.floats(ZERO, &[], &[0.0]);
        let names = ["left", "right", "negative"].map(|what| format!("{name}/{what}"));
        let left = match pair.left {
            Activation::Relu => ZERO,
            Activation::Linear => x,
            Activation::Elu
            | Activation::Sigmoid
            | Activation::Tanh
            | Activation::Swish
            | Activation::Selu => {
                self.function(&names[0], x, pair.left);
                &names[0]
            }
        };
        let right = if right == Activation::Linear {
            x
        } else {
            self.function(&names[1], x, right);
            &names[1]
        };
        self.push("Less", &names[2], &[x, ZERO], vec![]);
        self.push("Where", output, &[&names[2], left, right], vec![]);
    }

    fn function(&mut self, output: &str, x: &str, activation: Activation) {
        match activation {
            Activation::Relu => self.push("Relu", output, &[x], vec![]),
            Activation::Elu => self.push("Elu", output, &[x], vec![float("alpha", 1.0)]),
            Activation::Sigmoid => self.push("Sigmoid", output, &[x], vec![]),
            Activation::Tanh => self.push("Tanh", output, &[x], vec![]),
            Activation::Swish => {
                let sigmoid = format!("{output}/sigmoid");
                self.push("Sigmoid", &sigmoid, &[x], vec![]);
                self.push("Mul", output, &[x, &sigmoid], vec![]);
            }
            Activation::Selu => {
                self.push(
                    "Selu",
                    output,
                    &[x],
                    vec![float("alpha", SELU_ALPHA), float("gamma", SELU_SCALE)],
                );
            }
            Activation::Linear => self.push("Identity", output, &[x], vec![]),
        }
    }
}
