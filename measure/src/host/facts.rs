//! Facts about the board on which a crate runs, as far as they influence a measurement.

use crate::board_files::BoardFiles;
use common::files::json::Known;
use common::measurement::Host;
use std::path::Path;

/// Folder of the first core below the root of sysfs.
const FIRST_CORE: &str = "devices/system/cpu/cpu0";

/// Reason why the facts of some boards are not known.
const NO_FILES: &str = "an emulated board or a microcontroller has no files to read this from";

/// Values from before the run with which those from after it are compared.
#[derive(Debug)]
pub(crate) struct FactsBefore {
    throttle_count: Known<u64>,
}

impl FactsBefore {
    /// Reads the values. `board` is `None` if the board has no files.
    pub(crate) fn read(board: Option<&BoardFiles>, sysfs: &Path) -> FactsBefore {
        FactsBefore {
            throttle_count: board
                .map_or_else(|| Known::unknown(NO_FILES), |board| throttle_count(board, sysfs)),
        }
    }

    /// Reads the facts after the run.
    pub(crate) fn facts_after(
        &self,
        board: Option<&BoardFiles>,
        sysfs: &Path,
        started_unix_s: f64,
    ) -> Host {
        let Some(board) = board else { return without_facts(started_unix_s) };
        Host {
            cpu: cpu(board),
            kernel: text(board, Path::new("/proc/sys/kernel/osrelease")),
            governor: text(board, &sysfs.join(FIRST_CORE).join("cpufreq/scaling_governor")),
            // sysfs has kilohertz and thousandths of a degree.
            frequency_hz: scaled(
                board,
                &sysfs.join(FIRST_CORE).join("cpufreq/scaling_cur_freq"),
                1e3,
            ),
            temperature_c: scaled(board, &sysfs.join("class/thermal/thermal_zone0/temp"), 1e-3),
            throttled: throttled(&self.throttle_count, throttle_count(board, sysfs)),
            started_unix_s,
            program: Some(process::program::this()),
        }
    }
}

fn without_facts(started_unix_s: f64) -> Host {
    Host {
        cpu: Known::unknown(NO_FILES),
        kernel: Known::unknown(NO_FILES),
        governor: Known::unknown(NO_FILES),
        frequency_hz: Known::unknown(NO_FILES),
        temperature_c: Known::unknown(NO_FILES),
        throttled: Known::unknown(NO_FILES),
        started_unix_s,
        program: Some(process::program::this()),
    }
}

fn cpu(board: &BoardFiles) -> Known<String> {
    board.read(Path::new("/proc/cpuinfo")).map_or_else(Known::unknown, |text| cpu_name(&text))
}

/// Finds the processor's name. On x86 each core has a `model name`; on ARM there is one `Model` for
/// the board, or only a `Hardware`.
fn cpu_name(cpuinfo: &str) -> Known<String> {
    let field = |key: &str| {
        let lines = cpuinfo.lines().filter_map(|line| line.split_once(':'));
        lines
            .filter(|(found, _)| found.trim() == key)
            .map(|(_, value)| value.trim().to_string())
            .next()
    };
    let name = ["model name", "Model", "Hardware"].into_iter().find_map(field);
    name.map_or_else(|| Known::unknown("/proc/cpuinfo names no processor"), Known::of)
}

/// Returns how often the first core's package has been throttled for heat since the board started.
fn throttle_count(board: &BoardFiles, sysfs: &Path) -> Known<u64> {
    parsed(board, &sysfs.join(FIRST_CORE).join("thermal_throttle/package_throttle_count"))
}

/// Returns how often the package was throttled between two counts.
fn throttled(before: &Known<u64>, after: Known<u64>) -> Known<u64> {
    match (before.value, after.value) {
        (Some(before), Some(count)) if count >= before => Known::of(count - before),
        (Some(_), Some(_)) => Known::unknown("the count of throttling went back"),
        (None, _) => before.clone(),
        (Some(_), None) => after,
    }
}

