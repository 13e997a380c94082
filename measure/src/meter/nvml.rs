//! NVML: the energy of an NVIDIA GPU, read through its driver's library. GPUs since Volta count
//! millijoules; the power of older ones is sampled and integrated.

use super::counter::Counter;
use super::sampler::{PowerReader, Sampler};
use crate::reason::Reason;
use nvml_wrapper::Nvml;
use nvml_wrapper::error::NvmlError;
use std::path::Path;

/// Shortest time between two updates by a driver.
pub(crate) const TICK_S: f64 = 0.1;
/// The counter's unit.
const UNIT_J: f64 = 1e-3;

/// The energy counter of a GPU.
#[derive(Debug)]
pub(crate) struct GpuCounter {
    nvml: Box<Nvml>,
    index: u32,
    counters: [Counter; 1],
}

/// The meter that a GPU has.
#[derive(Debug)]
pub(crate) enum NvmlMeter {
    /// An energy counter.
    Energy(GpuCounter),
    /// A power meter, which is sampled and integrated.
    Power(Sampler),
}

/// Opens the meter of a GPU. `library` is loaded instead of the driver's own, if given.
///
/// # Errors
/// Fails if there is no such GPU, or if it has neither energy nor power readings.
pub(crate) fn open(library: Option<&Path>, index: u32) -> Result<NvmlMeter, Reason> {
    let nvml = load(library)?;
    if let Err(error) = nvml.device_by_index(index) {
        return Err(format!("there is no GPU {index}, numbered from 0: {error}").into());
    }
    let name = name(&nvml, index);
    match millijoules(&nvml, index) {
        Ok(_) => {
            let counters = [Counter { name, unit_j: UNIT_J, range: None }];
            Ok(NvmlMeter::Energy(GpuCounter { nvml, index, counters }))
        }
        Err(NvmlError::NotSupported | NvmlError::FailedToLoadSymbol(_)) => {
            let power: PowerReader = Box::new(move || watts(&nvml, index));
            Sampler::start(name, TICK_S, power).map(NvmlMeter::Power)
        }
        Err(error) => Err(format!("the energy of GPU {index} cannot be read: {error}").into()),
    }
}

/// Returns the names of all GPUs.
///
/// # Errors
/// Fails if the library cannot be loaded, or if there is no GPU.
pub(crate) fn names(library: Option<&Path>) -> Result<Vec<String>, Reason> {
    let nvml = load(library)?;
    let names: Vec<String> = (0..)
        .take_while(|index| nvml.device_by_index(*index).is_ok())
        .map(|index| name(&nvml, index))
        .collect();
    if names.is_empty() { Err("NVML finds no GPU".into()) } else { Ok(names) }
}

impl GpuCounter {
    /// Returns the one counter.
    pub(crate) fn counters(&self) -> &[Counter] {
        &self.counters
    }

    /// Reads the energy since the driver was loaded, in millijoules.
    ///
    /// # Errors
    /// Returns why it cannot be read.
    pub(crate) fn read(&self) -> Result<Vec<u64>, Reason> {
        let millijoules = millijoules(&self.nvml, self.index);
        let millijoules = millijoules
            .map_err(|error| Reason::from(format!("GPU {} is gone: {error}", self.index)))?;
        Ok(vec![millijoules])
    }
}

/// Loads the driver's library.
///
/// # Errors
/// Fails if the library cannot be loaded.
pub(super) fn load(library: Option<&Path>) -> Result<Box<Nvml>, Reason> {
    let mut builder = Nvml::builder();
    if let Some(library) = library {
        builder.lib_path(library.as_os_str());
    }
    builder.init().map(Box::new).map_err(|error| {
        format!("NVML cannot be loaded ({error}); is NVIDIA's driver installed?").into()
    })
}

/// Returns the index and the model of a GPU.
pub(super) fn name(nvml: &Nvml, index: u32) -> String {
    let name = nvml.device_by_index(index).and_then(|gpu| gpu.name());
    name.map_or_else(|_| format!("GPU {index}"), |name| format!("GPU {index}, {name}"))
}

fn millijoules(nvml: &Nvml, index: u32) -> Result<u64, NvmlError> {
    nvml.device_by_index(index)?.total_energy_consumption()
}

fn watts(nvml: &Nvml, index: u32) -> Result<f64, Reason> {
    match nvml.device_by_index(index).and_then(|gpu| gpu.power_usage()) {
        Ok(milliwatts) => Ok(f64::from(milliwatts) * 1e-3),
        Err(NvmlError::NotSupported) => {
            let hint = "as on Jetson boards, whose power sensor is read with the meter hwmon";
            Err(format!("GPU {index} supports neither energy nor power readings ({hint})").into())
        }
        Err(error) => Err(format!("the power of GPU {index} cannot be read: {error}").into()),
    }
}
