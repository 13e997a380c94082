//! Meters that are read while the board is measured.

use super::counter::Counter;
use super::hwmon;
use super::inputs::MeterInputs;
use super::nvml::{self, NvmlMeter};
use super::rapl::{self, Rapl};
use super::sampler::Sampler;
use crate::board_files::BoardFiles;
use crate::reason::Reason;
use common::board::Hwmon;

/// A meter that is read while the board is measured.
#[derive(Debug)]
pub(crate) enum LiveMeter {
    /// The energy counters of processor packages.
    Rapl(Rapl),
    /// The energy counter of a GPU.
    Gpu(nvml::GpuCounter),
    /// A power meter that is sampled and integrated.
    Sampled(Sampler),
}

impl LiveMeter {
    /// Opens the counters of a board's processor packages.
    ///
    /// # Errors
    /// Returns why they cannot be read.
    pub(crate) fn rapl(board: BoardFiles, inputs: &MeterInputs) -> Result<LiveMeter, Reason> {
        Rapl::open(board, &inputs.sysfs_root).map(LiveMeter::Rapl)
    }

    /// Opens the counter or power meter of a GPU, by its index.
    ///
    /// # Errors
    /// Returns why it cannot be read.
    pub(crate) fn gpu(index: u32, inputs: &MeterInputs) -> Result<LiveMeter, Reason> {
        Ok(match nvml::open(inputs.nvml_library.as_deref(), index)? {
            NvmlMeter::Energy(counter) => LiveMeter::Gpu(counter),
            NvmlMeter::Power(sampler) => LiveMeter::Sampled(sampler),
        })
    }

    /// Opens a board's power sensors.
    ///
    /// # Errors
    /// Returns why they cannot be read.
    pub(crate) fn hwmon(
        board: BoardFiles,
        inputs: &MeterInputs,
        wanted: &Hwmon,
    ) -> Result<LiveMeter, Reason> {
        hwmon::open(board, &inputs.sysfs_root, wanted).map(LiveMeter::Sampled)
    }

    /// Returns the meter's counters. The energy of the board is the sum over all of them.
    pub(crate) fn counters(&self) -> &[Counter] {
        match self {
            LiveMeter::Rapl(rapl) => rapl.counters(),
            LiveMeter::Gpu(gpu) => gpu.counters(),
            LiveMeter::Sampled(sampler) => sampler.counters(),
        }
    }

    /// Returns the time between two updates of the counters, in seconds.
    pub(crate) fn tick_s(&self) -> f64 {
        match self {
            LiveMeter::Rapl(_) => rapl::TICK_S,
            LiveMeter::Gpu(_) => nvml::TICK_S,
            LiveMeter::Sampled(sampler) => sampler.tick_s(),
        }
    }

    /// Reads all counters, each in its own unit.
    ///
    /// # Errors
    /// Returns why they cannot be read.
    pub(crate) fn read(&self) -> Result<Vec<u64>, Reason> {
        match self {
            LiveMeter::Rapl(rapl) => rapl.read(),
            LiveMeter::Gpu(gpu) => gpu.read(),
            LiveMeter::Sampled(sampler) => sampler.read(),
        }
    }
}