fn text(board: &BoardFiles, path: &Path) -> Known<String> {
    match board.read(path) {
        Ok(text) if !text.trim().is_empty() => Known::of(text.trim().to_string()),
        Ok(_) => Known::unknown(format!("{}: it is empty", path.display())),
        Err(error) => Known::unknown(error),
    }
}

fn parsed<T: std::str::FromStr>(board: &BoardFiles, path: &Path) -> Known<T> {
    let Known { value, reason } = text(board, path);
    let Some(text) = value else { return Known { value: None, reason } };
    match text.parse() {
        Ok(number) => Known::of(number),
        Err(_) => Known::unknown(format!("{}: {text:?} is not a number", path.display())),
    }
}

fn scaled(board: &BoardFiles, path: &Path, unit: f64) -> Known<f64> {
    let Known { value, reason } = parsed::<i64>(board, path);
    Known { value: value.map(|value| value as f64 * unit), reason }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake_sysfs::FakeSysfs;

    #[test]
    fn facts_of_sysfs_are_in_base_units() {
        let sysfs = FakeSysfs::new();
        sysfs.write_at("devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance\n");
        sysfs.write_at("devices/system/cpu/cpu0/cpufreq/scaling_cur_freq", "2400000\n");
        sysfs.write_at("devices/system/cpu/cpu0/thermal_throttle/package_throttle_count", "3\n");
        sysfs.write_at("class/thermal/thermal_zone0/temp", "-1500\n");
        let before = FactsBefore::read(Some(&BoardFiles::Local), sysfs.root());
        sysfs.write_at("devices/system/cpu/cpu0/thermal_throttle/package_throttle_count", "5\n");
        let facts = before.facts_after(Some(&BoardFiles::Local), sysfs.root(), 0.0);
        assert_eq!(facts.governor, Known::of("performance".into()));
        assert_eq!(facts.frequency_hz, Known::of(2.4e9));
        assert_eq!(facts.temperature_c, Known::of(-1.5));
        assert_eq!(facts.throttled, Known::of(2));
    }

    #[test]
    fn unknown_facts_have_a_reason() {
        let sysfs = FakeSysfs::new();
        sysfs.write_at("class/thermal/thermal_zone0/temp", "warm\n");
        sysfs.write_at("devices/system/cpu/cpu0/cpufreq/scaling_governor", "\n");
        let facts = FactsBefore::read(Some(&BoardFiles::Local), sysfs.root()).facts_after(
            Some(&BoardFiles::Local),
            sysfs.root(),
            0.0,
        );
        assert!(facts.temperature_c.reason.unwrap().contains("\"warm\" is not a number"));
        assert!(facts.governor.reason.unwrap().contains("empty"));
        assert_eq!(facts.frequency_hz.value, None);
        assert!(facts.frequency_hz.reason.unwrap().contains("scaling_cur_freq"));
        assert!(facts.throttled.reason.unwrap().contains("package_throttle_count"));
    }

    #[test]
    fn throttling_is_counted_from_the_start_of_the_run() {
        assert_eq!(throttled(&Known::of(5), Known::of(3)).value, None);
        assert_eq!(throttled(&Known::unknown("a"), Known::of(3)), Known::unknown("a"));
        assert_eq!(throttled(&Known::of(3), Known::unknown("b")), Known::unknown("b"));
    }

    #[test]
    fn processor_names_are_found_on_x86_and_arm() {
        assert_eq!(
            cpu_name("processor\t: 0\nmodel name\t: AMD EPYC\nmodel\t: 1\n"),
            Known::of("AMD EPYC".into())
        );
        assert_eq!(
            cpu_name("processor : 0\n\nModel : Raspberry Pi 4\n"),
            Known::of("Raspberry Pi 4".into())
        );
        assert_eq!(cpu_name("processor : 0\n").value, None);
    }
}
