//! Working memory of networks' crates, which `codegen plan` tells before any training.

use anyhow::{Context, Result, bail};
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
}

/// Of all that `codegen plan` prints.
#[derive(Deserialize)]
struct Plan {
    arena_bytes: u64,
}

impl Arena {
    /// Asks about crates for a platform, through a file of its own.
    pub fn new(codegen: PathBuf, platform: String, network: PathBuf) -> Arena {
        Arena { codegen, platform, network, known: RefCell::default() }
    }

    /// Bytes of working memory of a genome's crate.
    ///
    /// # Errors
    /// There is no such network, or `codegen plan` fails.
    pub fn bytes(&self, genome: &Genome, network: impl FnOnce() -> Result<Network>) -> Result<u64> {
        let function = genome.canonical();
        if let Some(bytes) = self.known.borrow().get(&function) {
            return Ok(*bytes);
        }
        let bytes = self.ask(&network()?)?;
        self.known.borrow_mut().insert(function, bytes);
        Ok(bytes)
    }

    fn ask(&self, network: &Network) -> Result<u64> {
        json::write(&self.network, network)?;
        let mut plan = Command::new(&self.codegen);
        plan.args(["plan", "--platform", &self.platform, "--network"]).arg(&self.network);
        let output = plan.output().with_context(|| format!("{}: cannot start the program", self.codegen.display()))?;
        if !output.status.success() {
            bail!("codegen plan failed: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        let plan: Plan = serde_json::from_slice(&output.stdout).context("codegen plan printed no arena_bytes")?;
        Ok(plan.arena_bytes)
    }
}
