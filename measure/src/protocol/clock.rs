//! Comparison of the board's clock with this machine's. Latency is measured by the board's clock
//! alone. A line may take any time to arrive, so this machine knows only bounds; if the board's
//! times lie outside of them, its clock is wrong.

use super::windows::MeasuredWindow;
use anyhow::{Result, ensure};
use common::board::{Board, Runner};

/// Clocks whose rates differ by less than this share are taken for equal.
const MAX_RATE_ERROR: f64 = 0.1;
/// Largest difference between the delays of a window's two lines, in seconds.
const MAX_DELAY_S: f64 = 1.0;

/// Compares the windows' lengths on a board's clock with this machine's times. `elapsed_s` is this
/// machine's time from the program's start to the end of its last window.
///
/// # Errors
/// Fails if the board's clock was set meanwhile, or runs at another speed.
pub(crate) fn check(board: &Board, windows: &[MeasuredWindow], elapsed_s: f64) -> Result<()> {
    match board.runner {
        // An emulator's clock may run at any speed.
        Runner::Qemu => Ok(()),
        // There is only one clock, and lines arrive late if the machine is busy.
        Runner::Local => check_total(windows, elapsed_s),
        Runner::Ssh | Runner::Adb | Runner::ProbeRs => {
            check_total(windows, elapsed_s)?;
            check_each(windows)
        }
    }
}

const WRONG_CLOCK: &str = "the board's clock was set meanwhile or runs at another speed, so its \
                           times are not valid";

/// Checks the sum of the windows: however late lines arrive, all windows lie between the program's
/// start and the last line.
fn check_total(windows: &[MeasuredWindow], elapsed_s: f64) -> Result<()> {
    let board_s: f64 = windows.iter().map(|window| window.seconds).sum();
    ensure!(
        board_s <= elapsed_s * (1.0 + MAX_RATE_ERROR),
        "bench says that its windows took {board_s:.3} s, but only {elapsed_s:.3} s passed here \
         since it was started: {WRONG_CLOCK}"
    );
    Ok(())
}

/// Checks each window: a late line makes some windows too long or too short, a wrong clock all of
/// them.
fn check_each(windows: &[MeasuredWindow]) -> Result<()> {
    let beyond = |long: f64, short: f64| long > short * (1.0 + MAX_RATE_ERROR) + MAX_DELAY_S;
    let fast = windows.iter().all(|window| beyond(window.seconds, window.interval.seconds()));
    let slow = windows.iter().all(|window| beyond(window.interval.seconds(), window.seconds));
    let board_s: f64 = windows.iter().map(|window| window.seconds).sum();
    let host_s: f64 = windows.iter().map(|window| window.interval.seconds()).sum();
    ensure!(
        !fast && !slow,
        "bench says that its windows took {board_s:.3} s, but {host_s:.3} s passed here between \
         their lines, in each of them too {}: {WRONG_CLOCK}",
        if slow { "many" } else { "few" }
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meter::Interval;
    use common::board::catalog;
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
        check(&catalog::find(board, Path::new("nowhere"))?, &windows(lengths), elapsed_s)
    }

    fn error_of(lengths: &[(f64, f64)], elapsed_s: f64) -> String {
        checked("raspberry-pi-4", lengths, elapsed_s).unwrap_err().to_string()
    }

    #[test]
    fn clocks_in_step_and_late_lines_pass() {
        checked("raspberry-pi-4", &[(10.0, 10.01), (10.0, 9.9)], 20.5).unwrap();
        // An oscillator that is off by 5 %.
        checked("raspberry-pi-4", &[(10.5, 10.0), (10.5, 10.0)], 20.5).unwrap();
        // The first line comes 4 s late: the first window seems short, and only the start is a
        // bound.
        checked("raspberry-pi-4", &[(10.0, 6.0), (10.0, 10.0)], 20.5).unwrap();
        // The last line comes late: the second window seems long.
        checked("raspberry-pi-4", &[(10.0, 10.0), (10.0, 14.0)], 24.5).unwrap();
        checked("raspberry-pi-4", &[(0.3, 0.1)], 0.4).unwrap();
    }

    #[test]
    fn more_time_than_passed_since_the_start_is_an_error() {
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
    fn a_clock_of_another_speed_is_found_from_all_windows() {
        // A third faster; because of a long warm-up the check of the sum does not find it.
        assert!(error_of(&[(13.3, 10.0), (13.3, 10.0)], 30.0).contains("in each of them too few"));
        // Half as fast.
        assert!(error_of(&[(5.0, 10.0), (5.0, 10.0)], 20.5).contains("in each of them too many"));
    }

    #[test]
    fn windows_are_not_compared_locally_and_an_emulator_is_not_checked() {
        checked("host", &[(5.0, 10.0)], 10.5).unwrap();
        assert!(checked("host", &[(13.0, 10.0)], 10.5).is_err());
        checked("qemu-aarch64", &[(13.0, 10.0)], 10.5).unwrap();
    }
}
