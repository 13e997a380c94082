//! The board is another machine: the program is copied there, its hash verified, run, and removed.
//!
//! OpenSSH must know the host's key already, and nothing is asked: neither passwords nor whether a
//! host may be trusted. Android devices are reached through adb.

use super::{Program, bench_arguments};
use crate::files::{MARK, is_mark};
use crate::process::{self, end_of};
use anyhow::{Context, Result, bail, ensure};
use common::board::is_plain_path;
use common::hash::sha256_hex;
use common::profile::MeasurementSettings;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Nothing is asked, hosts are verified, and a board that was unplugged is noticed after 15 s.
const OPTIONS: [&str; 5] = [
    "BatchMode=yes",
    "StrictHostKeyChecking=yes",
    "ConnectTimeout=15",
    "ServerAliveInterval=5",
    "ServerAliveCountMax=3",
];
/// How long the removal of a copy may take.
const REMOVAL: Duration = Duration::from_secs(60);
/// A copy that no program runs from is left over after so many minutes: whoever made it was killed
/// before it was started, or the board was switched off.
const LEFT_OVER_MIN: u32 = 60;
/// What the names of copies' folders begin with.
const NAME: &str = "neuropower-";

/// The way to a board.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    reach: Reach,
    /// Where the board has copies put, if it says it.
    folder: Option<String>,
}

/// How a board is reached.
#[derive(Clone, Debug)]
enum Reach {
    /// `user@host`, or a `Host` of the configuration; and OpenSSH's configuration, if not the
    /// user's own.
    Ssh(String, Option<PathBuf>),
    /// A serial number that `adb devices` lists; `None` where only one device is there.
    Adb(Option<String>),
}

impl Link {
    /// By ssh, if the address cannot be taken for an option.
    ///
    /// # Errors
    /// It can.
    pub(crate) fn ssh(host: &str, config: Option<&Path>, folder: Option<&str>) -> Result<Link> {
        let reach = Reach::Ssh(harmless(host)?, config.map(Path::to_path_buf));
        Ok(Link { reach, folder: folder.map(str::to_string) })
    }

    /// By adb, if the serial number cannot be taken for an option.
    ///
    /// # Errors
    /// It can.
    pub(crate) fn adb(serial: Option<&str>, folder: Option<&str>) -> Result<Link> {
        let reach = Reach::Adb(serial.map(harmless).transpose()?);
        Ok(Link { reach, folder: folder.map(str::to_string) })
    }

    /// What messages call the board.
    fn name(&self) -> &str {
        match &self.reach {
            Reach::Ssh(host, _) => host,
            Reach::Adb(serial) => serial.as_deref().unwrap_or("the Android device"),
        }
    }

    /// A command that runs a script in a shell on the board.
    pub(crate) fn shell(&self, script: &str) -> Command {
        match &self.reach {
            Reach::Ssh(host, config) => {
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
            Reach::Adb(_) => self.adb_command(&["shell", script]),
        }
    }

    fn adb_command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("adb");
        command.stdin(Stdio::null());
        if let Reach::Adb(Some(serial)) = &self.reach {
            command.args(["-s", serial]);
        }
        command.args(arguments);
        command
    }

    /// Copies a file to `bench` in a new folder; returns that folder and the copy's hash. Removes
    /// what earlier ones left.
    fn copy(&self, file: &Path) -> Result<String> {
        let check = "chmod 700 $d/bench && sha256sum <$d/bench";
        match self.reach {
            Reach::Ssh(..) => {
                let make =
                    self.new_folder("${TMPDIR:-/tmp}", ", or with the variable TMPDIR there");
                let copy = format!("cat >$d/bench && {check} || {{ rm -rf $d; exit 1; }}");
                let mut ssh = self.shell(&marked(&format!("{make}; {copy}")));
                ssh.stdin(
                    File::open(file)
                        .with_context(|| format!("{}: cannot read the program", file.display()))?,
                );
                self.answer(ssh)
            }
            Reach::Adb(_) => {
                let make = self.new_folder("/data/local/tmp", "");
                let folder = self.answer(self.shell(&marked(&make)))?.trim().to_string();
                let folder = ours(&folder).with_context(|| self.instead(&folder))?;
                let mut push = self.adb_command(&["push"]);
                push.arg(file).arg(format!("{folder}/bench"));
                let check = format!("d={folder} && echo $d && {check}");
                let copied = self.said(push).and_then(|_| self.answer(self.shell(&marked(&check))));
                copied.inspect_err(|_| self.remove(folder))
            }
        }
    }

