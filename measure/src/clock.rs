//! The board's clock beside this machine's. Latency is known from the board alone: a line may take any time to get here,
//! so this machine sees only bounds. Within them nobody can tell; beyond them the board's times are wrong.

use crate::session::MeasuredWindow;
use anyhow::{Result, ensure};

/// Clocks that differ by less than this share are not told apart.
const RATE: f64 = 0.1;
/// How much longer one of a window's two lines may take to get here and be noticed than the other.
const DELAY_S: f64 = 0.5;

/// Compares the windows' lengths on the board with what passed here. `elapsed_s` is the time here from the program's
/// start to its last window's line.
///
/// # Errors
/// The board's clock was set meanwhile, or runs at another speed.
pub(crate) fn check(windows: &[MeasuredWindow], elapsed_s: f64) -> Result<()> {
    let why = "the board's clock was set meanwhile or runs at another speed, so its times are not to be believed";
    let there: f64 = windows.iter().map(|window| window.seconds).sum();
    // However late lines come, all windows lie between the program's start and the last line.
    ensure!(
        there <= elapsed_s * (1.0 + RATE),
        "bench says that its windows took {there:.3} s, but only {elapsed_s:.3} s passed here since it was started: {why}"
    );
    // A line that was held up makes some windows too long or too short, a clock all of them.
    let beyond = |long: f64, short: f64| long > short * (1.0 + RATE) + DELAY_S;
    let fast = windows.iter().all(|window| beyond(window.seconds, window.interval.seconds()));
    let slow = windows.iter().all(|window| beyond(window.interval.seconds(), window.seconds));
    let here: f64 = windows.iter().map(|window| window.interval.seconds()).sum();
    ensure!(
        !fast && !slow,
        "bench says that its windows took {there:.3} s, but {here:.3} s passed here between their lines, in each of them \
         too {}: {why}",
        if slow { "many" } else { "few" }
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meter::counter::Interval;

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

    fn error_of(lengths: &[(f64, f64)], elapsed_s: f64) -> String {
        check(&windows(lengths), elapsed_s).unwrap_err().to_string()
    }

    #[test]
    fn clocks_in_step_pass_and_so_do_lines_that_were_held_up() {
        check(&windows(&[(10.0, 10.01), (10.0, 9.9)]), 20.5).unwrap();
        // An oscillator that is off by 5 %.
        check(&windows(&[(10.5, 10.0), (10.5, 10.0)]), 20.5).unwrap();
        // The first line comes 4 s late: the first window seems short, and there is no bound but the start.
        check(&windows(&[(10.0, 6.0), (10.0, 10.0)]), 20.5).unwrap();
        // So does the last one: the second window seems long.
        check(&windows(&[(10.0, 10.0), (10.0, 14.0)]), 24.5).unwrap();
        check(&windows(&[(0.3, 0.1)]), 0.4).unwrap();
    }

    #[test]
    fn more_time_than_passed_since_the_start_is_wrong_however_lines_come() {
        let error = error_of(&[(10.0, 10.0), (13.0, 10.0)], 20.5);
        assert!(error.contains("took 23.000 s, but only 20.500 s passed here since it was started"), "{error}");
        assert!(error.contains("the board's clock was set meanwhile or runs at another speed"), "{error}");
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
}
