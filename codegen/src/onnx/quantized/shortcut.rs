//! Shortcuts.

use super::builder::{Builder, Stored};
use crate::onnx::graph::int_of;

impl Builder<'_> {
    /// Adds a shortcut, of bytes: the first of each `stride` rows and columns, and channels of
    /// zeros after its own.
    pub(super) fn shortcut(&mut self, index: usize, input: usize, stride: usize) -> Stored {
        let (name, value) = (&self.plan.steps[index].name, self.values[input].clone());
        let (shape, made) = (self.plan.values[input].shape, self.plan.made_by(index).shape);
        let constant = |what: &str| format!("{name}/{what}");
        let mut tensor = value.tensor;
        if stride > 1 {
            let names = ["starts", "ends", "axes", "steps"].map(constant);
            let ends = [int_of(shape.height), int_of(shape.width)];
            let lists = [[0, 0], ends, [2, 3], [int_of(stride); 2]];
            for (name, list) in names.iter().zip(lists) {
                self.graph.integers(name, &list);
            }
            let inputs: Vec<&str> =
                [&tensor].into_iter().chain(&names).map(String::as_str).collect();
            let taken = constant("taken");
            self.graph.push("Slice", &taken, &inputs, vec![]);
            tensor = taken;
        }
        if made.channels > shape.channels {
            // Padding before batch, channels, rows and columns, then after them.
            let new = int_of(made.channels - shape.channels);
            let [pads, padded] = ["pads", "quantized"].map(constant);
            self.graph.integers(&pads, &[0, 0, 0, 0, 0, new, 0, 0]);
            let [_, zero_point] = self.constants(&value.unit);
            let inputs = [tensor.as_str(), &pads, &zero_point];
            self.graph.push("Pad", &padded, &inputs, vec![]);
            tensor = padded;
        }
        Stored { tensor, unit: value.unit }
    }
}
