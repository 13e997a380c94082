//! Memory of generated crates, which `codegen plan` computes before any training.

use anyhow::{Context, Error, Result, anyhow, bail};
use common::board::Platform;
use common::files::json;
use common::network::Network;
use common::precision::Precision;
use common::search::genome::Genome;
use process::interrupt::Interrupt;
use process::output::output;
use serde::Deserialize;
use std::cell::RefCell;
use std::collections::HashMap;
use std::path::PathBuf;
use std::process::Command;

/// The memory that a crate needs, as far as a search needs to know it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Bytes of working memory.
    pub arena_bytes: Option<u64>,
    /// Bytes of constants and, on a microcontroller, of code.
    pub flash_bytes: Option<u64>,
}

/// What plans the memory of crates for the platform of a board.
#[derive(Debug)]
pub struct PlatformMemory {
    /// The board of several; `None` if the memory is the same on all.
    pub board: Option<String>,
    /// The planner.
    pub planner: MemoryPlanner,
}

/// Computes memory by `codegen plan`, once for each function.
#[derive(Debug)]
pub struct MemoryPlanner {
    /// The program `codegen`.
    codegen: PathBuf,
    platform: Platform,
    precision: Precision,
    /// File through which `codegen` gets networks.
    network_file: PathBuf,
    interrupt: Interrupt,
    /// Known results, by [`Genome::canonical`].
    known: RefCell<HashMap<Genome, Memory>>,
    /// The last failure that was not caused by a network.
    failure: RefCell<Option<Error>>,
}

/// The part of the output of `codegen plan` that is needed here.
#[derive(Deserialize)]
struct PlannedMemory {
    arena_bytes: u64,
    weights_bytes: u64,
    fit: PlannedFit,
}

/// Memory of a microcontroller.
#[derive(Deserialize)]
struct PlannedFit {
    flash_bytes: Option<u64>,
}

impl MemoryPlanner {
    /// Creates a planner of crates for a platform in a precision, which passes networks through
    /// `network_file`.
    pub fn new(
        codegen: PathBuf,
        platform: Platform,
        precision: Precision,
        network_file: PathBuf,
        interrupt: Interrupt,
    ) -> MemoryPlanner {
        MemoryPlanner {
            codegen,
            platform,
            precision,
            network_file,
            interrupt,
            known: RefCell::default(),
            failure: RefCell::default(),
        }
    }

    /// Returns all that is known of the memory of a genome's crate.
    ///
    /// # Errors
    /// Fails if the genome has no network, or if `codegen plan` rejects it. Also fails if `codegen`
    /// cannot be run; then [`MemoryPlanner::check`] fails too, which must end the search.
    pub fn memory(
        &self,
        genome: &Genome,
        network: impl FnOnce() -> Result<Network>,
    ) -> Result<Memory> {
        let function = genome.canonical();
        if let Some(memory) = self.known.borrow().get(&function) {
            return Ok(*memory);
        }
        let result = self.plan(&network()?).unwrap_or_else(|failure| {
            let message = anyhow!("{failure:#}");
            self.failure.replace(Some(failure));
            Err(message)
        });
        let memory = result?;
        self.known.borrow_mut().insert(function, memory);
        Ok(memory)
    }

    /// Checks that all results so far depend on the genomes alone.
    ///
    /// # Errors
    /// Fails if `codegen plan` could not be run, or did not end by itself, since the last check.
    pub fn check(&self) -> Result<()> {
        self.failure.take().map_or(Ok(()), Err)
    }

    /// Runs `codegen plan`. The inner result is an error if it rejects the network.
    ///
    /// # Errors
    /// Fails if the program cannot be run, is ended by a signal or prints no plan.
    fn plan(&self, network: &Network) -> Result<Result<Memory>> {
        json::write(&self.network_file, network)?;
        let mut plan = Command::new(&self.codegen);
        plan.args(["plan", "--platform", self.platform.name(), "--network"])
            .arg(&self.network_file);
        if !self.precision.is_f32() {
            plan.args(["--precision", self.precision.name()]);
        }
        let output = output(plan, &self.interrupt)?;
        let message = String::from_utf8_lossy(&output.stderr).trim().to_string();
        match output.status.code() {
            Some(0) => {}
            Some(1) => return Ok(Err(anyhow!("codegen plan failed: {message}"))),
            Some(_) | None => bail!("codegen plan ended with {}: {message}", output.status),
        }
        let plan: PlannedMemory = serde_json::from_slice(&output.stdout)
            .context("codegen plan printed no arena_bytes, weights_bytes and fit")?;
        Ok(Ok(Memory {
            arena_bytes: Some(plan.arena_bytes),
            flash_bytes: Some(plan.fit.flash_bytes.unwrap_or(plan.weights_bytes)),
        }))
    }
}
