//! The buffers of the arena, and the slot of each value in them. The inputs of a concatenation are
//! computed at their place in the result, so that a whole condense layer is one buffer to which
//! each FEL appends its channels, and concatenation is no work. A sum replaces a term that is not
//! needed any more.

use super::lowering::{Graph, IMAGE, Kind, Operation, ValueId};

/// The place of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    /// Index of the buffer.
    pub(crate) buffer: usize,
    /// Elements of the buffer before the value.
    pub(crate) offset: usize,
}

/// The buffers of a graph.
#[derive(Debug)]
pub(crate) struct Placement {
    /// Elements of each buffer.
    pub(crate) buffers: Vec<usize>,
    slots: Vec<Option<Slot>>,
}

impl Placement {
    /// Gives every value a slot. The last concatenations come first: earlier ones are often a part
    /// of them.
    pub(crate) fn new(graph: &Graph) -> Placement {
        let mut placement =
            Placement { buffers: Vec::new(), slots: vec![None; graph.values.len()] };
        for operation in graph.operations.iter().rev() {
            if operation.kind == Kind::Concat {
                placement.place_concatenation(graph, operation);
            }
        }
        let last_uses = last_uses(graph);
        for (step, operation) in graph.operations.iter().enumerate() {
            if placement.slots[operation.output].is_none() {
                match placement.slot_of_sum(graph, &last_uses, step) {
                    Some(slot) => placement.slots[operation.output] = Some(slot),
                    None => drop(placement.place_alone(graph, operation.output)),
                }
            }
        }
        placement
    }

    /// Returns the slot of a sum that can replace its second term: the operation of the step is an
    /// addition, and nothing in the buffer of that term is needed after it.
    fn slot_of_sum(&self, graph: &Graph, last_uses: &[usize], step: usize) -> Option<Slot> {
        let Operation { kind: Kind::Add { .. }, inputs, .. } = &graph.operations[step] else {
            return None;
        };
        let (term, other) = (inputs[1], inputs[0]);
        let slot = self.of(term)?;
        let buffer = |value: &ValueId| self.of(*value).is_some_and(|of| of.buffer == slot.buffer);
        let mut sharing = (0..graph.values.len()).filter(buffer);
        (!buffer(&other) && sharing.all(|value| last_uses[value] <= step)).then_some(slot)
    }

    /// Returns the slot of a value; `None` for the image, which is not in the arena.
    pub(crate) fn of(&self, value: ValueId) -> Option<Slot> {
        self.slots[value]
    }

    /// Returns the inputs of a concatenation that are not in their slot of the result, with that
    /// slot.
    pub(crate) fn misplaced(
        &self,
        graph: &Graph,
        concatenation: &Operation,
    ) -> Vec<(ValueId, Slot)> {
        let Some(result) = self.of(concatenation.output) else { return Vec::new() };
        let mut wanted = parts(graph, concatenation, result);
        wanted.retain(|(value, slot)| self.of(*value) != Some(*slot));
        wanted
    }

    fn place_concatenation(&mut self, graph: &Graph, operation: &Operation) {
        let result =
            match self.slots[operation.output].or_else(|| self.side_by_side(graph, operation)) {
                Some(slot) => {
                    self.slots[operation.output] = Some(slot);
                    slot
                }
                None => self.place_alone(graph, operation.output),
            };
        for (value, slot) in parts(graph, operation, result) {
            if value != IMAGE && self.slots[value].is_none() {
                self.slots[value] = Some(slot);
            }
        }
    }

    /// Returns the slot of a result whose inputs all lie side by side already, because of a later
    /// concatenation.
    fn side_by_side(&self, graph: &Graph, operation: &Operation) -> Option<Slot> {
        let start = self.of(*operation.inputs.first()?)?;
        let in_place = parts(graph, operation, start)
            .iter()
            .all(|(value, slot)| self.of(*value) == Some(*slot));
        in_place.then_some(start)
    }

    fn place_alone(&mut self, graph: &Graph, value: ValueId) -> Slot {
        let slot = Slot { buffer: self.buffers.len(), offset: 0 };
        self.buffers.push(graph.values[value].elements());
        self.slots[value] = Some(slot);
        slot
    }
}

/// Returns the last step that reads or writes each value.
fn last_uses(graph: &Graph) -> Vec<usize> {
    let mut last = vec![0; graph.values.len()];
    for (step, operation) in graph.operations.iter().enumerate() {
        for value in operation.inputs.iter().chain([&operation.output]) {
            last[*value] = step;
        }
    }
    last[graph.output] = graph.operations.len();
    last
}

/// Returns the inputs of a concatenation, each with its slot in a result that begins at `result`.
fn parts(graph: &Graph, concatenation: &Operation, result: Slot) -> Vec<(ValueId, Slot)> {
    let mut offset = result.offset;
    let slot_of = |value: &ValueId| {
        let slot = Slot { buffer: result.buffer, offset };
        offset += graph.values[*value].elements();
        (*value, slot)
    };
    concatenation.inputs.iter().map(slot_of).collect()
}
