//! The reference implementation of a network, slow and simple. Training code and generated kernels
//! are compared with it.
//!
//! Sums are computed in f64, so rounding errors are far below those of the implementations under
//! test.

use crate::network::graph::{BATCH_NORM_EPSILON, Network, Node, Op, Shape};
use crate::network::shapes;
use crate::network::weights::Weights;
use anyhow::Result;

/// Returns the value of every node for one normalised image (channels, rows, columns), in the order
/// of the nodes. The last value is the logits.
///
/// # Errors
/// Fails if the graph is inconsistent.
///
/// # Panics
/// Panics if the image does not have as many elements as the network's input, or if the weights do
/// not belong to the network.
pub fn forward_all(network: &Network, weights: &Weights, image: &[f32]) -> Result<Vec<Vec<f32>>> {
    forward(network, weights, image, |_, _| ())
}

/// Returns the logits for one normalised image. Values are freed after their last use, so memory is
/// that of a few tensors.
///
/// # Errors
/// Fails like [`forward_all`].
///
/// # Panics
/// Panics like [`forward_all`].
pub fn logits(network: &Network, weights: &Weights, image: &[f32]) -> Result<Vec<f32>> {
    let mut last_uses: Vec<usize> = (0..network.nodes.len()).collect();
    for (user, inputs) in network.input_indices()?.iter().enumerate() {
        inputs.iter().flatten().for_each(|source| last_uses[*source] = user);
    }
    let mut freed_after: Vec<Vec<usize>> = vec![Vec::new(); network.nodes.len()];
    for (node, user) in last_uses.into_iter().enumerate() {
        freed_after[user].push(node);
    }
    let last = network.nodes.len() - 1;
    let mut values = forward(network, weights, image, |done, values| {
        freed_after[done]
            .iter()
            .filter(|node| **node != last)
            .for_each(|node| values[*node] = Vec::new());
    })?;
    Ok(values.pop().unwrap_or_default())
}

/// Computes the values of all nodes. After each node, `visit` is called with its index and all
/// values so far.
fn forward(
    network: &Network,
    weights: &Weights,
    image: &[f32],
    mut visit: impl FnMut(usize, &mut [Vec<f32>]),
) -> Result<Vec<Vec<f32>>> {
    assert_eq!(
        image.len(),
        network.input.shape().elements(),
        "the image does not have the network's input shape"
    );
    let shapes = shapes::shapes(network)?;
    let inputs = network.input_indices()?;
    let mut values: Vec<Vec<f32>> = Vec::with_capacity(network.nodes.len());
    for (index, node) in network.nodes.iter().enumerate() {
        let taken: Vec<(&[f32], Shape)> = inputs[index]
            .iter()
            .map(|source| {
                source.map_or((image, network.input.shape()), |i| (values[i].as_slice(), shapes[i]))
            })
            .collect();
        values.push(node_value(node, weights, &taken, shapes[index]));
        visit(index, &mut values);
    }
    Ok(values)
}

/// Returns the index of the largest logit, the first one of equal logits.
pub fn class_of(logits: &[f32]) -> usize {
    (0..logits.len()).fold(0, |best, i| if logits[i] > logits[best] { i } else { best })
}

/// Returns the value of a node, given the values and shapes of its inputs.
pub fn node_value(
    node: &Node,
    weights: &Weights,
    inputs: &[(&[f32], Shape)],
    output: Shape,
) -> Vec<f32> {
    let (input, shape) = inputs[0];
    let tensor = |what: &str| weights.get(&format!("{}.{what}", node.name)).data.as_slice();
    match node.op {
        Op::Conv2d { kernel, stride, .. } => {
            convolution(input, shape, tensor("weight"), kernel, stride, output)
        }
        Op::BatchNorm { .. } => {
            let (gamma, beta) = (tensor("weight"), tensor("bias"));
            let (mean, var) = (tensor("running_mean"), tensor("running_var"));
            map_channels(input, shape, |c, x| {
                let scale = f64::from(gamma[c]) / (f64::from(var[c]) + BATCH_NORM_EPSILON).sqrt();
                (x - f64::from(mean[c])) * scale + f64::from(beta[c])
            })
        }
        Op::Activation(activation) => map_channels(input, shape, |_, x| activation.value(x)),
        Op::Dropout { .. } => input.to_vec(),
        Op::Concat {} => inputs.iter().flat_map(|(values, _)| values.iter().copied()).collect(),
        Op::Add {} => input
            .iter()
            .zip(inputs[1].0)
            .map(|(a, b)| (f64::from(*a) + f64::from(*b)) as f32)
            .collect(),
        Op::Shortcut { stride, .. } => shortcut(input, shape, stride, output),
        Op::AveragePool { size } => average_pool(input, shape, size, output),
        Op::GlobalAveragePool {} => {
            let mean = |plane: &[f32]| {
                plane.iter().map(|x| f64::from(*x)).sum::<f64>() / plane.len() as f64
            };
            input.chunks(shape.plane()).map(|plane| mean(plane) as f32).collect()
        }
        Op::GlobalMaxPool {} => input
            .chunks(shape.plane())
            .map(|plane| plane.iter().copied().fold(f32::NEG_INFINITY, f32::max))
            .collect(),
        Op::Linear { in_features, .. } => {
            let rows = tensor("weight").chunks(in_features).zip(tensor("bias"));
            let dot = |row: &[f32]| {
                row.iter().zip(input).map(|(w, x)| f64::from(*w) * f64::from(*x)).sum::<f64>()
            };
            rows.map(|(row, bias)| (dot(row) + f64::from(*bias)) as f32).collect()
        }
    }
}

