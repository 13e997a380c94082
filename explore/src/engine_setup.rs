//! From the options and the profile to what runs trainings.

use crate::evaluate::engine::{Engine, OnSlurm};
use crate::evaluate::trainer::Trainer;
use anyhow::{Context, Result, bail, ensure};
use common::cluster_record::ClusterRecord;
use common::files::json;
use common::profile::ClusterSettings;
use process::cluster::run::Common;
use process::cluster::single::Single;
use process::cluster::slurm::Slurm;
use process::engine_args::{EngineArgs, EngineName};
use process::interrupt::Interrupt;
use process::output::{end_of, output};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// The environment variable that forces the instructions of `train`.
const KERNELS: &str = "NEUROPOWER_KERNELS";

/// The program `train`, what it reads, and the folder of a search or study.
pub(crate) struct Place {
    pub(crate) program: PathBuf,
    pub(crate) dataset: PathBuf,
    pub(crate) profile: PathBuf,
    pub(crate) folder: PathBuf,
}

impl Place {
    /// Returns the same with absolute paths, by which all machines of a cluster find it.
    fn absolute(self) -> Result<Place> {
        let absolute = |path: PathBuf| {
            std::path::absolute(&path).with_context(|| format!("{}: no path", path.display()))
        };
        Ok(Place {
            program: absolute(self.program)?,
            dataset: absolute(self.dataset)?,
            profile: absolute(self.profile)?,
            folder: absolute(self.folder)?,
        })
    }
}

/// Returns what runs trainings, at most `workers` at a time.
///
/// # Errors
/// Fails if a cluster is asked for and its programs do not answer, or if the folder's trainings
/// compute with other instructions.
pub(crate) fn trainer(
    place: Place,
    args: &EngineArgs,
    workers: Option<NonZeroUsize>,
    settings: &ClusterSettings,
    interrupt: Interrupt,
) -> Result<Trainer> {
    let (place, engine) = match args.engine {
        EngineName::Local => {
            args.cluster_script()?;
            (place, Engine::Local { workers })
        }
        EngineName::Slurm => {
            let place = place.absolute()?;
            let (program, folder) = (&place.program, place.folder.join("cluster"));
            let (slurm, common) = connect(program, folder, args, workers, settings, &interrupt)?;
            let on_slurm = OnSlurm { slurm, settings: settings.clone(), common };
            (place, Engine::Slurm(Box::new(on_slurm)))
        }
    };
    let Place { program, dataset, profile, folder } = place;
    let engine = (engine, args.retries());
    Ok(Trainer::new(program, dataset, profile, folder, engine, interrupt))
}

/// Returns what runs single commands of a finished run on a cluster; `None` for this machine.
///
/// # Errors
/// Fails as [`trainer`] does.
pub(crate) fn single(
    program: &Path,
    folder: &Path,
    args: &EngineArgs,
    settings: &ClusterSettings,
    interrupt: &Interrupt,
) -> Result<Option<Single<Slurm>>> {
    if args.engine == EngineName::Local {
        return args.cluster_script().map(|_| None);
    }
    let folder = std::path::absolute(folder).with_context(|| folder.display().to_string())?;
    let (scheduler, common) =
        connect(program, folder.join("cluster"), args, None, settings, interrupt)?;
    Ok(Some(Single { scheduler, common, retries: args.retries() }))
}

/// Returns the cluster and what its tasks with files in a folder have in common.
fn connect(
    program: &Path,
    folder: PathBuf,
    args: &EngineArgs,
    workers: Option<NonZeroUsize>,
    settings: &ClusterSettings,
    interrupt: &Interrupt,
) -> Result<(Slurm, Common)> {
    let slurm = Slurm::connect(settings, args.cluster_script()?.as_deref(), workers)?;
    let kernels = kernels(program, &folder, interrupt)?;
    let file_wait = Duration::from_secs_f64(settings.file_wait_s);
    let environment = vec![(KERNELS.to_string(), kernels)];
    Ok((slurm, Common { folder, file_wait, environment }))
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
