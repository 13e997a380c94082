//! Convolutions, and layers that are convolutions here.
//!
//! A network's convolutions have square kernels of odd sides and a padding of half the kernel. Any
//! other kernel becomes the middle, or a corner, of the smallest such one, the rest of which is
//! zero; what that makes beyond the model's rows and columns is never read.

use super::importer::{Importer, Map};
use super::operator::{Operator, sizes};
use anyhow::{Context, Result, ensure};
use common::network::{BATCH_NORM_EPSILON, Op, Shape};

/// The most elements of a kernel's weights: as many as a network has parameters.
const MAX_WEIGHTS: usize = 1 << 27;

/// A convolution of the model.
struct Layer<'a> {
    /// Filters, channels, rows and columns.
    dims: [usize; 4],
    weights: &'a [f32],
    stride: usize,
    /// Rows above and columns to the left.
    before: [usize; 2],
    /// The output.
    shape: Shape,
}

impl Layer<'_> {
    /// Returns the distance from the middle of the kernel to its edge, here.
    fn radius(&self) -> usize {
        let reach = |side: usize| {
            self.before[side].max(self.dims[2 + side].saturating_sub(1 + self.before[side]))
        };
        reach(0).max(reach(1))
    }

    /// Returns the weights in a kernel of this radius.
    ///
    /// # Errors
    /// Fails if these are too many.
    fn placed(&self, radius: usize) -> Result<Vec<f32>> {
        let [filters, channels, rows, columns] = self.dims;
        let kernel = 2 * radius + 1;
        let planes = filters.checked_mul(channels);
        let count = planes.and_then(|planes| planes.checked_mul(kernel * kernel));
        let count = count.filter(|count| *count <= MAX_WEIGHTS);
        let count =
            count.with_context(|| format!("its weights have over {MAX_WEIGHTS} elements"))?;
        let mut placed = vec![0.0; count];
        let [above, left] = self.before.map(|before| radius - before);
        let planes = placed.chunks_exact_mut(kernel * kernel);
        for (to, from) in planes.zip(self.weights.chunks_exact(rows * columns)) {
            for (row, from) in from.chunks_exact(columns).enumerate() {
                let start = (above + row) * kernel + left;
                to[start..start + columns].copy_from_slice(from);
            }
        }
        Ok(placed)
    }
}

impl Importer {
    /// Reads a `Conv`.
    ///
    /// # Errors
    /// Fails if a network has no such convolution.
    pub(super) fn convolution(&mut self, node: Operator<'_>, output: &str) -> Result<()> {
        node.must_be("group", 1)?;
        let ones = node.ints("dilations").is_none_or(|dilations| dilations == [1, 1]);
        ensure!(ones, "dilations cannot be represented");
        let x = self.map(node.input(0)?)?;
        let name = node.input(1)?;
        let weight = self.constant(name)?.clone();
        let dims = <[usize; 4]>::try_from(weight.dims.as_slice());
        let dims = dims.ok().context("its weights must have four dimensions")?;
        ensure!(
            dims.iter().all(|side| (1..=1 << 27).contains(side)) && dims[1] == x.shape.channels,
            "its weights {dims:?} are not for {} channels",
            x.shape.channels
        );
        ensure!(dims[2].max(dims[3]) <= 99, "its kernel must be below 100");
        let [stride, other] = node.sides("strides", Some([1, 1]))?;
        ensure!(
            stride == other && (1..=99).contains(&stride),
            "its strides must be equal, 1 to 99"
        );
        let input = [x.shape.height, x.shape.width];
        let [top, left, bottom, right] = padding(node, input, [dims[2], dims[3]], stride)?;
        let out = |side: usize, around: usize| -> Result<usize> {
            let room = (input[side] + around).checked_sub(dims[2 + side]);
            Ok(room.context("its kernel is larger than its input")? / stride + 1)
        };
        let [height, width] = [out(0, top + bottom)?, out(1, left + right)?];
        let shape = Shape { channels: dims[0], height, width };
        let weights = weight.floats()?;
        let layer = Layer { dims, weights, stride, before: [top, left], shape };
        let wanted = name.strip_suffix(".weight").unwrap_or(output).to_string();
        let map = self.place(&wanted, &x, &layer)?;
        let map = match node.input(2) {
            Err(_) => map,
            Ok(bias) => {
                let bias = self.constant(bias)?.floats()?.to_vec();
                self.affine(&format!("{wanted}.bias"), &map, None, bias)?
            }
        };
        self.define(output, map)
    }

