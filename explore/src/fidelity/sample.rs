//! The sample of genomes that a study trains.

use crate::algorithm::unseen::Unseen;
use crate::search::network_problem::NetworkProblem;
use anyhow::Result;
use common::network::counts::Counts;
use common::search::genome::Genome;
use common::search::objective::Objective;
use common::search::space::SearchSpace;
use rand::Rng;
use rand::seq::SliceRandom;

/// Draws `wanted` genomes from a Latin hypercube over the space, in which each value of a gene
/// occurs equally often, or once more. Replaces repeated functions and infeasible genomes by random
/// unseen genomes. Returns fewer genomes if the space has no more. `count_of` returns parameters
/// and MACs of a genome's network, or an error if it is not feasible.
pub fn latin_hypercube<C: Fn(&Genome) -> Result<Counts>>(
    space: &SearchSpace,
    count_of: C,
    wanted: usize,
    rng: &mut impl Rng,
) -> Vec<(Genome, Counts)> {
    let columns = space.sizes().map(|values| {
        let mut column: Vec<usize> = (0..wanted).map(|row| row % values).collect();
        column.shuffle(rng);
        column
    });
    let objectives = Objective::PAPER;
    let problem = NetworkProblem::new(space, &objectives, count_of);
    let mut unseen = Unseen::new(&problem);
    let rows = (0..wanted).map(|row| columns.iter().map(|column| column[row]).collect());
    let rows = rows.filter_map(|genome| unseen.take(genome).or_else(|| unseen.random(rng)));
    rows.filter_map(|(genome, _)| problem.counted(&genome).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::ensure;
    use common::seed::stream;
    use std::collections::{BTreeMap, BTreeSet};

    fn any(_: &Genome) -> Result<Counts> {
        Ok(Counts { parameters: 1, macs: 1 })
    }

    #[test]
    fn each_value_of_a_gene_occurs_equally_often() {
        let space = SearchSpace::default();
        let sample = latin_hypercube(&space, any, 12, &mut stream(0, "sample"));
        assert_eq!(sample.len(), 12);
        for gene in 0..common::search::space::GENES {
            let mut uses = BTreeMap::new();
            for (genome, _) in &sample {
                *uses.entry(space.positions(genome).unwrap()[gene]).or_insert(0) += 1;
            }
            let (least, most) = (uses.values().min().unwrap(), uses.values().max().unwrap());
            assert!(
                uses.len() == space.sizes()[gene] && most - least <= 1,
                "gene {gene}: {uses:?}"
            );
        }
        assert_eq!(sample, latin_hypercube(&space, any, 12, &mut stream(0, "sample")));
        assert_ne!(sample, latin_hypercube(&space, any, 12, &mut stream(1, "sample")));
    }

    #[test]
    fn no_function_twice_and_none_that_cannot_be_expanded() {
        let space = SearchSpace {
            left_activation: SearchSpace::default().left_activation[..1].to_vec(),
            feature_extraction_layers: vec![16],
            kernel_size: vec![3],
            ..SearchSpace::default()
        };
        let small = |genome: &Genome| {
            ensure!(genome.condense_layers < 3, "too many poolings");
            any(genome)
        };
        let sample = latin_hypercube(&space, small, 1000, &mut stream(0, "sample"));
        let functions: BTreeSet<String> =
            sample.iter().map(|(genome, _)| genome.canonical().to_string()).collect();
        // 5 distinct right activations x 2 feasible depths x 5 optimizers.
        assert_eq!((sample.len(), functions.len()), (50, 50));
    }
}
