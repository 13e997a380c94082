//! The search for the channels of a board's power sensors.

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
        match Chip::open(board, &folder.join(&name), name) {
            Ok(chip) => channels.extend(chip.channels()),
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

/// A chip's folder.
struct Chip<'a> {
    board: &'a BoardFiles,
    folder: &'a Path,
    /// Names of the files in the folder.
    files: Vec<String>,
    name: String,
    /// Other names of the chip, see [`Channel`].
    places: Vec<String>,
}

impl<'a> Chip<'a> {
    fn open(
        board: &'a BoardFiles,
        folder: &'a Path,
        folder_name: String,
    ) -> Result<Chip<'a>, Reason> {
        let files = board.names(folder)?;
        let name = board.read(&folder.join("name"))?.trim().to_string();
        let places = board.link(&folder.join("device")).into_iter().chain([folder_name]).collect();
        Ok(Chip { board, folder, files, name, places })
    }

    fn channels(&self) -> Vec<Channel> {
        CHANNELS
            .filter(|number| self.name != INA3221.0 || *number <= INA3221.1)
            .filter_map(|number| self.channel(number))
            .collect()
    }

    /// Returns the channel of a number, if it exists, is enabled and is of one rail.
    fn channel(&self, number: usize) -> Option<Channel> {
        let [power, volts, amperes] = ["power", "in", "curr"].map(|kind| format!("{kind}{number}"));
        let [input, average] = [INPUT, AVERAGE].map(|kind| self.has(&format!("{power}_{kind}")));
        let stems = if input || average {
            vec![power.clone()]
        } else if self.is_pair(&volts, &amperes) {
            vec![volts.clone(), amperes.clone()]
        } else {
            return None;
        };
        let label = [&power, &volts, &amperes]
            .into_iter()
            .find_map(|stem| self.label(stem))
            .or_else(|| self.line("label"));
        let disabled =
            stems.iter().any(|stem| self.line(&format!("{stem}_enable")).as_deref() == Some("0"));
        if disabled || label.as_deref().is_some_and(is_no_rail) {
            return None;
        }
        let average = average && !input;
        let (kind, interval) = if average {
            (AVERAGE, format!("{power}_average_interval"))
        } else {
            (INPUT, "update_interval".to_string())
        };
        Some(Channel {
            chip: self.name.clone(),
            label,
            places: self.places.clone(),
            files: stems.iter().map(|stem| self.folder.join(format!("{stem}_{kind}"))).collect(),
            stems,
            interval_file: self.folder.join(interval),
            average,
        })
    }

    /// Returns whether volts and amperes of these names exist and are of one rail.
    fn is_pair(&self, volts: &str, amperes: &str) -> bool {
        [volts, amperes].iter().all(|stem| self.has(&format!("{stem}_{INPUT}")))
            && of_one_rail(self.label(volts), self.label(amperes))
    }

    fn has(&self, file: &str) -> bool {
        self.files.iter().any(|name| name == file)
    }

    fn label(&self, stem: &str) -> Option<String> {
        self.line(&format!("{stem}_label"))
    }

    /// Returns the content of a file, if it exists and can be read.
    fn line(&self, file: &str) -> Option<String> {
        if !self.has(file) {
            return None;
        }
        self.board.read(&self.folder.join(file)).ok().map(|text| text.trim().to_string())
    }
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
