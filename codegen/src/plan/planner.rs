//! From a network to its plan.

use super::kernel::Kernel;
use super::layout::{Layout, lay_out, lay_out_apart};
use super::lowering::{Graph, Kind, Operation, lower};
use super::placement::{Placement, Slot};
use super::prologue::Prologue;
use super::steps::{Constant, ConstantKind, Device, Operand, Plan, Step};
use super::{lower_bound, tiling};
use anyhow::Result;
use common::network::Network;
use std::ops::Range;

/// The alignment of constants in f32: 64 bytes, a cache line.
const CONSTANT_ALIGNMENT: usize = 16;

impl Plan {
    /// Plans a network for x86-64.
    ///
    /// # Errors
    /// Fails as [`Plan::on`] does.
    pub fn new(network: &Network) -> Result<Plan> {
        Plan::on(network, Device::X86_64)
    }

    /// Plans a network for a device.
    ///
    /// # Errors
    /// Fails if the graph is inconsistent, or if one inference needs more than 256 MiB.
    pub fn on(network: &Network, device: Device) -> Result<Plan> {
        let graph = lower(network)?;
        let arena_lower_bound = lower_bound::check(&graph)?;
        let placement = Placement::new(&graph);
        let layout = match device {
            Device::X86_64 | Device::Arm => lay_out(&graph, &placement, device),
            Device::Gpu => lay_out_apart(&graph, &placement),
        };
        let arena_len = layout.arena_len;
        let (placement, constants) = (&placement, Vec::new());
        let mut planner = Planner { device, graph: &graph, placement, layout, constants, end: 0 };
        let mut steps = Vec::new();
        for (index, operation) in graph.operations.iter().enumerate() {
            match operation.kind {
                Kind::Concat => steps.extend(planner.copies(operation)),
                Kind::Add { .. } => {
                    steps.extend(planner.copy_of_term(operation));
                    steps.push(planner.step(index, operation));
                }
                Kind::Convolution(_)
                | Kind::NormActivation
                | Kind::Shortcut { .. }
                | Kind::AveragePool { .. }
                | Kind::GlobalAveragePool
                | Kind::GlobalMaxPool
                | Kind::Linear => steps.push(planner.step(index, operation)),
            }
        }
        let logits = planner.operand(graph.output);
        let constants_len = planner.end.next_multiple_of(CONSTANT_ALIGNMENT);
        Ok(Plan {
            steps,
            logits,
            arena_len,
            arena_lower_bound,
            constants: planner.constants,
            constants_len,
        })
    }
}

/// What steps are made from, and the constants so far.
struct Planner<'a> {
    device: Device,
    graph: &'a Graph,
    placement: &'a Placement,
    layout: Layout,
    constants: Vec<Constant>,
    /// The end of the constants so far.
    end: usize,
}

impl Planner<'_> {
    fn range(&self, slot: Slot, len: usize) -> Range<usize> {
        let at = self.layout.buffers[slot.buffer] + slot.offset;
        at..at + len
    }

    fn operand(&self, value: usize) -> Operand {
        let len = self.graph.values[value].elements();
        self.placement
            .of(value)
            .map_or(Operand::Image, |slot| Operand::Arena(self.range(slot, len)))
    }

    fn constant(&mut self, node: usize, kind: ConstantKind, len: usize) -> Range<usize> {
        let start = self.end.next_multiple_of(CONSTANT_ALIGNMENT);
        self.end = start + len;
        self.constants.push(Constant { node, kind, range: start..self.end });
        start..self.end
    }

    fn step(&mut self, index: usize, operation: &Operation) -> Step {
        let (input, output) =
            (self.graph.values[operation.inputs[0]], self.graph.values[operation.output]);
        let source = self.operand(operation.inputs[0]);
        let target = self.range(self.slot_of_output(operation), output.elements());
        let prologue = self.prologue(operation.prologue, input.channels);
        let node = operation.node;
        let kernel = match operation.kind {
            Kind::Convolution(params) => {
                let allowance = self.layout.allowances[index];
                let (layer, tile) = tiling::for_device(self.device, input, params, allowance);
                let weights = self.constant(
                    node,
                    ConstantKind::Convolution { tile },
                    layer.weights_len(tile),
                );
                Kernel::Convolution { layer, tile, weights }
            }
            Kind::NormActivation => Kernel::NormActivation,
            Kind::Add { activation } => Kernel::Add { activation },
            Kind::Shortcut { stride } => Kernel::Shortcut { stride },
            Kind::AveragePool { size } => {
                let in_place =
                    matches!(&source, Operand::Arena(range) if range.start == target.start);
                Kernel::AveragePool { size, in_place }
            }
            Kind::GlobalAveragePool => Kernel::GlobalAveragePool,
            Kind::GlobalMaxPool => Kernel::GlobalMaxPool,
            Kind::Linear => Kernel::Linear {
                weights: self.constant(
                    node,
                    ConstantKind::LinearWeights,
                    input.channels * output.channels,
                ),
                bias: self.constant(node, ConstantKind::LinearBias, output.channels),
            },
            Kind::Concat => Kernel::Copy,
        };
        let scratch = self.layout.scratches[index].clone();
        Step {
            node,
            nodes: operation.nodes.clone(),
            input,
            output,
            source,
            target,
            scratch,
            prologue,
            kernel,
        }
    }

    fn prologue(&mut self, prologue: Prologue<usize>, channels: usize) -> Prologue<Range<usize>> {
        let norm = prologue.norm.map(|node| self.constant(node, ConstantKind::Norm, 2 * channels));
        Prologue { norm, activation: prologue.activation }
    }

    fn slot_of_output(&self, operation: &Operation) -> Slot {
        self.placement
            .of(operation.output)
            .expect("only the image has no slot, and no operation outputs it")
    }

    /// Returns the copies of those inputs of a concatenation that are not in place.
    fn copies(&self, concatenation: &Operation) -> Vec<Step> {
        let misplaced = self.placement.misplaced(self.graph, concatenation);
        misplaced.into_iter().map(|(value, slot)| self.copy(concatenation, value, slot)).collect()
    }

    /// Returns the copy of a term to the place of the sum, unless the addition is in place.
    fn copy_of_term(&self, addition: &Operation) -> Option<Step> {
        let (term, slot) = (addition.inputs[1], self.slot_of_output(addition));
        (self.placement.of(term) != Some(slot)).then(|| self.copy(addition, term, slot))
    }

    fn copy(&self, operation: &Operation, value: usize, slot: Slot) -> Step {
        let shape = self.graph.values[value];
        Step {
            node: operation.node,
            nodes: Vec::new(),
            input: shape,
            output: shape,
            source: self.operand(value),
            target: self.range(slot, shape.elements()),
            scratch: 0..0,
            prologue: Prologue::NONE,
            kernel: Kernel::Copy,
        }
    }
}
