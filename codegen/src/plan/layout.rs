//! The arena of a plan: a place for each buffer, and for the scratch memory of each kernel.

use super::arena::{Buffer, assign, live};
use super::lowering::{Graph, Kind, Operation};
use super::placement::{Placement, Slot};
use super::steps::Device;
use super::tiling;
use std::ops::Range;

/// The places of all buffers in the arena.
pub(super) struct Layout {
    /// The offset of each buffer.
    pub(super) buffers: Vec<usize>,
    /// The scratch memory of each operation.
    pub(super) scratches: Vec<Range<usize>>,
    /// How much scratch memory each operation may have.
    pub(super) allowances: Vec<usize>,
    /// Elements of the arena.
    pub(super) arena_len: usize,
}

/// Lays out the arena for kernels that run one after the other.
pub(super) fn lay_out(graph: &Graph, placement: &Placement, device: Device) -> Layout {
    let mut buffers = lifetimes(graph, placement);
    let steps = graph.operations.len();
    // The sizes with pooling results beside their inputs: where results replace the inputs, the
    // memory that this saves may serve as scratch memory.
    let beside = live(&buffers, steps).into_iter().max().unwrap_or(0);
    for (step, operation) in graph.operations.iter().enumerate() {
        if let Some(replaced) = replaceable(placement, &buffers, step, operation) {
            let Slot { buffer, .. } =
                placement.of(operation.output).expect("an operation's output has a slot");
            buffers[buffer].replaces = Some(replaced);
        }
    }
    let live = live(&buffers, steps);
    let most = live.iter().copied().max().unwrap_or(0);
    // Scratch memory makes convolutions faster, up to a point.
    let arena = (beside + beside / 11).min(most + most / 5);
    let allowances: Vec<usize> = live.iter().map(|live| arena.saturating_sub(*live)).collect();
    let values = buffers.len();
    for (step, (operation, allowance)) in graph.operations.iter().zip(&allowances).enumerate() {
        let len = scratch_len(graph, operation, device, *allowance);
        buffers.push(Buffer { len, first: step, last: step, replaces: None });
    }
    let (mut offsets, arena_len) = assign(&buffers);
    let scratches = offsets.split_off(values).into_iter().zip(&buffers[values..]);
    let scratches = scratches.map(|(at, buffer)| at..at + buffer.len).collect();
    Layout { buffers: offsets, scratches, allowances, arena_len }
}

/// Lays out the arena for a GPU: no kernel has scratch memory there, and none writes over its input
/// but element by element.
pub(super) fn lay_out_apart(graph: &Graph, placement: &Placement) -> Layout {
    let (buffers, arena_len) = assign(&lifetimes(graph, placement));
    let steps = graph.operations.len();
    Layout { buffers, scratches: vec![0..0; steps], allowances: vec![0; steps], arena_len }
}

/// Returns the buffers of the values, each live from the first step that touches it to the last.
pub(crate) fn lifetimes(graph: &Graph, placement: &Placement) -> Vec<Buffer> {
    let unused = Buffer { len: 0, first: usize::MAX, last: 0, replaces: None };
    let mut buffers: Vec<Buffer> =
        placement.buffers.iter().map(|len| Buffer { len: *len, ..unused }).collect();
    let mut touch = |value, step: usize| {
        if let Some(Slot { buffer, .. }) = placement.of(value) {
            buffers[buffer].first = buffers[buffer].first.min(step);
            buffers[buffer].last = buffers[buffer].last.max(step);
        }
    };
    for (step, operation) in graph.operations.iter().enumerate() {
        touch(operation.output, step);
        operation.inputs.iter().for_each(|input| touch(*input, step));
    }
    touch(graph.output, graph.operations.len());
    buffers
}

/// Returns the buffer whose beginning the output of an operation may replace. Average pooling reads
/// ahead of where it writes, so that its output may replace its input, if both are the first in
/// their buffers, the input is not needed later and the output's buffer not earlier. A buffer that
/// replaces another one is not replaced itself.
fn replaceable(
    placement: &Placement,
    buffers: &[Buffer],
    step: usize,
    operation: &Operation,
) -> Option<usize> {
    let Kind::AveragePool { .. } = operation.kind else { return None };
    let (source, target) = (placement.of(operation.inputs[0])?, placement.of(operation.output)?);
    let free = source.buffer != target.buffer
        && (source.offset, target.offset) == (0, 0)
        && buffers[source.buffer].last == step
        && buffers[source.buffer].replaces.is_none()
        && buffers[target.buffer].first == step
        && buffers[target.buffer].len <= buffers[source.buffer].len;
    free.then_some(source.buffer)
}

/// Returns the length of an operation's scratch memory.
fn scratch_len(graph: &Graph, operation: &Operation, device: Device, allowance: usize) -> usize {
    let input = graph.values[operation.inputs[0]];
    match operation.kind {
        Kind::Convolution(params) => {
            tiling::for_device(device, input, params, allowance).0.scratch_len()
        }
        Kind::AveragePool { size } => size * input.width,
        Kind::GlobalAveragePool | Kind::GlobalMaxPool => input.plane(),
        Kind::NormActivation
        | Kind::Add { .. }
        | Kind::Shortcut { .. }
        | Kind::Linear
        | Kind::Concat => 0,
    }
}
