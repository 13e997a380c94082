//! Current sensors on a board (INA219, INA226, INA3221 and the like) through Linux's hwmon in sysfs.
//!
//! Each chip is a folder `class/hwmon/hwmonN` with its `name`. A channel `K` has `powerK_input` in microwatts or, where
//! the chip computes no power, `inK_input` in millivolts and `currK_input` in milliamperes. One channel alone is read,
//! the board's input: other rails are fed from it, so their power is in it already.

use crate::files::Files;
use crate::meter::sampler::{Power, Sampler};
use common::board::Hwmon;
use std::path::{Path, PathBuf};

/// Channels are numbered from 1; no chip has more.
const CHANNELS: std::ops::RangeInclusive<usize> = 1..=8;

/// Something whose power can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Channel {
    chip: String,
    /// The rail's name, if it has one.
    label: Option<String>,
    files: Vec<PathBuf>,
    /// How often there is a new value, in milliseconds, if the chip says so.
    interval_file: PathBuf,
}

impl Channel {
    fn name(&self) -> String {
        self.label.as_ref().map_or_else(|| self.chip.clone(), |label| format!("{} {label}", self.chip))
    }

    fn watts(&self, machine: &Files) -> Result<f64, String> {
        // Milliwatts are millivolts times milliamperes / 1000, so both are in microwatts here.
        let microwatts: i64 = machine.numbers::<i64>(&self.files)?.into_iter().product();
        Ok(microwatts as f64 * 1e-6)
    }
}

/// Opens the channel that a board names.
///
/// # Errors
/// There is no such channel, or several, or it cannot be read.
pub(crate) fn open(machine: Files, sysfs: &Path, wanted: &Hwmon) -> Result<Sampler, String> {
    let all = channels(&machine, sysfs);
    let fits =
        |channel: &&Channel| channel.chip == wanted.chip && (wanted.rail.is_none() || channel.label == wanted.rail);
    let found: Vec<&Channel> = all.iter().filter(fits).collect();
    let rail = wanted.rail.as_ref().map_or_else(String::new, |rail| format!(" with the rail {rail}"));
    let list = |channels: &[&Channel]| channels.iter().map(|channel| channel.name()).collect::<Vec<_>>().join(", ");
    let folder = sysfs.join("class/hwmon");
    match found[..] {
        [channel] => {
            let channel = channel.clone();
            let tick_s = machine.numbers::<u32>(std::slice::from_ref(&channel.interval_file));
            let tick_s = tick_s.map_or(0.0, |milliseconds| f64::from(milliseconds[0]) * 1e-3);
            let name = channel.name();
            let power: Power = Box::new(move || channel.watts(&machine));
            Sampler::start(name, tick_s, power)
        }
        [] if all.is_empty() => Err(format!(
            "{} has no power sensor; is the chip's driver loaded (such as `modprobe ina2xx`)?",
            folder.display()
        )),
        [] => Err(format!(
            "{} has no chip {}{rail}, only {}",
            folder.display(),
            wanted.chip,
            list(&all.iter().collect::<Vec<_>>())
        )),
        [..] => Err(format!(
            "{} has several channels of {}{rail}: {}; the board's `hwmon` must name the rail through which all of its \
             power comes",
            folder.display(),
            wanted.chip,
            list(&found)
        )),
    }
}

/// The names of all channels of a machine.
pub(crate) fn names(machine: &Files, sysfs: &Path) -> Vec<String> {
    channels(machine, sysfs).iter().map(Channel::name).collect()
}

fn channels(machine: &Files, sysfs: &Path) -> Vec<Channel> {
    let class = sysfs.join("class/hwmon");
    let chips = machine.names(&class).into_iter().filter(|name| name.starts_with("hwmon"));
    chips.flat_map(|name| channels_of(machine, &class.join(name))).collect()
}

