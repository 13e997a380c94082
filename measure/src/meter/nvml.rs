//! NVML: the energy of an NVIDIA GPU through its driver's library. Volta and later count
//! millijoules; of older ones the power is summed up.

use crate::meter::counter::Counter;
use crate::meter::sampler::{Power, Sampler};
use nvml_wrapper::Nvml;
use nvml_wrapper::error::NvmlError;
use std::path::Path;

/// How often drivers have a new value, at most.
pub(crate) const TICK_S: f64 = 0.1;
/// The counter's unit.
const UNIT_J: f64 = 1e-3;

/// A GPU that counts its energy.
#[derive(Debug)]
pub(crate) struct Gpu {
    nvml: Box<Nvml>,
    index: u32,
    counters: [Counter; 1],
}

/// What a GPU offers.
#[derive(Debug)]
pub(crate) enum Opened {
    /// A counter of energy.
    Counter(Gpu),
    /// Power, which is summed up.
    Power(Sampler),
}

/// Opens a GPU. `library` takes the place of the driver's own.
///
/// # Errors
/// There is no such GPU, or it says nothing about energy.
pub(crate) fn open(library: Option<&Path>, index: u32) -> Result<Opened, String> {
    let nvml = load(library)?;
    if let Err(error) = nvml.device_by_index(index) {
        return Err(format!("there is no GPU {index}, numbered from 0: {error}"));
    }
    let name = name(&nvml, index);
    match millijoules(&nvml, index) {
        Ok(_) => {
            let counters = [Counter { name, unit_j: UNIT_J, range: None }];
            Ok(Opened::Counter(Gpu { nvml, index, counters }))
        }
        Err(NvmlError::NotSupported | NvmlError::FailedToLoadSymbol(_)) => {
            let power: Power = Box::new(move || watts(&nvml, index));
            Sampler::start(name, TICK_S, power).map(Opened::Power)
        }
        Err(error) => Err(format!("the energy of GPU {index} cannot be read: {error}")),
    }
}

/// The names of all GPUs.
///
/// # Errors
/// The library cannot be loaded, or there is none.
pub(crate) fn names(library: Option<&Path>) -> Result<Vec<String>, String> {
    let nvml = load(library)?;
    let names: Vec<String> = (0..)
        .take_while(|index| nvml.device_by_index(*index).is_ok())
        .map(|index| name(&nvml, index))
        .collect();
    if names.is_empty() { Err("NVML finds no GPU".to_string()) } else { Ok(names) }
}

impl Gpu {
    /// Its one counter.
    pub(crate) fn counters(&self) -> &[Counter] {
        &self.counters
    }

    /// Millijoules since the driver was loaded.
    ///
    /// # Errors
    /// Why they cannot be read.
    pub(crate) fn read(&self) -> Result<Vec<u64>, String> {
        let millijoules = millijoules(&self.nvml, self.index);
        Ok(vec![millijoules.map_err(|error| format!("GPU {} is gone: {error}", self.index))?])
    }
}

/// # Errors
/// The library cannot be loaded.
pub(super) fn load(library: Option<&Path>) -> Result<Box<Nvml>, String> {
    let mut builder = Nvml::builder();
    if let Some(library) = library {
        builder.lib_path(library.as_os_str());
    }
    builder
        .init()
        .map(Box::new)
        .map_err(|error| format!("NVML cannot be loaded ({error}); is NVIDIA's driver installed?"))
}

/// What people call a GPU.
pub(super) fn name(nvml: &Nvml, index: u32) -> String {
    let name = nvml.device_by_index(index).and_then(|gpu| gpu.name());
    name.map_or_else(|_| format!("GPU {index}"), |name| format!("GPU {index}, {name}"))
}

fn millijoules(nvml: &Nvml, index: u32) -> Result<u64, NvmlError> {
    nvml.device_by_index(index)?.total_energy_consumption()
}

fn watts(nvml: &Nvml, index: u32) -> Result<f64, String> {
    match nvml.device_by_index(index).and_then(|gpu| gpu.power_usage()) {
        Ok(milliwatts) => Ok(f64::from(milliwatts) * 1e-3),
        Err(NvmlError::NotSupported) => {
            let hint = "as on Jetson boards, whose power sensor is read with the meter hwmon";
            Err(format!("GPU {index} supports neither energy nor power readings ({hint})"))
        }
        Err(error) => Err(format!("the power of GPU {index} cannot be read: {error}")),
    }
}
