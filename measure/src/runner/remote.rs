//! A board that is another machine: the program is copied there, its hash is verified, and after
//! the run the copy is removed.
//!
//! OpenSSH must know the host's key already; there are no questions about passwords or about
//! whether to trust a host. Android devices are reached through adb.

use super::bench_command::{Program, bench_arguments};
use crate::shell::{MARK, is_mark};
use anyhow::{Context, Result, bail, ensure};
use common::board::is_plain_path;
use common::files::hash::sha256_hex;
use common::profile::MeasurementSettings;
use process::output::{self, end_of};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Options of ssh: no questions, verified hosts, and an unplugged board is noticed after 15 s.
const OPTIONS: [&str; 5] = [
    "BatchMode=yes",
    "StrictHostKeyChecking=yes",
    "ConnectTimeout=15",
    "ServerAliveInterval=5",
    "ServerAliveCountMax=3",
];
/// Longest time for the removal of a copy.
const REMOVAL: Duration = Duration::from_secs(60);
/// Age in minutes from which a copy that is not running is a leftover, of a measurement that was
/// killed before it started the program or of a board that was switched off.
const LEFTOVER_MIN: u32 = 60;
/// Beginning of the names of copies' folders.
const PREFIX: &str = "neuropower-";

/// The link to a board.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    transport: Transport,
    /// Folder for copies, if the board's file names one.
    folder: Option<String>,
}

/// The transport to a board.
#[derive(Clone, Debug)]
enum Transport {
    /// `user@host`, or a `Host` of the configuration; and the configuration, if it is not the
    /// user's own.
    Ssh(String, Option<PathBuf>),
    /// A serial number that `adb devices` lists; `None` if there is only one device.
    Adb(Option<String>),
}

impl Link {
    /// Returns a link by ssh.
    ///
    /// # Errors
    /// Fails if the address could be taken for an option.
    pub(crate) fn ssh(host: &str, config: Option<&Path>, folder: Option<&str>) -> Result<Link> {
        let transport = Transport::Ssh(checked(host)?, config.map(Path::to_path_buf));
        Ok(Link { transport, folder: folder.map(str::to_string) })
    }

    /// Returns a link by adb.
    ///
    /// # Errors
    /// Fails if the serial number could be taken for an option.
    pub(crate) fn adb(serial: Option<&str>, folder: Option<&str>) -> Result<Link> {
        let transport = Transport::Adb(serial.map(checked).transpose()?);
        Ok(Link { transport, folder: folder.map(str::to_string) })
    }

    /// Returns the name of the board in messages.
    fn name(&self) -> &str {
        match &self.transport {
            Transport::Ssh(host, _) => host,
            Transport::Adb(serial) => serial.as_deref().unwrap_or("the Android device"),
        }
    }

    /// Returns the command that runs a script in a shell on the board.
    pub(crate) fn shell(&self, script: &str) -> Command {
        match &self.transport {
            Transport::Ssh(host, config) => {
                let mut command = Command::new("ssh");
                command.stdin(Stdio::null());
                for option in OPTIONS {
                    command.args(["-o", option]);
                }
                if let Some(config) = config {
                    command.arg("-F").arg(config);
                }
                command.args(["--", host, script]);
                command
            }
            Transport::Adb(_) => self.adb_command(&["shell", script]),
        }
    }

