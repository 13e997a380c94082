//! From options and settings to a cluster whose trainings all compute with the same instructions.

use super::run::Common;
use super::slurm::Slurm;
use crate::interrupt::Interrupt;
use crate::output::{end_of, output};
use anyhow::{Context, Result, bail, ensure};
use common::cluster_record::ClusterRecord;
use common::files::json;
use common::profile::ClusterSettings;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// The environment variable that forces the instructions of `train`.
const KERNELS: &str = "NEUROPOWER_KERNELS";

/// What a connection to Slurm is made of.
#[derive(Debug)]
pub struct Connection<'a> {
    /// The program `train`.
    pub train: &'a Path,
    /// Folder of the record of the instructions, `cluster.json`.
    pub record: &'a Path,
    /// Folder of the tasks' files, as all machines see it.
    pub batches: PathBuf,
    /// What tasks ask for.
    pub settings: &'a ClusterSettings,
    /// File with lines for job scripts.
    pub script: Option<PathBuf>,
    /// Largest number of tasks of an array that run at a time.
    pub at_once: Option<NonZeroUsize>,
}

impl Connection<'_> {
    /// Returns the cluster, and what its tasks have in common.
    ///
    /// # Errors
    /// Fails as [`Slurm::connect`] does, or if the trainings so far compute with other instructions
    /// than those that the environment names.
    pub fn connect(self, interrupt: &Interrupt) -> Result<(Slurm, Common)> {
        let slurm = Slurm::connect(self.settings, self.script.as_deref(), self.at_once)?;
        let kernels = kernels(self.train, self.record, interrupt)?;
        let file_wait = Duration::from_secs_f64(self.settings.file_wait_s);
        let environment = vec![(KERNELS.to_string(), kernels)];
        Ok((slurm, Common { folder: self.batches, file_wait, environment }))
    }
}

/// Returns the instructions that all trainings of a folder compute with: those of its record, or
/// else those that the environment names, or else this machine's best, which are then recorded.
fn kernels(program: &Path, folder: &Path, interrupt: &Interrupt) -> Result<String> {
    let named = std::env::var(KERNELS).ok().filter(|name| !name.is_empty());
    let path = folder.join("cluster.json");
    if path.exists() {
        let ClusterRecord { kernels } = json::read(&path)?;
        if let Some(named) = named.filter(|named| *named != kernels) {
            bail!(
                "{KERNELS} is {named}, but the trainings of {} compute with {kernels}: leave it out, \
                 or choose another folder",
                path.display()
            );
        }
        return Ok(kernels);
    }
    let kernels = named.map_or_else(|| own_kernels(program, interrupt), Ok)?;
    json::write(&path, &ClusterRecord { kernels: kernels.clone() })?;
    Ok(kernels)
}

/// Returns the instructions that `train` computes with on this machine, as `--version` says them.
fn own_kernels(program: &Path, interrupt: &Interrupt) -> Result<String> {
    let mut command = Command::new(program);
    command.arg("--version");
    let output = output(command, interrupt)?;
    let version = String::from_utf8_lossy(&output.stdout).into_owned();
    let kernels = version.split_once("kernels ").map(|(_, rest)| rest.trim_end());
    let kernels = kernels.map(|rest| rest.trim_end_matches(')').to_string());
    ensure!(output.status.success(), "train --version failed: {}", end_of(&output.stderr));
    kernels.with_context(|| format!("{}: --version names no kernels", program.display()))
}
