//! The time that trainings took, from the reports that they left in the run's folder.

use crate::report::files::{names_in, read};
use anyhow::Result;
use common::program::Program;
use common::train_report::{Timing, TrainReport};
use std::collections::BTreeSet;
use std::path::Path;

/// The time of some trainings.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Time {
    /// Number of trainings.
    pub(crate) trainings: usize,
    /// Wall times of the trainings in seconds, added up.
    pub(crate) wall_s: f64,
    /// Processor times of the trainings in seconds, added up.
    pub(crate) cpu_s: f64,
    /// Builds of `train`; `None` is a build that did not record itself.
    pub(crate) programs: BTreeSet<Option<Program>>,
    /// Devices, such as `cpu`.
    pub(crate) devices: BTreeSet<String>,
}

impl Time {
    /// Adds a training.
    pub(crate) fn add(&mut self, timing: &Timing) {
        self.trainings += 1;
        self.wall_s += timing.wall_s;
        self.cpu_s += timing.cpu_s;
        self.programs.insert(timing.program.clone());
        self.devices.insert(timing.device.clone());
    }
}

/// The trainings of a run, by stage.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Effort {
    /// Candidates of the search, those with a second seed included.
    pub(crate) search: Time,
    /// Networks that were trained in full.
    pub(crate) training: Time,
    /// Fine-tuning after each round of pruning.
    pub(crate) pruning: Time,
    /// Pruned structures that were trained from initial weights.
    pub(crate) scratch: Time,
}

impl Effort {
    /// Reads the reports in the folder of a run.
    ///
    /// # Errors
    /// Fails if a report is damaged.
    pub(crate) fn read(run: &Path) -> Result<Effort> {
        let mut effort = Effort::default();
        let candidates = run.join("explore/individuals");
        for name in names_in(&candidates)? {
            add(&mut effort.search, &candidates.join(name))?;
        }
        let networks = run.join("networks");
        for network in names_in(&networks)? {
            let network = networks.join(network);
            for kind in names_in(&network)? {
                let folder = network.join(&kind);
                if kind == "dense" {
                    add(&mut effort.training, &folder)?;
                } else if kind == "pruned" || kind.starts_with("pruned-") {
                    add(&mut effort.scratch, &folder.join("scratch"))?;
                    let rounds = folder.join("rounds");
                    for round in names_in(&rounds)? {
                        add(&mut effort.pruning, &rounds.join(round))?;
                    }
                }
            }
        }
        Ok(effort)
    }
}

/// Adds the training in a folder, if there is one. Other files lie beside the folders.
fn add(time: &mut Time, folder: &Path) -> Result<()> {
    if folder.is_dir()
        && let Some(report) = read::<TrainReport>(&folder.join("train.json"))?
    {
        time.add(&report.timing);
    }
    Ok(())
}
