//! Genomes: points of the design space of Table 1.

use crate::files::json::Document;
use crate::files::ranges::within;
use crate::network::activation::{Activation, PiecewiseActivation};
use anyhow::Result;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::RangeInclusive;

/// An optimizer (gene of Table 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Optimizer {
    /// Adam (Kingma and Ba 2015, Algorithm 1).
    Adam,
    /// Stochastic gradient descent with momentum.
    Sgd,
    /// Adagrad (Duchi et al. 2011).
    Adagrad,
    /// Adamax (Kingma and Ba 2015, section 7.1).
    Adamax,
    /// Nadam (Dozat 2016): Adam with Nesterov momentum.
    Nadam,
}

impl Optimizer {
    /// All optimizers, in the order of Table 1.
    pub const ALL: [Optimizer; 5] =
        [Optimizer::Adam, Optimizer::Sgd, Optimizer::Adagrad, Optimizer::Adamax, Optimizer::Nadam];
}

impl fmt::Display for Optimizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Optimizer::Adam => "adam",
            Optimizer::Sgd => "sgd",
            Optimizer::Adagrad => "adagrad",
            Optimizer::Adamax => "adamax",
            Optimizer::Nadam => "nadam",
        })
    }
}

/// The six genes of an individual (`genome.json`; paper, Table 1 and Fig. 2a).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Genome {
    /// Activation below zero.
    pub left_activation: Activation,
    /// Activation from zero on.
    pub right_activation: Activation,
    /// Number of Condense Layers.
    pub condense_layers: usize,
    /// The paper's "# FEL", a DenseNet depth `d`: each Condense Layer holds `(d - 4) / 3` FELs.
    pub feature_extraction_layers: usize,
    /// Side of the FELs' convolution kernels.
    pub kernel_size: usize,
    /// Optimizer that trains the network.
    pub optimizer: Optimizer,
}

/// Allowed numbers of Condense Layers.
pub(crate) const CONDENSE_LAYERS: RangeInclusive<usize> = 1..=16;
/// Allowed depths.
pub(crate) const FEATURE_EXTRACTION_LAYERS: RangeInclusive<usize> = 7..=1000;
/// Allowed sides of kernels.
pub(crate) const KERNEL_SIZE: RangeInclusive<usize> = 1..=15;

impl Document for Genome {
    const KIND: &'static str = "genome";

    fn check(&self) -> Result<()> {
        within("condense_layers", self.condense_layers, &CONDENSE_LAYERS)?;
        within(
            "feature_extraction_layers",
            self.feature_extraction_layers,
            &FEATURE_EXTRACTION_LAYERS,
        )?;
        within("kernel_size", self.kernel_size, &KERNEL_SIZE)
    }
}

impl Genome {
    /// Returns the piece-wise activation that the first two genes describe.
    pub fn activation(&self) -> PiecewiseActivation {
        PiecewiseActivation { left: self.left_activation, right: self.right_activation }
    }

    /// Returns the number of FELs in each Condense Layer, `(feature_extraction_layers - 4) / 3`;
    /// `None` if it is not a whole number of at least one.
    pub fn fels_per_condense_layer(&self) -> Option<usize> {
        let n = self.feature_extraction_layers.checked_sub(4)?;
        (n >= 3 && n.is_multiple_of(3)).then_some(n / 3)
    }

    /// Returns the representative of all genomes that compute the same function and are trained in
    /// the same way: only the right activation has synonyms.
    pub fn canonical(&self) -> Genome {
        Genome { right_activation: self.right_activation.canonical_right(), ..*self }
    }
}

impl fmt::Display for Genome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} condense x FEL {}, {k}x{k}, {}, {}",
            self.condense_layers,
            self.feature_extraction_layers,
            self.activation(),
            self.optimizer,
            k = self.kernel_size
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fel_gene_is_a_densenet_depth() {
        let fels = |depth| {
            let genome = Genome {
                left_activation: Activation::Swish,
                right_activation: Activation::Relu,
                condense_layers: 2,
                feature_extraction_layers: depth,
                kernel_size: 3,
                optimizer: Optimizer::Adam,
            };
            genome.fels_per_condense_layer()
        };
        assert_eq!([16, 28, 40, 52].map(fels), [Some(4), Some(8), Some(12), Some(16)]);
        assert_eq!([0, 4, 5, 8].map(fels), [None; 4]);
        assert_eq!(fels(7), Some(1));
    }
}
