//! The design space: the allowed values of each gene (Table 1).

use crate::files::ranges::within;
use crate::network::activation::Activation;
use crate::search::genome::{
    CONDENSE_LAYERS, FEATURE_EXTRACTION_LAYERS, Genome, KERNEL_SIZE, Optimizer,
};
use anyhow::{Result, ensure};
use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt::Display;

/// Number of genes of a genome.
pub const GENES: usize = 6;

/// The values of each gene: section `space` of a profile. The default is Table 1 with 7,840 points.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SearchSpace {
    /// Values of the first gene.
    pub left_activation: Vec<Activation>,
    /// Values of the second gene.
    pub right_activation: Vec<Activation>,
    /// Values of the third gene.
    pub condense_layers: Vec<usize>,
    /// Values of the fourth gene, each a DenseNet depth `4 + 3 n`.
    pub feature_extraction_layers: Vec<usize>,
    /// Values of the fifth gene, odd.
    pub kernel_size: Vec<usize>,
    /// Values of the sixth gene.
    pub optimizer: Vec<Optimizer>,
}

impl Default for SearchSpace {
    fn default() -> Self {
        SearchSpace {
            left_activation: Activation::ALL.to_vec(),
            right_activation: Activation::ALL.to_vec(),
            condense_layers: vec![1, 2, 3, 4],
            feature_extraction_layers: vec![16, 28, 40, 52],
            kernel_size: vec![3, 5],
            optimizer: Optimizer::ALL.to_vec(),
        }
    }
}

/// The positions of a genome's values in the space's lists, in the order of Table 1.
pub type Positions = [usize; GENES];

impl SearchSpace {
    /// Returns the number of values of each gene.
    pub fn sizes(&self) -> Positions {
        [
            self.left_activation.len(),
            self.right_activation.len(),
            self.condense_layers.len(),
            self.feature_extraction_layers.len(),
            self.kernel_size.len(),
            self.optimizer.len(),
        ]
    }

    /// Returns the number of genomes in the space.
    pub fn size(&self) -> usize {
        self.sizes().iter().product()
    }

    /// Returns the number of genomes that differ in function: right activations that agree for `x
    /// >= 0` count once.
    pub fn distinct_functions(&self) -> usize {
        let rights: BTreeSet<_> =
            self.right_activation.iter().map(|a| a.canonical_right()).collect();
        self.size() / self.right_activation.len() * rights.len()
    }

    /// Returns the genome at given positions.
    ///
    /// # Panics
    /// Panics if a position is past the end of its list.
    pub fn genome(&self, positions: &Positions) -> Genome {
        let [left, right, condense, fel, kernel, optimizer] = *positions;
        Genome {
            left_activation: self.left_activation[left],
            right_activation: self.right_activation[right],
            condense_layers: self.condense_layers[condense],
            feature_extraction_layers: self.feature_extraction_layers[fel],
            kernel_size: self.kernel_size[kernel],
            optimizer: self.optimizer[optimizer],
        }
    }

    /// Returns the positions of a genome's values in the lists.
    ///
    /// # Errors
    /// Fails if a gene is outside the space; the error lists the allowed values.
    pub fn positions(&self, genome: &Genome) -> Result<Positions> {
        Ok([
            position("left_activation", &self.left_activation, genome.left_activation)?,
            position("right_activation", &self.right_activation, genome.right_activation)?,
            position("condense_layers", &self.condense_layers, genome.condense_layers)?,
            position(
                "feature_extraction_layers",
                &self.feature_extraction_layers,
                genome.feature_extraction_layers,
            )?,
            position("kernel_size", &self.kernel_size, genome.kernel_size)?,
            position("optimizer", &self.optimizer, genome.optimizer)?,
        ])
    }

    /// Returns a genome that is drawn uniformly.
    pub fn random(&self, rng: &mut impl Rng) -> Genome {
        self.genome(&self.sizes().map(|n| rng.random_range(0..n)))
    }

