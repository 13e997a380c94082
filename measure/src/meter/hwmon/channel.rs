//! The channels of a machine's sensors, and what they are called.
//!
//! A channel `K` has `powerK_input` in microwatts, or the mean `powerK_average`, or, where the chip
//! computes no power, `inK_input` in millivolts and `currK_input` in milliamperes.

use super::class;
use crate::files::{Files, hidden};
use crate::meter::MOST_W;
use std::path::{Path, PathBuf};

/// Channels are numbered from 1; no chip has more.
const CHANNELS: std::ops::RangeInclusive<usize> = 1..=8;
/// An INA3221 has three, and behind them their shunt voltages in microvolts and sums.
const INA3221: (&str, usize) = ("ina3221", 3);
/// A label of what is not connected.
const NOT_CONNECTED: &str = "NC";
/// Over how long a chip takes a mean that does not say it.
const AVERAGE_S: f64 = 1.0;
/// Microwatts that stand for an unknown power.
const UNKNOWN: [i64; 2] = [i32::MAX as i64, u32::MAX as i64];

/// Something whose power can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Channel {
    chip: String,
    /// The rail's name, if it has one.
    label: Option<String>,
    /// The chip's address on its bus, which stays, if it is known, and its folder, which may change
    /// at the next start.
    places: Vec<String>,
    /// What the chip calls it: `power1`, or `in1` and `curr1`.
    stems: Vec<String>,
    files: Vec<PathBuf>,
    /// Where it says in milliseconds how often there is a new value, and how many seconds that is
    /// if it does not.
    interval_file: PathBuf,
    average: bool,
}

impl Channel {
    /// Whether a board means it by a chip and the name of a rail; without one it is meant by the
    /// chip alone.
    pub(super) fn is(&self, chip: &str, rail: Option<&str>) -> bool {
        let Some(rail) = rail else { return self.chip == chip };
        let within = rail.strip_prefix(&self.chip).and_then(|rest| rest.strip_prefix('/'));
        self.chip == chip && self.names().any(|name| name == rail)
            || within.is_some_and(|rail| self.names().any(|name| name == rail))
    }

    /// Whether this is named by its label, and the other one is a labelled channel of the same
    /// chip.
    pub(super) fn is_beside(&self, rail: &str, other: &Channel) -> bool {
        let both = self.label.as_deref() == Some(rail) && other.label.is_some();
        both && self.places == other.places && self != other
    }

    /// All names of it among the channels of its chip, the best first.
    fn names(&self) -> impl Iterator<Item = String> {
        let of_place = |own: &[String]| -> Vec<String> {
            self.places
                .iter()
                .flat_map(|place| own.iter().map(move |own| format!("{place}/{own}")))
                .collect()
        };
        let label: Vec<String> = self.label.iter().cloned().collect();
        let names = [
            label.clone(),
            self.places.clone(),
            of_place(&label),
            self.stems.clone(),
            of_place(&self.stems),
        ];
        names.into_iter().flatten()
    }

    /// The best name that no other channel of its chip has.
    pub(super) fn rail(&self, all: &[Channel]) -> String {
        let is_own = |name: &String| {
            all.iter().filter(|channel| channel.is(&self.chip, Some(name))).count() == 1
        };
        self.names().find(is_own).unwrap_or_default()
    }

    /// Chip and rail; of a chip with one channel and no label the chip alone.
    pub(super) fn name(&self, all: &[Channel]) -> String {
        let alone = self.label.is_none()
            && all.iter().filter(|channel| channel.is(&self.chip, None)).count() == 1;
        if alone { self.chip.clone() } else { format!("{} {}", self.chip, self.rail(all)) }
    }

    /// How often there is a new value, in seconds; 0 where that is not known.
    pub(super) fn tick_s(&self, machine: &Files) -> f64 {
        let milliseconds =
            machine.numbers::<u32>(std::slice::from_ref(&self.interval_file)).map_or(0, |ms| ms[0]);
        match (milliseconds, self.average) {
            (0, true) => AVERAGE_S,
            (milliseconds, _) => f64::from(milliseconds) * 1e-3,
        }
    }
}

