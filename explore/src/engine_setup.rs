//! From the options and the profile to what runs trainings.

use crate::evaluate::engine::{Engine, OnSlurm};
use crate::evaluate::trainer::Trainer;
use anyhow::{Context, Result};
use common::profile::ClusterSettings;
use process::cluster::commands::Commands;
use process::cluster::connection::Connection;
use process::cluster::slurm::Slurm;
use process::engine_args::{EngineArgs, EngineName};
use process::interrupt::Interrupt;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

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
            let folder = place.folder.join("cluster");
            let connection = Connection {
                train: &place.program,
                record: &folder,
                batches: folder.clone(),
                settings,
                script: args.cluster_script()?,
                at_once: workers,
            };
            let (slurm, common) = connection.connect(&interrupt)?;
            let on_slurm = OnSlurm { slurm, settings: settings.clone(), common };
            (place, Engine::Slurm(Box::new(on_slurm)))
        }
    };
    let Place { program, dataset, profile, folder } = place;
    let engine = (engine, args.retries());
    Ok(Trainer::new(program, dataset, profile, folder, engine, interrupt))
}

/// Returns what runs commands of a finished run on a cluster; `None` for this machine.
///
/// # Errors
/// Fails as [`trainer`] does.
pub(crate) fn commands(
    program: &Path,
    folder: &Path,
    args: &EngineArgs,
    settings: &ClusterSettings,
    interrupt: &Interrupt,
) -> Result<Option<Commands<Slurm>>> {
    if args.engine == EngineName::Local {
        return args.cluster_script().map(|_| None);
    }
    let folder = std::path::absolute(folder).with_context(|| folder.display().to_string())?;
    let folder = folder.join("cluster");
    let connection = Connection {
        train: program,
        record: &folder,
        batches: folder.clone(),
        settings,
        script: args.cluster_script()?,
        at_once: None,
    };
    let (scheduler, common) = connection.connect(interrupt)?;
    Ok(Some(Commands { scheduler, common, retries: args.retries() }))
}
