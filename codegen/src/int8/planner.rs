//! From a network to its plan in integers.

use super::constants::{Lengths, TableConstants};
use super::kernel::Kernel;
use super::lowering::{Call, Lowered, lower};
use super::plan::{Int8Plan, Source, Step};
use crate::plan::arena::{Buffer, assign};
use crate::plan::layout::lifetimes;
use crate::plan::lower_bound::lower_bound;
use crate::plan::lowering::Operation;
use crate::plan::placement::{Placement, Slot};
use anyhow::{Result, ensure};
use common::network::Network;
use common::quantized::plan::{Operation as Quantized, Plan};
use runtime::int8::conv::Convolution;
use runtime::int8::packing::Packing;
use std::ops::Range;

/// The most bytes that one inference may need with the image: 256 MiB. A network's file could ask
/// for any size.
const MAX_BYTES: usize = 1 << 28;

impl Int8Plan {
    /// Plans a network for kernels with this packing.
    ///
    /// # Errors
    /// Fails if the network has no form in integers ([`Plan::new`]), or if one inference needs more
    /// than 256 MiB.
    pub fn new(network: &Network, packing: Packing) -> Result<Int8Plan> {
        let plan = Plan::new(network)?;
        let lowered = lower(&plan);
        let arena_lower_bound = lower_bound(&lowered.graph);
        let needed = network.input.shape().elements() + arena_lower_bound;
        ensure!(
            needed <= MAX_BYTES,
            "one inference needs at least {needed} bytes of working memory with the image, \
             but at most {MAX_BYTES} are allowed; is the image too large?"
        );
        let placement = Placement::new(&lowered.graph);
        let mut planner = Planner::new(&plan, &lowered, &placement, packing);
        let steps = (0..lowered.calls.len()).flat_map(|index| planner.steps(index)).collect();
        planner.lengths.complete();
        let (arena_len, lengths) = (planner.arena_len, planner.lengths);
        Ok(Int8Plan { steps, arena_len, arena_lower_bound, lengths })
    }
}

struct Planner<'a> {
    plan: &'a Plan,
    lowered: &'a Lowered,
    placement: &'a Placement,
    packing: Packing,
    /// The offset of each buffer in the arena.
    buffers: Vec<usize>,
    /// The scratch memory of each operation.
    scratches: Vec<Range<usize>>,
    arena_len: usize,
    /// The constants so far.
    lengths: Lengths,
}