/// The power of some channels together.
///
/// # Errors
/// Which file cannot be read, or shows something else than a power.
pub(super) fn watts(machine: &Files, channels: &[Channel]) -> Result<f64, String> {
    let files: Vec<PathBuf> = channels.iter().flat_map(|channel| channel.files.clone()).collect();
    let numbers = machine.numbers::<i64>(&files)?;
    let (mut left, mut sum) = (&numbers[..], 0.0);
    for channel in channels {
        let (of_it, others) = left.split_at(channel.files.len());
        // Milliwatts are millivolts times milliamperes / 1000, so both are in microwatts here.
        let watts = of_it.iter().map(|number| *number as f64).product::<f64>() * 1e-6;
        if watts.abs() > MOST_W || matches!(of_it, [power] if UNKNOWN.contains(power)) {
            return Err(format!(
                "{}: it shows {}, which stands for an unknown power",
                channel.files[0].display(),
                of_it[0]
            ));
        }
        (left, sum) = (others, sum + watts);
    }
    Ok(sum)
}

/// All channels of a machine, at least one.
///
/// # Errors
/// Why there are none.
pub(super) fn all(machine: &Files, sysfs: &Path) -> Result<Vec<Channel>, String> {
    let (folder, mut channels, mut unreadable) = (class(sysfs), vec![], None);
    let names = machine.names(&folder).map_err(|why| hidden(&why))?;
    for name in names.into_iter().filter(|name| name.starts_with("hwmon")) {
        match of_chip(machine, &folder.join(&name), name) {
            Ok(of_it) => channels.extend(of_it),
            Err(why) => drop(unreadable.get_or_insert(why)),
        }
    }
    match unreadable {
        _ if !channels.is_empty() => Ok(channels),
        Some(why) => Err(hidden(&why)),
        None => Err(format!(
            "{} has no power sensor; is the chip's driver loaded (such as `modprobe ina2xx`)?",
            folder.display()
        )),
    }
}

fn of_chip(machine: &Files, folder: &Path, name: String) -> Result<Vec<Channel>, String> {
    let files = machine.names(folder)?;
    let line = |file: &str| {
        let there = files.iter().any(|name| name == file);
        there
            .then(|| machine.read(&folder.join(file)).ok())
            .flatten()
            .map(|text| text.trim().to_string())
    };
    let chip = machine.read(&folder.join("name"))?.trim().to_string();
    let places: Vec<String> =
        machine.link(&folder.join("device")).into_iter().chain([name]).collect();
    let mut channels = vec![];
    for number in CHANNELS.filter(|number| chip != INA3221.0 || *number <= INA3221.1) {
        let has = |file: &str| files.iter().any(|name| name == file);
        let [power, volts, amperes] = ["power", "in", "curr"].map(|kind| format!("{kind}{number}"));
        let label = |stem: &str| line(&format!("{stem}_label"));
        let [input, average] = ["input", "average"].map(|kind| has(&format!("{power}_{kind}")));
        let pair = has(&format!("{volts}_input")) && has(&format!("{amperes}_input"));
        let stems = match (input || average, pair) {
            (true, _) => vec![power.clone()],
            (false, true) if of_one_rail(label(&volts), label(&amperes)) => {
                vec![volts.clone(), amperes.clone()]
            }
            (false, _) => continue,
        };
        let label = [&power, &volts, &amperes]
            .into_iter()
            .find_map(|stem| label(stem))
            .or_else(|| line("label"));
        let disabled =
            stems.iter().any(|stem| line(&format!("{stem}_enable")).as_deref() == Some("0"));
        if disabled || label.as_deref().is_some_and(is_none) {
            continue;
        }
        let average = average && !input;
        let kind = if average { "average" } else { "input" };
        let interval = if average {
            format!("{power}_average_interval")
        } else {
            "update_interval".to_string()
        };
        channels.push(Channel {
            chip: chip.clone(),
            label,
            places: places.clone(),
            files: stems.iter().map(|stem| folder.join(format!("{stem}_{kind}"))).collect(),
            stems,
            interval_file: folder.join(interval),
            average,
        });
    }
    Ok(channels)
}

/// Whether volts and amperes are of one rail, by their labels, such as `vin` and `iin`; without
/// both of them it is believed.
fn of_one_rail(volts: Option<String>, amperes: Option<String>) -> bool {
    let Some((volts, amperes)) = volts.zip(amperes) else { return true };
    let rail = |label: &str, quantity| {
        label.to_lowercase().strip_prefix::<char>(quantity).map(str::to_string)
    };
    volts == amperes || rail(&volts, 'v').is_some_and(|volts| rail(&amperes, 'i') == Some(volts))
}

/// Whether a label says that there is no rail behind it.
fn is_none(label: &str) -> bool {
    label == NOT_CONNECTED || label.to_lowercase().starts_with("sum of")
}
