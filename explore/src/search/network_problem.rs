//! The space of networks as a space that the algorithm searches, and evaluations as its trials.

use super::forecast;
use super::measured::Measurements;
use crate::algorithm::archive::Member;
use crate::algorithm::problem::{self, Forecasts, Gene, Known, Problem};
use crate::algorithm::trial::{Extent, Standing, Trial};
use crate::predictor::features::PlanFeatures;
use crate::surrogate::measured::Quantity;
use anyhow::Result;
use common::network::activation::Activation;
use common::network::counts::{Counts, network_information_density};
use common::search::archive::Individual;
use common::search::criteria::Criteria;
use common::search::evaluation::Evaluation;
use common::search::genome::{Genome, Optimizer};
use common::search::objective::Objective;
use common::search::space::{GENES, SearchSpace};

/// Returns what the time of a genome's crate on a board depends on; `None` if that is not known. The
/// only board has no name.
pub type Features<'a> = Box<dyn Fn(&Genome, Option<&str>) -> Option<PlanFeatures> + 'a>;

/// The space of networks, whose genomes have the same function if their right activations agree.
pub struct NetworkProblem<'a, C> {
    space: &'a SearchSpace,
    objectives: &'a [Objective],
    /// Returns parameters and MACs of a genome's network, or an error if it is not feasible.
    count: C,
    genes: Vec<Gene>,
    measurements: Measurements,
    features: Features<'a>,
}

impl<'a, C: Fn(&Genome) -> Result<Counts>> NetworkProblem<'a, C> {
    /// Takes a space, the objectives of the search, and what returns parameters and MACs of a
    /// genome's network, or an error if the genome is not feasible.
    pub fn new(space: &'a SearchSpace, objectives: &'a [Objective], count: C) -> Self {
        let measurements = Measurements::of(objectives, &Criteria::default());
        let features: Features<'a> = Box::new(|_, _| None);
        NetworkProblem { space, objectives, count, genes: genes(space), measurements, features }
    }

    /// Returns the same space with limits of what is measured.
    pub(super) fn within(self, criteria: &Criteria) -> Self {
        NetworkProblem { measurements: Measurements::of(self.objectives, criteria), ..self }
    }

    /// Returns the same space with what the time of a genome's crate on a board depends on, by which
    /// latencies are forecast.
    pub(super) fn with_features(self, features: Features<'a>) -> Self {
        NetworkProblem { features, ..self }
    }

    /// Returns a genome of the space with its parameters and MACs.
    ///
    /// # Errors
    /// Fails if the genome is not feasible.
    pub fn counted(&self, genome: &[usize]) -> Result<(Genome, Counts)> {
        let genome = self.genome(genome);
        Ok((genome, (self.count)(&genome)?))
    }

    /// Returns an evaluation as a trial.
    ///
    /// # Errors
    /// Fails if its genome is outside the space.
    pub(super) fn trial(&self, evaluation: &Evaluation) -> Result<Trial> {
        let counts = Counts { parameters: evaluation.parameters, macs: evaluation.macs };
        Ok(Trial {
            genome: self.space.positions(&evaluation.genome)?.to_vec(),
            known: self.known_of(counts),
            score: information_density(evaluation),
            rungs: evaluation.rungs.iter().map(|accuracy| 1.0 - accuracy).collect(),
            measured: self.measurements.values(evaluation),
            standing: standing(evaluation, self.objectives),
        })
    }

    fn genome(&self, positions: &[usize]) -> Genome {
        self.space.genome(&std::array::from_fn::<usize, GENES, _>(|gene| positions[gene]))
    }

    fn known_of(&self, counts: Counts) -> Known {
        let costs = self.objectives[1..].iter();
        Known {
            costs: costs.map(|objective| objective.what.proxy(0.0, counts).max(1.0)).collect(),
            size: counts.parameters as f64,
        }
    }
}

impl<C: Fn(&Genome) -> Result<Counts>> Problem for NetworkProblem<'_, C> {
    fn genes(&self) -> &[Gene] {
        &self.genes
    }

    fn canonical(&self, genome: &[usize]) -> problem::Genome {
        let mut canonical = genome.to_vec();
        let rights = &self.space.right_activation;
        let function = |right: usize| rights[right].canonical_right();
        let same = (0..rights.len()).find(|right| function(*right) == function(genome[1]));
        canonical[1] = same.unwrap_or(genome[1]);
        canonical
    }

    fn known(&self, genome: &[usize]) -> Option<Known> {
        self.counted(genome).ok().map(|(_, counts)| self.known_of(counts))
    }

    fn quantities(&self) -> &[Quantity] {
        self.measurements.quantities()
    }

    fn forecasts<'a>(&'a self, measured: &[(&[usize], &[Option<f64>])]) -> Forecasts<'a> {
        let features =
            |genome: &[usize], board: Option<&str>| (self.features)(&self.genome(genome), board);
        forecast::forecasts(&self.measurements, measured, features)
    }
}

