//! Running other programs: quietly, with a time limit, and with what they complained about as the error.

use anyhow::{Context, Result, bail};
use std::fs::File;
use std::io::{Read, Seek};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// The longest that any one program may take: CIFAR's 170 MB at 100 kB/s.
const LIMIT: Duration = Duration::from_secs(30 * 60);
/// How often a running program is looked at.
const POLL: Duration = Duration::from_millis(20);
/// As much of a program's complaint as is passed on.
const COMPLAINT_CHARS: usize = 300;

/// Runs a program in some folder.
pub(super) fn run_in(command: &mut Command, folder: &Path) -> Result<()> {
    run(command.current_dir(folder))
}

/// Runs a program to its end.
///
/// # Errors
/// It cannot be started, takes too long or fails; the error is one line.
pub(super) fn run(command: &mut Command) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let mut complaints = tempfile::tempfile().context("cannot make a temporary file")?;
    let stderr = complaints.try_clone().context("cannot use a temporary file")?;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(stderr)
        .spawn()
        .with_context(|| format!("{program}: cannot start the program"))?;
    let Some(status) = wait(&mut child, LIMIT).with_context(|| program.clone())? else {
        bail!("{program}: stopped after {} minutes", LIMIT.as_secs() / 60);
    };
    if !status.success() {
        bail!("{program}: {status}: {}", one_line(&mut complaints));
    }
    Ok(())
}

/// The child's exit status, or `None` where it was killed at the limit.
fn wait(child: &mut Child, limit: Duration) -> Result<Option<ExitStatus>> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if start.elapsed() > limit {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(POLL);
    }
}

fn one_line(complaints: &mut File) -> String {
    let mut bytes = Vec::new();
    // Without its complaint, a failure is still reported.
    let _ = complaints.rewind().and_then(|()| complaints.read_to_end(&mut bytes));
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

    #[test]
    fn a_failure_is_one_line_with_the_programs_complaint() {
        let error = run(&mut shell("echo one >&2; echo; echo two >&2; exit 6")).unwrap_err().to_string();
        assert_eq!(error, "sh: exit status: 6: one; two");
        let endless = run(&mut shell("yes x | head -c 100000 >&2; exit 1")).unwrap_err().to_string();
        assert!(endless.len() < 400, "{} bytes", endless.len());
        assert!(run(&mut shell("echo to stderr >&2")).is_ok());
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let error = format!("{:#}", run(&mut Command::new("no-such-program-here")).unwrap_err());
        assert!(error.starts_with("no-such-program-here: cannot start the program"), "{error}");
    }

    #[test]
    fn a_program_that_does_not_end_is_stopped() {
        let mut child = shell("exec sleep 1000").spawn().unwrap();
        assert!(wait(&mut child, Duration::from_millis(50)).unwrap().is_none());
    }
}
