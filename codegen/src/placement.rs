//! Which values share a buffer: what is concatenated is computed at its place in the result, so that a whole condense
//! layer is one buffer to which each FEL appends its channels, and concatenation is no work.

use crate::graph::{Graph, IMAGE, Kind, Operation, ValueId};

/// Where a value begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Index of the buffer.
    pub(crate) buffer: usize,
    /// Elements before it in the buffer.
    pub(crate) offset: usize,
}

/// The buffers of a graph.
#[derive(Debug)]
pub(crate) struct Placement {
    /// Elements of each buffer.
    pub(crate) buffers: Vec<usize>,
    places: Vec<Option<Place>>,
}

impl Placement {
    /// Places all values. The last concatenations come first: those before them are often a part of theirs.
    pub(crate) fn new(graph: &Graph) -> Placement {
        let mut placement = Placement { buffers: Vec::new(), places: vec![None; graph.values.len()] };
        for operation in graph.operations.iter().rev() {
            if operation.kind == Kind::Concat {
                placement.place_concatenation(graph, operation);
            }
        }
        for operation in &graph.operations {
            if placement.places[operation.output].is_none() {
                placement.place_alone(graph, operation.output);
            }
        }
        placement
    }

    /// The place of a value; `None` for the image, which is not in our memory.
    pub(crate) fn of(&self, value: ValueId) -> Option<Place> {
        self.places[value]
    }

    /// The inputs of a concatenation that do not lie at their place in the result, with that place.
    pub(crate) fn misplaced(&self, graph: &Graph, concatenation: &Operation) -> Vec<(ValueId, Place)> {
        let Some(result) = self.of(concatenation.output) else { return Vec::new() };
        let mut wanted = parts(graph, concatenation, result);
        wanted.retain(|(value, place)| self.of(*value) != Some(*place));
        wanted
    }

    fn place_concatenation(&mut self, graph: &Graph, operation: &Operation) {
        let result = match self.places[operation.output].or_else(|| self.side_by_side(graph, operation)) {
            Some(place) => {
                self.places[operation.output] = Some(place);
                place
            }
            None => self.place_alone(graph, operation.output),
        };
        for (value, place) in parts(graph, operation, result) {
            if value != IMAGE && self.places[value].is_none() {
                self.places[value] = Some(place);
            }
        }
    }

    /// The place of a result whose inputs all lie side by side already, for the sake of a later concatenation.
    fn side_by_side(&self, graph: &Graph, operation: &Operation) -> Option<Place> {
        let start = self.of(*operation.inputs.first()?)?;
        let in_place = parts(graph, operation, start).iter().all(|(value, place)| self.of(*value) == Some(*place));
        in_place.then_some(start)
    }

    fn place_alone(&mut self, graph: &Graph, value: ValueId) -> Place {
        let place = Place { buffer: self.buffers.len(), offset: 0 };
        self.buffers.push(graph.values[value].elements());
        self.places[value] = Some(place);
        place
    }
}

/// The inputs of a concatenation and where each belongs in a result that begins at `result`.
fn parts(graph: &Graph, concatenation: &Operation, result: Place) -> Vec<(ValueId, Place)> {
    let mut offset = result.offset;
    let place_of = |value: &ValueId| {
        let place = Place { buffer: result.buffer, offset };
        offset += graph.values[*value].elements();
        (*value, place)
    };
    concatenation.inputs.iter().map(place_of).collect()
}
