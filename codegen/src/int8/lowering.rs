//! From the integer steps of a network to calls of kernels. A table is computed by the convolution
//! or classifier that reads its result, unless another step reads it too; values that are read as
//! one, since the network concatenates them, are put side by side.

use crate::plan::lowering::{Graph, IMAGE, Kind, Operation, ValueId};
use crate::plan::prologue::Prologue;
use common::network::Shape;
use common::quantized::plan as quantized;
use common::quantized::{GlobalPool, Plan};
use std::collections::HashMap;

/// The calls of kernels.
pub(super) struct Lowered {
    /// Values and operations, for the places of values in memory.
    pub(super) graph: Graph,
    /// What each operation of the graph computes.
    pub(super) calls: Vec<Call>,
}

/// What an operation computes. Numbers are steps of the plan.
#[derive(Clone, Copy, Debug)]
pub(super) enum Call {
    /// Pixels as values.
    Image,
    /// A convolution, with the table of its input.
    Convolution { step: usize, table: Option<usize> },
    /// A table.
    Activation { step: usize },
    /// An average pooling.
    AveragePool { size: usize },
    /// A shortcut of a value.
    Shortcut { stride: usize, zero: Option<usize> },
    /// A classifier, with the table of its input.
    Classifier { step: usize, table: Option<usize>, largest: bool },
    /// Values side by side.
    Concat,
}

/// Lowers a plan.
pub(super) fn lower(plan: &Plan) -> Lowered {
    let mut lowering = Lowering {
        plan,
        fused: fused(plan),
        values: vec![plan.values[quantized::IMAGE].shape],
        value_of: vec![None; plan.values.len()],
        side_by_side: HashMap::new(),
        operations: Vec::new(),
        calls: Vec::new(),
    };
    for step in 0..plan.steps.len() {
        lowering.step(step);
    }
    let output = lowering.values.len() - 1;
    let Lowering { values, operations, calls, .. } = lowering;
    Lowered { graph: Graph { values, operations, output }, calls }
}

/// Returns for each step whether its only reader computes it: a table of one operand that a
/// convolution or classifier reads.
fn fused(plan: &Plan) -> Vec<bool> {
    let (mut readers, mut takes_table) =
        (vec![0; plan.values.len()], vec![false; plan.values.len()]);
    for step in &plan.steps {
        step.operation.inputs().iter().for_each(|value| readers[*value] += 1);
        if let quantized::Operation::Convolve { input, .. }
        | quantized::Operation::Classify { input, .. } = step.operation
        {
            takes_table[input] = true;
        }
    }
    let of_one = |operation: &quantized::Operation| matches!(operation, quantized::Operation::Activate { operands, .. } if operands.len() == 1);
    let steps = plan.steps.iter().enumerate();
    steps
        .map(|(index, step)| {
            of_one(&step.operation) && readers[index + 1] == 1 && takes_table[index + 1]
        })
        .collect()
}

struct Lowering<'a> {
    plan: &'a Plan,
    fused: Vec<bool>,
    values: Vec<Shape>,
    /// For each value of the plan, that of the graph.
    value_of: Vec<Option<ValueId>>,
    /// For values of the plan that are read as one, that one.
    side_by_side: HashMap<Vec<usize>, ValueId>,
    operations: Vec<Operation>,
    calls: Vec<Call>,
}

