//! Output shapes of all nodes, with upper bounds on the memory that a file can make a program
//! allocate.

use crate::network::graph::{Network, Op, Shape};
use anyhow::{Context, Result, anyhow, bail, ensure};

/// Maximum number of elements of one node's output for one image (256 MiB of f32).
const MAX_ELEMENTS: usize = 1 << 26;

/// Maximum number of elements of all nodes' outputs for one image (8 GiB of f32).
const MAX_ALL_ELEMENTS: usize = 1 << 31;

/// Maximum number of trainable parameters (512 MiB of f32).
const MAX_PARAMETERS: u64 = 1 << 27;

/// Returns the output shape of every node.
///
/// # Errors
/// Fails if the inputs of a node do not fit it, or if the network is too large; the error names the
/// first such node.
pub fn shapes(network: &Network) -> Result<Vec<Shape>> {
    let mut shapes: Vec<Shape> = Vec::with_capacity(network.nodes.len());
    let (mut elements, mut all_parameters) = (0, 0);
    check_size(network.input.shape()).context("input")?;
    for (node, inputs) in network.nodes.iter().zip(network.input_indices()?) {
        let inputs: Vec<Shape> = inputs
            .into_iter()
            .map(|index| index.map_or(network.input.shape(), |i| shapes[i]))
            .collect();
        let shape = output_shape(&node.op, &inputs)
            .and_then(check_size)
            .with_context(|| format!("node {}", node.name))?;
        shapes.push(shape);
        elements += shape.elements();
        all_parameters += node.parameters();
        ensure!(
            elements <= MAX_ALL_ELEMENTS,
            "the nodes up to {} make over {MAX_ALL_ELEMENTS} elements of one image",
            node.name
        );
        ensure!(
            all_parameters <= MAX_PARAMETERS,
            "the nodes up to {} have over {MAX_PARAMETERS} trainable parameters",
            node.name
        );
    }
    Ok(shapes)
}

fn output_shape(op: &Op, inputs: &[Shape]) -> Result<Shape> {
    match *op {
        Op::Conv2d { in_channels, out_channels, kernel, stride } => {
            let input = only(inputs)?;
            expect_channels(in_channels, input)?;
            ensure!(
                kernel % 2 == 1 && kernel <= 99,
                "the kernel size {kernel} must be odd and below 100"
            );
            weight_elements(op)?;
            strided(Shape { channels: out_channels, ..input }, stride)
        }
        Op::BatchNorm { channels } => expect_channels(channels, only(inputs)?),
        Op::Activation(_) => only(inputs),
        Op::Dropout { probability } => {
            ensure!(
                (0.0..1.0).contains(&probability),
                "the dropout probability {probability} must be in 0..1"
            );
            only(inputs)
        }
        Op::Concat {} => concat_shape(inputs),
        Op::Add {} => sum_shape(inputs),
        Op::Shortcut { out_channels, stride } => {
            let input = only(inputs)?;
            ensure!(
                out_channels >= input.channels,
                "it makes {out_channels} channels of {}, but a shortcut can only add some",
                input.channels
            );
            strided(Shape { channels: out_channels, ..input }, stride)
        }
        Op::AveragePool { size } => {
            let input = only(inputs)?;
            ensure!(size >= 1, "the pooling size must be at least 1");
            Ok(Shape { height: input.height / size, width: input.width / size, ..input })
        }
        Op::GlobalAveragePool {} | Op::GlobalMaxPool {} => {
            Ok(Shape { height: 1, width: 1, ..only(inputs)? })
        }
        Op::Linear { in_features, out_features } => {
            let input = only(inputs)?;
            ensure!(
                input.plane() == 1,
                "a linear node needs 1x1 positions, but its input is {input}"
            );
            expect_channels(in_features, input)?;
            weight_elements(op)?;
            Ok(Shape { channels: out_features, height: 1, width: 1 })
        }
    }
}

fn only(inputs: &[Shape]) -> Result<Shape> {
    let [input] = inputs else { bail!("it takes {} inputs, but needs exactly one", inputs.len()) };
    Ok(*input)
}

/// Returns the shape of the first of every `stride` rows and columns.
fn strided(shape: Shape, stride: usize) -> Result<Shape> {
    ensure!((1..=99).contains(&stride), "the stride {stride} must be 1 to 99");
    Ok(Shape {
        height: shape.height.div_ceil(stride),
        width: shape.width.div_ceil(stride),
        ..shape
    })
}

fn sum_shape(inputs: &[Shape]) -> Result<Shape> {
    let [first, second] = inputs else {
        bail!("it takes {} inputs, but needs exactly two", inputs.len())
    };
    ensure!(first == second, "cannot add {first} and {second}: the shapes differ");
    Ok(*first)
}

fn concat_shape(inputs: &[Shape]) -> Result<Shape> {
    let first = *inputs.first().context("a concatenation needs an input")?;
    let mut channels = 0usize;
    for input in inputs {
        ensure!(
            (input.height, input.width) == (first.height, first.width),
            "cannot concatenate {input} with {first}: rows and columns differ"
        );
        channels = channels.checked_add(input.channels).context("too many channels")?;
    }
    Ok(Shape { channels, ..first })
}

fn expect_channels(expected: usize, input: Shape) -> Result<Shape> {
    ensure!(
        input.channels == expected,
        "it takes {expected} channels, but its input has {}",
        input.channels
    );
    Ok(input)
}

fn check_size(shape: Shape) -> Result<Shape> {
    let Shape { channels, height, width } = shape;
    let elements = channels.checked_mul(height).and_then(|n| n.checked_mul(width));
    match elements {
        Some(0) => bail!("nothing is left: the shape is {shape}"),
        Some(n) if n <= MAX_ELEMENTS => Ok(shape),
        Some(_) | None => bail!("the shape {shape} has over {MAX_ELEMENTS} elements"),
    }
}

/// Returns the number of elements of an operation's weight tensor, at most [`MAX_PARAMETERS`].
fn weight_elements(op: &Op) -> Result<usize> {
    let product = match *op {
        Op::Conv2d { in_channels, out_channels, kernel, .. } => {
            in_channels.checked_mul(out_channels).and_then(|n| n.checked_mul(kernel * kernel))
        }
        Op::Linear { in_features, out_features } => in_features.checked_mul(out_features),
        Op::BatchNorm { .. }
        | Op::Activation(_)
        | Op::Dropout { .. }
        | Op::Concat {}
        | Op::Add {}
        | Op::Shortcut { .. }
        | Op::AveragePool { .. }
        | Op::GlobalAveragePool {}
        | Op::GlobalMaxPool {} => Some(0),
    };
    let allowed = product.filter(|n| *n as u64 <= MAX_PARAMETERS);
    allowed.ok_or_else(|| anyhow!("its weights have over {MAX_PARAMETERS} elements"))
}
