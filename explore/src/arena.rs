//! Working memory of networks' crates, which `codegen plan` tells before any training.

use anyhow::{Context, Error, Result, anyhow, bail};
use common::genome::Genome;
use common::json;
use common::network::Network;
use serde::Deserialize;
use std::cell::RefCell;
use std::collections::HashMap;
use std::path::PathBuf;
use std::process::Command;

/// Asks `codegen plan`, once for each function.
#[derive(Debug)]
pub struct Arena {
    /// The program `codegen`.
    codegen: PathBuf,
    platform: String,
    /// The file through which it gets networks.
    network: PathBuf,
    /// What it said, by [`Genome::canonical`].
    known: RefCell<HashMap<Genome, u64>>,
    /// What kept it from being asked.
    trouble: RefCell<Option<Error>>,
}

/// Of all that `codegen plan` prints.
#[derive(Deserialize)]
struct Plan {
    arena_bytes: u64,
}

impl Arena {
    /// Asks about crates for a platform, through a file of its own.
    pub fn new(codegen: PathBuf, platform: String, network: PathBuf) -> Arena {
        Arena { codegen, platform, network, known: RefCell::default(), trouble: RefCell::default() }
    }

    /// Bytes of working memory of a genome's crate.
    ///
    /// # Errors
    /// There is no such network, or `codegen plan` refuses it: that is the genome's doing. What is
    /// not ends the search ([`Arena::check`]).
    pub fn bytes(&self, genome: &Genome, network: impl FnOnce() -> Result<Network>) -> Result<u64> {
        let function = genome.canonical();
        if let Some(bytes) = self.known.borrow().get(&function) {
            return Ok(*bytes);
        }
        let answer = self.ask(&network()?).unwrap_or_else(|trouble| {
            let said = anyhow!("{trouble:#}");
            self.trouble.replace(Some(trouble));
            Err(said)
        });
        let bytes = answer?;
        self.known.borrow_mut().insert(function, bytes);
        Ok(bytes)
    }

    /// That the machine never kept it from being asked.
    ///
    /// # Errors
    /// It did.
    pub fn check(&self) -> Result<()> {
        self.trouble.take().map_or(Ok(()), Err)
    }

    /// What `codegen plan` answers.
    ///
    /// # Errors
    /// It cannot answer, whatever the network is.
    fn ask(&self, network: &Network) -> Result<Result<u64>> {
        json::write(&self.network, network)?;
        let mut plan = Command::new(&self.codegen);
        plan.args(["plan", "--platform", &self.platform, "--network"]).arg(&self.network);
        let output = plan
            .output()
            .with_context(|| format!("{}: cannot start the program", self.codegen.display()))?;
        let said = String::from_utf8_lossy(&output.stderr).trim().to_string();
        match output.status.code() {
            Some(0) => {}
            Some(1) => return Ok(Err(anyhow!("codegen plan failed: {said}"))),
            Some(_) | None => bail!("codegen plan ended with {}: {said}", output.status),
        }
        let plan: Plan = serde_json::from_slice(&output.stdout)
            .context("codegen plan printed no arena_bytes")?;
        Ok(Ok(plan.arena_bytes))
    }
}
