//! Tools on this machine that run programs for a board, such as emulators and debug probes, and the
//! list of those that are installed.

use anyhow::{Result, ensure};
use common::board::{PROGRAM, Runner, RunnerOnHost};
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Placeholder for the arguments of `bench`, each as a separate word.
const ARGUMENTS: &str = "{arguments}";
/// Placeholder within a word for the arguments joined by the text up to the next brace.
const JOINED: &str = "{arguments:";

/// Returns the command of a board's `command`, with its placeholders replaced.
pub(super) fn command(words: &[String], program: &Path, arguments: &[String]) -> Command {
    let mut command = Command::new(words.first().map_or("", String::as_str));
    for word in words.iter().skip(1) {
        if word == ARGUMENTS {
            command.args(arguments);
        } else if word == PROGRAM {
            command.arg(program);
        } else {
            command.arg(joined(&word.replace(PROGRAM, &program.to_string_lossy()), arguments));
        }
    }
    command
}

fn joined(word: &str, arguments: &[String]) -> String {
    let parts =
        word.split_once(JOINED).and_then(|(before, rest)| Some((before, rest.split_once('}')?)));
    match parts {
        Some((before, (separator, after))) => {
            format!("{before}{}{after}", arguments.join(separator))
        }
        None => word.to_string(),
    }
}

/// Checks that a tool is installed.
///
/// # Errors
/// Fails if it is not; the error says how to install it.
pub(super) fn require(tool: &str) -> Result<()> {
    ensure!(find(tool).is_some(), "{}", missing_tool(tool));
    Ok(())
}

fn missing_tool(tool: &str) -> String {
    let from = match tool {
        "ssh" => "Debian's package openssh-client has it",
        "adb" => "Debian's package adb has it",
        "probe-rs" => "`cargo install probe-rs-tools` installs it",
        tool if tool.starts_with("qemu-system-") => {
            "Debian's packages qemu-system-arm and the like have it"
        }
        tool if tool.starts_with("qemu-") => "Debian's package qemu-user has it",
        _ => "install it or name its path in the board's `command`",
    };
    format!("the program {tool:?} is not installed; {from}")
}

/// Finds the file of a tool: a path as it is, a name in the folders of `PATH`.
fn find(tool: &str) -> Option<PathBuf> {
    if tool.contains('/') {
        return Some(PathBuf::from(tool)).filter(|file| file.is_file());
    }
    let folders = env::var_os("PATH")?;
    env::split_paths(&folders)
        .map(|folder| folder.join(tool))
        .find(|file| !tool.is_empty() && file.is_file())
}

/// Lists every kind of runner, and whether its tools are installed.
pub(crate) fn on_host() -> Vec<RunnerOnHost> {
    Runner::ALL.into_iter().map(one_on_host).collect()
}

fn one_on_host(runner: Runner) -> RunnerOnHost {
    let wanted: &[&str] = match runner {
        Runner::Local => &["cargo"],
        Runner::Ssh => &["ssh"],
        Runner::Adb => &["adb"],
        Runner::Qemu => &["qemu-aarch64", "qemu-arm", "qemu-system-arm"],
        Runner::ProbeRs => &["probe-rs"],
    };
    let (found, missing): (Vec<&str>, Vec<&str>) =
        wanted.iter().partition(|tool| find(tool).is_some());
    RunnerOnHost {
        runner,
        usable: !found.is_empty(),
        tools: found.into_iter().map(String::from).collect(),
        tried: runner.tried().to_string(),
        reason: (!missing.is_empty())
            .then(|| missing.into_iter().map(missing_tool).collect::<Vec<_>>().join("; ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_replaced() {
        let arguments = ["--windows", "3"].map(String::from);
        let words = |words: &[&str]| -> Vec<String> {
            let words: Vec<String> = words.iter().map(ToString::to_string).collect();
            let command = command(&words, Path::new("a b/bench"), &arguments);
            [command.get_program()]
                .into_iter()
                .chain(command.get_args())
                .map(|w| w.to_str().unwrap().into())
                .collect()
        };
        assert_eq!(
            words(&["qemu", "{program}", "{arguments}"]),
            ["qemu", "a b/bench", "--windows", "3"]
        );
        assert_eq!(
            words(&["q", "enable=on,arg=b,arg={arguments:,arg=}", "-k={program}"]),
            ["q", "enable=on,arg=b,arg=--windows,arg=3", "-k=a b/bench"]
        );
        assert_eq!(words(&["q", "{arguments:", "{other}"]), ["q", "{arguments:", "{other}"]);
    }

    #[test]
    fn the_error_for_a_missing_tool_says_how_to_install_it() {
        assert!(require("sh").is_ok() && require("/bin/sh").is_ok());
        let error = require("qemu-vax").unwrap_err().to_string();
        assert_eq!(
            error,
            "the program \"qemu-vax\" is not installed; Debian's package qemu-user has it"
        );
        assert!(require("/no/such/tool").is_err() && require("").is_err());
    }
}