fn map_channels(input: &[f32], shape: Shape, f: impl Fn(usize, f64) -> f64) -> Vec<f32> {
    input.iter().enumerate().map(|(i, x)| f(i / shape.plane(), f64::from(*x)) as f32).collect()
}

fn convolution(
    input: &[f32],
    shape: Shape,
    weight: &[f32],
    kernel: usize,
    stride: usize,
    output: Shape,
) -> Vec<f32> {
    let pad = kernel / 2;
    let mut result = Vec::with_capacity(output.elements());
    for filter in weight.chunks(shape.channels * kernel * kernel) {
        for y in 0..output.height {
            for x in 0..output.width {
                let mut sum = 0.0;
                for (i, w) in filter.iter().enumerate() {
                    let (channel, tap) = (i / (kernel * kernel), i % (kernel * kernel));
                    // Coordinates in the padded image, which has zeros below `pad` and from `height
                    // + pad` on.
                    let (py, px) = (y * stride + tap / kernel, x * stride + tap % kernel);
                    if (pad..shape.height + pad).contains(&py)
                        && (pad..shape.width + pad).contains(&px)
                    {
                        let at = channel * shape.plane() + (py - pad) * shape.width + (px - pad);
                        sum += f64::from(*w) * f64::from(input[at]);
                    }
                }
                result.push(sum as f32);
            }
        }
    }
    result
}

/// Returns the first of every `stride` rows and columns, followed by channels of zeros.
fn shortcut(input: &[f32], shape: Shape, stride: usize, output: Shape) -> Vec<f32> {
    let rows = input
        .chunks(shape.width)
        .enumerate()
        .filter(|(row, _)| (row % shape.height).is_multiple_of(stride));
    let mut result: Vec<f32> =
        rows.flat_map(|(_, row)| row.iter().step_by(stride).copied()).collect();
    result.resize(output.elements(), 0.0);
    result
}

fn average_pool(input: &[f32], shape: Shape, size: usize, output: Shape) -> Vec<f32> {
    let mut result = Vec::with_capacity(output.elements());
    for plane in input.chunks(shape.plane()) {
        for y in 0..output.height {
            for x in 0..output.width {
                let rows = (0..size)
                    .flat_map(|dy| &plane[(y * size + dy) * shape.width + x * size..][..size]);
                let sum: f64 = rows.map(|v| f64::from(*v)).sum();
                result.push((sum / (size * size) as f64) as f32);
            }
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::graph::INPUT;

    fn value(op: Op, inputs: &[(&[f32], Shape)], output: Shape) -> Vec<f32> {
        let node = Node { name: "node".into(), op, inputs: vec![INPUT.into()] };
        node_value(&node, &Weights::default(), inputs, output)
    }

    /// The result of PyTorch's `x[:, :, ::2, ::2]`, then zeros.
    #[test]
    fn a_shortcut_takes_every_other_position_and_adds_zeros() {
        let shape = Shape { channels: 2, height: 3, width: 4 };
        let input: Vec<f32> = (0..24u8).map(f32::from).collect();
        let made = Shape { channels: 3, height: 2, width: 2 };
        let result = value(Op::Shortcut { out_channels: 3, stride: 2 }, &[(&input, shape)], made);
        assert_eq!(result, [0.0, 2.0, 8.0, 10.0, 12.0, 14.0, 20.0, 22.0, 0.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn an_addition_adds_element_by_element() {
        let shape = Shape { channels: 1, height: 1, width: 2 };
        assert_eq!(
            value(Op::Add {}, &[(&[1.0, 2.0], shape), (&[0.5, -4.0], shape)], shape),
            [1.5, -2.0]
        );
    }
}
