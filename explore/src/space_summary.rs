//! Summary of a design space: its size and the range of its networks, without any training.

use common::dataset::Dataset;
use common::network::counts;
use common::network::counts::Counts;
use common::network::template::Template;
use common::search::genome::Genome;
use common::search::space::SearchSpace;
use serde::Serialize;
use std::collections::HashSet;

/// The summary of a design space, for the images of a data set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SpaceSummary {
    /// Number of genomes.
    pub size: usize,
    /// Number of genomes that differ in function.
    pub distinct_functions: usize,
    /// The values of each gene.
    pub genes: SearchSpace,
    /// Trainable parameters, over all feasible genomes; `null` if there are none.
    pub parameters: Option<Range>,
    /// Multiply-adds for one image, over all feasible genomes; `null` if there are none.
    pub macs: Option<Range>,
    /// Genomes that are not feasible for these images.
    pub infeasible: Share,
    /// Genomes whose activation is discontinuous at zero.
    pub discontinuous: Share,
}

/// A range of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Range {
    /// Smallest value.
    pub min: u64,
    /// Largest value.
    pub max: u64,
}

/// A subset of the space.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Share {
    /// Number of genomes.
    pub genomes: usize,
    /// Number of genomes that differ in function.
    pub distinct_functions: usize,
    /// Explanation of the subset.
    pub about: &'static str,
}

impl Share {
    fn new(space: &SearchSpace, holds: impl Fn(&Genome) -> bool, about: &'static str) -> Share {
        let genomes: Vec<Genome> = space.genomes().filter(holds).collect();
        let functions: HashSet<Genome> = genomes.iter().map(Genome::canonical).collect();
        Share { genomes: genomes.len(), distinct_functions: functions.len(), about }
    }
}

impl SpaceSummary {
    /// Examines all genomes of a space, for the images of a data set.
    pub fn new(space: &SearchSpace, template: &Template, dataset: &Dataset) -> SpaceSummary {
        let expand =
            |genome: &Genome| template.expand(genome, dataset.input(), dataset.classes.clone());
        let count =
            |genome: &Genome| expand(genome).and_then(|network| counts::count(&network)).ok();
        let feasible: Vec<(Genome, Counts)> = structures(space)
            .filter_map(|genome| count(&genome).map(|counts| (genome, counts)))
            .collect();
        let is_feasible = |genome: &Genome| {
            feasible.iter().any(|(other, _)| structure(other) == structure(genome))
        };
        SpaceSummary {
            size: space.size(),
            distinct_functions: space.distinct_functions(),
            genes: space.clone(),
            parameters: range(feasible.iter().map(|(_, counts)| counts.parameters)),
            macs: range(feasible.iter().map(|(_, counts)| counts.macs)),
            infeasible: Share::new(
                space,
                |genome| !is_feasible(genome),
                "the template cannot be expanded: the poolings between Condense Layers leave \
                 nothing of the image, or the network is too large to count; a search never \
                 offers these",
            ),
            discontinuous: Share::new(
                space,
                |genome| genome.activation().jumps_at_zero(),
                "sigmoid on exactly one side of zero makes the activation jump there, which turns \
                 a rounding difference of 1e-7 into 1e-3 or more in later layers: implementations \
                 of such a network agree layer by layer and in class, not to the last digit",
            ),
        }
    }
}

/// Returns the genes that parameters and multiply-adds depend on.
fn structure(genome: &Genome) -> (usize, usize, usize) {
    (genome.condense_layers, genome.feature_extraction_layers, genome.kernel_size)
}

/// Returns one genome for each combination of those genes.
fn structures(space: &SearchSpace) -> impl Iterator<Item = Genome> {
    let mut seen = HashSet::new();
    space.genomes().filter(move |genome| seen.insert(structure(genome)))
}

fn range(values: impl Iterator<Item = u64> + Clone) -> Option<Range> {
    Some(Range { min: values.clone().min()?, max: values.max()? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use common::dataset::{DataFile, Format, Normalisation, Validation};

    fn dataset(channels: usize, side: usize) -> Dataset {
        let files =
            ["images", "labels"].map(|path| DataFile { path: path.into(), sha256: None }).to_vec();
        Dataset {
            name: "made-up".into(),
            about: String::new(),
            format: Format::Idx,
            channels,
            height: side,
            width: side,
            resize: Default::default(),
            classes: (0..10).map(|class| class.to_string()).collect(),
            normalisation: Normalisation { mean: vec![0.5; channels], std: vec![0.5; channels] },
            validation: Some(Validation { fraction: 0.1, seed: 0, by_class: false }),
            train: files.clone(),
            val: vec![],
            test: files,
            sources: vec![],
        }
    }

    /// Sizes and parameters from the paper and its reconstruction. 12 of 49 pairs jump; of the 35
    /// distinct ones, 4 with sigmoid on the left and 6 with it on the right.
    #[test]
    fn the_papers_space_on_cifar_10() {
        let summary =
            SpaceSummary::new(&SearchSpace::default(), &Template::default(), &dataset(3, 32));
        assert_eq!((summary.size, summary.distinct_functions), (7_840, 5_600));
        assert_eq!(summary.parameters, Some(Range { min: 20_002, max: 8_355_586 }));
        let of = |share: &Share| (share.genomes, share.distinct_functions);
        assert_eq!(of(&summary.discontinuous), (12 * 160, 10 * 160));
        assert_eq!(of(&summary.infeasible), (0, 0));
    }

    #[test]
    fn genomes_with_too_many_poolings_are_counted_and_left_out_of_the_range() {
        let small =
            SpaceSummary::new(&SearchSpace::default(), &Template::default(), &dataset(1, 7));
        assert_eq!(
            (small.infeasible.genomes, small.infeasible.distinct_functions),
            (7_840 / 4, 5_600 / 4)
        );
        assert!(small.parameters.unwrap().max < 5_000_000, "the largest has four Condense Layers");
        let fourths = SearchSpace { condense_layers: vec![4], ..SearchSpace::default() };
        let none = SpaceSummary::new(&fourths, &Template::default(), &dataset(1, 4));
        assert_eq!((none.parameters, none.macs, none.infeasible.genomes), (None, None, 1_960));
    }
}
