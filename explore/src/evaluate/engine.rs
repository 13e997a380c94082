//! Where trainings run: as child processes on this machine, or as tasks of a cluster. Both take
//! commands under the numbers of their trainings, and say how each ended.

use anyhow::{Context, Result};
use common::profile::ClusterSettings;
use process::child::Guarded;
use process::cluster::job::{End, Job};
use process::cluster::run::{Cluster, Common};
use process::cluster::slurm::Slurm;
use process::interrupt::Interrupt;
use std::fs::File;
use std::num::NonZeroUsize;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Where trainings run.
#[derive(Clone, Debug)]
pub enum Engine {
    /// On this machine.
    Local {
        /// Number of trainings at a time; `None` for one per core.
        workers: Option<NonZeroUsize>,
    },
    /// On the machines of a Slurm cluster.
    Slurm(Box<OnSlurm>),
}

/// A Slurm cluster and the tasks on it.
#[derive(Clone, Debug)]
pub struct OnSlurm {
    /// The cluster.
    pub slurm: Slurm,
    /// What its tasks ask for.
    pub settings: ClusterSettings,
    /// What all tasks have in common.
    pub common: Common,
}

/// Interval between looks at trainings on this machine, which take seconds.
const LOCAL_POLL: Duration = process::logged::POLL;
/// Interval between looks at a cluster, which decides by itself how often it is asked.
const CLUSTER_POLL: Duration = Duration::from_millis(20);
/// Shortest time of a task in seconds, for which trainings are packed together.
const TASK_S: f64 = 60.0;

impl Engine {
    /// Returns the number of threads of each training. On this machine, trainings share its cores.
    pub(super) fn threads(&self) -> usize {
        match self {
            Engine::Local { workers } => {
                let cores = cores();
                (cores / workers.map_or(cores, usize::from)).max(1)
            }
            Engine::Slurm(on_slurm) => on_slurm.settings.cpus,
        }
    }

    /// Returns the time for which the files of a training that has ended are waited for.
    pub(super) fn file_wait(&self) -> Duration {
        match self {
            Engine::Local { .. } => Duration::ZERO,
            Engine::Slurm(on_slurm) => on_slurm.common.file_wait,
        }
    }

    /// Begins a run. `mean_s` is the mean time of a training in seconds, if it is known.
    ///
    /// # Errors
    /// Fails as [`Cluster::begin`] does.
    pub(super) fn begin(&self, mean_s: Option<f64>, interrupt: &Interrupt) -> Result<Running> {
        Ok(match self {
            Engine::Local { workers } => Running::Local {
                workers: workers.map_or_else(cores, usize::from),
                children: Vec::new(),
            },
            Engine::Slurm(on_slurm) => {
                let OnSlurm { slurm, settings, common } = &**on_slurm;
                Running::Cluster {
                    cluster: Box::new(Cluster::begin(slurm.clone(), common.clone(), interrupt)?),
                    per_task: settings.trainings_per_task.unwrap_or_else(|| packed(mean_s)),
                }
            }
        })
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Returns the number of trainings that make a task of a minute; 1 while their time is not known.
fn packed(mean_s: Option<f64>) -> usize {
    mean_s.map_or(1, |mean_s| (TASK_S / mean_s.max(0.01)).ceil() as usize).max(1)
}

/// Trainings that run; all are ended when this is dropped.
#[derive(Debug)]
pub(super) enum Running {
    /// On this machine.
    Local {
        /// Number of trainings at a time.
        workers: usize,
        /// Trainings by their numbers.
        children: Vec<(usize, Guarded)>,
    },
    /// On a cluster.
    Cluster {
        /// The cluster.
        cluster: Box<Cluster<Slurm>>,
        /// Number of trainings that a task runs one after the other.
        per_task: usize,
    },
}

impl Running {
    /// Returns the number of trainings that can be started now.
    pub(super) fn room(&self) -> usize {
        match self {
            Running::Local { workers, children } => workers.saturating_sub(children.len()),
            Running::Cluster { .. } => usize::MAX,
        }
    }

    /// Returns whether no training runs or waits to run.
    pub(super) fn is_idle(&self) -> bool {
        match self {
            Running::Local { children, .. } => children.is_empty(),
            Running::Cluster { cluster, .. } => cluster.is_idle(),
        }
    }

    /// Starts trainings under their numbers. Returns those that cannot be started.
    ///
    /// # Errors
    /// Fails if a cluster cannot be used.
    pub(super) fn start(&mut self, jobs: Vec<(usize, Job)>) -> Result<Vec<(usize, anyhow::Error)>> {
        match self {
            Running::Local { children, .. } => {
                let mut failed = Vec::new();
                for (number, job) in jobs {
                    match start_here(&job) {
                        Ok(child) => children.push((number, child)),
                        Err(error) => failed.push((number, error)),
                    }
                }
                Ok(failed)
            }
            Running::Cluster { cluster, per_task } => {
                cluster.submit(&jobs, *per_task).map(|()| Vec::new())
            }
        }
    }

    /// Returns the trainings that have ended since the last call.
    ///
    /// # Errors
    /// Fails if this machine or the cluster does not tell.
    pub(super) fn poll(&mut self, interrupt: &Interrupt) -> Result<Vec<(usize, End)>> {
        match self {
            Running::Local { children, .. } => {
                let mut ended = Vec::new();
                for (number, child) in children.iter_mut() {
                    if let Some(status) = child.ended()? {
                        interrupt.check_status(status)?;
                        ended.push((*number, End::from(status)));
                    }
                }
                children.retain(|(number, _)| ended.iter().all(|(other, _)| other != number));
                Ok(ended)
            }
            Running::Cluster { cluster, .. } => cluster.poll(),
        }
    }

    /// Returns the time to wait before the next look.
    pub(super) fn interval(&self) -> Duration {
        match self {
            Running::Local { .. } => LOCAL_POLL,
            Running::Cluster { .. } => CLUSTER_POLL,
        }
    }
}

fn start_here(job: &Job) -> Result<Guarded> {
    let log = File::create(&job.log)
        .with_context(|| format!("{}: cannot write the file", job.log.display()))?;
    let mut command = Command::new(&job.command[0]);
    command.args(&job.command[1..]).stdout(Stdio::null()).stderr(log);
    Guarded::start_stage(&mut command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_trainings_are_packed_into_tasks_of_a_minute() {
        let packed: Vec<usize> =
            [None, Some(90.0), Some(60.0), Some(25.0), Some(1.0), Some(0.0)].map(packed).into();
        assert_eq!(packed, [1, 1, 1, 3, 60, 6000]);
    }
}