    /// Adds a convolution.
    fn place(&mut self, wanted: &str, x: &Map, layer: &Layer<'_>) -> Result<Map> {
        let radius = layer.radius();
        let kernel = 2 * radius + 1;
        ensure!(kernel <= 99, "its kernel would have {kernel} rows here, but the most are 99");
        let made = x.made.map(|side| side.div_ceil(layer.stride));
        let (shape, input) = (layer.shape, [x.shape.height, x.shape.width]);
        for (side, wanted) in [shape.height, shape.width].into_iter().enumerate() {
            ensure!(
                wanted <= made[side],
                "it makes {shape}, more rows or columns than a padding of half the kernel would"
            );
            let last = (wanted - 1) * layer.stride + layer.dims[2 + side];
            ensure!(
                x.made[side] == input[side] || last <= input[side] + layer.before[side],
                "it pads a tensor that an unpadded convolution made: pad that convolution by half \
                 of its kernel"
            );
        }
        let [filters, channels, rows, columns] = layer.dims;
        let placed = layer.placed(radius)?;
        let op = Op::Conv2d {
            in_channels: channels,
            out_channels: filters,
            kernel,
            stride: layer.stride,
        };
        let name = self.add(wanted, op, &[x]);
        if kernel * kernel > rows * columns {
            self.grown.push(format!(
                "{name}: its {rows}x{columns} kernel is part of a {kernel}x{kernel} one here"
            ));
        }
        self.add_weight(&name, "weight", &[filters, channels, kernel, kernel], placed)?;
        Ok(Map { node: name, shape, made, is_flat: false })
    }

    /// Adds a fully connected layer of a tensor with several positions, as a convolution that
    /// covers them all.
    ///
    /// # Errors
    /// Fails if the kernel would be too large.
    pub(super) fn covering(
        &mut self,
        wanted: &str,
        x: &Map,
        weights: &[f32],
        bias: Vec<f32>,
    ) -> Result<Map> {
        let Shape { channels, height, width } = x.shape;
        let stride = x.made[0].max(x.made[1]);
        let shape = Shape { channels: bias.len(), height: 1, width: 1 };
        let dims = [bias.len(), channels, height, width];
        let layer = Layer { dims, weights, stride, before: [0, 0], shape };
        let map = self.place(wanted, x, &layer)?;
        self.affine(&format!("{wanted}.bias"), &map, None, bias)
    }

    /// Adds `gain * x + offset` for each channel, as a batch normalisation; no gain is 1.
    ///
    /// # Errors
    /// Fails if there are not as many numbers as channels.
    pub(super) fn affine(
        &mut self,
        wanted: &str,
        x: &Map,
        gain: Option<Vec<f32>>,
        offset: Vec<f32>,
    ) -> Result<Map> {
        let channels = x.shape.channels;
        let gain = gain.unwrap_or_else(|| vec![1.0; channels]);
        ensure!(
            gain.len() == channels && offset.len() == channels,
            "it has {} numbers for {channels} channels",
            offset.len()
        );
        // With epsilon, the deviation is 1.
        let variance = (1.0 - BATCH_NORM_EPSILON) as f32;
        let name = self.add(wanted, Op::BatchNorm { channels }, &[x]);
        for (what, data) in [
            ("weight", gain),
            ("bias", offset),
            ("running_mean", vec![0.0; channels]),
            ("running_var", vec![variance; channels]),
        ] {
            self.add_weight(&name, what, &[channels], data)?;
        }
        Ok(Map { node: name, ..x.clone() })
    }
}

/// Returns the padding above, to the left, below and to the right.
fn padding(
    node: Operator<'_>,
    input: [usize; 2],
    kernel: [usize; 2],
    stride: usize,
) -> Result<[usize; 4]> {
    let automatic = node.text("auto_pad").unwrap_or(b"NOTSET");
    let upper = match automatic {
        b"NOTSET" => return sizes("pads", node.ints("pads").unwrap_or(&[0; 4])),
        b"VALID" => return Ok([0; 4]),
        b"SAME_UPPER" => true,
        b"SAME_LOWER" => false,
        _ => anyhow::bail!("its attribute auto_pad is none of ONNX's"),
    };
    let total = |side: usize| {
        let covered = (input[side].div_ceil(stride) - 1) * stride + kernel[side];
        covered.saturating_sub(input[side])
    };
    let split = |total: usize| {
        if upper { [total / 2, total.div_ceil(2)] } else { [total.div_ceil(2), total / 2] }
    };
    let ([top, bottom], [left, right]) = (split(total(0)), split(total(1)));
    Ok([top, left, bottom, right])
}
