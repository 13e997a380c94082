//! Genetic operators on vectors of gene positions (paper, section 3.2 and Fig. 2b).

use rand::{Rng, RngExt};

/// Performs one-point crossover: returns a child with the first genes of one parent and the
/// remaining genes of the other, at least one of each.
pub fn crossover<const N: usize>(
    first: &[usize; N],
    second: &[usize; N],
    rng: &mut impl Rng,
) -> [usize; N] {
    let cut = rng.random_range(1..N);
    let mut child = *first;
    child[cut..].copy_from_slice(&second[cut..]);
    child
}

/// Performs one-point mutation: changes one gene to another of its values, of which there are
/// `sizes[gene]`. Returns an unchanged copy if no gene has more than one value.
pub fn mutation<const N: usize>(
    sizes: &[usize; N],
    positions: &[usize; N],
    rng: &mut impl Rng,
) -> [usize; N] {
    let mutable: Vec<usize> = (0..N).filter(|gene| sizes[*gene] > 1).collect();
    let mut mutant = *positions;
    if !mutable.is_empty() {
        let gene = mutable[rng.random_range(0..mutable.len())];
        // A cyclic step of at least 1 and less than the number of values changes the value.
        mutant[gene] = (mutant[gene] + rng.random_range(1..sizes[gene])) % sizes[gene];
    }
    mutant
}

#[cfg(test)]
mod tests {
    use super::*;
    use common::search::space::{GENES, Positions, SearchSpace};
    use common::seed::stream;
    use std::collections::HashSet;

    #[test]
    fn crossover_takes_a_head_of_one_parent_and_a_tail_of_the_other() {
        let mut rng = stream(1, "crossover");
        let children: HashSet<Positions> =
            (0..200).map(|_| crossover(&[0; GENES], &[1; GENES], &mut rng)).collect();
        let expected = [
            [0, 1, 1, 1, 1, 1],
            [0, 0, 1, 1, 1, 1],
            [0, 0, 0, 1, 1, 1],
            [0, 0, 0, 0, 1, 1],
            [0, 0, 0, 0, 0, 1],
        ];
        assert_eq!(children, HashSet::from(expected));
    }

    #[test]
    fn mutation_changes_exactly_one_gene_and_reaches_every_value() {
        let space = SearchSpace { kernel_size: vec![3], ..SearchSpace::default() };
        let start = [2, 3, 1, 0, 0, 4];
        let mut rng = stream(1, "mutation");
        let mutants: HashSet<Positions> =
            (0..2000).map(|_| mutation(&space.sizes(), &start, &mut rng)).collect();
        for mutant in &mutants {
            assert_eq!(
                (0..GENES).filter(|gene| mutant[*gene] != start[*gene]).count(),
                1,
                "{mutant:?}"
            );
            space.genome(mutant);
        }
        assert_eq!(mutants.len(), 6 + 6 + 3 + 3 + 4);
    }

    #[test]
    fn a_space_of_one_genome_does_not_change() {
        let space = SearchSpace::default();
        let single = SearchSpace {
            left_activation: space.left_activation[..1].to_vec(),
            right_activation: space.right_activation[..1].to_vec(),
            condense_layers: vec![2],
            feature_extraction_layers: vec![16],
            kernel_size: vec![3],
            optimizer: space.optimizer[..1].to_vec(),
        };
        let mutant = mutation(&single.sizes(), &[0; GENES], &mut stream(1, "mutation"));
        assert_eq!(mutant, [0; GENES]);
    }
}
