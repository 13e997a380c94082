//! Fixtures that the tests of several modules use.

use crate::evaluate::candidate::Candidate;
use crate::evaluate::task::Outcome;
use crate::search::controller::Controller;
use crate::search::state::SearchState;
use anyhow::Result;
use common::dataset::{Identity, Normalisation, Validation};
use common::device::Backend;
use common::network::Shape;
use common::network::counts::{Counts, network_information_density};
use common::network::template::Template;
use common::precision::Precision;
use common::profile::{SearchSettings, TrainingSettings};
use common::search::archive::Individual;
use common::search::config::SearchConfig;
use common::search::criteria::Criteria;
use common::search::genome::Genome;
use common::search::space::{GENES, SearchSpace};
use std::collections::BTreeMap;

/// Returns the configuration of a search over a space of two depths and one kernel size, with an
/// archive of 10.
pub(crate) fn config(population: usize, iterations: usize) -> SearchConfig {
    SearchConfig {
        seed: 0,
        dataset: "made-up".into(),
        data_sha256: "0".repeat(64),
        data: Some(data()),
        space: SearchSpace {
            feature_extraction_layers: vec![16, 28],
            kernel_size: vec![3],
            ..SearchSpace::default()
        },
        template: Template::default(),
        search: SearchSettings {
            population,
            archive_size: 10,
            iterations,
            epochs: 1,
            ..SearchSettings::default()
        },
        training: TrainingSettings::default(),
        device: Backend::Cpu,
        precision: Precision::F32,
        board: None,
        boards: BTreeMap::new(),
        criteria: Criteria::default(),
    }
}

fn data() -> Identity {
    Identity {
        classes: vec!["a".into(), "b".into()],
        normalisation: Normalisation { mean: vec![0.5], std: vec![0.25] },
        shape: Shape { channels: 1, height: 8, width: 8 },
        images_sha256: "1".repeat(64),
        labels_sha256: "2".repeat(64),
        validation: Some(Validation { fraction: 0.2, seed: 0, by_class: true }),
        val: None,
    }
}

/// Returns artificial counts that grow with the size of the network.
pub(crate) fn count(genome: &Genome) -> Result<Counts> {
    Ok(candidate(0, 0, *genome).counts)
}

/// Returns a candidate with artificial counts.
pub(crate) fn candidate(iteration: usize, index: usize, genome: Genome) -> Candidate {
    let parameters = (genome.condense_layers * genome.feature_extraction_layers) as u64;
    Candidate {
        iteration,
        index,
        genome,
        counts: Counts { parameters, macs: 100 * parameters },
        memory: BTreeMap::new(),
    }
}

/// Returns a member of an archive with an accuracy, or with a failure, and a number of parameters.
pub(crate) fn individual(outcome: Outcome, parameters: u64, on_front: bool) -> Individual {
    let genome = config(1, 1).space.genome(&[0; GENES]);
    let counts = Counts { parameters, macs: 1 };
    let evaluation = Candidate { counts, ..candidate(0, 0, genome) }.evaluated(outcome);
    Individual {
        nid: evaluation.accuracy.map(|a| network_information_density(a, parameters)),
        evaluation,
        on_front,
        strength: 0,
        raw_fitness: 0,
        density: 0.5,
    }
}

/// Runs a whole search with artificial outcomes.
pub(crate) fn search(
    config: &SearchConfig,
    outcome: impl Fn(&Candidate) -> Result<f64, String>,
) -> SearchState {
    let mut controller = Controller::new(config, count);
    while let Some(population) = controller.next_population().unwrap() {
        controller
            .add_population(population.iter().map(|c| c.evaluated(outcome(c))).collect())
            .unwrap();
    }
    controller.state().clone()
}
