//! From what was measured to the record of it.

use crate::meter::counter::Interval;
use crate::session::MeasuredWindow;
use crate::stats::{median, median_interval};
use common::gpu::GpuFacts;
use common::measurement::{
    Communication, Energy, EnergyStatus, IdleReading, Latency, Measurement, Protocol, Window,
};
use common::profile::MeasurementSettings;
use std::fmt::Write;

/// A window of this many updates of the meter's counters is long enough for their steps not to
/// matter.
const ENOUGH_TICKS: f64 = 100.0;
/// A window that ends this share too early is as long as it was asked to be.
const ROUNDING: f64 = 1e-3;

/// Whether everything was at least as long as the full protocol asks: the settings, what `bench`
/// made of them, the windows in updates of the meter, and for how long a display was watched.
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

/// Latency over all windows, at least one.
pub(crate) fn latency(windows: &[MeasuredWindow]) -> Latency {
    let over = |of: fn(&MeasuredWindow) -> f64| -> Vec<f64> { windows.iter().map(of).collect() };
    let p50 = over(|w| w.p50_s);
    Latency {
        p50_s: median(&p50),
        p90_s: median(&over(|w| w.p90_s)),
        p99_s: median(&over(|w| w.p99_s)),
        p50_interval_s: median_interval(&p50, "p50"),
    }
}

/// Copying and computing over all windows, where all of them tell.
pub(crate) fn communication(windows: &[MeasuredWindow]) -> Option<Communication> {
    let all: Vec<Communication> =
        windows.iter().map(|window| window.communication).collect::<Option<_>>()?;
    let over = |of: fn(&Communication) -> f64| median(&all.iter().map(of).collect::<Vec<_>>());
    Some(Communication {
        h2d_s: over(|c| c.h2d_s),
        kernel_s: over(|c| c.kernel_s),
        d2h_s: over(|c| c.d2h_s),
    })
}

/// The raw window. `tick_s` is the time between two updates of the meter, if there is one.
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

/// The raw reading of an interval.
pub(crate) fn reading(interval: Interval, tick_s: Option<f64>) -> IdleReading {
    let under_100_ticks =
        tick_s.map(|tick_s| interval.seconds() < ENOUGH_TICKS * tick_s * (1.0 - ROUNDING));
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

/// The measurement in a few lines for people.
pub(crate) fn summary(measurement: &Measurement) -> String {
    let Measurement { board, ran, latency, energy, windows, .. } = measurement;
    let emulated =
        if measurement.emulated { ", EMULATED: times say nothing about the board" } else { "" };
    let protocol = match measurement.protocol {
        Protocol::Full => "full protocol",
        Protocol::Short => "short protocol: a first look only",
    };
    let over = |value: f64, [low, high]: [f64; 2]| {
        format!("{} (95 % {} to {})", seconds(value), seconds(low), seconds(high))
    };
    let interval = |of: fn(&Window) -> f64, name| {
        median_interval(&windows.iter().map(of).collect::<Vec<_>>(), name)
    };
    let mut text = format!(
        "{} on {board} ({}, {} windows, {protocol}{emulated})\n  latency  {}, p90 {}, p99 {}\n",
        ran.name,
        ran.kernels,
        windows.len(),
        over(latency.p50_s, latency.p50_interval_s),
        over(latency.p90_s, interval(|w| w.p90_s, "p90")),
        over(latency.p99_s, interval(|w| w.p99_s, "p99")),
    );
    // Writing to a string cannot fail.
    if let Some(Communication { h2d_s, kernel_s, d2h_s }) = &measurement.communication {
        let [h2d, kernel, d2h] = [h2d_s, kernel_s, d2h_s].map(|part| seconds(*part));
        let _ = writeln!(
            text,
            "  parts    copy to the device {h2d}, kernels {kernel}, copy back {d2h}"
        );
    }
    for warning in measurement.gpu.iter().flat_map(GpuFacts::warnings) {
        let _ = writeln!(text, "  note     {warning}");
    }
    if let Some(instructions) = &measurement.instructions.value {
        let _ = writeln!(
            text,
            "  counted  {:.4e} instructions, by {}",
            instructions.per_inference, instructions.counter
        );
    }
    let _ = write!(text, "  energy   {}", energy_summary(energy));
    text
}

fn energy_summary(energy: &Energy) -> String {
    let with_interval = |value: Option<f64>, interval: Option<[f64; 2]>| {
        value.zip(interval).map(|(value, [low, high])| {
            format!("{} (95 % {} to {})", joules(value), joules(low), joules(high))
        })
    };
    let reason = || energy.reason.clone().unwrap_or_default();
    match energy.status {
        EnergyStatus::Unavailable => format!("unavailable: {}", reason()),
        EnergyStatus::Invalid => format!("invalid: {}", reason()),
        EnergyStatus::Measured => {
            let gross = with_interval(energy.gross_j, energy.gross_interval_j).unwrap_or_default();
            let net = with_interval(energy.net_j, energy.net_interval_j);
            let net = net.or_else(|| energy.net_reason.clone()).unwrap_or_default();
            format!("gross {gross}, by {}\n  net      {net}", energy.meter)
        }
    }
}

fn seconds(value: f64) -> String {
    with_prefix(value, "s")
}

fn joules(value: f64) -> String {
    with_prefix(value, "J")
}

/// Three digits and a prefix from nano to none.
fn with_prefix(value: f64, unit: &str) -> String {
    let prefixes = [(1.0, ""), (1e-3, "m"), (1e-6, "u"), (1e-9, "n")];
    let fitting = prefixes.into_iter().find(|(size, _)| value >= *size);
    let (size, prefix) = fitting.unwrap_or((1e-9, "n"));
    let scaled = value / size;
    let decimals = if scaled < 10.0 { 2 } else { usize::from(scaled < 100.0) };
    format!("{scaled:.decimals$} {prefix}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_and_a_prefix() {
        let shown =
            [2.0, 0.0123, 0.000_456_7, 7.894e-6, 5e-9, 123.4].map(|value| with_prefix(value, "s"));
        assert_eq!(shown, ["2.00 s", "12.3 ms", "457 us", "7.89 us", "5.00 ns", "123 s"]);
    }

    #[test]
    fn a_measurement_is_full_only_when_all_of_it_was() {
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
    fn a_window_under_100_ticks_is_marked() {
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
