//! The machine and the software of a run.

use std::process::Command;
use train::ops::simd::Level;

/// Returns the processor, its cores and its instruction set.
pub(crate) fn processor() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |wanted: &str| {
        let value = |line: &str| {
            line.split_once(':')
                .filter(|(name, _)| name.trim() == wanted)
                .map(|(_, v)| v.trim().to_string())
        };
        info.lines().find_map(value)
    };
    // x86 has a `model name` for each core, ARM boards one `Model` for all.
    let name = field("model name")
        .or_else(|| field("Model"))
        .unwrap_or_else(|| std::env::consts::ARCH.into());
    let cores =
        std::thread::available_parallelism().map_or_else(|_| "unknown".into(), |n| n.to_string());
    format!("{name}, {cores} cores, {:?}, {}", Level::detected(), std::env::consts::OS)
}

/// Returns the first line that a program prints, or `unknown`.
pub(crate) fn first_line_of(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .ok()
        .filter(|output| output.status.success());
    let text = output
        .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
        .unwrap_or_default();
    text.lines().next().unwrap_or("unknown").to_string()
}

/// Returns the version of Candle in Cargo.lock.
pub(crate) fn candle_version() -> &'static str {
    let lock = include_str!("../../../Cargo.lock");
    let after = lock
        .split_once("name = \"candle-core\"\nversion = \"")
        .map_or("unknown\"", |(_, after)| after);
    after.split('"').next().unwrap_or("unknown")
}
