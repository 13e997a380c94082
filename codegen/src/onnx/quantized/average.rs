//! Averages over squares.

use super::builder::{Builder, Stored};
use crate::onnx::graph::{int_of, ints};

impl Builder<'_> {
    /// Adds the average over squares of `size` positions a side, and returns its bytes, which mean
    /// what those of `value` do.
    pub(super) fn average(&mut self, name: &str, value: &Stored, size: usize) -> Stored {
        if size == 1 {
            return value.clone();
        }
        let [mean, fraction, shifted, pooled] =
            ["mean", "fraction", "shifted", "quantized"].map(|what| format!("{name}/pool/{what}"));
        let real = self.dequantize(value);
        let square = |name: &str| ints(name, vec![int_of(size); 2]);
        self.graph.push(
            "AveragePool",
            &mean,
            &[&real],
            vec![square("kernel_shape"), square("strides")],
        );
        // The reference rounds halves up, QuantizeLinear to even numbers: a quarter of the
        // smallest difference between means leaves no halves.
        let quarter = value.unit.scale / (4 * size * size) as f32;
        self.graph.floats(&fraction, &[], &[quarter]);
        self.graph.push("Add", &shifted, &[&mean, &fraction], vec![]);
        self.quantize(&shifted, &pooled, &value.unit.clone())
    }
}