impl Lowering<'_> {
    fn step(&mut self, step: usize) {
        if self.fused[step] {
            return;
        }
        let operation = self.plan.steps[step].operation.clone();
        let (call, inputs, mut nodes) = match operation {
            quantized::Operation::Activate { operands, norms, .. } => {
                let inputs = operands.iter().map(|operand| self.operand(&operand.parts)).collect();
                let nodes = operands.into_iter().flat_map(|operand| operand.norms).chain(norms);
                (Call::Activation { step }, inputs, nodes.collect())
            }
            quantized::Operation::Convolve { input, node, pool, .. } => {
                let (table, value, mut nodes) = self.activated(input, pool == 1);
                nodes.push(node);
                (Call::Convolution { step, table }, vec![value], nodes)
            }
            quantized::Operation::Pool { input, size } => {
                (Call::AveragePool { size }, vec![self.value(input)], vec![])
            }
            quantized::Operation::Shortcut { input, stride } => {
                let zero = self.plan.table_of(input).filter(|_| self.plan.values[input].uniform);
                (Call::Shortcut { stride, zero }, vec![self.value(input)], vec![])
            }
            quantized::Operation::Classify { input, pool, .. } => {
                let (table, value, nodes) = self.activated(input, false);
                let largest = pool == GlobalPool::Max;
                (Call::Classifier { step, table, largest }, vec![value], nodes)
            }
        };
        let value = self.plan.made_by(step);
        let node = value.node.expect("only the image is of no node");
        if !nodes.contains(&node) {
            nodes.push(node);
        }
        // Logits are no bytes: they are not in the arena.
        let shape = match call {
            Call::Classifier { .. } => Shape { channels: 0, ..value.shape },
            _ => value.shape,
        };
        let node = match self.plan.steps[step].operation {
            quantized::Operation::Convolve { node, .. } => node,
            _ => node,
        };
        self.value_of[step + 1] = Some(self.push(call, node, nodes, inputs, shape));
    }

    fn push(
        &mut self,
        call: Call,
        node: usize,
        nodes: Vec<usize>,
        inputs: Vec<ValueId>,
        shape: Shape,
    ) -> ValueId {
        // Where values lie depends on concatenations alone.
        let kind = if let Call::Concat = call { Kind::Concat } else { Kind::NormActivation };
        self.values.push(shape);
        let output = self.values.len() - 1;
        let prologue = Prologue::NONE;
        self.operations.push(Operation { node, nodes, kind, prologue, inputs, output });
        self.calls.push(call);
        output
    }

    /// Returns the table that makes a value, if its reader computes it, the value that is read, and
    /// the nodes of the table. `pixels` tells whether the image is read as it is.
    fn activated(&mut self, value: usize, pixels: bool) -> (Option<usize>, ValueId, Vec<usize>) {
        let table = value.checked_sub(1).filter(|step| self.fused[*step]);
        match table.map(|step| (step, self.plan.steps[step].operation.clone())) {
            Some((step, quantized::Operation::Activate { operands, norms, .. })) => {
                let read = self.operand(&operands[0].parts);
                let mut nodes = operands[0].norms.clone();
                nodes.extend(norms);
                nodes.extend(self.plan.made_by(step).node);
                (Some(step), read, nodes)
            }
            Some(_) | None if pixels && value == quantized::IMAGE => (None, IMAGE, vec![]),
            Some(_) | None => (None, self.value(value), vec![]),
        }
    }

    /// Returns the value of the graph with the bytes of a value of the plan.
    fn value(&mut self, value: usize) -> ValueId {
        if let Some(made) = self.value_of[value] {
            return made;
        }
        assert_eq!(value, quantized::IMAGE, "a value is made before it is read");
        // Named after the first node, which reads the image.
        let image = self.push(Call::Image, 0, vec![], vec![IMAGE], self.values[IMAGE]);
        self.value_of[value] = Some(image);
        image
    }

    fn operand(&mut self, parts: &[usize]) -> ValueId {
        if let [part] = parts {
            return self.value(*part);
        }
        if let Some(value) = self.side_by_side.get(parts) {
            return *value;
        }
        let inputs: Vec<ValueId> = parts.iter().map(|part| self.value(*part)).collect();
        let channels = inputs.iter().map(|input| self.values[*input].channels).sum();
        let shape = Shape { channels, ..self.values[inputs[0]] };
        let node = self.plan.values[parts[0]].node.unwrap_or(0);
        let value = self.push(Call::Concat, node, vec![], inputs, shape);
        self.side_by_side.insert(parts.to_vec(), value);
        value
    }
}
