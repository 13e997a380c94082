//! Termination signals. The first one only sets a flag, so that the program can clean up; a second
//! one of the same kind ends it.

use anyhow::{Context, Result, ensure};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Signals with which a person or a system ends a program.
pub const ENDINGS: [i32; 3] = [SIGHUP, SIGINT, SIGTERM];

/// Catches `signals` from now on, and returns a flag that the first one sets. A signal that is
/// ignored stays ignored: `nohup` has SIGHUP ignored.
///
/// A second signal of the same kind ends the program as if nothing caught it. One of another kind
/// does not: Ctrl-C reaches all programs of a terminal, and a program that has started others then
/// sends them a SIGTERM as well.
///
/// # Errors
/// Fails if the system refuses.
pub fn catch(signals: &[i32]) -> Result<Arc<AtomicBool>> {
    let caught = Arc::new(AtomicBool::new(false));
    for signal in signals.iter().copied().filter(|signal| !is_ignored(*signal)) {
        let once = Arc::new(AtomicBool::new(false));
        // The order matters: the first handler must see the flag as it was before the signal.
        flag::register_conditional_default(signal, Arc::clone(&once))
            .and_then(|_| flag::register(signal, once))
            .and_then(|_| flag::register(signal, Arc::clone(&caught)))
            .context("cannot install a signal handler")?;
    }
    Ok(caught)
}

/// Interval at which a waiting program checks for a signal.
pub const POLL: Duration = Duration::from_millis(100);

static WATCHED: Mutex<Option<Arc<AtomicBool>>> = Mutex::new(None);

/// Catches [`ENDINGS`] for the whole program from now on; a second call changes nothing.
///
/// # Errors
/// Fails if the system refuses.
pub fn watch() -> Result<()> {
    let mut watched = WATCHED.lock().unwrap_or_else(PoisonError::into_inner);
    if watched.is_none() {
        *watched = Some(catch(&ENDINGS)?);
    }
    Ok(())
}

/// Returns whether a signal has been caught since [`watch`].
pub fn is_caught() -> bool {
    let watched = WATCHED.lock().unwrap_or_else(PoisonError::into_inner);
    watched.as_ref().is_some_and(|caught| caught.load(Ordering::Relaxed))
}

/// The response of this program to a termination signal.
#[derive(Clone, Copy, Debug)]
pub struct Interrupt {
    /// Message about what is kept, and how to continue.
    remedy: &'static str,
}

impl Interrupt {
    /// Returns the response to signals that [`watch`] catches. `remedy` says what is kept, and how
    /// to continue.
    pub const fn new(remedy: &'static str) -> Interrupt {
        Interrupt { remedy }
    }

    /// Catches termination signals from now on.
    ///
    /// # Errors
    /// Fails if the system refuses.
    pub fn catch(remedy: &'static str) -> Result<Interrupt> {
        watch()?;
        Ok(Interrupt::new(remedy))
    }

    /// Fails if a termination signal has been received.
    ///
    /// # Errors
    /// Fails as described; the error says how to continue.
    pub fn check(&self) -> Result<()> {
        ensure!(!is_caught(), self.message());
        Ok(())
    }

    /// Fails if a program was ended by a termination signal: such a signal says nothing about the
    /// program.
    ///
    /// # Errors
    /// Fails as described; the error says how to continue.
    pub fn check_status(&self, status: ExitStatus) -> Result<()> {
        let terminated = status.signal().is_some_and(|signal| ENDINGS.contains(&signal));
        ensure!(!terminated, self.message());
        Ok(())
    }

    /// Returns the message about what is kept if the program is interrupted, and how to continue.
    pub fn remedy(&self) -> &'static str {
        self.remedy
    }

    /// Sleeps.
    ///
    /// # Errors
    /// Fails if a termination signal is received meanwhile.
    pub fn sleep(&self, time: Duration) -> Result<()> {
        let start = Instant::now();
        loop {
            self.check()?;
            let left = time.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Ok(());
            }
            thread::sleep(left.min(POLL));
        }
    }

    fn message(&self) -> String {
        format!("interrupted; {}", self.remedy)
    }
}

fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status
        .lines()
        .find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
    ignored.is_some_and(|ignored| ignored >> (signal - 1) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader, Write};
    use std::os::unix::process::ExitStatusExt;
    use std::process::{Command, Stdio};

    const THIS_TEST: &str = "interrupt::tests::the_second_signal_of_a_kind_ends_a_program";
    const CHILD: &str = "CHILD_OF_AN_INTERRUPT_TEST";

    /// Prints for each line of the input whether a signal was caught.
    fn child() {
        let caught = catch(&ENDINGS).unwrap();
        for _ in std::io::stdin().lines() {
            println!("\ncaught: {}", caught.load(Ordering::Relaxed));
        }
    }

    #[test]
    fn the_second_signal_of_a_kind_ends_a_program() {
        if std::env::var_os(CHILD).is_some() {
            return child();
        }
        let mut command = Command::new("env");
        // The signals may be ignored in the process that runs the tests.
        command.arg("--default-signal=INT,TERM,HUP").arg(std::env::current_exe().unwrap());
        command.args([THIS_TEST, "--exact", "--nocapture"]).env(CHILD, "");
        let mut program = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let pid = program.id().to_string();
        let send = |signal: &str| {
            // A shell has a `kill` of its own; the program is not on every machine.
            let kill = format!("kill {signal} {pid}");
            assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
        };
        let mut asked = program.stdin.take().unwrap();
        let mut said = BufReader::new(program.stdout.take().unwrap()).lines().map_while(Result::ok);
        let mut is_caught = || {
            asked.write_all(b"\n").unwrap();
            said.find_map(|line| Some(line.strip_prefix("caught: ")? == "true")).unwrap()
        };
        assert!(!is_caught());
        send("-TERM");
        while !is_caught() {}
        send("-INT");
        assert!(is_caught());
        send("-TERM");
        assert_eq!(program.wait().unwrap().signal(), Some(SIGTERM));
    }
}
