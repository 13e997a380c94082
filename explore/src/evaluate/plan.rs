//! The plan of a network's crate, from `codegen plan`.

use super::memory::Memory;
use crate::predictor::features::PlanFeatures;
use anyhow::{Context, Result, anyhow, bail};
use common::board::Platform;
use common::plan_report::Work;
use common::precision::Precision;
use process::interrupt::Interrupt;
use process::output::output;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Plans networks for a platform in a precision.
#[derive(Debug)]
pub(crate) struct Planner {
    /// The program `codegen`.
    pub(crate) codegen: PathBuf,
    /// The platform.
    pub(crate) platform: Platform,
    /// The precision.
    pub(crate) precision: Precision,
    /// Response to termination signals.
    pub(crate) interrupt: Interrupt,
}

/// The part of the output of `codegen plan` that is needed here.
#[derive(Deserialize)]
pub(crate) struct Plan {
    arena_bytes: u64,
    weights_bytes: u64,
    fit: Fit,
    work: Vec<Work>,
}

/// Memory of a microcontroller.
#[derive(Deserialize)]
struct Fit {
    flash_bytes: Option<u64>,
}

impl Plan {
    /// Returns the memory that the crate needs.
    pub(crate) fn memory(&self) -> Memory {
        Memory {
            arena_bytes: Some(self.arena_bytes),
            flash_bytes: Some(self.fit.flash_bytes.unwrap_or(self.weights_bytes)),
        }
    }

    /// Returns what the time of an inference depends on.
    pub(crate) fn features(&self) -> PlanFeatures {
        PlanFeatures::of(&self.work)
    }
}

impl Planner {
    /// Plans the network of a file. The inner result is an error if it is rejected.
    ///
    /// # Errors
    /// Fails if the program cannot be run, is ended by a signal or prints no plan.
    pub(crate) fn plan(&self, network: &Path) -> Result<Result<Plan>> {
        let mut plan = Command::new(&self.codegen);
        plan.args(["plan", "--platform", self.platform.name()]);
        plan.args(["--precision", self.precision.name(), "--network"]).arg(network);
        let output = output(plan, &self.interrupt)?;
        let message = String::from_utf8_lossy(&output.stderr).trim().to_string();
        match output.status.code() {
            Some(0) => {}
            Some(1) => {
                let reason = message.trim_start_matches("error: ");
                return Ok(Err(anyhow!("codegen plan: {reason}")));
            }
            Some(_) | None => bail!("codegen plan ended with {}: {message}", output.status),
        }
        let plan = serde_json::from_slice(&output.stdout).context(
            "codegen plan printed no arena_bytes, weights_bytes, fit and work: is it of another \
             version?",
        )?;
        Ok(Ok(plan))
    }
}
