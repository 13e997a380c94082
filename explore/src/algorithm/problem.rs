//! The space of a search: genes, the equality of genomes, their exact costs, which take no
//! evaluation, and the quantities that are measured.

use crate::surrogate::measured::Quantity;
use crate::surrogate::normal::Normal;

/// A genome: the position of a choice of each gene.
pub type Genome = Vec<usize>;

/// The choices of a gene.
#[derive(Clone, Debug, PartialEq)]
pub enum Gene {
    /// Choices without an order. Choices with the same label are the same thing.
    Categories {
        /// Label of each choice, below `count`.
        labels: Vec<usize>,
        /// Number of labels.
        count: usize,
    },
    /// Numbers, the smallest first.
    Quantities(Vec<f64>),
}

impl Gene {
    /// Returns a gene with `count` choices without an order, all different.
    pub fn categories(count: usize) -> Gene {
        Gene::Categories { labels: (0..count).collect(), count }
    }

    /// Returns the number of labels; `None` for quantities.
    pub(super) fn labels(&self) -> Option<usize> {
        match self {
            Gene::Categories { count, .. } => Some(*count),
            Gene::Quantities(_) => None,
        }
    }

    /// Returns the number of choices.
    pub fn choices(&self) -> usize {
        match self {
            Gene::Categories { labels, .. } => labels.len(),
            Gene::Quantities(values) => values.len(),
        }
    }
}

/// The costs of a genome, which are known exactly before its evaluation.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    /// The objectives after the first, or quantities that grow with them; above 0.
    pub costs: Vec<f64>,
    /// A size, above 0, by which the archive is sorted.
    pub size: f64,
}

/// Returns what is expected of log10 of a genome's measured quantity, by its position; `None` if it
/// is to be learned otherwise. Genomes are compared by forecasts only if all of them have one.
pub type Forecasts<'a> = Box<dyn Fn(&[usize], usize) -> Option<Normal> + 'a>;

/// A space of genomes whose first objective, an error, takes an evaluation.
pub trait Problem {
    /// Returns the genes.
    fn genes(&self) -> &[Gene];

    /// Returns the representative of all genomes whose evaluations would be the same.
    fn canonical(&self, genome: &[usize]) -> Genome;

    /// Returns what is known of a genome; `None` if it cannot be evaluated.
    fn known(&self, genome: &[usize]) -> Option<Known>;

    /// Returns the quantities that are measured, in the order of
    /// [`Trial::measured`](super::trial::Trial::measured).
    fn quantities(&self) -> &[Quantity] {
        &[]
    }

    /// Returns forecasts of measured quantities, made from those of some genomes.
    fn forecasts<'a>(&'a self, _measured: &[(&[usize], &[Option<f64>])]) -> Forecasts<'a> {
        Box::new(|_, _| None)
    }
}

impl<P: Problem> Problem for &P {
    fn genes(&self) -> &[Gene] {
        (*self).genes()
    }

    fn canonical(&self, genome: &[usize]) -> Genome {
        (*self).canonical(genome)
    }

    fn known(&self, genome: &[usize]) -> Option<Known> {
        (*self).known(genome)
    }

    fn quantities(&self) -> &[Quantity] {
        (*self).quantities()
    }

    fn forecasts<'a>(&'a self, measured: &[(&[usize], &[Option<f64>])]) -> Forecasts<'a> {
        (*self).forecasts(measured)
    }
}

/// Returns the number of choices of each gene.
pub fn sizes(genes: &[Gene]) -> Vec<usize> {
    genes.iter().map(Gene::choices).collect()
}

/// Returns all genomes; the last gene varies fastest.
pub fn genomes(genes: &[Gene]) -> impl Iterator<Item = Genome> {
    let sizes = sizes(genes);
    (0..sizes.iter().product()).map(move |mut index: usize| {
        let mut genome = vec![0; sizes.len()];
        for (position, size) in genome.iter_mut().zip(&sizes).rev() {
            *position = index % size;
            index /= size;
        }
        genome
    })
}
