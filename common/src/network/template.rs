//! Template expansion: from a genome to a network (paper, section 4.1 and Fig. 2c). The paper's
//! parameter counts settle what its text leaves open; see the tests.

use crate::files::ranges::within;
use crate::network::activation::PiecewiseActivation;
use crate::network::builder::Builder;
use crate::network::graph::{Input, Network, Node, Op, Origin};
use crate::search::genome::{CONDENSE_LAYERS, Genome};
use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

/// The parameters that the genes leave open: section `template` of a profile. The default is the
/// paper's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Template {
    /// Channels that each FEL adds.
    pub growth_rate: usize,
    /// Output channels of the first convolution.
    pub stem_channels: usize,
    /// Side of the first convolution's kernel.
    pub stem_kernel: usize,
    /// Channels after a transition as a share of those before it, above 0 and at most 1.
    pub compression: f64,
    /// Dropout probability at the end of each FEL; with 0 there is no dropout node.
    pub dropout: f64,
    /// Pooling before the classifier.
    pub head: Head,
}

/// The pooling before the classifier. The paper's text says max; its parameter counts and its
/// predecessors say average.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Head {
    /// Global average pooling.
    Average,
    /// Global max pooling.
    Max,
}

impl Default for Template {
    fn default() -> Self {
        Template {
            growth_rate: 12,
            stem_channels: 24,
            stem_kernel: 3,
            compression: 1.0,
            dropout: 0.0,
            head: Head::Average,
        }
    }
}

impl Template {
    /// Checks the ranges of all fields.
    ///
    /// # Errors
    /// Fails with the field that is outside its range.
    pub fn check(&self) -> Result<()> {
        ensure!(
            (1..=4096).contains(&self.growth_rate),
            "template.growth_rate {} must be 1 to 4096",
            self.growth_rate
        );
        ensure!(
            (1..=4096).contains(&self.stem_channels),
            "template.stem_channels {} must be 1 to 4096",
            self.stem_channels
        );
        let kernel = self.stem_kernel;
        ensure!(
            kernel % 2 == 1 && kernel < 100,
            "template.stem_kernel {kernel} must be odd and below 100"
        );
        ensure!(
            self.compression > 0.0 && self.compression <= 1.0,
            "template.compression {} must be above 0 and at most 1",
            self.compression
        );
        ensure!(
            (0.0..1.0).contains(&self.dropout),
            "template.dropout {} must be in 0..1",
            self.dropout
        );
        Ok(())
    }

    /// Returns the network of a genome for images of the given kind.
    ///
    /// # Errors
    /// Fails if the FEL gene is not a DenseNet depth, or if pooling leaves no pixel of the image.
    pub fn expand(&self, genome: &Genome, input: Input, classes: Vec<String>) -> Result<Network> {
        let nodes = self.nodes(genome, input.channels, classes.len())?;
        let network = Network { origin: Origin::Genome(*genome), input, classes, nodes };
        crate::files::json::Document::check(&network)
            .with_context(|| format!("the network of genome {genome}"))?;
        Ok(network)
    }

    /// Returns the nodes of a genome's network, without checking that they fit the images.
    pub(crate) fn nodes(
        &self,
        genome: &Genome,
        image_channels: usize,
        classes: usize,
    ) -> Result<Vec<Node>> {
        let fels = genome.fels_per_condense_layer().with_context(|| {
            format!(
                "feature_extraction_layers {} is not a depth: it must be 4 + 3 n with n at least 1",
                genome.feature_extraction_layers
            )
        })?;
        within("condense_layers", genome.condense_layers, &CONDENSE_LAYERS)?;
        let mut graph = Builder::new(image_channels);
        graph.conv("stem.conv", self.stem_channels, self.stem_kernel, 1);
        for layer in 1..=genome.condense_layers {
            for fel in 1..=fels {
                self.feature_extraction_layer(
                    &mut graph,
                    &format!("condense{layer}.fel{fel}"),
                    genome,
                );
            }
            if layer < genome.condense_layers {
                self.transition(&mut graph, &format!("transition{layer}"), genome.activation());
            }
        }
        self.head(&mut graph, genome.activation(), classes);
        Ok(graph.nodes)
    }

    fn feature_extraction_layer(&self, graph: &mut Builder, name: &str, genome: &Genome) {
        let (before, before_channels) = (graph.last.clone(), graph.channels);
        graph.norm_and_activation(name, genome.activation());
        graph.conv(&format!("{name}.conv"), self.growth_rate, genome.kernel_size, 1);
        if self.dropout > 0.0 {
            graph.push(&format!("{name}.dropout"), Op::Dropout { probability: self.dropout });
        }
        let new = graph.last.clone();
        graph.channels += before_channels;
        graph.push_with(&format!("{name}.concat"), Op::Concat {}, vec![before, new]);
    }

