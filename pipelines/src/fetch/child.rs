//! Running other programs: quietly, with a time limit, and with what they complained about as the
//! error.

use super::interrupt;
use super::scratch::Room;
use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process_group};
use std::fs::File;
use std::io::{Read, Seek};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The longest that any one program may take: CIFAR's 170 MB at 100 kB/s.
const LIMIT: Duration = Duration::from_secs(30 * 60);
/// How often a running program is looked at.
const POLL: Duration = Duration::from_millis(20);
/// How often its files are, at most; where there are many, it is less often.
const LOOK: Duration = Duration::from_millis(100);
/// How long a program that is asked to end may take.
const GRACE: Duration = Duration::from_secs(2);
/// As much of a program's complaint as is read, in bytes.
const COMPLAINT_BYTES: u64 = 64 << 10;
/// As much of it as is passed on.
const COMPLAINT_CHARS: usize = 300;

/// Runs a program to its end in the folder where it has room.
///
/// # Errors
/// It cannot be started, takes too long or too much room, or fails, or a signal came; the error is
/// one line.
pub(super) fn run(command: &mut Command, room: &Room) -> Result<()> {
    run_within(command, room, LIMIT)
}

fn run_within(command: &mut Command, room: &Room, limit: Duration) -> Result<()> {
    interrupt::check()?;
    let program = command.get_program().to_string_lossy().into_owned();
    let mut complaints = tempfile::tempfile().context("cannot make a temporary file")?;
    let stderr = complaints.try_clone().context("cannot use a temporary file")?;
    command.current_dir(&room.folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr);
    // A group of its own: what it has started ends with it.
    let child = command
        .process_group(0)
        .spawn()
        .with_context(|| format!("{program}: cannot start the program"))?;
    let status = wait(&mut Group(child), room, limit).with_context(|| program.clone())?;
    ensure!(status.success(), "{program}: {status}: {}", one_line(&mut complaints));
    ensure!(!room.is_exceeded(), "{program}: {}", too_much(room));
    Ok(())
}

/// The child's exit status. Where this fails, the child is still running.
fn wait(child: &mut Group, room: &Room, limit: Duration) -> Result<ExitStatus> {
    let start = Instant::now();
    let mut look = start + LOOK;
    loop {
        if let Some(status) = child.0.try_wait()? {
            return Ok(status);
        }
        interrupt::check()?;
        let now = Instant::now();
        if now - start > limit {
            bail!("stopped after {} minutes", limit.as_secs() / 60);
        }
        if now > look {
            ensure!(!room.is_exceeded(), "stopped: {}", too_much(room));
            look = now + LOOK.max(10 * now.elapsed());
        }
        sleep(POLL);
    }
}

fn too_much(room: &Room) -> String {
    format!("it has made over {} bytes, more than a data set's files can be", room.bytes)
}

/// A program that does not outlive this, nor do those that it has started.
struct Group(Child);

impl Drop for Group {
    fn drop(&mut self) {
        // Once it has been waited for, its number may be another program's.
        if !matches!(self.0.try_wait(), Ok(None)) {
            return;
        }
        let group = Pid::from_child(&self.0);
        // Errors mean that it has ended by itself.
        let _ = kill_process_group(group, Signal::TERM);
        let asked = Instant::now();
        while asked.elapsed() < GRACE && !has_ended(&self.0) {
            sleep(POLL);
        }
        // It is waited for last, so its number is still that of the group.
        let _ = kill_process_group(group, Signal::KILL);
        let _ = self.0.wait();
    }
}

/// Whether a child has ended, without taking note of it.
fn has_ended(child: &Child) -> bool {
    use rustix::process::{WaitId, WaitIdOptions, waitid};
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    !matches!(waitid(WaitId::Pid(Pid::from_child(child)), options), Ok(None))
}

fn one_line(complaints: &mut File) -> String {
    let mut bytes = Vec::new();
    // Without its complaint, a failure is still reported.
    let _ =
        complaints.rewind().and_then(|()| complaints.take(COMPLAINT_BYTES).read_to_end(&mut bytes));
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.join("; ").chars().filter(|c| !c.is_control()).take(COMPLAINT_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    fn room(folder: &tempfile::TempDir) -> Room {
        Room { folder: folder.path().to_path_buf(), bytes: 100_000 }
    }

    fn run_script(script: &str) -> Result<()> {
        run(&mut shell(script), &room(&tempfile::tempdir().unwrap()))
    }

    #[test]
    fn a_failure_is_one_line_with_the_programs_complaint() {
        let error = run_script("echo one >&2; echo; echo two >&2; exit 6").unwrap_err().to_string();
        assert_eq!(error, "sh: exit status: 6: one; two");
        let endless = run_script("yes x | head -c 100000 >&2; exit 1").unwrap_err().to_string();
        assert!(endless.len() < 400, "{} bytes", endless.len());
        assert!(run_script("echo to stderr >&2").is_ok());
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = format!(
            "{:#}",
            run(&mut Command::new("no-such-program-here"), &room(&folder)).unwrap_err()
        );
        assert!(error.starts_with("no-such-program-here: cannot start the program"), "{error}");
    }

    /// The pipe is closed only when all that hold it have ended.
    #[test]
    fn a_program_that_does_not_end_is_stopped_with_all_it_has_started() {
        let folder = tempfile::tempdir().unwrap();
        let (mut reader, writer) = std::io::pipe().unwrap();
        let mut command =
            shell("sh -c 'trap \"\" TERM; while true; do sleep 1; done' & exec sleep 1000");
        command.process_group(0).stdin(Stdio::null()).stdout(writer);
        let mut child = Group(command.spawn().unwrap());
        drop(command);
        let error =
            wait(&mut child, &room(&folder), Duration::from_millis(50)).unwrap_err().to_string();
        assert!(error.starts_with("stopped after"), "{error}");
        drop(child);
        let mut rest = Vec::new();
        reader.read_to_end(&mut rest).unwrap();
    }

    #[test]
    fn a_program_that_fills_the_disk_is_stopped() {
        for script in [
            "truncate -s 1T hole; sleep 1000",
            "truncate -s 1T hole",
            "for i in $(seq 30); do : > $i; done",
        ] {
            let error = format!("{:#}", run_script(script).unwrap_err());
            assert!(error.contains("it has made over 100000 bytes"), "{error}");
        }
        run_script("head -c 90000 /dev/zero > some").unwrap();
    }
}
