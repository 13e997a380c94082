//! The board's clock beside this machine's. Latency is known from the board alone: a line may take
//! any time to get here, so this machine sees only bounds. Within them nobody can tell; beyond them
//! the board's times are wrong.

use crate::session::MeasuredWindow;
use anyhow::{Result, ensure};
use common::board::{Board, Runner};

/// Clocks that differ by less than this share are not told apart.
const RATE: f64 = 0.1;
/// How much longer one of a window's two lines may take to get here and be noticed than the other.
const DELAY_S: f64 = 1.0;

/// Compares the windows' lengths on a board's clock with what passed here. `elapsed_s` is the time
/// here from the program's start to its last window's line.
///
/// # Errors
/// The board's clock was set meanwhile, or runs at another speed.
pub(crate) fn check(board: &Board, windows: &[MeasuredWindow], elapsed_s: f64) -> Result<()> {
    match board.runner {
        // An emulator's clock may be any.
        Runner::Qemu => Ok(()),
        // There is one clock, and lines come late where the machine is busy.
        Runner::Local => check_total(windows, elapsed_s),
        Runner::Ssh | Runner::Adb | Runner::ProbeRs => {
            check_total(windows, elapsed_s)?;
            check_each(windows)
        }
    }
}

const WHY: &str = "the board's clock was set meanwhile or runs at another speed, so its times are not to be believed";

/// However late lines come, all windows lie between the program's start and the last line.
fn check_total(windows: &[MeasuredWindow], elapsed_s: f64) -> Result<()> {
    let there: f64 = windows.iter().map(|window| window.seconds).sum();
    ensure!(
        there <= elapsed_s * (1.0 + RATE),
        "bench says that its windows took {there:.3} s, but only {elapsed_s:.3} s passed here since it was started: {WHY}"
    );
    Ok(())
}

/// A line that was held up makes some windows too long or too short, a clock all of them.
fn check_each(windows: &[MeasuredWindow]) -> Result<()> {
    let beyond = |long: f64, short: f64| long > short * (1.0 + RATE) + DELAY_S;
    let fast = windows.iter().all(|window| beyond(window.seconds, window.interval.seconds()));
    let slow = windows.iter().all(|window| beyond(window.interval.seconds(), window.seconds));
    let there: f64 = windows.iter().map(|window| window.seconds).sum();
    let here: f64 = windows.iter().map(|window| window.interval.seconds()).sum();
    ensure!(
        !fast && !slow,
        "bench says that its windows took {there:.3} s, but {here:.3} s passed here between their lines, in each of them \
         too {}: {WHY}",
        if slow { "many" } else { "few" }
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meter::counter::Interval;
    use common::boards;
    use std::path::Path;

    /// Windows of these lengths on the board and here.
    fn windows(lengths: &[(f64, f64)]) -> Vec<MeasuredWindow> {
        let window = |&(seconds, here): &(f64, f64)| MeasuredWindow {
            inferences: 1,
            seconds,
            p50_s: 1e-3,
            p90_s: 1e-3,
            p99_s: 1e-3,
            communication: None,
            interval: Interval { t0_s: 1.0, t1_s: 1.0 + here, counters: vec![], energy: Ok(None) },
        };
        lengths.iter().map(window).collect()
    }

    fn checked(board: &str, lengths: &[(f64, f64)], elapsed_s: f64) -> Result<()> {
        check(&boards::find(board, Path::new("nowhere"))?, &windows(lengths), elapsed_s)
    }

    fn error_of(lengths: &[(f64, f64)], elapsed_s: f64) -> String {
        checked("raspberry-pi-4", lengths, elapsed_s).unwrap_err().to_string()
    }

    #[test]
    fn clocks_in_step_pass_and_so_do_lines_that_were_held_up() {
        checked("raspberry-pi-4", &[(10.0, 10.01), (10.0, 9.9)], 20.5).unwrap();
        // An oscillator that is off by 5 %.
        checked("raspberry-pi-4", &[(10.5, 10.0), (10.5, 10.0)], 20.5).unwrap();
        // The first line comes 4 s late: the first window seems short, and there is no bound but
        // the start.
        checked("raspberry-pi-4", &[(10.0, 6.0), (10.0, 10.0)], 20.5).unwrap();
        // So does the last one: the second window seems long.
        checked("raspberry-pi-4", &[(10.0, 10.0), (10.0, 14.0)], 24.5).unwrap();
        checked("raspberry-pi-4", &[(0.3, 0.1)], 0.4).unwrap();
    }

    #[test]
    fn more_time_than_passed_since_the_start_is_wrong_however_lines_come() {
        let error = error_of(&[(10.0, 10.0), (13.0, 10.0)], 20.5);
        assert!(
            error.contains("took 23.000 s, but only 20.500 s passed here since it was started"),
            "{error}"
        );
        assert!(
            error.contains("the board's clock was set meanwhile or runs at another speed"),
            "{error}"
        );
        // Short windows, and a clock ten times as fast.
        error_of(&[(3.0, 0.3)], 1.2);
    }

    #[test]
    fn a_clock_of_another_speed_shows_in_every_window() {
        // A third faster, hidden by a long warm-up from the bound above.
        assert!(error_of(&[(13.3, 10.0), (13.3, 10.0)], 30.0).contains("in each of them too few"));
        // Half as fast.
        assert!(error_of(&[(5.0, 10.0), (5.0, 10.0)], 20.5).contains("in each of them too many"));
    }

    #[test]
    fn this_machines_clock_is_its_own_and_an_emulators_may_be_any() {
        checked("host", &[(5.0, 10.0)], 10.5).unwrap();
        assert!(checked("host", &[(13.0, 10.0)], 10.5).is_err());
        checked("qemu-aarch64", &[(13.0, 10.0)], 10.5).unwrap();
    }
}
