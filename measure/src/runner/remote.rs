//! The board is another machine: the program is copied there, its hash verified, run, and removed.
//!
//! OpenSSH must know the host's key already, and nothing is asked: neither passwords nor whether a host may be trusted.
//! Android devices are reached through adb.

use super::{Program, bench_arguments};
use crate::process::end_of;
use anyhow::{Context, Result, bail, ensure};
use common::hash::sha256_hex;
use common::profile::MeasurementSettings;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Nothing is asked, hosts are verified, and a board that was unplugged is noticed after 15 s.
const OPTIONS: [&str; 5] = [
    "BatchMode=yes",
    "StrictHostKeyChecking=yes",
    "ConnectTimeout=15",
    "ServerAliveInterval=5",
    "ServerAliveCountMax=3",
];
/// A copy that no program runs from is left over after so many minutes: whoever made it was killed before it was started, or
/// the board was switched off.
const LEFT_OVER_MIN: u32 = 60;
/// Where copies are, on Linux and on Android.
const FOLDERS: [&str; 2] = ["/tmp/neuropower-", "/data/local/tmp/neuropower-"];

/// How a board is reached.
#[derive(Clone, Debug)]
pub(crate) enum Link {
    /// `user@host`, or a `Host` of the configuration; and OpenSSH's configuration, if not the user's own.
    Ssh(String, Option<PathBuf>),
    /// A serial number that `adb devices` lists; `None` where only one device is there.
    Adb(Option<String>),
}

impl Link {
    /// By ssh, if the address cannot be taken for an option.
    ///
    /// # Errors
    /// It can.
    pub(crate) fn ssh(host: &str, config: Option<&Path>) -> Result<Link> {
        Ok(Link::Ssh(harmless(host)?, config.map(Path::to_path_buf)))
    }

    /// By adb, if the serial number cannot be taken for an option.
    ///
    /// # Errors
    /// It can.
    pub(crate) fn adb(serial: Option<&str>) -> Result<Link> {
        Ok(Link::Adb(serial.map(harmless).transpose()?))
    }

    /// What messages call the board.
    fn name(&self) -> &str {
        match self {
            Link::Ssh(host, _) => host,
            Link::Adb(serial) => serial.as_deref().unwrap_or("the Android device"),
        }
    }

    /// A command that runs a script in a shell on the board.
    pub(crate) fn shell(&self, script: &str) -> Command {
        match self {
            Link::Ssh(host, config) => {
                let mut command = Command::new("ssh");
                for option in OPTIONS {
                    command.args(["-o", option]);
                }
                if let Some(config) = config {
                    command.arg("-F").arg(config);
                }
                command.args(["--", host, script]);
                command
            }
            Link::Adb(_) => self.adb_command(&["shell", script]),
        }
    }

    fn adb_command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("adb");
        if let Link::Adb(Some(serial)) = self {
            command.args(["-s", serial]);
        }
        command.args(arguments);
        command
    }

    /// Copies a file to `bench` in a new folder; prints that folder and the copy's hash. Removes what earlier ones left.
    fn copy(&self, file: &Path) -> Result<String> {
        let make = |parent: &str| format!("{}d=$(mktemp -d {parent}XXXXXXXX) && echo $d", without_left_overs(parent));
        let check = "chmod 700 $d/bench && sha256sum <$d/bench";
        match self {
            Link::Ssh(..) => {
                let copy = format!("{{ cat >$d/bench && {check} || {{ rm -rf $d; exit 1; }}; }}");
                let mut ssh = self.shell(&format!("{} && {copy}", make(FOLDERS[0])));
                ssh.stdin(File::open(file).with_context(|| format!("{}: cannot read the program", file.display()))?);
                self.said(ssh)
            }
            Link::Adb(_) => {
                let folder = self.said(self.shell(&make(FOLDERS[1])))?.trim().to_string();
                let folder = ours(&folder).with_context(|| self.instead(&folder))?;
                let mut push = self.adb_command(&["push"]);
                push.arg(file).arg(format!("{folder}/bench"));
                let copied = self.said(push);
                let copied = copied.and_then(|_| self.said(self.shell(&format!("d={folder} && echo $d && {check}"))));
                copied.inspect_err(|_| self.remove(folder))
            }
        }
    }

    /// Removes a copy's folder, if the board is still there; else it stays until the next copy is made.
    fn remove(&self, folder: &str) {
        let mut remove = self.shell(&format!("rm -rf {folder}"));
        let _ = remove.stdin(Stdio::null()).output();
    }

    fn said(&self, command: Command) -> Result<String> {
        let output = output(command)?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let name = self.name();
        // adb says some of its errors on its standard output.
        let words = [output.stderr.as_slice(), &output.stdout].concat();
        ensure!(output.status.success(), "{name}: cannot copy the program there: {}", end_of(&words));
        Ok(said)
    }

    fn instead(&self, said: &str) -> String {
        format!("{} said {said:?} instead of where the copy is; does its shell print a greeting?", self.name())
    }
}

