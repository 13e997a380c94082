//! RAPL: the energy counters of Intel and AMD processor packages, through Linux's powercap in
//! sysfs.
//!
//! `class/powercap` lists zones: `intel-rapl:0` is a package, `intel-rapl:0:0` a part of it (cores,
//! graphics, memory controller), whose energy the package's counter already holds; `psys` is the
//! whole platform. Only packages are read, and one socket's two interfaces (`intel-rapl`,
//! `intel-rapl-mmio`) count once. `energy_uj` is in microjoules; the hardware updates it about
//! every millisecond in steps of some 15 or 61 uJ, and wraps it at `max_energy_range_uj`.

use crate::files::{Files, hidden, is_missing};
use crate::meter::counter::Counter;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// How often the hardware updates the counters (Intel SDM, volume 3B, "Package RAPL Domain").
pub(crate) const TICK_S: f64 = 1e-3;
/// `energy_uj` counts microjoules.
const UNIT_J: f64 = 1e-6;

/// The readable packages of a machine, at least one.
#[derive(Debug)]
pub(crate) struct Rapl {
    machine: Files,
    counters: Vec<Counter>,
    files: Vec<PathBuf>,
}

impl Rapl {
    /// Finds the packages below a sysfs root and reads each once.
    ///
    /// # Errors
    /// Why there is nothing to read, and what can be done about it.
    pub(crate) fn open(machine: Files, sysfs: &Path) -> Result<Rapl, String> {
        let powercap = sysfs.join("class/powercap");
        let zones = zones(&machine, &powercap).map_err(|why| hidden(&why))?;
        if zones.is_empty() {
            return Err(format!(
                "{} has no RAPL counters: the processor or the virtual machine offers none, or the kernel module \
                 intel_rapl_msr is not loaded (`modprobe intel_rapl_msr`)",
                powercap.display()
            ));
        }
        let packages = packages(&machine, &zones).map_err(|why| hidden(&why))?;
        if packages.is_empty() {
            let found: Vec<&str> = zones.keys().map(String::as_str).collect();
            return Err(format!(
                "{} has no processor package, only {}",
                powercap.display(),
                found.join(", ")
            ));
        }
        let mut rapl = Rapl { machine, counters: vec![], files: vec![] };
        for ((name, id), zone) in &packages {
            let alike = packages.keys().filter(|(other, _)| other == name).count();
            let name = if alike > 1 { format!("{name} of {id}") } else { name.clone() };
            let range = rapl.machine.numbers(&[zone.join("max_energy_range_uj")]).ok();
            let range = range.map(|numbers| numbers[0]).filter(|range| *range > 0);
            rapl.counters.push(Counter { name, unit_j: UNIT_J, range });
            rapl.files.push(zone.join("energy_uj"));
        }
        rapl.read()?;
        Ok(rapl)
    }

    /// One counter for each package.
    pub(crate) fn counters(&self) -> &[Counter] {
        &self.counters
    }

    /// What each counter shows now, in microjoules.
    ///
    /// # Errors
    /// Which file cannot be read, why, and how to grant access.
    pub(crate) fn read(&self) -> Result<Vec<u64>, String> {
        self.machine.numbers(&self.files).map_err(|error| unreadable(&error))
    }
}

/// Top-level zones by name, `intel-rapl:0` and the like. Linux lists them in `class/powercap`
/// itself and once more in the folder of their control type, `intel-rapl`.
fn zones(machine: &Files, powercap: &Path) -> Result<BTreeMap<String, PathBuf>, String> {
    let entries = |folder: &Path| -> Result<Vec<(String, PathBuf)>, String> {
        let names = machine.names(folder)?;
        Ok(names.into_iter().map(|name| (name.clone(), folder.join(name))).collect())
    };
    let (mut zones, mut empty) = (BTreeMap::new(), None);
    for (name, path) in entries(powercap)? {
        let control_type = if name.contains(':') { vec![] } else { entries(&path)? };
        if control_type.is_empty() && name.contains("rapl") {
            empty =
                Some(format!("{}: No such file or directory, or nothing in it", path.display()));
        }
        for (name, path) in control_type.into_iter().chain([(name, path)]) {
            if is_top_level(&name) {
                zones.insert(name, path);
            }
        }
    }
    empty.filter(|_| zones.is_empty()).map_or(Ok(zones), Err)
}

