//! The search for the channels of a machine's power sensors.

use super::channel::{AVERAGE, Channel, INPUT};
use crate::board_files::{BoardFiles, with_sysfs_hint};
use crate::reason::Reason;
use std::path::{Path, PathBuf};

/// Numbers of channels; no chip has more.
const CHANNELS: std::ops::RangeInclusive<usize> = 1..=8;
/// An INA3221 has three channels; its files of higher numbers are shunt voltages in microvolts, and
/// sums.
const INA3221: (&str, usize) = ("ina3221", 3);
/// Label of a channel that is not connected.
const NOT_CONNECTED: &str = "NC";

/// Returns the folder of all chips.
pub(super) fn class(sysfs: &Path) -> PathBuf {
    sysfs.join("class/hwmon")
}

/// Finds all channels of a board, at least one.
///
/// # Errors
/// Returns why there are none.
pub(super) fn all(board: &BoardFiles, sysfs: &Path) -> Result<Vec<Channel>, Reason> {
    let (folder, mut channels, mut unreadable) = (class(sysfs), vec![], None);
    let names = board.names(&folder).map_err(|reason| with_sysfs_hint(&reason))?;
    for name in names.into_iter().filter(|name| name.starts_with("hwmon")) {
        match of_chip(board, &folder.join(&name), name) {
            Ok(found) => channels.extend(found),
            Err(reason) => drop(unreadable.get_or_insert(reason)),
        }
    }
    match unreadable {
        _ if !channels.is_empty() => Ok(channels),
        Some(reason) => Err(with_sysfs_hint(&reason)),
        None => Err(format!(
            "{} has no power sensor; is the chip's driver loaded (such as `modprobe ina2xx`)?",
            folder.display()
        )
        .into()),
    }
}

/// Finds the channels of the chip in a folder.
fn of_chip(board: &BoardFiles, folder: &Path, name: String) -> Result<Vec<Channel>, Reason> {
    let files = board.names(folder)?;
    let line = |file: &str| {
        let there = files.iter().any(|name| name == file);
        there
            .then(|| board.read(&folder.join(file)).ok())
            .flatten()
            .map(|text| text.trim().to_string())
    };
    let chip = board.read(&folder.join("name"))?.trim().to_string();
    let places: Vec<String> =
        board.link(&folder.join("device")).into_iter().chain([name]).collect();
    let mut channels = vec![];
    for number in CHANNELS.filter(|number| chip != INA3221.0 || *number <= INA3221.1) {
        let has = |file: &str| files.iter().any(|name| name == file);
        let [power, volts, amperes] = ["power", "in", "curr"].map(|kind| format!("{kind}{number}"));
        let label = |stem: &str| line(&format!("{stem}_label"));
        let [input, average] = [INPUT, AVERAGE].map(|kind| has(&format!("{power}_{kind}")));
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
        if disabled || label.as_deref().is_some_and(is_no_rail) {
            continue;
        }
        let average = average && !input;
        let kind = if average { AVERAGE } else { INPUT };
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

/// Returns whether volts and amperes are of one rail, by their labels, such as `vin` and `iin`, or
/// because one has no label.
fn of_one_rail(volts: Option<String>, amperes: Option<String>) -> bool {
    let Some((volts, amperes)) = volts.zip(amperes) else { return true };
    let rail = |label: &str, quantity| {
        label.to_lowercase().strip_prefix::<char>(quantity).map(str::to_string)
    };
    volts == amperes || rail(&volts, 'v').is_some_and(|volts| rail(&amperes, 'i') == Some(volts))
}

/// Returns whether a label means that there is no rail.
fn is_no_rail(label: &str) -> bool {
    label == NOT_CONNECTED || label.to_lowercase().starts_with("sum of")
}
