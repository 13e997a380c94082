//! The least working memory that any plan of an inference needs.

use super::lowering::{Graph, IMAGE, Kind, Operation};
use anyhow::{Result, ensure};

/// The most elements that one inference may need with the image: 256 MiB. A network's file could
/// ask for any size.
const MAX_ELEMENTS: usize = 1 << 26;

/// Returns the lower bound of [`lower_bound`], if it is a sensible amount of memory.
///
/// # Errors
/// Fails if one inference needs more than 256 MiB with the image.
pub(crate) fn check(graph: &Graph) -> Result<usize> {
    let bound = lower_bound(graph);
    let needed = graph.values[IMAGE].elements() + bound;
    ensure!(
        needed <= MAX_ELEMENTS,
        "one inference needs at least {needed} f32 of working memory with the image, \
         but at most {MAX_ELEMENTS} are allowed; is the image too large?"
    );
    Ok(bound)
}

/// Returns the largest number of elements of tensors that are live during an operation: its inputs,
/// its output, and tensors that later operations read. Concatenations are in place, since their
/// result is their inputs side by side; so are additions and average pooling, if nothing else reads
/// their input. The image is not in the arena, and kernels' scratch memory does not count.
pub(crate) fn lower_bound(graph: &Graph) -> usize {
    let last_uses = last_uses(graph);
    let mut live = 0;
    let mut most = 0;
    // The elements that are freed after each operation.
    let mut freed = vec![0; graph.operations.len() + 1];
    for (step, operation) in graph.operations.iter().enumerate() {
        if operation.kind != Kind::Concat {
            let elements = graph.values[operation.output].elements();
            live += elements;
            freed[last_uses[operation.output].max(step)] += elements;
            most = most
                .max(live - if is_in_place(operation, step, &last_uses) { elements } else { 0 });
        }
        live -= freed[step];
    }
    most
}

fn is_in_place(operation: &Operation, step: usize, last_uses: &[usize]) -> bool {
    let is_free = |input: &usize| *input != IMAGE && last_uses[*input] == step;
    matches!(operation.kind, Kind::Add { .. } | Kind::AveragePool { .. })
        && operation.inputs.iter().any(is_free)
}

/// Returns the last operation that reads each value, directly or within a concatenation; the logits
/// are live after all operations.
fn last_uses(graph: &Graph) -> Vec<usize> {
    let mut last = vec![0; graph.values.len()];
    last[graph.output] = graph.operations.len();
    for (step, operation) in graph.operations.iter().enumerate().rev() {
        let until = if operation.kind == Kind::Concat { last[operation.output] } else { step };
        for &input in &operation.inputs {
            last[input] = last[input].max(until);
        }
    }
    last[IMAGE] = 0;
    last
}

#[cfg(test)]
mod tests {
    use super::lower_bound;
    use crate::plan::lowering::{Graph, IMAGE, Kind, Operation};
    use crate::plan::prologue::Prologue;
    use common::network::Shape;

    fn graph(channels: &[usize], operations: &[(Kind, &[usize])]) -> Graph {
        let shape = |channels: &usize| Shape { channels: *channels, height: 1, width: 1 };
        let operation = |(index, (kind, inputs)): (usize, &(Kind, &[usize]))| Operation {
            node: 0,
            nodes: vec![],
            kind: *kind,
            prologue: Prologue::NONE,
            inputs: inputs.to_vec(),
            output: index + 1,
        };
        let operations: Vec<Operation> = operations.iter().enumerate().map(operation).collect();
        Graph { values: channels.iter().map(shape).collect(), output: operations.len(), operations }
    }

    #[test]
    fn only_tensors_that_are_live_at_the_same_time_count() {
        // image -> 7 -> 5 -> 3
        let chain = graph(
            &[100, 7, 5, 3],
            &[
                (Kind::NormActivation, &[IMAGE]),
                (Kind::NormActivation, &[1]),
                (Kind::NormActivation, &[2]),
            ],
        );
        assert_eq!(lower_bound(&chain), 12);
        // 7 is needed once more at the end.
        let kept = graph(
            &[100, 7, 5, 3, 10],
            &[
                (Kind::NormActivation, &[IMAGE]),
                (Kind::NormActivation, &[1]),
                (Kind::NormActivation, &[2]),
                (Kind::Concat, &[1, 3]),
            ],
        );
        assert_eq!(lower_bound(&kept), 15);
    }

    #[test]
    fn a_sum_replaces_a_term_that_nothing_else_reads() {
        let add = Kind::Add { activation: None };
        let sum = |last: &'static [usize]| {
            let first: [(Kind, &[usize]); 3] =
                [(Kind::NormActivation, &[IMAGE]), (Kind::NormActivation, &[1]), (add, &[1, 2])];
            graph(&[100, 5, 5, 5, 10], &[&first[..], &[(Kind::Concat, last)]].concat())
        };
        assert_eq!(lower_bound(&sum(&[3])), 10);
        assert_eq!(lower_bound(&sum(&[3, 1])), 10);
        assert_eq!(lower_bound(&sum(&[1, 2, 3])), 15);
    }

    #[test]
    fn a_pooling_replaces_an_input_that_nothing_else_reads() {
        let pool = Kind::AveragePool { size: 2 };
        let alone = graph(
            &[100, 8, 2, 3],
            &[(Kind::NormActivation, &[IMAGE]), (pool, &[1]), (Kind::NormActivation, &[2])],
        );
        assert_eq!(lower_bound(&alone), 8);
        let kept = graph(
            &[100, 8, 2, 10],
            &[(Kind::NormActivation, &[IMAGE]), (pool, &[1]), (Kind::Concat, &[1, 2])],
        );
        assert_eq!(lower_bound(&kept), 10);
    }

    #[test]
    fn a_concatenation_takes_no_memory_of_its_own() {
        let dense = graph(
            &[100, 7, 5, 12, 2],
            &[
                (Kind::NormActivation, &[IMAGE]),
                (Kind::NormActivation, &[1]),
                (Kind::Concat, &[1, 2]),
                (Kind::Linear, &[3]),
            ],
        );
        assert_eq!(lower_bound(&dense), 14);
    }
}
