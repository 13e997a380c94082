//! Options that say where trainings run.

use anyhow::{Result, ensure};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Repetitions of a training on this machine, where the same cause is likely to be there still.
const LOCAL_RETRIES: usize = 1;
/// Repetitions on a cluster, where another machine takes over.
pub const CLUSTER_RETRIES: usize = 3;

/// The options that say where trainings run.
#[derive(Args, Clone, Debug)]
pub struct EngineArgs {
    /// Where trainings run: `local`, on this machine, or `slurm`, as tasks of a Slurm cluster that
    /// share this folder (section `cluster` of the profile)
    #[arg(long, value_name = "NAME", value_enum, default_value_t = EngineName::Local)]
    pub engine: EngineName,
    /// Number of times that a training is run again that the machine ended, not the network
    /// [default: 1, with `--engine slurm` 3]
    #[arg(long, value_name = "N")]
    retries: Option<usize>,
    /// File with lines for Slurm's job scripts, such as `#SBATCH --account=NAME` or `module load`
    #[arg(long, value_name = "FILE")]
    cluster_script: Option<PathBuf>,
}

/// Where trainings run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum EngineName {
    /// On this machine.
    Local,
    /// On the machines of a Slurm cluster.
    Slurm,
}

impl EngineArgs {
    /// Returns how often a training is repeated.
    pub fn retries(&self) -> usize {
        self.retries.unwrap_or(match self.engine {
            EngineName::Local => LOCAL_RETRIES,
            EngineName::Slurm => CLUSTER_RETRIES,
        })
    }

    /// Returns the file with lines for job scripts.
    ///
    /// # Errors
    /// Fails if it is there without a cluster.
    pub fn cluster_script(&self) -> Result<Option<PathBuf>> {
        ensure!(
            self.cluster_script.is_none() || self.engine == EngineName::Slurm,
            "--cluster-script has an effect with --engine slurm alone: leave it out, or choose that \
             engine"
        );
        Ok(self.cluster_script.clone())
    }
}
