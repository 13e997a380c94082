//! Options of `explore choose`.

use anyhow::{Context, Result};
use clap::{Args as ClapArgs, ValueEnum};
use common::choice::{Demands, OrderBy};
use common::device::Device;
use process::board_args::ConnectionArgs;
use process::engine_args::EngineArgs;
use std::path::PathBuf;

/// Options of `explore choose`.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  explore choose --run runs/mnist-laptop --board host --max-latency-s 0.0002
  explore choose --run runs/mnist-laptop --board nucleo-h743zi --max-flash-bytes 500000 \\
    --objective parameters

The validation accuracy decides; the test accuracy is printed beside it. Exit code 1 if no network
meets the demands. Repeated after an interruption, it makes only what is missing.")]
pub(crate) struct ChooseArgs {
    /// Folder of the run, such as `make pipeline` makes, with a finished search
    #[arg(long, value_name = "DIR")]
    pub(crate) run: PathBuf,
    /// Board: a name that `measure boards` lists, or a file; on an emulated one nothing is measured
    #[arg(long, value_name = "NAME|FILE")]
    pub(crate) board: String,
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
    /// Maximum time of one inference (median), in seconds
    #[arg(long, value_name = "X")]
    max_latency_s: Option<f64>,
    /// Maximum energy of one inference (median, idle power included), in joules
    #[arg(long, value_name = "X")]
    max_energy_j: Option<f64>,
    /// Maximum average power while inferences run (idle power included), in watts
    #[arg(long, value_name = "X")]
    max_power_w: Option<f64>,
    /// Maximum bytes of constants and, on a microcontroller, of code
    #[arg(long, value_name = "N")]
    max_flash_bytes: Option<u64>,
    /// Maximum bytes of working memory of an inference
    #[arg(long, value_name = "N")]
    max_arena_bytes: Option<u64>,
    /// Minimum validation accuracy (0..1)
    #[arg(long, value_name = "X")]
    min_accuracy: Option<f64>,
    /// Quantity that decides among networks that meet the demands
    #[arg(long, value_name = "NAME", value_enum, default_value_t = ObjectiveName::Accuracy)]
    pub(crate) objective: ObjectiveName,
    /// Folder of the data set [default: data/NAME, with the name that the search recorded]
    #[arg(long, value_name = "DIR")]
    pub(crate) dataset: Option<PathBuf>,
    /// Device of trainings: cpu, or cuda or cuda:N for an NVIDIA GPU
    #[arg(long, value_name = "NAME", default_value = "cpu")]
    pub(crate) device: Device,
    #[command(flatten)]
    pub(crate) engine_args: EngineArgs,
    /// Folder of the programs `train`, `prune`, `codegen` and `measure` [default: the folder of
    /// this program]
    #[arg(long, value_name = "DIR")]
    pub(crate) bin_dir: Option<PathBuf>,
}

impl ChooseArgs {
    /// Returns the demands.
    ///
    /// # Errors
    /// Fails if one is outside its range.
    pub(crate) fn demands(&self) -> Result<Demands> {
        let demands = Demands {
            max_latency_s: self.max_latency_s,
            max_energy_j: self.max_energy_j,
            max_power_w: self.max_power_w,
            max_flash_bytes: self.max_flash_bytes,
            max_arena_bytes: self.max_arena_bytes,
            min_accuracy: self.min_accuracy,
        };
        demands.check().context("the demands")?;
        Ok(demands)
    }
}

/// The quantity that decides among networks that meet the demands.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ObjectiveName {
    /// The highest validation accuracy.
    Accuracy,
    /// The shortest time of one inference.
    Latency,
    /// The lowest energy of one inference.
    Energy,
    /// The fewest trainable parameters.
    Parameters,
}

impl From<ObjectiveName> for OrderBy {
    fn from(name: ObjectiveName) -> Self {
        match name {
            ObjectiveName::Accuracy => OrderBy::Accuracy,
            ObjectiveName::Latency => OrderBy::Latency,
            ObjectiveName::Energy => OrderBy::Energy,
            ObjectiveName::Parameters => OrderBy::Parameters,
        }
    }
}
