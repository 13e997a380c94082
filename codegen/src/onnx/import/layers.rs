//! Operators other than convolutions and those of single elements.

use super::constant::Constant;
use super::importer::{Importer, Map};
use super::operator::{Operator, sizes};
use anyhow::{Context, Result, bail, ensure};
use common::network::{BATCH_NORM_EPSILON, Node, Op, Shape};

/// The input sides of `BatchNormalization` after the tensor, and a node's tensors in that order.
const NORM_TENSORS: [&str; 4] = ["weight", "bias", "running_mean", "running_var"];

impl Importer {
    /// Reads a `BatchNormalization`.
    ///
    /// # Errors
    /// Fails if it is in training mode, or if its constants do not fit.
    pub(super) fn norm(&mut self, node: Operator<'_>, output: &str) -> Result<()> {
        node.must_be("training_mode", 0)?;
        let x = self.map(node.input(0)?)?;
        let channels = x.shape.channels;
        let mut tensors = Vec::new();
        for (at, _) in NORM_TENSORS.iter().enumerate() {
            let tensor = self.constant(node.input(at + 1)?)?.floats()?.to_vec();
            ensure!(
                tensor.len() == channels,
                "it has {} numbers for {channels} channels",
                tensor.len()
            );
            tensors.push(tensor);
        }
        let epsilon = node.float("epsilon", BATCH_NORM_EPSILON);
        if epsilon as f32 != BATCH_NORM_EPSILON as f32 {
            with_our_epsilon(&mut tensors, epsilon);
        }
        let name = node.input(1)?;
        let wanted = name.strip_suffix(".weight").unwrap_or(output).to_string();
        let name = self.add(&wanted, Op::BatchNorm { channels }, &[&x]);
        for (what, data) in NORM_TENSORS.into_iter().zip(tensors) {
            self.add_weight(&name, what, &[channels], data)?;
        }
        self.define(output, Map { node: name, ..x })
    }

    /// Reads an `AveragePool`, or a `MaxPool` over all positions.
    ///
    /// # Errors
    /// Fails if a network has no such pooling.
    pub(super) fn pool(&mut self, node: Operator<'_>, output: &str) -> Result<()> {
        let x = self.map(node.input(0)?)?;
        let kernel = node.sides("kernel_shape", None)?;
        let strides = node.sides("strides", Some([1, 1]))?;
        let pads: [usize; 4] = sizes("pads", node.ints("pads").unwrap_or(&[0; 4]))?;
        let automatic = matches!(node.text("auto_pad"), Some(b"SAME_UPPER" | b"SAME_LOWER"));
        ensure!(pads == [0; 4] && !automatic, "padding of a pooling cannot be represented");
        ensure!(
            node.ints("dilations").is_none_or(|d| d == [1, 1]),
            "dilations cannot be represented"
        );
        ensure!(kernel[0] == kernel[1] && strides[0] == strides[1], "its sides must be equal");
        let (size, stride) = (kernel[0], strides[0]);
        ensure!(
            (1..=4096).contains(&size) && (1..=99).contains(&stride),
            "its sides are out of range"
        );
        let input = [x.shape.height, x.shape.width];
        if node.kind() == "MaxPool" {
            ensure!(
                kernel == input,
                "max-pooling cannot be represented unless it is over all positions; average-pooling can"
            );
            return self.global(&x, output, Op::GlobalMaxPool {});
        }
        let out = |sides: [usize; 2], by: usize| sides.map(|side| side / by);
        let (op, shape, made) = if size == 1 {
            let out = |sides: [usize; 2]| sides.map(|side| side.div_ceil(stride));
            (Op::Shortcut { out_channels: x.shape.channels, stride }, out(input), out(x.made))
        } else {
            ensure!(size == stride, "its stride {stride} must be its side, {size}");
            let whole = input.iter().all(|side| side % size == 0);
            ensure!(node.int("ceil_mode", 0) == 0 || whole, "ceil_mode cannot be represented");
            (Op::AveragePool { size }, out(input, size), out(x.made, size))
        };
        ensure!(
            shape[0] > 0 && shape[1] > 0,
            "its side {size} is larger than its input, {}",
            x.shape
        );
        let name = self.add(output, op, &[&x]);
        let shape = Shape { height: shape[0], width: shape[1], ..x.shape };
        self.define(output, Map { node: name, shape, made, is_flat: false })
    }