    /// Returns all genomes; the last gene varies fastest.
    pub fn genomes(&self) -> impl Iterator<Item = Genome> {
        let sizes = self.sizes();
        (0..self.size()).map(move |mut index| {
            let mut positions = [0; GENES];
            for gene in (0..GENES).rev() {
                positions[gene] = index % sizes[gene];
                index /= sizes[gene];
            }
            self.genome(&positions)
        })
    }

    /// Checks that every gene has at least one value, none twice, and only values that the template
    /// can expand.
    ///
    /// # Errors
    /// Fails with the gene and the value that is not allowed.
    pub fn check(&self) -> Result<()> {
        check_list("left_activation", &self.left_activation)?;
        check_list("right_activation", &self.right_activation)?;
        check_list("condense_layers", &self.condense_layers)?;
        check_list("feature_extraction_layers", &self.feature_extraction_layers)?;
        check_list("kernel_size", &self.kernel_size)?;
        check_list("optimizer", &self.optimizer)?;
        for layers in &self.condense_layers {
            within("space.condense_layers:", *layers, &CONDENSE_LAYERS)?;
        }
        for depth in &self.feature_extraction_layers {
            let whole = FEATURE_EXTRACTION_LAYERS.contains(depth) && (depth - 4) % 3 == 0;
            ensure!(
                whole,
                "space.feature_extraction_layers: {depth} must be 4 + 3 n, from 7 to 1000"
            );
        }
        for kernel in &self.kernel_size {
            ensure!(
                kernel % 2 == 1 && KERNEL_SIZE.contains(kernel),
                "space.kernel_size: {kernel} must be odd and at most 15"
            );
        }
        Ok(())
    }
}

fn position<T: PartialEq + Display>(gene: &str, values: &[T], value: T) -> Result<usize> {
    let found = values.iter().position(|v| *v == value);
    found.ok_or_else(|| {
        anyhow::anyhow!("{gene} {value} is outside the space; valid values: {}", listed(values))
    })
}

fn listed<T: Display>(values: &[T]) -> String {
    values.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn check_list<T: PartialEq + Display>(gene: &str, values: &[T]) -> Result<()> {
    ensure!(!values.is_empty(), "space.{gene} has no values");
    for (index, value) in values.iter().enumerate() {
        ensure!(!values[..index].contains(value), "space.{gene} has {value} twice");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn the_space_of_the_paper_has_7840_points_and_5600_functions() {
        let space = SearchSpace::default();
        space.check().unwrap();
        assert_eq!((space.size(), space.distinct_functions()), (7_840, 5_600));
        let all: HashSet<Genome> = space.genomes().collect();
        let functions: HashSet<Genome> = space.genomes().map(|g| g.canonical()).collect();
        assert_eq!((all.len(), functions.len()), (7_840, 5_600));
    }

    #[test]
    fn positions_are_the_inverse_of_genome() {
        let space = SearchSpace::default();
        for genome in space.genomes().step_by(97) {
            assert_eq!(space.genome(&space.positions(&genome).unwrap()), genome);
        }
    }

    #[test]
    fn a_gene_outside_the_space_is_named_with_the_valid_values() {
        let space = SearchSpace::default();
        let genome = Genome { kernel_size: 7, ..space.genome(&[0; GENES]) };
        let error = space.positions(&genome).unwrap_err().to_string();
        assert_eq!(error, "kernel_size 7 is outside the space; valid values: 3, 5");
    }

    #[test]
    fn invalid_lists_are_refused() {
        let empty = SearchSpace { kernel_size: vec![], ..SearchSpace::default() };
        let twice = SearchSpace { kernel_size: vec![3, 3], ..SearchSpace::default() };
        let no_depth =
            SearchSpace { feature_extraction_layers: vec![17], ..SearchSpace::default() };
        for space in [empty, twice, no_depth] {
            assert!(space.check().is_err());
        }
    }
}
