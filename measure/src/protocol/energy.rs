//! The energy of one inference from the intervals of a meter. A value that is not known is `null`
//! with a reason: never 0, never negative, never an estimate.

use super::statistics::{median, median_interval};
use super::windows::MeasuredWindow;
use crate::meter::Interval;
use crate::reason::Reason;
use common::measurement::manual_reading::ManualReading;
use common::measurement::{Energy, EnergyStatus};

/// Largest difference between a window's lengths on the board's clock and between the meter's
/// readings, as a share of the window and in seconds: the time for a line to arrive. If it is
/// larger, the meter was not read at the window's ends.
const MAX_CLOCK_DIFFERENCE: (f64, f64) = (0.02, 0.1);

/// Panic message if the caller has no meter.
const NO_METER: &str = "without a meter there is no energy to compute";

/// Computes the gross and net energy of one inference, as medians over windows. Gross is the mean
/// power between a window's two lines, times the window's length on the board's clock, divided by
/// the number of inferences; net is the same minus idle power. The length is the board's because
/// the inferences were made in the board's window, while lines may arrive late. `idle` are the
/// readings before and after.
///
/// # Panics
/// Panics if there are no windows, or if there was no meter.
pub(crate) fn per_inference(
    meter: String,
    idle: [Option<&Interval>; 2],
    windows: &[MeasuredWindow],
) -> Energy {
    let gross = match gross_powers(windows) {
        Ok(powers) => powers,
        Err((status, reason)) => {
            return Energy::without_numbers(status, meter, reason.to_string());
        }
    };
    let per_inference = |powers: &[f64]| -> Vec<f64> {
        powers
            .iter()
            .zip(windows)
            .map(|(watts, window)| watts * window.seconds / window.inferences as f64)
            .collect()
    };
    let [before, after] = idle;
    let (idle_before, idle_after) = (idle_power("before", before), idle_power("after", after));
    let net = net_powers(&gross, &idle_before, &idle_after).map(|powers| per_inference(&powers));
    let net = net.and_then(|energies| positive_median(&energies));
    let (powers, gross) = (&gross, per_inference(&gross));
    Energy {
        status: EnergyStatus::Measured,
        reason: None,
        meter,
        gross_j: Some(median(&gross)),
        gross_interval_j: Some(median_interval(&gross, "gross")),
        gross_w: Some(median(powers)),
        net_j: net.as_ref().ok().map(|(median, _)| *median),
        net_interval_j: net.as_ref().ok().map(|(_, interval)| *interval),
        net_reason: net.err().map(String::from),
        idle_before_w: idle_before.ok(),
        idle_after_w: idle_after.ok(),
        manual: None,
        log: None,
    }
}

/// Smallest net power in steps of a display; less cannot be read from it.
const MIN_STEPS: f64 = 3.0;

/// Computes the energy of one inference from a display that was read by hand: power times time. A
/// display rounds or truncates, so each power is known to one step in both directions, and the
/// intervals are that much wider.
///
/// # Panics
/// Panics if there are no windows.
pub(crate) fn manual(meter: String, reading: &ManualReading, windows: &[MeasuredWindow]) -> Energy {
    let ManualReading { idle_w, load_w, resolution_w, .. } = *reading;
    let net_w = load_w - idle_w;
    // A little less than the limit is accepted: 2.3 - 2.0 is slightly below 0.3 in binary.
    if net_w / resolution_w < MIN_STEPS - 1e-9 {
        let reason = format!(
            "{load_w} W under load minus {idle_w} W of idle power is under three times the meter's \
             resolution of {resolution_w} W"
        );
        let none = Energy::without_numbers(EnergyStatus::Invalid, meter, reason);
        return Energy { manual: Some(reading.clone()), ..none };
    }
    let times: Vec<f64> =
        windows.iter().map(|window| window.seconds / window.inferences as f64).collect();
    let (time_s, [low_s, high_s]) = (median(&times), median_interval(&times, "manual"));
    // The difference of two powers is known to two steps.
    let interval =
        |watts: f64, steps: f64| Some([low_s * (watts - steps), high_s * (watts + steps)]);
    Energy {
        status: EnergyStatus::Measured,
        reason: None,
        meter,
        gross_j: Some(time_s * load_w),
        gross_interval_j: interval(load_w, resolution_w),
        gross_w: Some(load_w),
        net_j: Some(time_s * net_w),
        net_interval_j: interval(net_w, 2.0 * resolution_w),
        net_reason: None,
        idle_before_w: Some(idle_w),
        idle_after_w: Some(idle_w),
        manual: Some(reading.clone()),
        log: None,
    }
}

