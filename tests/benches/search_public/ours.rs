//! This project's searches on a table.

use crate::progress::Progress;
use crate::table::{Cells, index};
use anyhow::Result;
use common::profile::{Strategy, Surrogate};
use explore::algorithm::evolution::Evolution;
use explore::algorithm::problem::{Genome, Known};
use explore::algorithm::settings::Settings;
use explore::algorithm::trial::{Extent, Standing, Trial};

/// A kind of search.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    strategy: Strategy,
    surrogate: Option<Surrogate>,
    population: usize,
    /// Largest number of evaluations, because the Gaussian process takes the cube of their number.
    pub(crate) most: usize,
}

/// All kinds of search that are compared.
pub(crate) const KINDS: [Kind; 4] = [
    Kind {
        name: "random",
        strategy: Strategy::Random,
        surrogate: None,
        population: 40,
        most: usize::MAX,
    },
    Kind {
        name: "NSGA-II",
        strategy: Strategy::Nsga2,
        surrogate: None,
        population: 40,
        most: usize::MAX,
    },
    Kind {
        name: "SPEA-II",
        strategy: Strategy::Spea2,
        surrogate: None,
        population: 40,
        most: usize::MAX,
    },
    Kind {
        name: "SPEA-II + Gaussian",
        strategy: Strategy::Spea2,
        surrogate: Some(Surrogate::Gaussian),
        population: 8,
        most: 600,
    },
];

impl Kind {
    /// Searches until all marks are reached or a number of evaluations is spent.
    ///
    /// # Errors
    /// Fails if the algorithm does.
    pub(crate) fn run(
        &self,
        cells: &Cells<'_>,
        seed: u64,
        evaluations: usize,
        mut progress: Progress<'_>,
    ) -> Result<[Option<usize>; 4]> {
        let settings = Settings {
            seed,
            strategy: self.strategy,
            surrogate: self.surrogate,
            worst_error: Some(progress.worst_error()),
            population: self.population,
            archive_size: 40,
            ..Settings::default()
        };
        let mut evolution = Evolution::new(cells, settings);
        let mut left = evaluations.min(self.most);
        while left > 0 && !progress.is_complete() {
            let mut population = evolution.next_population()?;
            population.truncate(left);
            left -= population.len();
            population.iter().for_each(|(genome, _)| progress.add(index(genome)));
            let trial = |(genome, known)| trial(cells, genome, known);
            evolution.add_population(population.into_iter().map(trial).collect())?;
        }
        Ok(progress.reached)
    }
}

fn trial(cells: &Cells<'_>, genome: Genome, known: Known) -> Trial {
    let objectives = cells.points[index(&genome)].map(Some).to_vec();
    let standing = Standing { objectives, extent: Extent::InFull };
    let (rungs, measured) = (Vec::new(), Vec::new());
    Trial { genome, known, score: None, rungs, measured, standing }
}
