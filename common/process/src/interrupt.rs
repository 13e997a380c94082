//! Signals that ask a program to end: the first is told to the program, which cleans up; a second
//! one of a kind ends it.

use anyhow::{Context, Result};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Those with which a person or a system ends a program.
pub const ENDINGS: [i32; 3] = [SIGHUP, SIGINT, SIGTERM];

/// Catches `signals` from now on, and returns what becomes true with the first one. One that is
/// ignored stays ignored: `nohup` has SIGHUP ignored.
///
/// A second signal of the same kind does what it does to a program that catches none. One of
/// another kind does not: Ctrl-C reaches all programs of a terminal, and those that have started
/// others then also ask these to end.
///
/// # Errors
/// The system does not allow it.
pub fn catch(signals: &[i32]) -> Result<Arc<AtomicBool>> {
    let caught = Arc::new(AtomicBool::new(false));
    for signal in signals.iter().copied().filter(|signal| !is_ignored(*signal)) {
        let once = Arc::new(AtomicBool::new(false));
        // In this order: what comes first sees the flag as it was before the signal.
        flag::register_conditional_default(signal, Arc::clone(&once))
            .and_then(|_| flag::register(signal, once))
            .and_then(|_| flag::register(signal, Arc::clone(&caught)))
            .context("cannot install a signal handler")?;
    }
    Ok(caught)
}

static WATCHED: Mutex<Option<Arc<AtomicBool>>> = Mutex::new(None);

/// Catches [`ENDINGS`] for the whole program from now on; a second call changes nothing.
///
/// # Errors
/// The system does not allow it.
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

    /// Says for each line that it reads whether a signal was caught.
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
        // Whoever runs the tests may have them ignored.
        command.arg("--default-signal=INT,TERM,HUP").arg(std::env::current_exe().unwrap());
        command.args([THIS_TEST, "--exact", "--nocapture"]).env(CHILD, "");
        let mut program = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let pid = program.id().to_string();
        let send = |signal: &str| {
            assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success())
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
