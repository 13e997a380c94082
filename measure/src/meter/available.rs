//! The list of all kinds of meters, with what this machine has of each.

use super::inputs::MeterInputs;
use super::rapl::Rapl;
use super::{hwmon, nvml};
use crate::board_files::BoardFiles;
use common::board::{Meter, MeterOnHost};

/// Lists every kind of meter, and whether this machine has it.
pub(crate) fn on_host(inputs: &MeterInputs) -> Vec<MeterOnHost> {
    Meter::ALL.into_iter().map(|meter| one_on_host(meter, inputs)).collect()
}

fn one_on_host(meter: Meter, inputs: &MeterInputs) -> MeterOnHost {
    let counters = match meter {
        Meter::Rapl => Rapl::open(BoardFiles::Local, &inputs.sysfs_root)
            .map(|rapl| rapl.counters().iter().map(|counter| counter.name.clone()).collect()),
        Meter::Nvml => nvml::names(inputs.nvml_library.as_deref()),
        Meter::Hwmon => hwmon::names(&BoardFiles::Local, &inputs.sysfs_root),
        // These need nothing of this machine.
        Meter::Csv | Meter::Manual | Meter::None => Ok(vec![]),
    };
    let (usable, reason) = (counters.is_ok(), counters.as_ref().err().map(ToString::to_string));
    let tried = meter.tried().to_string();
    MeterOnHost { meter, usable, counters: counters.unwrap_or_default(), reason, tried }
}
