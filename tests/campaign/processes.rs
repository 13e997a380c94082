//! The processes of a run: those whose arguments, environment or working folder name its folder.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A process.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) id: u32,
    /// Its program and arguments.
    #[allow(dead_code, reason = "a failure shows it")]
    command: String,
}

/// Returns the processes of the run in a folder.
pub(crate) fn of(folder: &Path) -> Vec<Process> {
    let ids = fs::read_dir("/proc").unwrap().flatten();
    let ids = ids.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    ids.filter_map(|id| process(id, folder)).collect()
}

/// Returns a process that works in a folder; `None` for others, and for one that has ended.
fn process(id: u32, folder: &Path) -> Option<Process> {
    let of_process = Path::new("/proc").join(id.to_string());
    let status = fs::read_to_string(of_process.join("status")).ok()?;
    let zombie = status.lines().any(|line| line.starts_with("State:") && line.contains('Z'));
    let arguments = fs::read(of_process.join("cmdline")).ok()?;
    let environment = fs::read(of_process.join("environ")).unwrap_or_default();
    let here = fs::read_link(of_process.join("cwd")).is_ok_and(|cwd| cwd.starts_with(folder));
    let name = folder.as_os_str().as_encoded_bytes();
    let names = |bytes: &[u8]| bytes.windows(name.len()).any(|window| window == name);
    let command = String::from_utf8_lossy(&arguments).replace('\0', " ");
    (!zombie && (here || names(&arguments) || names(&environment)))
        .then_some(Process { id, command })
}

/// Waits until no process works in a folder, for a time at most; returns those that still do.
pub(crate) fn wait_until_gone(folder: &Path, at_most: Duration) -> Vec<Process> {
    let begun = Instant::now();
    loop {
        let left = of(folder);
        if left.is_empty() || begun.elapsed() > at_most {
            return left;
        }
        sleep(Duration::from_millis(20));
    }
}
