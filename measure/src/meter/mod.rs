//! Meters: where energy is read. A meter that cannot be used says why, and never gives a number
//! instead.

pub(crate) mod ask;
pub(crate) mod counter;
pub(crate) mod csv;
pub(crate) mod gpu_watch;
pub(crate) mod hwmon;
pub(crate) mod nvml;
pub(crate) mod rapl;
pub(crate) mod sampler;

use crate::MeterArgs;
use crate::files::Files;
use anyhow::{Result, ensure};
use common::board::{Board, Meter, MeterOnHost};
use common::json;
use common::manual::ManualReading;
use counter::Counter;
use rapl::Rapl;
use sampler::Sampler;

/// Power that is no further below zero than this is noise, such as that of a current sensor while
/// nothing flows.
pub(crate) const NOISE_W: f64 = 0.02;
/// No meter of a board shows more: such a number stands for something else, such as "unknown".
pub(crate) const MOST_W: f64 = 1e6;

/// A meter that is read while it is measured.
#[derive(Debug)]
pub(crate) enum Source {
    /// Processor packages.
    Rapl(Rapl),
    /// A GPU that counts its energy.
    Gpu(nvml::Gpu),
    /// Something whose power is summed up.
    Sampled(Sampler),
}

impl Source {
    /// Its counters; the energy of a board is the sum over all of them.
    pub(crate) fn counters(&self) -> &[Counter] {
        match self {
            Source::Rapl(rapl) => rapl.counters(),
            Source::Gpu(gpu) => gpu.counters(),
            Source::Sampled(sampler) => sampler.counters(),
        }
    }

    /// How long it takes from one update of its counters to the next, in seconds.
    pub(crate) fn tick_s(&self) -> f64 {
        match self {
            Source::Rapl(_) => rapl::TICK_S,
            Source::Gpu(_) => nvml::TICK_S,
            Source::Sampled(sampler) => sampler.tick_s(),
        }
    }

    /// What each counter shows now, in the counter's own unit.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub(crate) fn read(&self) -> Result<Vec<u64>, String> {
        match self {
            Source::Rapl(rapl) => rapl.read(),
            Source::Gpu(gpu) => gpu.read(),
            Source::Sampled(sampler) => sampler.read(),
        }
    }
}

/// Where the energy of a measurement comes from.
#[derive(Debug)]
pub(crate) enum Means {
    /// Counters, read on the way.
    Read(Source),
    /// Somebody else's log, read afterwards.
    Logged(csv::Log),
    /// What somebody read from a display.
    Typed(ManualReading),
    /// What somebody at the terminal will read from a display.
    Asked,
    /// Nowhere, and why.
    Nowhere(String),
}

/// That arguments for a meter are for the board's meter, and that what they name can be read;
/// before anything is done.
///
/// # Errors
/// They are not, or it cannot.
pub(crate) fn check_arguments(board: &Board, args: &MeterArgs, crate_name: &str) -> Result<()> {
    let Board { name, meter, .. } = board;
    for (option, given, needed) in [
        ("--meter-csv", args.meter_csv.is_some(), Meter::Csv),
        ("--manual-json", args.manual_json.is_some(), Meter::Manual),
        ("--nvml-library", args.nvml_library.is_some(), Meter::Nvml),
    ] {
        ensure!(
            !given || *meter == needed,
            "{option} is for boards with the meter {needed}, but that of {name} is {meter}"
        );
    }
    if let Some(file) = &args.manual_json {
        let reading: ManualReading = json::read(file)?;
        ensure!(
            reading.name == crate_name,
            "{}: it was read while {} ran, and says nothing about {crate_name}",
            file.display(),
            reading.name
        );
    }
    args.meter_csv.as_deref().map_or(Ok(()), |file| csv::Log::open(file).map(|_| ()))
}

/// Opens the meter of a board. `files` are those of the machine that the meter is in: the board's
/// own, for a board that is another machine.
///
/// # Errors
/// An argument names a file that cannot be read.
pub(crate) fn open(
    board: &Board,
    args: &MeterArgs,
    files: impl FnOnce() -> Result<Files>,
) -> Result<Means> {
    let read = |source: Result<Source, String>| source.map_or_else(Means::Nowhere, Means::Read);
    Ok(match board.meter {
        Meter::Rapl => read(Rapl::open(files()?, &args.sysfs_root).map(Source::Rapl)),
        Meter::Nvml => read(gpu(args, board.gpu.unwrap_or(0))),
        Meter::Hwmon => match &board.hwmon {
            Some(wanted) => read(hwmon::open(files()?, &args.sysfs_root, wanted).map(Source::Sampled)),
            None => Means::Nowhere("the board does not say which chip".to_string()),
        },
        Meter::Csv => match &args.meter_csv {
            Some(file) => Means::Logged(csv::Log::open(file)?),
            None => Means::Nowhere("the board's meter is a logger: name its file with --meter-csv".to_string()),
        },
        Meter::Manual => match &args.manual_json {
            Some(file) => Means::Typed(json::read(file)?),
            None if ask::at_a_terminal() => Means::Asked,
            None => Means::Nowhere(
                "the board's meter is read by hand: measure on a terminal, to be asked what it shows, or give that with \
                 --manual-json"
                    .to_string(),
            ),
        },
        Meter::None => Means::Nowhere("the board's meter is `none`".to_string()),
    })
}

fn gpu(args: &MeterArgs, index: u32) -> Result<Source, String> {
    Ok(match nvml::open(args.nvml_library.as_deref(), index)? {
        nvml::Opened::Counter(gpu) => Source::Gpu(gpu),
        nvml::Opened::Power(sampler) => Source::Sampled(sampler),
    })
}

/// Every kind of meter, and whether this machine has it.
pub(crate) fn on_host(args: &MeterArgs) -> Vec<MeterOnHost> {
    Meter::ALL.into_iter().map(|meter| on_host_one(meter, args)).collect()
}

fn on_host_one(meter: Meter, args: &MeterArgs) -> MeterOnHost {
    let counters = match meter {
        Meter::Rapl => Rapl::open(Files::Here, &args.sysfs_root)
            .map(|rapl| rapl.counters().iter().map(|counter| counter.name.clone()).collect()),
        Meter::Nvml => nvml::names(args.nvml_library.as_deref()),
        Meter::Hwmon => hwmon::names(&Files::Here, &args.sysfs_root),
        // They need nothing of this machine.
        Meter::Csv | Meter::Manual | Meter::None => Ok(vec![]),
    };
    let (usable, reason) = (counters.is_ok(), counters.as_ref().err().cloned());
    let tried = meter.tried().to_string();
    MeterOnHost { meter, usable, counters: counters.unwrap_or_default(), reason, tried }
}