    /// A script that makes a new folder `$d` and says where, if programs can be executed there: in
    /// the board's `folder`, or in one that a shell there may have to expand. `other` is another
    /// way to choose one.
    fn new_folder(&self, default: &str, other: &str) -> String {
        let parent = self.folder.as_deref().unwrap_or(default);
        let another =
            format!("name another folder with the key 'folder' of the board's file{other}");
        let odd = format!(
            "programs are to be put in $p, but a folder begins with a / and may only have letters, digits, '.', '_', '-' and \
             '/': {another}"
        );
        let noexec = format!(
            "programs in $p may not be executed, as on a file system that is mounted noexec: {another}"
        );
        let left_overs = without_left_overs();
        format!(
            "p={parent}; p=${{p%/}}; \
             case $p/ in [!/]*|*..*|*[!A-Za-z0-9._/-]*) echo \"{odd}\" >&2; exit 1;; esac; {left_overs}\
             d=$(mktemp -d $p/{NAME}XXXXXXXX) || exit 1; \
             echo : >$d/try && chmod 700 $d/try || {{ rm -rf $d; exit 1; }}; \
             ($d/try) 2>/dev/null || {{ rm -rf $d; echo \"{noexec}\" >&2; exit 1; }}; rm -f $d/try; echo $d"
        )
    }

    /// Removes a copy's folder, if the board is still there; else it stays until the next copy is
    /// made.
    fn remove(&self, folder: &str) {
        let _ = process::output_whatever_comes(self.shell(&format!("rm -rf {folder}")), REMOVAL);
    }

    /// What a script said behind its mark: before it are words of the board's shell.
    fn answer(&self, command: Command) -> Result<String> {
        let said = self.said(command)?;
        let lines: Vec<&str> = said.lines().collect();
        let mark =
            lines.iter().position(|line| is_mark(line)).with_context(|| self.instead(&said))?;
        Ok(lines[mark + 1..].join("\n"))
    }

    fn said(&self, command: Command) -> Result<String> {
        // To its end: a signal half-way would leave a copy there that nobody knows of.
        let output = process::output_whatever_comes(command, process::LIMIT)?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let name = self.name();
        // adb says some of its errors on its standard output.
        let words = String::from_utf8_lossy(&output.stderr).into_owned() + &said.replace(MARK, "");
        ensure!(
            output.status.success(),
            "{name}: cannot copy the program there: {}",
            end_of(words.as_bytes())
        );
        Ok(said)
    }

    /// What is wrong with an answer. A copy that it names all the same is removed.
    fn instead(&self, said: &str) -> String {
        said.split_whitespace().filter_map(ours).for_each(|folder| self.remove(folder));
        format!(
            "{} said {said:?} instead of where the copy is, which was removed if that names it",
            self.name()
        )
    }
}

/// A script that says first where its own words begin.
fn marked(script: &str) -> String {
    format!("echo '{MARK}'; {script}")
}

/// A script that removes the folders of copies in `$p` that are left over, and no others: links and
/// those of other users stay.
fn without_left_overs() -> String {
    format!(
        "for d in $p/{NAME}????????; do [ -d \"$d\" ] && [ ! -L \"$d\" ] && \
         [ -n \"$(find \"$d\" -prune -mmin +{LEFT_OVER_MIN} 2>/dev/null)\" ] && \
         ! ls -l /proc/[0-9]*/exe 2>/dev/null | grep -qF \"$d/bench\" && rm -rf \"$d\" 2>/dev/null; done; "
    )
}

fn harmless(address: &str) -> Result<String> {
    let harmless =
        !address.is_empty() && !address.starts_with('-') && !address.contains(char::is_whitespace);
    ensure!(
        harmless,
        "--board-host {address:?}: this is not an address such as user@raspberrypi.local"
    );
    Ok(address.to_string())
}

/// The folder, if it is one that was made for a copy: only such a one is ever removed.
fn ours(folder: &str) -> Option<&str> {
    let (_, name) = folder.rsplit_once('/')?;
    let random = name.strip_prefix(NAME)?;
    let made = !random.is_empty() && random.bytes().all(|b| b.is_ascii_alphanumeric());
    (made && is_plain_path(folder)).then_some(folder)
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
        ensure!(
            hash == sent,
            "{name}: the copy has the hash {hash}, but {sent} was sent; is its disk full?"
        );
        Ok(copied)
    }

    /// Runs the copy. Whatever becomes of this side, the shell over there ends the program when its
    /// input ends, and removes the copy when the program has ended.
    pub(crate) fn command(&self, settings: &MeasurementSettings) -> Command {
        let (d, arguments) = (&self.folder, bench_arguments(settings).join(" "));
        self.link.shell(&marked(&format!(
            "trap 'rm -rf {d}' EXIT; trap 'kill $p; exit 1' HUP INT TERM; exec 3<&0; {d}/bench {arguments} </dev/null 3<&- & p=$!; \
             (cat <&3; kill $p) >/dev/null 2>&1 & exec 3<&-; wait $p"
        )))
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
            assert!(Link::ssh(host, None, None).is_err(), "{host:?}");
            assert!(Link::adb(Some(host), None).is_err(), "{host:?}");
        }
        assert!(Link::ssh("pi@10.0.0.7", None, None).is_ok());
        assert!(Link::adb(None, None).is_ok());
    }

    #[test]
    fn only_a_copys_own_folder_is_removed() {
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
            assert_eq!(ours(folder), None, "{folder}");
        }
        for folder in [
            "/tmp/neuropower-aB3",
            "/data/local/tmp/neuropower-x",
            "/home/a.b/neuropower-x",
            "/neuropower-x",
        ] {
            assert_eq!(ours(folder), Some(folder));
        }
    }
}