    /// Reads a pooling over all positions.
    ///
    /// # Errors
    /// Fails if it is over others.
    pub(super) fn global_pool(&mut self, node: Operator<'_>, output: &str) -> Result<()> {
        let x = self.map(node.input(0)?)?;
        let is_max = matches!(node.kind(), "GlobalMaxPool" | "ReduceMax");
        let op = if is_max { Op::GlobalMaxPool {} } else { Op::GlobalAveragePool {} };
        if !node.kind().starts_with("Reduce") {
            return self.global(&x, output, op);
        }
        let axes = self.axes(node)?;
        ensure!(
            axes.is_some_and(|axes| axes == [2, 3]),
            "a reduction can only be represented over rows and columns, axes 2 and 3"
        );
        self.global(&x, output, op)?;
        if node.int("keepdims", 1) == 0 {
            let map = Map { is_flat: true, ..self.map(output)? };
            self.define(output, map)?;
        }
        Ok(())
    }

    fn global(&mut self, x: &Map, output: &str, op: Op) -> Result<()> {
        Importer::must_be_whole(x)?;
        let shape = Shape { height: 1, width: 1, ..x.shape };
        let name = self.add(output, op, &[x]);
        self.define(output, Map { node: name, shape, made: [1, 1], is_flat: false })
    }

    /// Returns the axes of a node as numbers from 0 on, in order; `None` if it names none.
    fn axes(&self, node: Operator<'_>) -> Result<Option<Vec<i64>>> {
        let axes = match (node.ints("axes"), node.input(1)) {
            (Some(axes), _) => axes.to_vec(),
            (None, Ok(axes)) => self.constant(axes)?.integers()?.to_vec(),
            (None, Err(_)) => return Ok(None),
        };
        let mut axes: Vec<i64> = axes
            .iter()
            .map(|axis| if *axis < 0 { axis.saturating_add(4) } else { *axis })
            .collect();
        axes.sort_unstable();
        Ok(Some(axes))
    }

    /// Reads an operator that changes the shape but no element.
    ///
    /// # Errors
    /// Fails if the result is neither batch x elements nor batch x channels x 1 x 1.
    pub(super) fn reshape(&mut self, node: Operator<'_>, output: &str) -> Result<()> {
        let x = self.map(node.input(0)?)?;
        let elements = i64::try_from(x.shape.elements()).context("its input is too large")?;
        let one_position = x.shape.plane() == 1;
        let is_flat = match node.kind() {
            "Flatten" => {
                node.must_be("axis", 1)?;
                true
            }
            "Squeeze" => {
                let axes = self.axes(node)?;
                ensure!(
                    one_position && axes.is_some_and(|axes| axes == [2, 3]),
                    "only rows and columns can be removed, axes 2 and 3 together, where there is one"
                );
                true
            }
            "Unsqueeze" => {
                let axes = self.axes(node)?;
                let as_rows = axes.is_some_and(|axes| axes == [2, 3]);
                ensure!(x.is_flat && as_rows, "only rows and columns can be added, axes 2 and 3");
                false
            }
            _ => match self.constant(node.input(1)?)?.integers()? {
                [-1..=1, features] if [-1, elements].contains(features) => true,
                [-1..=1, channels, 1, 1] if one_position && [-1, elements].contains(channels) => {
                    false
                }
                other => {
                    bail!("the shape {other:?} cannot be represented, only batch x {elements}")
                }
            },
        };
        // A fully connected layer reads several positions as a convolution that covers them.
        self.define(output, Map { is_flat, ..x })
    }