    fn transition(&self, graph: &mut Builder, name: &str, activation: PiecewiseActivation) {
        graph.norm_and_activation(name, activation);
        let kept = ((graph.channels as f64 * self.compression).floor() as usize).max(1);
        graph.conv(&format!("{name}.conv"), kept, 1, 1);
        graph.push(&format!("{name}.pool"), Op::AveragePool { size: 2 });
    }

    fn head(&self, graph: &mut Builder, activation: PiecewiseActivation, classes: usize) {
        graph.norm_and_activation("head", activation);
        let pool = match self.head {
            Head::Average => Op::GlobalAveragePool {},
            Head::Max => Op::GlobalMaxPool {},
        };
        graph.push("head.pool", pool);
        graph.classifier("head.classifier", classes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::activation::Activation;
    use crate::network::{counts, shapes};
    use crate::search::genome::Optimizer;

    fn expand(
        template: &Template,
        (channels, side): (usize, usize),
        classes: usize,
        genes: (usize, usize, usize),
    ) -> Network {
        let (feature_extraction_layers, condense_layers, kernel_size) = genes;
        let genome = Genome {
            left_activation: Activation::Swish,
            right_activation: Activation::Relu,
            condense_layers,
            feature_extraction_layers,
            kernel_size,
            optimizer: Optimizer::Sgd,
        };
        let input = Input {
            channels,
            height: side,
            width: side,
            mean: vec![0.5; channels],
            std: vec![0.5; channels],
            resize: Default::default(),
        };
        template.expand(&genome, input, (0..classes).map(|c| c.to_string()).collect()).unwrap()
    }

    /// Checks all parameter counts of the paper (Tables 2 and 3).
    #[test]
    fn parameter_counts_of_the_paper() {
        let golden = [
            ("M_Net_1", (1, 28), 10, (16, 2, 3), 65_074),
            ("ADONN-Arch.3 (MNIST)", (1, 28), 10, (16, 3, 3), 141_010),
            ("C10-Net.1", (3, 32), 10, (16, 2, 3), 65_506),
            ("ADONN-Arch.3 (CIFAR-10)", (3, 32), 10, (16, 3, 3), 141_442),
            ("C10-Net.2", (3, 32), 10, (28, 2, 3), 218_530),
            ("C10-Net.3", (3, 32), 10, (40, 3, 3), 1_059_298),
            ("C100-Net.1", (3, 32), 100, (40, 3, 3), 1_100_428),
            ("C100-Net.2", (3, 32), 100, (52, 3, 3), 1_891_996),
            ("smallest on CIFAR-10", (3, 32), 10, (16, 1, 3), 20_002),
            ("largest on CIFAR-10", (3, 32), 10, (52, 4, 5), 8_355_586),
        ];
        for (name, input, classes, genes, parameters) in golden {
            let network = expand(&Template::default(), input, classes, genes);
            assert_eq!(counts::count(&network).unwrap().parameters, parameters, "{name}");
        }
    }

    /// Counts by hand for one Condense Layer of one FEL: 28x28, stem 1 -> 2 (3x3), FEL 2 -> 3
    /// (5x5), head 5 -> 10.
    #[test]
    fn counts_by_hand() {
        let template = Template { growth_rate: 3, stem_channels: 2, ..Template::default() };
        let network = expand(&template, (1, 28), 10, (7, 1, 5));
        let counts = counts::count(&network).unwrap();
        assert_eq!(counts.parameters, (2 * 9) + (2 * 2) + (2 * 3 * 25) + (2 * 5) + (5 * 10 + 10));
        assert_eq!(counts.macs, 784 * (2 * 9) + 784 * (2 * 3 * 25) + 5 * 10);
    }

    #[test]
    fn odd_sides_lose_their_last_row_and_compression_rounds_down() {
        let template =
            Template { compression: 0.5, dropout: 0.2, head: Head::Max, ..Template::default() };
        let network = expand(&template, (1, 15), 2, (16, 3, 3));
        let shapes = shapes::shapes(&network).unwrap();
        let shape_of = |name: &str| {
            shapes[network.nodes.iter().position(|n| n.name == name).unwrap()].to_string()
        };
        assert_eq!(shape_of("transition1.pool"), "36x7x7");
        assert_eq!(shape_of("transition2.pool"), "42x3x3");
    }

    #[test]
    fn too_many_poolings_are_refused_with_the_name_of_the_node() {
        let genome = expand(&Template::default(), (1, 8), 2, (16, 1, 3)).origin.genome().unwrap();
        let genome = Genome { condense_layers: 4, ..genome };
        let input = Input {
            channels: 1,
            height: 7,
            width: 7,
            mean: vec![0.0],
            std: vec![1.0],
            resize: Default::default(),
        };
        let error =
            Template::default().expand(&genome, input, vec!["a".into(), "b".into()]).unwrap_err();
        assert!(format!("{error:#}").contains("transition3.pool"), "{error:#}");
    }
}
