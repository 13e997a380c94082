//! The conversion of a session's results to the parts of the record.

use super::statistics::{median, median_interval};
use super::windows::MeasuredWindow;
use crate::meter::Interval;
use common::measurement::{Communication, IdleReading, Latency, Protocol, Window};
use common::profile::MeasurementSettings;

/// Number of updates of the meter's counters in a window from which their steps do not matter.
const MIN_TICKS: f64 = 100.0;
/// Largest share by which a window may be too short because of rounding.
const ROUNDING: f64 = 1e-3;

/// Returns the full protocol if everything was at least as long as that requires: the settings, the
/// windows, the windows in updates of the meter, and the time for which a display was watched.
pub(crate) fn protocol(
    settings: &MeasurementSettings,
    windows: &[Window],
    watched_s: Option<f64>,
) -> Protocol {
    let full = MeasurementSettings::default();
    let watched = watched_s.is_none_or(|watched_s| watched_s >= full.window_s);
    let long = |w: &Window| {
        w.seconds >= settings.window_s * (1.0 - ROUNDING) && w.under_100_ticks != Some(true)
    };
    if settings.is_full() && watched && windows.iter().all(long) {
        Protocol::Full
    } else {
        Protocol::Short
    }
}

/// Returns the latency over all windows, of which there must be at least one.
pub(crate) fn latency(windows: &[MeasuredWindow]) -> Latency {
    let all = |of: fn(&MeasuredWindow) -> f64| -> Vec<f64> { windows.iter().map(of).collect() };
    let p50 = all(|w| w.p50_s);
    Latency {
        p50_s: median(&p50),
        p90_s: median(&all(|w| w.p90_s)),
        p99_s: median(&all(|w| w.p99_s)),
        p50_interval_s: median_interval(&p50, "p50"),
    }
}

/// Returns the times of copying and computing over all windows, if all windows have them.
pub(crate) fn communication(windows: &[MeasuredWindow]) -> Option<Communication> {
    let all: Vec<Communication> =
        windows.iter().map(|window| window.communication).collect::<Option<_>>()?;
    let median_of = |of: fn(&Communication) -> f64| median(&all.iter().map(of).collect::<Vec<_>>());
    Some(Communication {
        h2d_s: median_of(|c| c.h2d_s),
        kernel_s: median_of(|c| c.kernel_s),
        d2h_s: median_of(|c| c.d2h_s),
    })
}

/// Returns the raw window. `tick_s` is the time between two updates of the meter, if there is one.
pub(crate) fn window(window: MeasuredWindow, tick_s: Option<f64>) -> Window {
    let MeasuredWindow { inferences, seconds, p50_s, p90_s, p99_s, communication, interval } =
        window;
    let IdleReading { t0_s, t1_s, joules, wraps, under_100_ticks, counters } =
        reading(interval, tick_s);
    Window {
        inferences,
        seconds,
        p50_s,
        p90_s,
        p99_s,
        communication,
        t0_s,
        t1_s,
        joules,
        wraps,
        under_100_ticks,
        counters,
    }
}

/// Returns the raw reading of an interval.
pub(crate) fn reading(interval: Interval, tick_s: Option<f64>) -> IdleReading {
    let under_100_ticks =
        tick_s.map(|tick_s| interval.seconds() < MIN_TICKS * tick_s * (1.0 - ROUNDING));
    let energy = interval.energy.ok().flatten();
    IdleReading {
        t0_s: interval.t0_s,
        t1_s: interval.t1_s,
        joules: energy.map(|(joules, _)| joules),
        wraps: energy.map(|(_, wraps)| wraps),
        under_100_ticks,
        counters: interval.counters,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_protocol_is_full_only_if_everything_was_long_enough() {
        let full = MeasurementSettings::default();
        let watched = |settings: &MeasurementSettings, seconds: f64, under_100_ticks, watched_s| {
            let interval =
                Interval { t0_s: 0.0, t1_s: seconds, counters: vec![], energy: Ok(None) };
            let measured = MeasuredWindow {
                inferences: 1,
                seconds,
                p50_s: 1.0,
                p90_s: 1.0,
                p99_s: 1.0,
                communication: None,
                interval,
            };
            protocol(settings, &[Window { under_100_ticks, ..window(measured, None) }], watched_s)
        };
        let of = |settings: &_, seconds, under_100_ticks| {
            watched(settings, seconds, under_100_ticks, None)
        };
        assert_eq!(watched(&full, 10.0, None, Some(10.0)), Protocol::Full);
        assert_eq!(watched(&full, 10.0, None, Some(5.0)), Protocol::Short);
        assert_eq!(of(&full, 10.0, None), Protocol::Full);
        assert_eq!(of(&full, 10.0, Some(false)), Protocol::Full);
        assert_eq!(of(&full, 9.0, None), Protocol::Short);
        assert_eq!(of(&full, 10.0, Some(true)), Protocol::Short);
        assert_eq!(of(&MeasurementSettings { windows: 4, ..full }, 10.0, None), Protocol::Short);
    }

    #[test]
    fn a_window_of_under_100_ticks_is_marked() {
        let of = |seconds, tick_s| {
            let interval = Interval {
                t0_s: 1.0,
                t1_s: 1.0 + seconds,
                counters: vec![],
                energy: Ok(Some((2.0, 1))),
            };
            reading(interval, tick_s)
        };
        assert_eq!(of(0.09, Some(1e-3)).under_100_ticks, Some(true));
        assert_eq!(of(0.11, Some(1e-3)).under_100_ticks, Some(false));
        assert_eq!(of(0.11, None).under_100_ticks, None);
        assert_eq!((of(0.09, None).joules, of(0.09, None).wraps), (Some(2.0), Some(1)));
    }
}