/// `type:number`; a part of a zone has a second number.
fn is_top_level(name: &str) -> bool {
    name.split_once(':').is_some_and(|(control_type, number)| {
        control_type.contains("rapl")
            && !number.is_empty()
            && number.bytes().all(|b| b.is_ascii_digit())
    })
}

/// The packages among the zones, by the name that the hardware gives them and their zone: each
/// once, and where a package has two interfaces not by the memory-mapped one.
///
/// # Errors
/// A zone does not say what it is: it may be a package whose energy would be missing.
fn packages(
    machine: &Files,
    zones: &BTreeMap<String, PathBuf>,
) -> Result<BTreeMap<(String, String), PathBuf>, String> {
    let mut packages = BTreeMap::new();
    let (mapped, direct): (Vec<_>, Vec<_>) =
        zones.iter().partition(|(zone, _)| zone.contains("mmio"));
    for (zone, path) in direct.into_iter().chain(mapped) {
        let name = machine.read(&path.join("name"))?.trim().to_string();
        let again = zone.contains("mmio") && packages.keys().any(|(found, _)| *found == name);
        if name.starts_with("package-") && !again {
            packages.insert((name, zone.clone()), path.clone());
        }
    }
    Ok(packages)
}

/// Read together, the counters' files stand or fall together; the error names the file.
fn unreadable(error: &str) -> String {
    if is_missing(error) {
        return hidden(error);
    }
    format!(
        "{error}: cannot read the energy counter; since CVE-2020-8694 Linux shows it to root alone: grant access until the \
         next start with `sudo chmod a+r /sys/class/powercap/*/energy_uj`, or for good with the udev rule \
         `SUBSYSTEM==\"powercap\", ACTION==\"add\", RUN+=\"/bin/chmod a+r /sys%p/energy_uj\"` in \
         /etc/udev/rules.d/60-rapl.rules"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake_sysfs::FakeSysfs;

    const RANGE: Option<u64> = Some(262_143_328_850);

    #[test]
    fn packages_alone_are_read() {
        let sysfs = FakeSysfs::new();
        sysfs.zone("intel-rapl:0", "package-0", 100, RANGE);
        sysfs.zone("intel-rapl:0/intel-rapl:0:0", "core", 60, RANGE);
        sysfs.zone("intel-rapl:0:0", "core", 60, RANGE);
        sysfs.zone("intel-rapl:0:1", "dram", 30, RANGE);
        sysfs.zone("intel-rapl:1", "package-1", 200, None);
        sysfs.zone("intel-rapl:2", "psys", 400, RANGE);
        sysfs.zone("intel-rapl-mmio:0", "package-0", 999, RANGE);
        sysfs.zone("intel-rapl/intel-rapl:0", "package-0", 100, RANGE);
        let rapl = Rapl::open(Files::Here, sysfs.root()).unwrap();
        let counter = |name: &str, range| Counter { name: name.into(), unit_j: 1e-6, range };
        assert_eq!(rapl.counters(), [counter("package-0", RANGE), counter("package-1", None)]);
        assert_eq!(rapl.read(), Ok(vec![100, 200]));
    }

    #[test]
    fn packages_of_one_name_are_two() {
        let sysfs = FakeSysfs::new();
        sysfs.zone("intel-rapl:0", "package-0", 100, RANGE);
        sysfs.zone("intel-rapl:1", "package-0", 200, RANGE);
        sysfs.zone("intel-rapl-mmio:0", "package-0", 999, RANGE);
        let rapl = Rapl::open(Files::Here, sysfs.root()).unwrap();
        let names: Vec<&str> =
            rapl.counters().iter().map(|counter| counter.name.as_str()).collect();
        assert_eq!(names, ["package-0 of intel-rapl:0", "package-0 of intel-rapl:1"]);
        assert_eq!(rapl.read(), Ok(vec![100, 200]));
    }

    #[test]
    fn zones_may_stand_only_below_their_control_type() {
        let sysfs = FakeSysfs::new();
        sysfs.zone("intel-rapl/intel-rapl:0", "package-0-die-0", 5, RANGE);
        assert_eq!(Rapl::open(Files::Here, sysfs.root()).unwrap().read(), Ok(vec![5]));
    }

    #[test]
    fn a_machine_without_counters_says_so() {
        let sysfs = FakeSysfs::new();
        let reason = || Rapl::open(Files::Here, sysfs.root()).unwrap_err();
        assert!(
            reason().contains("class/powercap has no RAPL counters")
                && reason().contains("modprobe")
        );
        sysfs.zone("intel-rapl:0", "psys", 400, RANGE);
        assert!(reason().contains("no processor package, only intel-rapl:0"));
    }

    #[test]
    fn an_unreadable_counter_says_how_to_grant_access() {
        let sysfs = FakeSysfs::new();
        sysfs.zone("intel-rapl:0", "package-0", 1, RANGE);
        sysfs.zone("intel-rapl:1", "package-1", 1, RANGE);
        sysfs.make_unreadable("intel-rapl:1");
        let reason = Rapl::open(Files::Here, sysfs.root()).unwrap_err();
        assert!(
            reason.contains("intel-rapl:1/energy_uj: ")
                && reason.contains("cannot read the energy counter"),
            "{reason}"
        );
        assert!(reason.contains("chmod a+r") && reason.contains("udev"), "{reason}");
    }

    /// As in a container: the class lists zones, and what is behind them is hidden.
    #[test]
    fn zones_that_are_hidden_are_not_taken_for_none() {
        let sysfs = FakeSysfs::new();
        let powercap = sysfs.root().join("class/powercap");
        let link = |name: &str| {
            std::os::unix::fs::symlink(format!("../../devices/{name}"), powercap.join(name))
                .unwrap()
        };
        let reason = || Rapl::open(Files::Here, sysfs.root()).unwrap_err();
        std::fs::create_dir_all(&powercap).unwrap();
        link("intel-rapl");
        assert!(reason().contains("intel-rapl: No such file or directory"), "{}", reason());
        link("intel-rapl:0");
        link("intel-rapl:0:0");
        assert!(reason().contains("intel-rapl:0/name: No such file or directory"), "{}", reason());
        assert!(reason().contains("lead nowhere, as in a container"), "{}", reason());
        // One of two sockets alone would be half of the energy.
        sysfs.zone("intel-rapl:1", "package-1", 1, RANGE);
        assert!(reason().contains("intel-rapl:0/name: "), "{}", reason());
        std::fs::remove_file(powercap.join("intel-rapl:0")).unwrap();
        sysfs.write("intel-rapl:0/name/is", "a folder");
        assert!(reason().contains("intel-rapl:0/name: Is a directory"), "{}", reason());
        std::fs::remove_dir_all(powercap.join("intel-rapl:0")).unwrap();
        assert!(Rapl::open(Files::Here, sysfs.root()).is_ok());
        std::fs::remove_file(powercap.join("intel-rapl:1/energy_uj")).unwrap();
        let why = reason();
        assert!(why.contains("energy_uj: No such file") && !why.contains("chmod"), "{why}");
        std::fs::remove_dir_all(&powercap).unwrap();
        sysfs.write_at("class/powercap", "a file");
        assert!(reason().contains("class/powercap: Not a directory"), "{}", reason());
    }

    #[test]
    fn a_counter_that_is_no_number_is_not_0() {
        let sysfs = FakeSysfs::new();
        sysfs.zone("intel-rapl:0", "package-0", 1, RANGE);
        sysfs.write("intel-rapl:0/energy_uj", "-5\n");
        assert!(
            Rapl::open(Files::Here, sysfs.root()).unwrap_err().contains("\"-5\", not a number")
        );
        sysfs.write("intel-rapl:0/energy_uj", "");
        assert!(Rapl::open(Files::Here, sysfs.root()).unwrap_err().contains("\"\", not a number"));
    }

    #[test]
    fn a_range_of_0_is_no_range() {
        let sysfs = FakeSysfs::new();
        sysfs.zone("intel-rapl:0", "package-0", 1, Some(0));
        assert_eq!(Rapl::open(Files::Here, sysfs.root()).unwrap().counters()[0].range, None);
    }
}