/// A script that removes the folders of copies that are left over, and no others: links and those of other users stay.
fn without_left_overs(parent: &str) -> String {
    format!(
        "for d in {parent}????????; do [ -d \"$d\" ] && [ ! -L \"$d\" ] && \
         [ -n \"$(find \"$d\" -prune -mmin +{LEFT_OVER_MIN} 2>/dev/null)\" ] && \
         ! ls -l /proc/[0-9]*/exe 2>/dev/null | grep -qF \"$d/bench\" && rm -rf \"$d\" 2>/dev/null; done; "
    )
}

fn harmless(address: &str) -> Result<String> {
    let harmless = !address.is_empty() && !address.starts_with('-') && !address.contains(char::is_whitespace);
    ensure!(harmless, "--board-host {address:?}: this is not an address such as user@raspberrypi.local");
    Ok(address.to_string())
}

/// The folder, if it is one that was made for a copy: only such a one is ever removed.
fn ours(folder: &str) -> Option<&str> {
    let random = FOLDERS.iter().find_map(|start| folder.strip_prefix(start))?;
    (!random.is_empty() && random.bytes().all(|b| b.is_ascii_alphanumeric())).then_some(folder)
}

fn output(mut command: Command) -> Result<Output> {
    let tool = command.get_program().to_string_lossy().into_owned();
    command.output().with_context(|| format!("{tool}: cannot start the program"))
}

/// A program's copy on the board. Dropped, it is removed there.
#[derive(Debug)]
pub(crate) struct Copied {
    link: Link,
    folder: String,
}

impl Copied {
    /// Copies a program.
    ///
    /// # Errors
    /// The board cannot be reached, does not know the key, or has something else than was sent.
    pub(crate) fn new(link: Link, program: &Program) -> Result<Copied> {
        let failed = || format!("{}: cannot read the program", program.file.display());
        let sent = sha256_hex(&fs::read(&program.file).with_context(failed)?);
        let said = link.copy(&program.file)?;
        let words: Vec<&str> = said.split_whitespace().collect();
        let [folder, hash, ..] = words[..] else { bail!("{}", link.instead(&said)) };
        let folder = ours(folder).with_context(|| link.instead(&said))?.to_string();
        let copied = Copied { link, folder };
        let name = copied.link.name();
        ensure!(hash == sent, "{name}: the copy has the hash {hash}, but {sent} was sent; is its disk full?");
        Ok(copied)
    }

    /// Runs the copy. Whatever becomes of this side, the shell over there ends the program when its input ends, and
    /// removes the copy when the program has ended.
    pub(crate) fn command(&self, settings: &MeasurementSettings) -> Command {
        let (d, arguments) = (&self.folder, bench_arguments(settings).join(" "));
        self.link.shell(&format!(
            "trap 'rm -rf {d}' EXIT; trap 'kill $p; exit 1' HUP INT TERM; exec 3<&0; {d}/bench {arguments} </dev/null 3<&- & p=$!; \
             (cat <&3; kill $p) >/dev/null 2>&1 & exec 3<&-; wait $p"
        ))
    }
}

impl Drop for Copied {
    fn drop(&mut self) {
        self.link.remove(&self.folder);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_is_an_option_is_refused() {
        for host in ["", "-oProxyCommand=x", "a b"] {
            assert!(Link::ssh(host, None).is_err(), "{host:?}");
            assert!(Link::adb(Some(host)).is_err(), "{host:?}");
        }
        assert!(Link::ssh("pi@10.0.0.7", None).is_ok());
        assert!(Link::adb(None).is_ok());
    }

    #[test]
    fn only_a_copys_own_folder_is_removed() {
        for folder in ["/tmp/neuropower-", "/tmp/neuropower-a/..", "/tmp/other", "/", "/tmp/neuropower-a;b"] {
            assert_eq!(ours(folder), None, "{folder}");
        }
        assert!(ours("/tmp/neuropower-aB3").is_some() && ours("/data/local/tmp/neuropower-x").is_some());
    }
}
