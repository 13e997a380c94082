//! The board is another machine that OpenSSH reaches: the program is copied there, its hash verified, run, and removed.
//! The host's key must be known already, and nothing is asked: neither passwords nor whether a host may be trusted.

use super::{Program, bench_arguments};
use crate::process::end_of;
use anyhow::{Context, Result, ensure};
use common::hash::sha256_hex;
use common::profile::MeasurementSettings;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Nothing is asked, hosts are verified, and a board that was unplugged is noticed after 15 s.
const OPTIONS: [&str; 5] = [
    "BatchMode=yes",
    "StrictHostKeyChecking=yes",
    "ConnectTimeout=15",
    "ServerAliveInterval=5",
    "ServerAliveCountMax=3",
];
/// Copies standard input into a new folder and prints that folder and the copy's hash.
const COPY: &str = "d=$(mktemp -d /tmp/neuropower-XXXXXXXX) && cat >$d/bench && chmod 700 $d/bench && echo $d && \
    sha256sum <$d/bench";

/// How a board is reached.
#[derive(Clone, Debug)]
pub(crate) struct Address {
    /// `user@host`, or a `Host` of the configuration.
    pub(crate) host: String,
    /// OpenSSH's configuration, if not the user's own.
    pub(crate) config: Option<PathBuf>,
}

impl Address {
    /// The address, if it cannot be taken for an option.
    ///
    /// # Errors
    /// It can.
    pub(crate) fn new(host: &str, config: Option<&Path>) -> Result<Address> {
        let harmless = !host.is_empty() && !host.starts_with('-') && !host.contains(char::is_whitespace);
        ensure!(harmless, "--board-host {host:?}: this is not an address such as user@raspberrypi.local");
        Ok(Address { host: host.to_string(), config: config.map(Path::to_path_buf) })
    }

    fn ssh(&self, remote: &str) -> Command {
        let mut command = Command::new("ssh");
        for option in OPTIONS {
            command.args(["-o", option]);
        }
        if let Some(config) = &self.config {
            command.arg("-F").arg(config);
        }
        command.args(["--", &self.host, remote]).stdin(Stdio::null());
        command
    }
}

/// A program's copy on the board. Dropped, it is removed there.
#[derive(Debug)]
pub(crate) struct Copied {
    address: Address,
    folder: String,
}

impl Copied {
    /// Copies a program.
    ///
    /// # Errors
    /// The board cannot be reached, does not know the key, or has something else than was sent.
    pub(crate) fn new(address: Address, program: &Program) -> Result<Copied> {
        let failed = || format!("{}: cannot read the program", program.file.display());
        let sent = sha256_hex(&fs::read(&program.file).with_context(failed)?);
        let mut ssh = address.ssh(COPY);
        ssh.stdin(File::open(&program.file).with_context(failed)?);
        let output = ssh.output().context("cannot start ssh; install an OpenSSH client")?;
        let host = address.host.clone();
        ensure!(output.status.success(), "{host}: cannot copy the program there: {}", end_of(&output.stderr));
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let words: Vec<&str> = said.split_whitespace().collect();
        let [folder, hash, ..] = words[..] else { anyhow::bail!("{host} said {said:?} instead of where the copy is") };
        let random = folder.strip_prefix("/tmp/neuropower-").unwrap_or_default();
        let ours = !random.is_empty() && random.bytes().all(|b| b.is_ascii_alphanumeric());
        ensure!(ours, "{host} said {said:?} instead of where the copy is; does its shell print a greeting?");
        let copied = Copied { address, folder: folder.to_string() };
        ensure!(hash == sent, "{host}: the copy has the hash {hash}, but {sent} was sent; is its disk full?");
        Ok(copied)
    }

    /// Runs the copy.
    pub(crate) fn command(&self, settings: &MeasurementSettings) -> Command {
        self.address.ssh(&format!("exec {}/bench {}", self.folder, bench_arguments(settings).join(" ")))
    }
}

impl Drop for Copied {
    fn drop(&mut self) {
        // Nothing more can be done where the board is gone: the copy stays in its /tmp.
        let _ = self.address.ssh(&format!("rm -rf {}", self.folder)).output();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_is_an_option_is_refused() {
        for host in ["", "-oProxyCommand=x", "a b"] {
            assert!(Address::new(host, None).is_err(), "{host:?}");
        }
        assert!(Address::new("pi@10.0.0.7", None).is_ok());
    }
}