/// Returns the mean power in each window, in watts.
///
/// # Errors
/// Returns the fault of the first window that was not read correctly.
fn gross_powers(windows: &[MeasuredWindow]) -> Result<Vec<f64>, (EnergyStatus, Reason)> {
    let mut all = Vec::with_capacity(windows.len());
    for (index, window) in windows.iter().enumerate() {
        let number = index + 1;
        match &window.interval.energy {
            Ok(energy) => all.push(energy.expect(NO_METER).0 / window.interval.seconds()),
            Err(fault) => {
                return Err((fault.status, format!("window {number}: {}", fault.reason).into()));
            }
        }
        let (host_s, board_s) = (window.interval.seconds(), window.seconds);
        if (host_s - board_s).abs() > MAX_CLOCK_DIFFERENCE.0 * board_s + MAX_CLOCK_DIFFERENCE.1 {
            let reason = format!(
                "window {number} took {board_s:.3} s, but {host_s:.3} s passed between its lines, \
                 so the meter was not read at its ends; is the machine busy?"
            );
            return Err((EnergyStatus::Invalid, reason.into()));
        }
    }
    Ok(all)
}

/// Returns the mean idle power in watts, or why it is not known.
fn idle_power(which: &str, interval: Option<&Interval>) -> Result<f64, Reason> {
    let Some(interval) = interval else {
        let reason = format!("the idle reading {which} was not taken (measurement.idle_s is 0)");
        return Err(reason.into());
    };
    match &interval.energy {
        Ok(energy) => Ok(energy.expect(NO_METER).0 / interval.seconds()),
        Err(fault) => Err(format!("the idle reading {which}: {}", fault.reason).into()),
    }
}

/// Returns the mean power minus idle power in each window, in watts.
fn net_powers(
    gross: &[f64],
    before: &Result<f64, Reason>,
    after: &Result<f64, Reason>,
) -> Result<Vec<f64>, Reason> {
    let both =
        |reason: &Reason| Reason::from(format!("net energy needs both idle readings; {reason}"));
    let idle_w = (before.as_ref().map_err(both)? + after.as_ref().map_err(both)?) / 2.0;
    Ok(gross.iter().map(|watts| watts - idle_w).collect())
}