    /// Reads a `Gemm`, or a `MatMul` with a constant.
    ///
    /// # Errors
    /// Fails if it is no fully connected layer.
    pub(super) fn linear(&mut self, node: Operator<'_>, output: &str) -> Result<()> {
        let x = self.map(node.input(0)?)?;
        ensure!(x.is_flat, "its input must be batch x elements");
        let gemm = node.kind() == "Gemm";
        if gemm {
            node.must_be("transA", 0)?;
            let (alpha, beta) = (node.float("alpha", 1.0), node.float("beta", 1.0));
            ensure!(alpha == 1.0 && beta == 1.0, "alpha and beta must be 1");
        }
        let name = node.input(1)?;
        let weight = self.constant(name)?;
        let [rows, columns] = sizes_of(weight)?;
        let is_transposed = gemm && node.int("transB", 0) == 1;
        let weights = if is_transposed {
            weight.floats()?.to_vec()
        } else {
            transposed(weight.floats()?, columns)
        };
        let (outputs, inputs) = if is_transposed { (rows, columns) } else { (columns, rows) };
        ensure!(
            inputs == x.shape.elements() && outputs > 0,
            "its weights {rows}x{columns} are not for {} elements",
            x.shape.elements()
        );
        let bias = match node.input(2) {
            Ok(bias) if gemm => self.constant(bias)?.floats()?.to_vec(),
            Ok(_) | Err(_) => vec![0.0; outputs],
        };
        ensure!(bias.len() == outputs, "its bias has {} numbers for {outputs} outputs", bias.len());
        let wanted = name.strip_suffix(".weight").unwrap_or(output).to_string();
        let map = if x.shape.plane() == 1 && x.made == [1, 1] {
            let op = Op::Linear { in_features: inputs, out_features: outputs };
            let name = self.add(&wanted, op, &[&x]);
            self.add_weight(&name, "weight", &[outputs, inputs], weights)?;
            self.add_weight(&name, "bias", &[outputs], bias)?;
            let shape = Shape { channels: outputs, height: 1, width: 1 };
            Map { node: name, shape, made: [1, 1], is_flat: true }
        } else {
            Map { is_flat: true, ..self.covering(&wanted, &x, &weights, bias)? }
        };
        self.define(output, map)
    }

    /// Reads a `Concat`.
    ///
    /// # Errors
    /// Fails if it is not of channels, or if the tensors do not fit.
    pub(super) fn concatenation(&mut self, node: Operator<'_>, output: &str) -> Result<()> {
        let maps = node.inputs().into_iter().map(|input| self.map(input));
        let maps = maps.collect::<Result<Vec<Map>>>()?;
        let first = maps.first().context("it has no input")?;
        let axis = node.int("axis", 0);
        ensure!(
            axis == 1 || axis == -3 && !first.is_flat,
            "only channels can be concatenated, axis 1"
        );
        ensure!(maps.iter().all(|map| fits(map, first)), "its inputs differ in rows or columns");
        let channels = maps.iter().try_fold(0usize, |sum, map| sum.checked_add(map.shape.channels));
        let shape =
            Shape { channels: channels.context("it has too many channels")?, ..first.shape };
        let node = self.add(output, Op::Concat {}, &maps.iter().collect::<Vec<_>>());
        self.define(output, Map { node, shape, ..first.clone() })
    }

    /// Reads an `Add`, `Sub`, `Mul` or `Div` of two tensors, or of a tensor and a number for each
    /// channel.
    ///
    /// # Errors
    /// Fails if it is anything but a sum of two tensors or a batch normalisation.
    pub(super) fn arithmetic(&mut self, node: Operator<'_>, output: &str) -> Result<()> {
        let [a, b] = [node.input(0)?, node.input(1)?];
        let constants = [self.find_constant(a).is_some(), self.find_constant(b).is_some()];
        if constants != [false, false] {
            let (x, numbers) = if constants[1] { (a, b) } else { (b, a) };
            return self.by_channel(node.kind(), x, numbers, constants[1], output);
        }
        ensure!(node.kind() == "Add", "of two tensors, only the sum can be represented");
        let [a, b] = [self.map(a)?, self.map(b)?];
        let map = self.sum(output, &a, b)?;
        self.define(output, map)
    }

    fn by_channel(
        &mut self,
        kind: &str,
        x: &str,
        numbers: &str,
        last: bool,
        output: &str,
    ) -> Result<()> {
        let x = self.map(x)?;
        let constant = self.constant(numbers)?;
        let channels = x.shape.channels;
        let expected: &[usize] = if x.is_flat { &[channels] } else { &[channels, 1, 1] };
        let shape = constant.dims.iter().skip_while(|side| **side == 1 && channels > 1);
        let shape: Vec<usize> = shape.copied().collect();
        ensure!(
            shape == expected && (x.shape.plane() == 1 || !x.is_flat),
            "a constant of the shape {:?} cannot be represented, only a number for each channel; scale \
             pixels by the normalisation of the network's input instead",
            constant.dims
        );
        let numbers = constant.floats()?.to_vec();
        if let (true, "Add") = (last, kind)
            && self.add_to_bias(&x, &numbers)
        {
            return self.define(output, x);
        }
        let zeros = vec![0.0; channels];
        let map = match (kind, last) {
            ("Add", _) => self.affine(output, &x, None, numbers)?,
            ("Sub", true) => self.affine(output, &x, None, numbers.iter().map(|x| -x).collect())?,
            ("Mul", _) => self.affine(output, &x, Some(numbers), zeros)?,
            ("Div", true) => {
                self.affine(output, &x, Some(numbers.iter().map(|x| 1.0 / x).collect()), zeros)?
            }
            _ => bail!("a constant less, or divided by, a tensor cannot be represented"),
        };
        self.define(output, map)
    }

