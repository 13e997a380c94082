//! RAPL: the energy counters of Intel and AMD processor packages, through Linux's powercap in
//! sysfs.
//!
//! `class/powercap` lists zones: `intel-rapl:0` is a package, `intel-rapl:0:0` a part of it (cores,
//! graphics, memory controller), whose energy the package's counter already contains; `psys` is the
//! whole platform. Only packages are read, and one socket's two interfaces (`intel-rapl`,
//! `intel-rapl-mmio`) count once. `energy_uj` is in microjoules; the hardware updates it about
//! every millisecond in steps of some 15 or 61 uJ, and wraps it at `max_energy_range_uj`.

use super::counter::Counter;
use crate::board_files::{BoardFiles, is_missing, with_sysfs_hint};
use crate::reason::Reason;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Time between two updates of the counters (Intel SDM, volume 3B, "Package RAPL Domain").
pub(crate) const TICK_S: f64 = 1e-3;
/// Unit of `energy_uj`, in joules.
const UNIT_J: f64 = 1e-6;

/// The readable packages of a board, at least one.
#[derive(Debug)]
pub(crate) struct Rapl {
    board: BoardFiles,
    counters: Vec<Counter>,
    files: Vec<PathBuf>,
}

impl Rapl {
    /// Finds the packages below the root of sysfs and reads each once.
    ///
    /// # Errors
    /// Returns why no counter can be read, and what can be done about it.
    pub(crate) fn open(board: BoardFiles, sysfs: &Path) -> Result<Rapl, Reason> {
        let powercap = sysfs.join("class/powercap");
        let zones = zones(&board, &powercap).map_err(|reason| with_sysfs_hint(&reason))?;
        if zones.is_empty() {
            return Err(format!(
                "{} has no RAPL counters: the processor or the virtual machine offers none, or \
                 the kernel module intel_rapl_msr is not loaded (`modprobe intel_rapl_msr`)",
                powercap.display()
            )
            .into());
        }
        let packages = packages(&board, &zones).map_err(|reason| with_sysfs_hint(&reason))?;
        if packages.is_empty() {
            let found: Vec<&str> = zones.keys().map(String::as_str).collect();
            return Err(format!(
                "{} has no processor package, only {}",
                powercap.display(),
                found.join(", ")
            )
            .into());
        }
        let mut rapl = Rapl { board, counters: vec![], files: vec![] };
        for ((name, id), zone) in &packages {
            let alike = packages.keys().filter(|(other, _)| other == name).count();
            let name = if alike > 1 { format!("{name} of {id}") } else { name.clone() };
            let range = rapl.board.numbers(&[zone.join("max_energy_range_uj")]).ok();
            let range = range.map(|numbers| numbers[0]).filter(|range| *range > 0);
            rapl.counters.push(Counter { name, unit_j: UNIT_J, range });
            rapl.files.push(zone.join("energy_uj"));
        }
        rapl.read()?;
        Ok(rapl)
    }

    /// Returns the counters, one for each package.
    pub(crate) fn counters(&self) -> &[Counter] {
        &self.counters
    }

    /// Reads all counters, in microjoules.
    ///
    /// # Errors
    /// Returns which file cannot be read, why, and how to grant access.
    pub(crate) fn read(&self) -> Result<Vec<u64>, Reason> {
        self.board.numbers(&self.files).map_err(|reason| with_access_hint(&reason))
    }
}

/// Finds the top-level zones by name, such as `intel-rapl:0`. Linux lists them both in
/// `class/powercap` and in the folder of their control type, `intel-rapl`.
fn zones(board: &BoardFiles, powercap: &Path) -> Result<BTreeMap<String, PathBuf>, Reason> {
    let entries = |folder: &Path| -> Result<Vec<(String, PathBuf)>, Reason> {
        let names = board.names(folder)?;
        Ok(names.into_iter().map(|name| (name.clone(), folder.join(name))).collect())
    };
    let (mut zones, mut empty) = (BTreeMap::new(), None);
    for (name, path) in entries(powercap)? {
        let control_type = if name.contains(':') { vec![] } else { entries(&path)? };
        if control_type.is_empty() && name.contains("rapl") {
            empty = Some(Reason::from(format!(
                "{}: No such file or directory, or nothing in it",
                path.display()
            )));
        }
        for (name, path) in control_type.into_iter().chain([(name, path)]) {
            if is_top_level(&name) {
                zones.insert(name, path);
            }
        }
    }
    empty.filter(|_| zones.is_empty()).map_or(Ok(zones), Err)
}

/// Returns whether a zone is named `type:number`; the name of a part has a second number.
fn is_top_level(name: &str) -> bool {
    name.split_once(':').is_some_and(|(control_type, number)| {
        control_type.contains("rapl")
            && !number.is_empty()
            && number.bytes().all(|b| b.is_ascii_digit())
    })
}

/// Finds the packages among the zones, by the name that the hardware gives them and their zone. A
/// package with two interfaces is found once, not through the memory-mapped one.
///
/// # Errors
/// Fails if the name of a zone cannot be read: it may be a package whose energy would be missing.
fn packages(
    board: &BoardFiles,
    zones: &BTreeMap<String, PathBuf>,
) -> Result<BTreeMap<(String, String), PathBuf>, Reason> {
    let mut packages = BTreeMap::new();
    let (mapped, direct): (Vec<_>, Vec<_>) =
        zones.iter().partition(|(zone, _)| zone.contains("mmio"));
    for (zone, path) in direct.into_iter().chain(mapped) {
        let name = board.read(&path.join("name"))?.trim().to_string();
        let again = zone.contains("mmio") && packages.keys().any(|(found, _)| *found == name);
        if name.starts_with("package-") && !again {
            packages.insert((name, zone.clone()), path.clone());
        }
    }
    Ok(packages)
}