/// Returns the median and its interval, if the interval is above 0.
fn positive_median(energies: &[f64]) -> Result<(f64, [f64; 2]), Reason> {
    let interval = median_interval(energies, "net");
    if interval[0] > 0.0 {
        return Ok((median(energies), interval));
    }
    Err(format!(
        "the power under load cannot be told from idle power: gross minus idle is {:.3e} J, with \
         {:.3e} to {:.3e} J as its 95 % interval",
        median(energies),
        interval[0],
        interval[1]
    )
    .into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meter::{Counter, Reading};

    const RANGE: u64 = 1_000_000_000;

    /// An interval of one counter.
    fn interval(t0_s: f64, t1_s: f64, start: u64, end: u64) -> Interval {
        let counter = Counter { name: "package-0".into(), unit_j: 1e-6, range: Some(RANGE) };
        let reading = |at_s, value| Reading { at_s, values: Ok(vec![value]) };
        Interval::spanned_by(&[reading(t0_s, start), reading(t1_s, end)], &[counter])
    }

    fn window(inferences: u64, interval: Interval) -> MeasuredWindow {
        let seconds = interval.seconds();
        MeasuredWindow {
            inferences,
            seconds,
            p50_s: 1e-3,
            p90_s: 1e-3,
            p99_s: 1e-3,
            communication: None,
            interval,
        }
    }

    fn idle(watts: f64) -> Interval {
        interval(0.0, 10.0, 0, (watts * 1e7) as u64)
    }

    /// Windows of 2 s and 1,000 inferences at these powers.
    fn windows(watts: &[f64]) -> Vec<MeasuredWindow> {
        watts
            .iter()
            .map(|watts| window(1_000, interval(20.0, 22.0, 5, 5 + (watts * 2e6) as u64)))
            .collect()
    }

    fn energy_of(before: &Interval, after: &Interval, windows: &[MeasuredWindow]) -> Energy {
        per_inference("rapl".into(), [Some(before), Some(after)], windows)
    }

    fn close(a: Option<f64>, b: f64) -> bool {
        a.is_some_and(|a| (a / b - 1.0).abs() < 1e-9)
    }

    #[test]
    fn gross_and_net_by_hand() {
        // 2 s at 30 W are 60 J for 1,000 inferences; idle at 4 and 6 W takes 10 J of them.
        let energy = energy_of(&idle(4.0), &idle(6.0), &windows(&[29.0, 30.0, 31.0]));
        assert_eq!(
            (energy.status, &energy.reason, &energy.net_reason),
            (EnergyStatus::Measured, &None, &None)
        );
        assert!(close(energy.gross_j, 0.060) && close(energy.net_j, 0.050), "{energy:?}");
        let [low, high] = energy.gross_interval_j.unwrap();
        assert!(close(Some(low), 0.058) && close(Some(high), 0.062));
        let [low, high] = energy.net_interval_j.unwrap();
        assert!(close(Some(low), 0.048) && close(Some(high), 0.052));
        assert!(close(energy.gross_w, 30.0), "{energy:?}");
        assert!(close(energy.idle_before_w, 4.0) && close(energy.idle_after_w, 6.0));
    }

    /// Short windows whose lines arrive unevenly: the meter is read over more or less than the
    /// board's half second.
    #[test]
    fn energy_refers_to_the_boards_time() {
        for here_s in [0.4, 0.45, 0.5, 0.6] {
            let mut late =
                window(1_000, interval(20.0, 20.0 + here_s, 5, 5 + (30e6 * here_s) as u64));
            late.seconds = 0.5;
            let energy = energy_of(&idle(5.0), &idle(5.0), &[late]);
            assert!(
                close(energy.gross_j, 0.015)
                    && close(energy.net_j, 0.0125)
                    && close(energy.gross_w, 30.0),
                "{here_s}: {energy:?}"
            );
        }
    }

    #[test]
    fn a_wrap_in_a_window_changes_nothing() {
        let wrapped = window(1_000, interval(20.0, 22.0, RANGE - 20_000_000, 40_000_000));
        assert!(close(energy_of(&idle(5.0), &idle(5.0), &[wrapped]).gross_j, 0.060));
    }

    #[test]
    fn a_faulty_window_invalidates_the_energy() {
        let mut bad = windows(&[30.0, 30.0]);
        bad[1].interval = interval(20.0, 22.0, 5_000, 4_000);
        let energy = energy_of(&idle(5.0), &idle(5.0), &bad);
        assert_eq!(
            (energy.status, energy.gross_j, energy.net_j),
            (EnergyStatus::Invalid, None, None)
        );
        let reason = energy.reason.unwrap();
        assert!(
            reason.contains("window 2")
                && reason.contains("package-0")
                && reason.contains("backwards"),
            "{reason}"
        );
        assert_eq!((energy.idle_before_w, energy.idle_after_w), (None, None));
    }

    #[test]
    fn a_window_read_at_the_wrong_times_is_invalid() {
        for seconds in [1.8, 2.2] {
            let mut late = windows(&[30.0]);
            late[0].seconds = seconds;
            let energy = energy_of(&idle(5.0), &idle(5.0), &late);
            assert_eq!((energy.status, energy.gross_j), (EnergyStatus::Invalid, None));
        }
    }

    #[test]
    fn net_is_never_negative_and_never_0() {
        for load in [2.0, 5.0] {
            let energy = energy_of(&idle(5.0), &idle(5.0), &windows(&[load]));
            assert!(
                energy.gross_j.is_some()
                    && energy.net_j.is_none()
                    && energy.net_interval_j.is_none()
            );
            assert!(energy.net_reason.unwrap().contains("cannot be told from idle power"));
        }
        let scattered = energy_of(&idle(5.0), &idle(5.0), &windows(&[4.0, 6.0, 7.0]));
        assert_eq!(scattered.net_j, None, "its interval reaches below 0");
    }

    #[test]
    fn net_needs_both_idle_readings() {
        let (idle, stuck) = (idle(5.0), interval(0.0, 10.0, 7, 7));
        for (before, after, reason) in [
            (None, Some(&idle), "the idle reading before was not taken"),
            (Some(&idle), None, "the idle reading after was not taken"),
            (
                Some(&stuck),
                Some(&idle),
                "the idle reading before: the counter package-0 cannot be right: it stood still",
            ),
        ] {
            let energy = per_inference("rapl".into(), [before, after], &windows(&[30.0]));
            assert!(close(energy.gross_j, 0.060));
            assert_eq!(energy.net_j, None);
            assert!(energy.net_reason.unwrap().contains(reason));
        }
    }

    fn typed(idle_w: f64, load_w: f64, resolution_w: f64) -> ManualReading {
        let [name, meter, read_by] = ["net", "Kill-A-Watt P4400", "Ada"].map(String::from);
        let binary_sha256 = None;
        ManualReading {
            name,
            binary_sha256,
            meter,
            read_by,
            idle_w,
            load_w,
            duration_s: 60.0,
            resolution_w,
        }
    }

    #[test]
    fn a_display_is_known_to_one_step_in_both_directions() {
        // 2 s for 1,000 inferences, in every window: all of the interval is the display's.
        let energy = manual("manual".into(), &typed(4.0, 7.0, 0.1), &windows(&[1.0, 1.0]));
        assert!(close(energy.gross_j, 0.014) && close(energy.net_j, 0.006), "{energy:?}");
        assert_eq!(energy.gross_w, Some(7.0));
        let [low, high] = energy.gross_interval_j.unwrap();
        assert!(close(Some(low), 0.0138) && close(Some(high), 0.0142));
        let [low, high] = energy.net_interval_j.unwrap();
        assert!(close(Some(low), 0.0056) && close(Some(high), 0.0064));
        assert_eq!(
            (energy.idle_before_w, energy.manual.unwrap().read_by.as_str()),
            (Some(4.0), "Ada")
        );
    }

    #[test]
    fn a_net_power_of_under_three_steps_is_invalid() {
        for (load_w, valid) in [(5.5, true), (5.4, false), (4.0, false), (3.0, false)] {
            let energy = manual("manual".into(), &typed(4.0, load_w, 0.5), &windows(&[1.0]));
            assert_eq!(energy.status == EnergyStatus::Measured, valid, "{load_w}");
            assert_eq!((energy.gross_j.is_some(), energy.net_j.is_some()), (valid, valid));
            assert!(
                valid
                    || energy
                        .reason
                        .unwrap()
                        .contains("three times the meter's resolution of 0.5 W")
            );
        }
    }
}