    fn adb_command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("adb");
        command.stdin(Stdio::null());
        if let Transport::Adb(Some(serial)) = &self.transport {
            command.args(["-s", serial]);
        }
        command.args(arguments);
        command
    }

    /// Makes a folder for a copy, and removes it.
    ///
    /// # Errors
    /// Fails if the board does not answer, or if programs cannot be put there.
    pub(crate) fn check(&self) -> Result<()> {
        let made = self.answer(self.shell(&marked(&self.new_folder())))?;
        let folder = own_folder(made.trim()).with_context(|| self.unexpected(&made))?;
        self.remove(folder);
        Ok(())
    }

    /// Copies a file to `bench` in a new folder; returns that folder and the copy's hash. Removes
    /// leftovers of earlier copies.
    fn copy(&self, file: &Path) -> Result<String> {
        let check = "chmod 700 $d/bench && sha256sum <$d/bench";
        match self.transport {
            Transport::Ssh(..) => {
                let make = self.new_folder();
                let copy = format!("cat >$d/bench && {check} || {{ rm -rf $d; exit 1; }}");
                let mut ssh = self.shell(&marked(&format!("{make}; {copy}")));
                ssh.stdin(
                    File::open(file)
                        .with_context(|| format!("{}: cannot read the program", file.display()))?,
                );
                self.answer(ssh)
            }
            Transport::Adb(_) => {
                let make = self.new_folder();
                let folder = self.answer(self.shell(&marked(&make)))?.trim().to_string();
                let folder = own_folder(&folder).with_context(|| self.unexpected(&folder))?;
                let mut push = self.adb_command(&["push"]);
                push.arg(file).arg(format!("{folder}/bench"));
                let check = format!("d={folder} && echo $d && {check}");
                let copied =
                    self.output(push).and_then(|_| self.answer(self.shell(&marked(&check))));
                copied.inspect_err(|_| self.remove(folder))
            }
        }
    }

    /// Returns a script that makes a new folder `$d` and prints its path, if programs can be
    /// executed in it. Its parent is the board's `folder`, or a default, which the shell there may
    /// have to expand.
    fn new_folder(&self) -> String {
        let (default, other) = match self.transport {
            Transport::Ssh(..) => ("${TMPDIR:-/tmp}", ", or with the variable TMPDIR there"),
            Transport::Adb(_) => ("/data/local/tmp", ""),
        };
        let parent = self.folder.as_deref().unwrap_or(default);
        let another =
            format!("name another folder with the key 'folder' of the board's file{other}");
        let odd = format!(
            "programs are to be put in $p, but a folder begins with a / and may only have letters, \
             digits, '.', '_', '-' and '/': {another}"
        );
        let noexec = format!(
            "programs in $p may not be executed, as on a file system that is mounted noexec: \
             {another}"
        );
        let remove_leftovers = remove_leftovers_script();
        format!(
            "p={parent}; p=${{p%/}}; \
             case $p/ in [!/]*|*..*|*[!A-Za-z0-9._/-]*) echo \"{odd}\" >&2; exit 1;; esac; \
             {remove_leftovers}\
             d=$(mktemp -d $p/{PREFIX}XXXXXXXX) || exit 1; \
             echo : >$d/try && chmod 700 $d/try || {{ rm -rf $d; exit 1; }}; \
             ($d/try) 2>/dev/null || {{ rm -rf $d; echo \"{noexec}\" >&2; exit 1; }}; \
             rm -f $d/try; echo $d"
        )
    }

    /// Removes a copy's folder. If the board cannot be reached, the folder stays until the next
    /// copy is made.
    fn remove(&self, folder: &str) {
        let _ = output::output_uninterrupted(self.shell(&format!("rm -rf {folder}")), REMOVAL);
    }

    /// Runs a command and returns its output after the mark.
    fn answer(&self, command: Command) -> Result<String> {
        let output = self.output(command)?;
        let lines: Vec<&str> = output.lines().collect();
        let mark = lines
            .iter()
            .position(|line| is_mark(line))
            .with_context(|| self.unexpected(&output))?;
        Ok(lines[mark + 1..].join("\n"))
    }

    /// Runs a command and returns its output.
    fn output(&self, command: Command) -> Result<String> {
        // The command runs to its end: a signal half-way would leave an unknown copy there.
        let output = output::output_uninterrupted(command, output::LIMIT)?;
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        let name = self.name();
        // adb prints some of its errors on its standard output.
        let words =
            String::from_utf8_lossy(&output.stderr).into_owned() + &stdout.replace(MARK, "");
        ensure!(
            output.status.success(),
            "{name}: cannot copy the program there: {}",
            end_of(words.as_bytes())
        );
        Ok(stdout)
    }

    /// Returns an error message for an unexpected answer. If the answer names a copy, it is
    /// removed.
    fn unexpected(&self, answer: &str) -> String {
        answer.split_whitespace().filter_map(own_folder).for_each(|folder| self.remove(folder));
        format!(
            "{} said {answer:?} instead of where the copy is, which was removed if that names it",
            self.name()
        )
    }
}

/// Returns a script that prints the mark before its own output.
fn marked(script: &str) -> String {
    format!("echo '{MARK}'; {script}")
}