    /// Adds numbers to the bias of the fully connected layer that was read last, if that made `x`
    /// and has none: `MatMul` and `Add` are one layer.
    fn add_to_bias(&mut self, x: &Map, numbers: &[f32]) -> bool {
        let is_last = self
            .nodes
            .last()
            .is_some_and(|node| node.name == x.node && matches!(node.op, Op::Linear { .. }));
        let bias = self.weights.0.get_mut(&format!("{}.bias", x.node)).filter(|_| is_last);
        let bias = bias.filter(|bias| bias.data.iter().all(|x| *x == 0.0));
        bias.map(|bias| bias.data = numbers.to_vec()).is_some()
    }

    /// Reads a `Pad` that adds channels of zeros behind the others.
    ///
    /// # Errors
    /// Fails if it adds anything else.
    pub(super) fn pad(&mut self, node: Operator<'_>, output: &str) -> Result<()> {
        let x = self.map(node.input(0)?)?;
        let mode = node.text("mode").unwrap_or(b"constant");
        let value = match node.input(2) {
            Ok(value) => self.constant(value)?.scalar(),
            Err(_) => Some(node.float("value", 0.0) as f32),
        };
        let pads = match node.ints("pads") {
            Some(pads) => pads.to_vec(),
            None => self.constant(node.input(1)?)?.integers()?.to_vec(),
        };
        let added = match pads[..] {
            [0, 0, 0, 0, 0, added, 0, 0] if mode == b"constant" && value == Some(0.0) => {
                usize::try_from(added).ok().filter(|added| *added <= 1 << 26)
            }
            _ => None,
        };
        let added = added.with_context(|| {
            format!("the padding {pads:?} cannot be represented, only channels of zeros at the end")
        })?;
        let out_channels = x.shape.channels + added;
        let shape = Shape { channels: out_channels, ..x.shape };
        // A pooling of single positions and the channels after it are one shortcut.
        let pooling = self.nodes.last().filter(|node| node.name == x.node).cloned();
        let (source, stride) = match pooling {
            Some(Node { op: Op::Shortcut { stride, .. }, inputs, .. }) => {
                (inputs[0].clone(), stride)
            }
            Some(_) | None => (x.node.clone(), 1),
        };
        let op = Op::Shortcut { out_channels, stride };
        let node = self.add(output, op, &[&Map { node: source, ..x.clone() }]);
        self.define(output, Map { node, shape, ..x })
    }
}

/// Changes the scales so that they make up for another epsilon.
fn with_our_epsilon(tensors: &mut [Vec<f32>], epsilon: f64) {
    if let [scales, .., variances] = tensors {
        for (scale, variance) in scales.iter_mut().zip(variances) {
            let variance = f64::from(*variance);
            let ratio = (variance + BATCH_NORM_EPSILON) / (variance + epsilon);
            *scale = (f64::from(*scale) * ratio.sqrt()) as f32;
        }
    }
}

fn fits(a: &Map, b: &Map) -> bool {
    let sides = |map: &Map| (map.shape.height, map.shape.width, map.made, map.is_flat);
    sides(a) == sides(b)
}

fn sizes_of(weight: &Constant) -> Result<[usize; 2]> {
    let sizes = <[usize; 2]>::try_from(weight.dims.as_slice());
    let sizes = sizes.ok().context("its weights must have two dimensions")?;
    Ok(sizes)
}

fn transposed(values: &[f32], columns: usize) -> Vec<f32> {
    let column = |at: usize| values.iter().skip(at).step_by(columns.max(1)).copied();
    (0..columns).flat_map(column).collect()
}