/// Adds a remedy to the reason why a counter cannot be read.
fn with_access_hint(reason: &Reason) -> Reason {
    if is_missing(reason) {
        return with_sysfs_hint(reason);
    }
    format!(
        "{reason}: cannot read the energy counter; since CVE-2020-8694 only root may read it on \
         Linux: grant access until the next start with \
         `sudo chmod a+r /sys/class/powercap/*/energy_uj`, or permanently with the udev rule \
         `SUBSYSTEM==\"powercap\", ACTION==\"add\", RUN+=\"/bin/chmod a+r /sys%p/energy_uj\"` in \
         /etc/udev/rules.d/60-rapl.rules"
    )
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake_sysfs::FakeSysfs;

    const RANGE: Option<u64> = Some(262_143_328_850);

    #[test]
    fn only_packages_are_read() {
        let sysfs = FakeSysfs::new();
        sysfs.zone("intel-rapl:0", "package-0", 100, RANGE);
        sysfs.zone("intel-rapl:0/intel-rapl:0:0", "core", 60, RANGE);
        sysfs.zone("intel-rapl:0:0", "core", 60, RANGE);
        sysfs.zone("intel-rapl:0:1", "dram", 30, RANGE);
        sysfs.zone("intel-rapl:1", "package-1", 200, None);
        sysfs.zone("intel-rapl:2", "psys", 400, RANGE);
        sysfs.zone("intel-rapl-mmio:0", "package-0", 999, RANGE);
        sysfs.zone("intel-rapl/intel-rapl:0", "package-0", 100, RANGE);
        let rapl = Rapl::open(BoardFiles::Local, sysfs.root()).unwrap();
        let counter = |name: &str, range| Counter { name: name.into(), unit_j: 1e-6, range };
        assert_eq!(rapl.counters(), [counter("package-0", RANGE), counter("package-1", None)]);
        assert_eq!(rapl.read(), Ok(vec![100, 200]));
    }

    #[test]
    fn two_packages_may_have_one_name() {
        let sysfs = FakeSysfs::new();
        sysfs.zone("intel-rapl:0", "package-0", 100, RANGE);
        sysfs.zone("intel-rapl:1", "package-0", 200, RANGE);
        sysfs.zone("intel-rapl-mmio:0", "package-0", 999, RANGE);
        let rapl = Rapl::open(BoardFiles::Local, sysfs.root()).unwrap();
        let names: Vec<&str> =
            rapl.counters().iter().map(|counter| counter.name.as_str()).collect();
        assert_eq!(names, ["package-0 of intel-rapl:0", "package-0 of intel-rapl:1"]);
        assert_eq!(rapl.read(), Ok(vec![100, 200]));
    }

    #[test]
    fn zones_may_be_listed_below_their_control_type_only() {
        let sysfs = FakeSysfs::new();
        sysfs.zone("intel-rapl/intel-rapl:0", "package-0-die-0", 5, RANGE);
        assert_eq!(Rapl::open(BoardFiles::Local, sysfs.root()).unwrap().read(), Ok(vec![5]));
    }

    #[test]
    fn a_machine_without_counters_is_an_error() {
        let sysfs = FakeSysfs::new();
        let reason = || Rapl::open(BoardFiles::Local, sysfs.root()).unwrap_err().to_string();
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
        let reason = Rapl::open(BoardFiles::Local, sysfs.root()).unwrap_err().to_string();
        assert!(
            reason.contains("intel-rapl:1/energy_uj: ")
                && reason.contains("cannot read the energy counter"),
            "{reason}"
        );
        assert!(reason.contains("chmod a+r") && reason.contains("udev"), "{reason}");
    }

    /// As in a container: the class lists zones, but their files are hidden.
    #[test]
    fn hidden_zones_are_an_error() {
        let sysfs = FakeSysfs::new();
        let powercap = sysfs.root().join("class/powercap");
        let link = |name: &str| {
            std::os::unix::fs::symlink(format!("../../devices/{name}"), powercap.join(name))
                .unwrap();
        };
        let reason = || Rapl::open(BoardFiles::Local, sysfs.root()).unwrap_err().to_string();
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
        assert!(Rapl::open(BoardFiles::Local, sysfs.root()).is_ok());
        std::fs::remove_file(powercap.join("intel-rapl:1/energy_uj")).unwrap();
        let why = reason();
        assert!(why.contains("energy_uj: No such file") && !why.contains("chmod"), "{why}");
        std::fs::remove_dir_all(&powercap).unwrap();
        sysfs.write_at("class/powercap", "a file");
        assert!(reason().contains("class/powercap: Not a directory"), "{}", reason());
    }

    #[test]
    fn a_counter_that_is_not_a_number_is_an_error() {
        let sysfs = FakeSysfs::new();
        sysfs.zone("intel-rapl:0", "package-0", 1, RANGE);
        sysfs.write("intel-rapl:0/energy_uj", "-5\n");
        assert!(
            Rapl::open(BoardFiles::Local, sysfs.root())
                .unwrap_err()
                .to_string()
                .contains("\"-5\", not a number")
        );
        sysfs.write("intel-rapl:0/energy_uj", "");
        assert!(
            Rapl::open(BoardFiles::Local, sysfs.root())
                .unwrap_err()
                .to_string()
                .contains("\"\", not a number")
        );
    }

    #[test]
    fn a_range_of_0_is_unknown() {
        let sysfs = FakeSysfs::new();
        sysfs.zone("intel-rapl:0", "package-0", 1, Some(0));
        assert_eq!(Rapl::open(BoardFiles::Local, sysfs.root()).unwrap().counters()[0].range, None);
    }
}