/// Returns a script that removes the leftover folders of copies in `$p`, and no others: links and
/// folders of other users stay.
fn remove_leftovers_script() -> String {
    format!(
        "for d in $p/{PREFIX}????????; do [ -d \"$d\" ] && [ ! -L \"$d\" ] && \
         [ -n \"$(find \"$d\" -prune -mmin +{LEFTOVER_MIN} 2>/dev/null)\" ] && \
         ! ls -l /proc/[0-9]*/exe 2>/dev/null | grep -qF \"$d/bench\" \
         && rm -rf \"$d\" 2>/dev/null; done; "
    )
}

/// Checks that an address cannot be taken for an option.
fn checked(address: &str) -> Result<String> {
    let harmless =
        !address.is_empty() && !address.starts_with('-') && !address.contains(char::is_whitespace);
    ensure!(
        harmless,
        "--board-host {address:?}: this is not an address such as user@raspberrypi.local"
    );
    Ok(address.to_string())
}

/// Returns the folder if its name is one that was made for a copy: no other folder is ever removed.
fn own_folder(folder: &str) -> Option<&str> {
    let (_, name) = folder.rsplit_once('/')?;
    let random = name.strip_prefix(PREFIX)?;
    let made = !random.is_empty() && random.bytes().all(|b| b.is_ascii_alphanumeric());
    (made && is_plain_path(folder)).then_some(folder)
}

/// A program's copy on the board. It is removed when this is dropped.
#[derive(Debug)]
pub(crate) struct RemoteCopy {
    link: Link,
    folder: String,
}

impl RemoteCopy {
    /// Copies a program.
    ///
    /// # Errors
    /// Fails if the board cannot be reached, does not know the key, or received other bytes.
    pub(crate) fn new(link: Link, program: &Program) -> Result<RemoteCopy> {
        let failed = || format!("{}: cannot read the program", program.file.display());
        let sent = sha256_hex(&fs::read(&program.file).with_context(failed)?);
        let answer = link.copy(&program.file)?;
        let words: Vec<&str> = answer.split_whitespace().collect();
        let [folder, hash, ..] = words[..] else { bail!("{}", link.unexpected(&answer)) };
        let folder = own_folder(folder).with_context(|| link.unexpected(&answer))?.to_string();
        let copy = RemoteCopy { link, folder };
        let name = copy.link.name();
        ensure!(
            hash == sent,
            "{name}: the copy has the hash {hash}, but {sent} was sent; is its disk full?"
        );
        Ok(copy)
    }

    /// Returns the command that runs the copy. Even if this process dies, the shell on the board
    /// ends the program when its input ends, and then removes the copy.
    pub(crate) fn command(&self, settings: &MeasurementSettings) -> Command {
        let (d, arguments) = (&self.folder, bench_arguments(settings).join(" "));
        self.link.shell(&marked(&format!(
            "trap 'rm -rf {d}' EXIT; trap 'kill $p; exit 1' HUP INT TERM; exec 3<&0; \
             {d}/bench {arguments} </dev/null 3<&- & p=$!; \
             (cat <&3; kill $p) >/dev/null 2>&1 & exec 3<&-; wait $p"
        )))
    }
}

impl Drop for RemoteCopy {
    fn drop(&mut self) {
        self.link.remove(&self.folder);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_looks_like_an_option_is_refused() {
        for host in ["", "-oProxyCommand=x", "a b"] {
            assert!(Link::ssh(host, None, None).is_err(), "{host:?}");
            assert!(Link::adb(Some(host), None).is_err(), "{host:?}");
        }
        assert!(Link::ssh("pi@10.0.0.7", None, None).is_ok());
        assert!(Link::adb(None, None).is_ok());
    }

    #[test]
    fn only_folders_made_for_copies_are_removed() {
        for folder in [
            "/tmp/neuropower-",
            "/tmp/neuropower-a/..",
            "/tmp/../neuropower-a",
            "/tmp/other",
            "/",
            "neuropower-a",
            "/tmp/neuropower-a;b",
            "/a;b/neuropower-a",
        ] {
            assert_eq!(own_folder(folder), None, "{folder}");
        }
        for folder in [
            "/tmp/neuropower-aB3",
            "/data/local/tmp/neuropower-x",
            "/home/a.b/neuropower-x",
            "/neuropower-x",
        ] {
            assert_eq!(own_folder(folder), Some(folder));
        }
    }
}
