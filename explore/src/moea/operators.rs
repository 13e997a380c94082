//! Genetic operators on vectors of gene positions (paper, section 3.2 and Fig. 2b).

use rand::{Rng, RngExt};

/// Performs one-point crossover: returns a child with the first genes of one parent and the
/// remaining genes of the other, at least one of each.
///
/// # Panics
/// Panics if there are fewer than two genes.
pub fn crossover(first: &[usize], second: &[usize], rng: &mut impl Rng) -> Vec<usize> {
    let cut = rng.random_range(1..first.len());
    [&first[..cut], &second[cut..]].concat()
}

/// Performs one-point mutation: changes one gene to another of its values, of which there are
/// `sizes[gene]`. Returns an unchanged copy if no gene has more than one value.
pub fn mutation(sizes: &[usize], positions: &[usize], rng: &mut impl Rng) -> Vec<usize> {
    let mutable: Vec<usize> = (0..sizes.len()).filter(|gene| sizes[*gene] > 1).collect();
    let mut mutant = positions.to_vec();
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
    use common::seed::stream;
    use std::collections::HashSet;

    #[test]
    fn crossover_takes_a_head_of_one_parent_and_a_tail_of_the_other() {
        let mut rng = stream(1, "crossover");
        let children: HashSet<Vec<usize>> =
            (0..200).map(|_| crossover(&[0; 4], &[1; 4], &mut rng)).collect();
        let expected = [[0, 1, 1, 1], [0, 0, 1, 1], [0, 0, 0, 1]].map(|child| child.to_vec());
        assert_eq!(children, HashSet::from(expected));
    }

    #[test]
    fn mutation_changes_exactly_one_gene_and_reaches_every_value() {
        let (sizes, start) = ([7, 7, 4, 4, 1, 5], [2, 3, 1, 0, 0, 4]);
        let mut rng = stream(1, "mutation");
        let mutants: HashSet<Vec<usize>> =
            (0..2000).map(|_| mutation(&sizes, &start, &mut rng)).collect();
        for mutant in &mutants {
            let changed = (0..6).filter(|gene| mutant[*gene] != start[*gene]).count();
            assert_eq!(changed, 1, "{mutant:?}");
            assert!((0..6).all(|gene| mutant[gene] < sizes[gene]));
        }
        assert_eq!(mutants.len(), 6 + 6 + 3 + 3 + 4);
    }

    #[test]
    fn a_space_of_one_genome_does_not_change() {
        assert_eq!(mutation(&[1; 6], &[0; 6], &mut stream(1, "mutation")), [0; 6]);
    }
}