/// Returns the genes: activations and the optimizer have no order.
fn genes(space: &SearchSpace) -> Vec<Gene> {
    let activations =
        |labels: Vec<usize>| Gene::Categories { labels, count: Activation::ALL.len() };
    let quantities =
        |values: &[usize]| Gene::Quantities(values.iter().map(|value| *value as f64).collect());
    vec![
        activations(space.left_activation.iter().map(|a| *a as usize).collect()),
        activations(space.right_activation.iter().map(|a| a.canonical_right() as usize).collect()),
        quantities(&space.condense_layers),
        quantities(&space.feature_extraction_layers),
        quantities(&space.kernel_size),
        Gene::Categories {
            labels: space.optimizer.iter().map(|optimizer| *optimizer as usize).collect(),
            count: Optimizer::ALL.len(),
        },
    ]
}

/// Returns what an evaluation found of some objectives.
pub(super) fn standing(evaluation: &Evaluation, objectives: &[Objective]) -> Standing {
    let extent = match (evaluation.accuracy, evaluation.stopped_after) {
        (None, _) => Extent::Failed,
        (Some(_), Some(_)) => Extent::Stopped,
        (Some(_), None) => Extent::InFull,
    };
    let objectives = objectives.iter().map(|objective| evaluation.objective(objective)).collect();
    Standing { objectives, extent }
}

/// Returns a member of the algorithm's archive, of which this is the evaluation.
pub(super) fn individual(member: &Member, evaluation: &Evaluation) -> Individual {
    Individual {
        nid: information_density(evaluation),
        on_front: member.on_front,
        strength: member.strength,
        raw_fitness: member.raw_fitness,
        density: member.density,
        evaluation: evaluation.clone(),
    }
}

fn information_density(evaluation: &Evaluation) -> Option<f64> {
    evaluation.accuracy.map(|a| network_information_density(a, evaluation.parameters))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::algorithm::unseen::Unseen;
    use crate::test_support::count;
    use common::search::objective::Quantity;
    use common::seed::stream;

    #[test]
    fn an_equal_right_activation_is_seen() {
        let space = SearchSpace::default();
        let space = SearchSpace {
            left_activation: space.left_activation[..1].to_vec(),
            condense_layers: vec![1],
            optimizer: space.optimizer[..1].to_vec(),
            feature_extraction_layers: vec![16],
            kernel_size: vec![3],
            ..space
        };
        let objectives = Objective::PAPER;
        let mut unseen = Unseen::new(NetworkProblem::new(&space, &objectives, count));
        let mut rng = stream(3, "equal");
        assert_eq!(std::iter::from_fn(|| unseen.random(&mut rng)).count(), 5);
    }

    #[test]
    fn genomes_of_the_algorithm_are_those_of_the_space_in_its_order() {
        let space = SearchSpace { kernel_size: vec![3], ..SearchSpace::default() };
        let objectives = Objective::PAPER;
        let problem = NetworkProblem::new(&space, &objectives, count);
        let genomes = problem::genomes(problem.genes()).map(|genome| problem.genome(&genome));
        assert!(genomes.eq(space.genomes()));
        for positions in problem::genomes(problem.genes()).step_by(101) {
            let (genome, canonical) = (problem.genome(&positions), problem.canonical(&positions));
            assert_eq!(problem.genome(&canonical).canonical(), genome.canonical());
        }
    }

    #[test]
    fn costs_are_the_objectives_or_what_stands_for_them() {
        use Quantity::{ArenaBytes, EnergyJ, Error, FlashBytes, LatencyS, Macs, Params};
        let space = SearchSpace::default();
        let objectives = [Error, Params, Macs, ArenaBytes, FlashBytes, LatencyS, EnergyJ];
        let objectives = objectives.map(Objective::of);
        let count = |_: &Genome| Ok(Counts { parameters: 3, macs: 5 });
        let problem = NetworkProblem::new(&space, &objectives, count);
        let known = problem.known(&[0; GENES]).unwrap();
        assert_eq!(known, Known { costs: vec![3.0, 5.0, 5.0, 3.0, 5.0, 5.0], size: 3.0 });
    }
}
