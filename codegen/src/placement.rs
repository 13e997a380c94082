//! Which values share a buffer. What is concatenated is computed at its place in the result, so
//! that a whole condense layer is one buffer to which each FEL appends its channels, and
//! concatenation is no work. A sum takes the place of what is added to, if that is not needed any
//! more.

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
    /// Places all values. The last concatenations come first: those before them are often a part of
    /// theirs.
    pub(crate) fn new(graph: &Graph) -> Placement {
        let mut placement =
            Placement { buffers: Vec::new(), places: vec![None; graph.values.len()] };
        for operation in graph.operations.iter().rev() {
            if operation.kind == Kind::Concat {
                placement.place_concatenation(graph, operation);
            }
        }
        let last_uses = last_uses(graph);
        for (step, operation) in graph.operations.iter().enumerate() {
            if placement.places[operation.output].is_none() {
                match placement.place_of_sum(graph, &last_uses, step) {
                    Some(place) => placement.places[operation.output] = Some(place),
                    None => drop(placement.place_alone(graph, operation.output)),
                }
            }
        }
        placement
    }

    /// Where the operation of a step can add in place: it is an addition, and nothing of the buffer
    /// of what is added to is needed after it.
    fn place_of_sum(&self, graph: &Graph, last_uses: &[usize], step: usize) -> Option<Place> {
        let Operation { kind: Kind::Add { .. }, inputs, .. } = &graph.operations[step] else {
            return None;
        };
        let (term, other) = (inputs[1], inputs[0]);
        let place = self.of(term)?;
        let buffer = |value: &ValueId| self.of(*value).is_some_and(|of| of.buffer == place.buffer);
        let mut sharing = (0..graph.values.len()).filter(buffer);
        (!buffer(&other) && sharing.all(|value| last_uses[value] <= step)).then_some(place)
    }

    /// The place of a value; `None` for the image, which is not in our memory.
    pub(crate) fn of(&self, value: ValueId) -> Option<Place> {
        self.places[value]
    }

    /// The inputs of a concatenation that do not lie at their place in the result, with that place.
    pub(crate) fn misplaced(
        &self,
        graph: &Graph,
        concatenation: &Operation,
    ) -> Vec<(ValueId, Place)> {
        let Some(result) = self.of(concatenation.output) else { return Vec::new() };
        let mut wanted = parts(graph, concatenation, result);
        wanted.retain(|(value, place)| self.of(*value) != Some(*place));
        wanted
    }

    fn place_concatenation(&mut self, graph: &Graph, operation: &Operation) {
        let result =
            match self.places[operation.output].or_else(|| self.side_by_side(graph, operation)) {
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

    /// The place of a result whose inputs all lie side by side already, for the sake of a later
    /// concatenation.
    fn side_by_side(&self, graph: &Graph, operation: &Operation) -> Option<Place> {
        let start = self.of(*operation.inputs.first()?)?;
        let in_place = parts(graph, operation, start)
            .iter()
            .all(|(value, place)| self.of(*value) == Some(*place));
        in_place.then_some(start)
    }

    fn place_alone(&mut self, graph: &Graph, value: ValueId) -> Place {
        let place = Place { buffer: self.buffers.len(), offset: 0 };
        self.buffers.push(graph.values[value].elements());
        self.places[value] = Some(place);
        place
    }
}

/// The last step that takes or makes each value.
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
