//! Plans of the crates of a search's networks, which `codegen plan` makes before any training.

use super::memory::Memory;
use super::plan::Planner;
use crate::predictor::features::PlanFeatures;
use anyhow::{Error, Result, anyhow};
use common::files::json;
use common::network::Network;
use common::search::genome::Genome;
use std::cell::RefCell;
use std::collections::HashMap;
use std::path::PathBuf;

/// What a plan says of a crate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Planned {
    /// Its memory.
    pub memory: Memory,
    /// What the time of an inference depends on.
    pub features: PlanFeatures,
}

/// What plans crates for the platform of a board.
#[derive(Debug)]
pub struct PlatformPlanner {
    /// The board of several; `None` if the plans are the same for all.
    pub board: Option<String>,
    /// The planner.
    pub planner: CratePlanner,
}

/// Plans crates, once for each function.
#[derive(Debug)]
pub struct CratePlanner {
    planner: Planner,
    /// File through which `codegen` gets networks.
    network_file: PathBuf,
    /// Known results, by [`Genome::canonical`].
    known: RefCell<HashMap<Genome, Planned>>,
    /// The last failure that was not caused by a network.
    failure: RefCell<Option<Error>>,
}

impl CratePlanner {
    /// Creates a planner that passes networks through `network_file`.
    pub(crate) fn new(planner: Planner, network_file: PathBuf) -> CratePlanner {
        let (known, failure) = (RefCell::default(), RefCell::default());
        CratePlanner { planner, network_file, known, failure }
    }

    /// Returns what the plan of a genome's crate says.
    ///
    /// # Errors
    /// Fails if the genome has no network, or if `codegen plan` rejects it. Also fails if `codegen`
    /// cannot be run; then [`CratePlanner::check`] fails too, which must end the search.
    pub fn plan(
        &self,
        genome: &Genome,
        network: impl FnOnce() -> Result<Network>,
    ) -> Result<Planned> {
        let function = genome.canonical();
        if let Some(planned) = self.known.borrow().get(&function) {
            return Ok(*planned);
        }
        let result = self.of_network(&network()?).unwrap_or_else(|failure| {
            let message = anyhow!("{failure:#}");
            self.failure.replace(Some(failure));
            Err(message)
        });
        let planned = result?;
        self.known.borrow_mut().insert(function, planned);
        Ok(planned)
    }

    /// Checks that all results so far depend on the genomes alone.
    ///
    /// # Errors
    /// Fails if `codegen plan` could not be run, or did not end by itself, since the last check.
    pub fn check(&self) -> Result<()> {
        self.failure.take().map_or(Ok(()), Err)
    }

    /// Plans the crate of a network. The inner result is an error if it is rejected.
    fn of_network(&self, network: &Network) -> Result<Result<Planned>> {
        json::write(&self.network_file, network)?;
        let plan = self.planner.plan(&self.network_file)?;
        Ok(plan.map(|plan| Planned { memory: plan.memory(), features: plan.features() }))
    }
}