fn channels_of(machine: &Files, folder: &Path) -> Vec<Channel> {
    let names = machine.names(folder);
    let has = |name: &String| names.contains(name);
    let line = |name: &String| machine.read(&folder.join(name)).ok().map(|text| text.trim().to_string());
    let Some(chip) = line(&"name".to_string()) else { return vec![] };
    let mut channels = vec![];
    for number in CHANNELS {
        let [power, volts, amperes] = ["power", "in", "curr"].map(|kind| format!("{kind}{number}_input"));
        let files = if has(&power) {
            vec![power]
        } else if has(&volts) && has(&amperes) {
            vec![volts, amperes]
        } else {
            continue;
        };
        let labels = ["power", "in", "curr"].map(|kind| format!("{kind}{number}_label"));
        let label = labels.iter().chain([&"label".to_string()]).filter(|name| has(name)).find_map(line);
        let files = files.into_iter().map(|name| folder.join(name)).collect();
        channels.push(Channel { chip: chip.clone(), label, files, interval_file: folder.join("update_interval") });
    }
    channels
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake_sysfs::FakeSysfs;

    /// As on a Jetson Orin Nano: three rails, the last two fed from the first, and the sum of shunt voltages.
    fn jetson() -> FakeSysfs {
        let sysfs = FakeSysfs::new();
        let write = |file: &str, text: &str| sysfs.write_at(&format!("class/hwmon/hwmon1/{file}"), text);
        write("name", "ina3221\n");
        for (number, label, millivolts, milliamperes) in
            [(1, "VDD_IN", 5_000, 1_200), (2, "VDD_CPU_GPU_CV", 4_950, 400), (3, "VDD_SOC", 4_950, 300)]
        {
            write(&format!("in{number}_label"), &format!("{label}\n"));
            write(&format!("in{number}_input"), &format!("{millivolts}\n"));
            write(&format!("curr{number}_input"), &format!("{milliamperes}\n"));
            write(&format!("in{}_input", number + 3), "12\n");
        }
        write("in7_label", "sum of shunt voltages\n");
        write("in7_input", "36\n");
        sysfs
    }

    fn wanted(chip: &str, rail: Option<&str>) -> Hwmon {
        Hwmon { chip: chip.into(), rail: rail.map(String::from) }
    }

    fn refusal(sysfs: &FakeSysfs, wanted: &Hwmon) -> String {
        open(Files::Here, sysfs.root(), wanted).unwrap_err()
    }

    #[test]
    fn the_input_rail_alone_is_read() {
        let sysfs = jetson();
        let sampler = open(Files::Here, sysfs.root(), &wanted("ina3221", Some("VDD_IN"))).unwrap();
        assert_eq!(sampler.counters()[0].name, "ina3221 VDD_IN");
        let channel = &channels(&Files::Here, sysfs.root())[0];
        assert_eq!(channel.watts(&Files::Here), Ok(6.0), "5 V x 1.2 A");
        assert_eq!(names(&Files::Here, sysfs.root()).len(), 3, "shunt voltages are no channels");
    }

    #[test]
    fn power_that_the_chip_computes_goes_before_volts_times_amperes() {
        let sysfs = FakeSysfs::new();
        for (file, text) in [
            ("name", "ina219"),
            ("in0_input", "1"),
            ("in1_input", "5000"),
            ("curr1_input", "700"),
            ("power1_input", "3520000"),
            ("update_interval", "400"),
        ] {
            sysfs.write_at(&format!("class/hwmon/hwmon0/{file}"), text);
        }
        let found = channels(&Files::Here, sysfs.root());
        assert_eq!((found.len(), found[0].watts(&Files::Here)), (1, Ok(3.52)));
        assert_eq!(open(Files::Here, sysfs.root(), &wanted("ina219", None)).unwrap().tick_s(), 0.4);
        sysfs.write_at("class/hwmon/hwmon0/power1_input", "n/a");
        assert!(refusal(&sysfs, &wanted("ina219", None)).contains("\"n/a\", not a number"));
    }

    #[test]
    fn what_is_not_one_rail_is_refused() {
        let sysfs = jetson();
        let several = refusal(&sysfs, &wanted("ina3221", None));
        assert!(several.contains("several channels") && several.contains("ina3221 VDD_SOC"), "{several}");
        let other = refusal(&sysfs, &wanted("ina3221", Some("VDD_GPU")));
        assert!(other.contains("no chip ina3221 with the rail VDD_GPU, only ina3221 VDD_IN"), "{other}");
        assert!(refusal(&FakeSysfs::new(), &wanted("ina219", None)).contains("no power sensor"));
    }

    #[test]
    fn a_sensor_that_vanishes_is_an_error() {
        let sysfs = jetson();
        let sampler = open(Files::Here, sysfs.root(), &wanted("ina3221", Some("VDD_IN"))).unwrap();
        std::fs::remove_file(sysfs.root().join("class/hwmon/hwmon1/curr1_input")).unwrap();
        assert!(sampler.read().unwrap_err().contains("curr1_input"));
    }
}
