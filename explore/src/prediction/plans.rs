//! What the plans of networks say, from `codegen plan`.

use crate::predictor::features::PlanFeatures;
use anyhow::{Context, Result, bail};
use common::board::Platform;
use common::plan_report::Work;
use common::precision::Precision;
use process::interrupt::Interrupt;
use process::output::output;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Plans networks for a platform in a precision.
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
struct Plan {
    work: Vec<Work>,
}

impl Planner {
    /// Returns the features of a network.
    ///
    /// # Errors
    /// Fails if `codegen plan` cannot be run, or rejects the network.
    pub(crate) fn features(&self, network: &Path) -> Result<PlanFeatures> {
        let mut plan = Command::new(&self.codegen);
        plan.args(["plan", "--platform", self.platform.name()]);
        plan.args(["--precision", self.precision.name(), "--network"]).arg(network);
        let output = output(plan, &self.interrupt)?;
        let message = String::from_utf8_lossy(&output.stderr).trim().to_string();
        match output.status.code() {
            Some(0) => {}
            Some(1) => bail!("codegen plan: {}", message.trim_start_matches("error: ")),
            Some(_) | None => bail!("codegen plan ended with {}: {message}", output.status),
        }
        let plan: Plan = serde_json::from_slice(&output.stdout)
            .context("codegen plan printed no work: is it of another version?")?;
        Ok(PlanFeatures::of(&plan.work))
    }
}
