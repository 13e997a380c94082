//! The least memory that an inference can do with, whoever plans it.

use crate::graph::{Graph, IMAGE, Kind, Operation};
use anyhow::{Result, ensure};

/// Elements that one inference may need, the image among them: 256 MiB. What comes from a file
/// could ask for anything.
const MAX_ELEMENTS: usize = 1 << 26;

/// Checks that one inference needs a sensible amount of memory.
///
/// # Errors
/// It does not.
pub(crate) fn check(graph: &Graph) -> Result<()> {
    let needed = graph.values[IMAGE].elements() + lower_bound(graph);
    ensure!(
        needed <= MAX_ELEMENTS,
        "one inference needs at least {needed} f32 of working memory with the image, but at most {MAX_ELEMENTS} are allowed; \
         is the image too large?"
    );
    Ok(())
}

/// The largest number of elements of tensors that some operation needs at the same time: its
/// inputs, its output, and what is there for later. Concatenations are in place, since their result
/// is their inputs, side by side, and so are additions to and average pooling of what nothing else
/// needs. The image is not ours, and kernels' scratch memory does not count.
pub(crate) fn lower_bound(graph: &Graph) -> usize {
    let last_uses = last_uses(graph);
    let mut live = 0;
    let mut most = 0;
    // How much is let go of behind each operation.
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

/// The last operation that needs each value, itself or within a concatenation; the logits are
/// needed behind all of them.
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
    use crate::graph::{Graph, IMAGE, Kind, Operation, Prologue};
    use common::network::Shape;

    fn graph(channels: &[usize], operations: &[(Kind, &[usize])]) -> Graph {
        let shape = |channels: &usize| Shape { channels: *channels, height: 1, width: 1 };
        let operation = |(index, (kind, inputs)): (usize, &(Kind, &[usize]))| Operation {
            node: 0,
            nodes: vec![],
            kind: *kind,
            prologue: Prologue::default(),
            inputs: inputs.to_vec(),
            output: index + 1,
        };
        let operations: Vec<Operation> = operations.iter().enumerate().map(operation).collect();
        Graph { values: channels.iter().map(shape).collect(), output: operations.len(), operations }
    }

    #[test]
    fn only_what_is_needed_at_the_same_time_counts() {
        // image -> 7 -> 5 -> 3
        let chain =
            graph(&[100, 7, 5, 3], &[(Kind::Map, &[IMAGE]), (Kind::Map, &[1]), (Kind::Map, &[2])]);
        assert_eq!(lower_bound(&chain), 12);
        // 7 is needed once more at the end.
        let kept = graph(
            &[100, 7, 5, 3, 10],
            &[(Kind::Map, &[IMAGE]), (Kind::Map, &[1]), (Kind::Map, &[2]), (Kind::Concat, &[1, 3])],
        );
        assert_eq!(lower_bound(&kept), 15);
    }

    #[test]
    fn an_addition_takes_the_place_of_what_nothing_else_needs() {
        let add = Kind::Add { activation: None };
        let sum = |last: &'static [usize]| {
            let first: [(Kind, &[usize]); 3] =
                [(Kind::Map, &[IMAGE]), (Kind::Map, &[1]), (add, &[1, 2])];
            graph(&[100, 5, 5, 5, 10], &[&first[..], &[(Kind::Concat, last)]].concat())
        };
        assert_eq!(lower_bound(&sum(&[3])), 10);
        assert_eq!(lower_bound(&sum(&[3, 1])), 10);
        assert_eq!(lower_bound(&sum(&[1, 2, 3])), 15);
    }

    #[test]
    fn pooling_takes_the_place_of_what_nothing_else_needs() {
        let pool = Kind::AveragePool { size: 2 };
        let alone =
            graph(&[100, 8, 2, 3], &[(Kind::Map, &[IMAGE]), (pool, &[1]), (Kind::Map, &[2])]);
        assert_eq!(lower_bound(&alone), 8);
        let kept = graph(
            &[100, 8, 2, 10],
            &[(Kind::Map, &[IMAGE]), (pool, &[1]), (Kind::Concat, &[1, 2])],
        );
        assert_eq!(lower_bound(&kept), 10);
    }

    #[test]
    fn a_concatenation_is_its_inputs() {
        let dense = graph(
            &[100, 7, 5, 12, 2],
            &[
                (Kind::Map, &[IMAGE]),
                (Kind::Map, &[1]),
                (Kind::Concat, &[1, 2]),
                (Kind::Linear, &[3]),
            ],
        );
        assert_eq!(lower_bound(&dense), 14);
    }
}
