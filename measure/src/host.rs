//! Facts about the machine that a crate runs on that change what a measurement says.

use crate::files::Files;
use common::json::Known;
use common::measurement::Host;
use std::path::Path;

/// The first core, below a sysfs root.
const FIRST_CORE: &str = "devices/system/cpu/cpu0";

/// Why a board's facts are not known.
const NO_FILES: &str = "an emulated board or a microcontroller has no files to read this from";

/// What must be known before a crate runs to say later what happened meanwhile.
#[derive(Debug)]
pub(crate) struct Before {
    throttle_count: Known<u64>,
}

impl Before {
    /// Now.
    ///
    /// `machine` is where the crate runs, if its files can be read.
    pub(crate) fn now(machine: Option<&Files>, sysfs: &Path) -> Before {
        Before {
            throttle_count: machine
                .map_or_else(|| Known::unknown(NO_FILES), |machine| throttle_count(machine, sysfs)),
        }
    }

    /// The facts, now that the crate has run.
    pub(crate) fn facts_after(
        &self,
        machine: Option<&Files>,
        sysfs: &Path,
        started_unix_s: f64,
    ) -> Host {
        let Some(machine) = machine else { return without_facts(started_unix_s) };
        Host {
            cpu: cpu(machine),
            kernel: text(machine, Path::new("/proc/sys/kernel/osrelease")),
            governor: text(machine, &sysfs.join(FIRST_CORE).join("cpufreq/scaling_governor")),
            // sysfs has kilohertz and thousandths of a degree.
            frequency_hz: scaled(
                machine,
                &sysfs.join(FIRST_CORE).join("cpufreq/scaling_cur_freq"),
                1e3,
            ),
            temperature_c: scaled(machine, &sysfs.join("class/thermal/thermal_zone0/temp"), 1e-3),
            throttled: throttled(&self.throttle_count, throttle_count(machine, sysfs)),
            started_unix_s,
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
    }
}

fn cpu(machine: &Files) -> Known<String> {
    machine.read(Path::new("/proc/cpuinfo")).map_or_else(Known::unknown, |text| cpu_name(&text))
}

/// x86 gives a `model name` for each core; ARM boards one `Model` for all, or only a `Hardware`.
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

/// How often the first core's package has been throttled for heat since the machine started.
fn throttle_count(machine: &Files, sysfs: &Path) -> Known<u64> {
    parsed(machine, &sysfs.join(FIRST_CORE).join("thermal_throttle/package_throttle_count"))
}

/// How often it was throttled between two counts.
fn throttled(before: &Known<u64>, after: Known<u64>) -> Known<u64> {
    match (before.value, after.value) {
        (Some(before), Some(count)) if count >= before => Known::of(count - before),
        (Some(_), Some(_)) => Known::unknown("the count of throttling went back"),
        (None, _) => before.clone(),
        (Some(_), None) => after,
    }
}

fn text(machine: &Files, path: &Path) -> Known<String> {
    match machine.read(path) {
        Ok(text) if !text.trim().is_empty() => Known::of(text.trim().to_string()),
        Ok(_) => Known::unknown(format!("{}: it is empty", path.display())),
        Err(error) => Known::unknown(error),
    }
}

fn parsed<T: std::str::FromStr>(machine: &Files, path: &Path) -> Known<T> {
    let Known { value, reason } = text(machine, path);
    let Some(text) = value else { return Known { value: None, reason } };
    match text.parse() {
        Ok(number) => Known::of(number),
        Err(_) => Known::unknown(format!("{}: {text:?} is not a number", path.display())),
    }
}

fn scaled(machine: &Files, path: &Path, unit: f64) -> Known<f64> {
    let Known { value, reason } = parsed::<i64>(machine, path);
    Known { value: value.map(|value| value as f64 * unit), reason }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake_sysfs::FakeSysfs;

    #[test]
    fn what_sysfs_says_comes_in_base_units() {
        let sysfs = FakeSysfs::new();
        sysfs.write_at("devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance\n");
        sysfs.write_at("devices/system/cpu/cpu0/cpufreq/scaling_cur_freq", "2400000\n");
        sysfs.write_at("devices/system/cpu/cpu0/thermal_throttle/package_throttle_count", "3\n");
        sysfs.write_at("class/thermal/thermal_zone0/temp", "-1500\n");
        let before = Before::now(Some(&Files::Here), sysfs.root());
        sysfs.write_at("devices/system/cpu/cpu0/thermal_throttle/package_throttle_count", "5\n");
        let facts = before.facts_after(Some(&Files::Here), sysfs.root(), 0.0);
        assert_eq!(facts.governor, Known::of("performance".into()));
        assert_eq!(facts.frequency_hz, Known::of(2.4e9));
        assert_eq!(facts.temperature_c, Known::of(-1.5));
        assert_eq!(facts.throttled, Known::of(2));
    }

    #[test]
    fn what_it_does_not_say_has_a_reason() {
        let sysfs = FakeSysfs::new();
        sysfs.write_at("class/thermal/thermal_zone0/temp", "warm\n");
        sysfs.write_at("devices/system/cpu/cpu0/cpufreq/scaling_governor", "\n");
        let facts = Before::now(Some(&Files::Here), sysfs.root()).facts_after(
            Some(&Files::Here),
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
    fn throttling_counts_from_the_start_of_the_run() {
        assert_eq!(throttled(&Known::of(5), Known::of(3)).value, None);
        assert_eq!(throttled(&Known::unknown("a"), Known::of(3)), Known::unknown("a"));
        assert_eq!(throttled(&Known::of(3), Known::unknown("b")), Known::unknown("b"));
    }

    #[test]
    fn processors_are_named_as_their_kind_does() {
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