impl<'a> Planner<'a> {
    fn new(
        plan: &'a Plan,
        lowered: &'a Lowered,
        placement: &'a Placement,
        packing: Packing,
    ) -> Planner<'a> {
        let mut planner = Planner {
            plan,
            lowered,
            placement,
            packing,
            buffers: Vec::new(),
            scratches: Vec::new(),
            arena_len: 0,
            lengths: Lengths::default(),
        };
        let mut buffers = lifetimes(&lowered.graph, placement);
        let values = buffers.len();
        for step in 0..lowered.calls.len() {
            let len = planner.scratch_len(step);
            buffers.push(Buffer { len, first: step, last: step, replaces: None });
        }
        let (mut offsets, arena_len) = assign(&buffers);
        let scratches = offsets.split_off(values).into_iter().zip(&buffers[values..]);
        planner.scratches = scratches.map(|(at, buffer)| at..at + buffer.len).collect();
        Planner { buffers: offsets, arena_len, ..planner }
    }

    fn scratch_len(&self, index: usize) -> usize {
        match self.lowered.calls[index] {
            Call::Convolution { step, .. } => {
                self.convolution(index, step).scratch_len(self.packing)
            }
            // A copy of a term that shares some memory with the other one.
            Call::Activation { .. } => match self.terms(index)[..] {
                [Some(first), Some(second)] if self.overlap(first, second) => {
                    self.shape_of(self.operation(index).inputs[1])
                }
                _ => 0,
            },
            Call::Image
            | Call::AveragePool { .. }
            | Call::Shortcut { .. }
            | Call::Classifier { .. }
            | Call::Concat => 0,
        }
    }

    fn operation(&self, index: usize) -> &'a Operation {
        &self.lowered.graph.operations[index]
    }

    fn shape_of(&self, value: usize) -> usize {
        self.lowered.graph.values[value].elements()
    }

    /// Returns the slots of an operation's inputs.
    fn terms(&self, index: usize) -> Vec<Option<Slot>> {
        self.operation(index).inputs.iter().map(|input| self.placement.of(*input)).collect()
    }

    /// Tells whether two different values of one size share some memory.
    fn overlap(&self, first: Slot, second: Slot) -> bool {
        first != second && first.buffer == second.buffer
    }

    fn range(&self, slot: Slot, len: usize) -> Range<usize> {
        let at = self.buffers[slot.buffer] + slot.offset;
        at..at + len
    }

    fn source(&self, value: usize) -> Source {
        let len = self.shape_of(value);
        self.placement.of(value).map_or(Source::Image, |slot| Source::Arena(self.range(slot, len)))
    }

    /// Returns the steps of an operation: none for values that lie side by side already.
    fn steps(&mut self, index: usize) -> Vec<Step> {
        let operation = self.operation(index);
        if let Call::Concat = self.lowered.calls[index] {
            let misplaced = self.placement.misplaced(&self.lowered.graph, operation).into_iter();
            return misplaced
                .map(|(value, slot)| {
                    let target = self.range(slot, self.shape_of(value));
                    self.copy(operation.node, value, target)
                })
                .collect();
        }
        let mut steps = Vec::new();
        let mut sources: Vec<Source> =
            operation.inputs.iter().map(|input| self.source(*input)).collect();
        let mut scratch = self.scratches[index].clone();
        if let (Call::Activation { .. }, false) = (self.lowered.calls[index], scratch.is_empty()) {
            steps.push(self.copy(operation.node, operation.inputs[1], scratch.clone()));
            sources[1] = Source::Arena(std::mem::replace(&mut scratch, 0..0));
        }
        let kernel = self.kernel(index);
        let output = self.lowered.graph.values[operation.output];
        let target = match self.placement.of(operation.output) {
            Some(slot) if output.elements() > 0 => self.range(slot, output.elements()),
            Some(_) | None => 0..0,
        };
        steps.push(Step {
            node: operation.node,
            nodes: operation.nodes.clone(),
            input: self.lowered.graph.values[operation.inputs[0]],
            output,
            sources,
            target,
            scratch,
            kernel,
        });
        steps
    }

    fn copy(&self, node: usize, value: usize, target: Range<usize>) -> Step {
        let shape = self.lowered.graph.values[value];
        Step {
            node,
            nodes: Vec::new(),
            input: shape,
            output: shape,
            sources: vec![self.source(value)],
            target,
            scratch: 0..0,
            kernel: Kernel::Copy,
        }
    }

    fn kernel(&mut self, index: usize) -> Kernel {
        match self.lowered.calls[index] {
            Call::Image => Kernel::Image,
            Call::Convolution { step, table } => {
                let layer = self.convolution(index, step);
                let tile = self.packing.tile(layer.filters);
                let (filters, weights) =
                    (layer.padded_filters(self.packing), layer.weights_len(self.packing));
                let table = table.map(|table| self.table(table));
                let filters = self.lengths.add_filters(step, filters, weights);
                let read = self.plan.steps[step].operation.inputs()[0];
                Kernel::Convolution { layer, tile, table, filters, read }
            }
            Call::Activation { step } => Kernel::Activation(self.table(step)),
            Call::AveragePool { size } => Kernel::AveragePool { size },
            Call::Shortcut { stride, zero } => Kernel::Shortcut { stride, zero },
            Call::Classifier { step, table, largest } => {
                let (classes, channels) = (
                    self.plan.made_by(step).shape.channels,
                    self.lowered.graph.values[self.operation(index).inputs[0]].channels,
                );
                let table = table.map(|table| self.table(table));
                let weights = (classes * channels).next_multiple_of(4);
                let filters = self.lengths.add_filters(step, classes, weights);
                Kernel::Classifier { largest, table, filters }
            }
            Call::Concat => Kernel::Copy,
        }
    }

    fn convolution(&self, index: usize, step: usize) -> Convolution {
        let Quantized::Convolve { filters, kernel, stride, pool, .. } =
            self.plan.steps[step].operation
        else {
            panic!("step {step} is no convolution")
        };
        let input = self.lowered.graph.values[self.operation(index).inputs[0]];
        let (channels, height, width) = (input.channels, input.height, input.width);
        Convolution { channels, height, width, pool, filters, kernel, stride }
    }

    fn table(&mut self, step: usize) -> TableConstants {
        let Quantized::Activate { operands, .. } = &self.plan.steps[step].operation else {
            panic!("step {step} has no table")
        };
        let channels = self.plan.made_by(step).shape.channels;
        self.lengths.add_table(step, operands.len(), channels)
    }
}
