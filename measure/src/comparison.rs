//! Speedup and energy efficiency of a record over a baseline (paper, Table 3), with intervals that
//! tell a difference from noise.

use crate::protocol::statistics::{median, ratio_interval};
use anyhow::{Context, Result, ensure};
use common::measurement::gpu_facts::GpuFacts;
use common::measurement::manual_reading::ManualReading;
use common::measurement::{
    Communication, EnergyStatus, Measurement, Protocol, RUN_TO_RUN_NOISE, Window,
};

/// Fewest windows for which an interval is given. The interval from the smallest to the largest of
/// `n` values contains the median with probability `1 - 2^(1-n)`: 75 % for 3 and 94 % for 5.
const MIN_WINDOWS: usize = 5;

/// Returns one line that says what ran where, and its median latency.
pub(crate) fn title(record: &Measurement) -> String {
    let (ran, latency) = (&record.ran, &record.latency);
    let [low, high] = latency.p50_interval_s;
    let p50 = format!("p50 {:.4e} s (95 % {low:.4e} to {high:.4e} s)", latency.p50_s);
    format!("{} on {}, {}: {p50}", ran.name, record.board, ran.kernels)
}

/// Compares a record with a baseline: a line for each speedup and energy efficiency, and for each
/// circumstance that limits what they say.
pub(crate) fn lines(base: &Measurement, record: &Measurement) -> Vec<String> {
    let p50 = |m: &Measurement| m.windows.iter().map(|window| window.p50_s).collect::<Vec<_>>();
    let exact = |values| Ok(Values { values, relative_error: 0.0 });
    let mut lines =
        vec![ratio("speedup", exact(p50(base)), exact(p50(record)), "faster", "slower")];
    if base.emulated {
        lines.push("note: times of an emulator, which say little about a board's".into());
    }
    let times: [fn(&Communication) -> f64; 3] = [|c| c.kernel_s, |c| c.h2d_s, |c| c.d2h_s];
    for (name, of) in ["kernels", "copying to the device", "copying back"].into_iter().zip(times) {
        if let Some((base, record)) = parts(base, of).zip(parts(record, of)) {
            lines.push(ratio(
                &format!("speedup, {name}"),
                exact(base),
                exact(record),
                "faster",
                "slower",
            ));
        }
    }
    for (name, of) in
        [("energy efficiency, gross", gross as fn(&_) -> _), ("energy efficiency, net", net)]
    {
        lines.push(ratio(name, of(base), of(record), "less energy", "more energy"));
    }
    if [base, record].iter().any(|m| m.protocol == Protocol::Short) {
        lines.push("note: measured by the short protocol, good for a first look only".into());
    }
    for m in [base, record] {
        let warnings = m.gpu.iter().flat_map(GpuFacts::warnings);
        lines.extend(warnings.map(|warning| format!("note: {}: {warning}", m.ran.name)));
    }
    if base.energy.meter != record.energy.meter {
        let meters = (&base.energy.meter, &record.energy.meter);
        lines.push(format!(
            "note: the meters {} and {} may see different parts of a board",
            meters.0, meters.1
        ));
    }
    lines
}

/// Returns the time of one part of an inference in each window, if all windows have it.
fn parts(record: &Measurement, of: fn(&Communication) -> f64) -> Option<Vec<f64>> {
    record.windows.iter().map(|window| window.communication.as_ref().map(of)).collect()
}

/// A record's value in each window.
struct Values {
    values: Vec<f64>,
    /// Common relative error of all values: the resolution of a display that was read by hand.
    relative_error: f64,
}

/// Returns the energy of one inference in each window, in joules, or why it is not known.
fn gross(record: &Measurement) -> Result<Values> {
    let energy = &record.energy;
    let reason = || energy.reason.clone().unwrap_or_default();
    ensure!(energy.status == EnergyStatus::Measured, "{}: {}", record.ran.name, reason());
    let all: Option<Vec<f64>> =
        record.windows.iter().map(|w| joules(w, energy.manual.is_some())).collect();
    let values =
        all.with_context(|| format!("{}: a window of the record has no joules", record.ran.name))?;
    let relative_error =
        energy.manual.as_ref().map_or(0.0, |reading| reading.resolution_w / reading.load_w);
    Ok(Values { values, relative_error })
}

/// Returns the energy of one inference in a window, in joules. A reading by hand covers the
/// window's length on the board's clock; a meter is read between two times of this machine, and its
/// mean power is taken for the length on the board's clock.
fn joules(window: &Window, by_hand: bool) -> Option<f64> {
    let read_s = if by_hand { window.seconds } else { window.t1_s - window.t0_s };
    Some(window.joules? / read_s * window.seconds / window.inferences as f64)
}

/// Returns the same as [`gross`], minus the energy of idle power.
fn net(record: &Measurement) -> Result<Values> {
    let gross = gross(record)?;
    let energy = &record.energy;
    let reason =
        || format!("{}: {}", record.ran.name, energy.net_reason.clone().unwrap_or_default());
    ensure!(energy.net_j.is_some(), reason());
    let idle_w =
        energy.idle_before_w.zip(energy.idle_after_w).map(|(before, after)| (before + after) / 2.0);
    let idle_w = idle_w.with_context(reason)?;
    let idle = record.windows.iter().map(|w| idle_w * w.seconds / w.inferences as f64);
    let values: Vec<f64> =
        gross.values.into_iter().zip(idle).map(|(gross, idle)| gross - idle).collect();
    ensure!(
        values.iter().all(|joules| *joules > 0.0),
        "{}: idle power exceeds a window's",
        record.ran.name
    );
    let relative_error = |r: &ManualReading| 2.0 * r.resolution_w / (r.load_w - r.idle_w);
    Ok(Values { values, relative_error: energy.manual.as_ref().map_or(0.0, relative_error) })
}

/// Returns one line: the factor by which the record's median is smaller than the baseline's, and
/// whether the difference is noise.
fn ratio(
    name: &str,
    base: Result<Values>,
    record: Result<Values>,
    above: &str,
    below: &str,
) -> String {
    let (base, record) = match base.and_then(|base| Ok((base, record?))) {
        Ok(both) => both,
        Err(reason) => return format!("{name}: not known: {reason:#}"),
    };
    let ratio = median(&base.values) / median(&record.values);
    let windows = base.values.len().min(record.values.len());
    if windows < MIN_WINDOWS {
        return format!(
            "{name}: {ratio:.3} x, no interval: {windows} windows, {MIN_WINDOWS} are needed to \
             tell noise"
        );
    }
    let [low, high] = ratio_interval(&base.values, &record.values, name);
    let low = low * (1.0 - base.relative_error) / (1.0 + record.relative_error);
    let high = high * (1.0 + base.relative_error) / (1.0 - record.relative_error);
    let verdict = if low > 1.0 + RUN_TO_RUN_NOISE {
        above
    } else if high < 1.0 / (1.0 + RUN_TO_RUN_NOISE) {
        below
    } else if (low..=high).contains(&1.0) {
        "within noise"
    } else {
        "within noise, for runs of one program may differ by 2 %"
    };
    format!("{name}: {ratio:.3} x (95 % {low:.3} to {high:.3}): {verdict}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(values: &[f64], relative_error: f64) -> Result<Values> {
        Ok(Values { values: values.to_vec(), relative_error })
    }

    fn line(base: &[f64], record: &[f64]) -> String {
        ratio("speedup", values(base, 0.0), values(record, 0.0), "faster", "slower")
    }

    #[test]
    fn the_resolution_of_a_display_widens_the_interval() {
        let line = |error| {
            ratio("net", values(&[1.1; 5], error), values(&[1.0; 5], error), "less", "more")
        };
        assert_eq!(line(0.0), "net: 1.100 x (95 % 1.100 to 1.100): less");
        // 1.1 x 0.9 / 1.1 to 1.1 x 1.1 / 0.9.
        assert_eq!(line(0.1), "net: 1.100 x (95 % 0.900 to 1.344): within noise");
    }

    #[test]
    fn a_difference_beyond_the_spread_is_significant() {
        let base = [2.0, 2.1, 1.9, 2.0, 2.05];
        let half = base.map(|x| x / 2.0);
        assert!(
            line(&base, &half).starts_with("speedup: 2.000 x (95 % "),
            "{}",
            line(&base, &half)
        );
        assert!(line(&base, &half).ends_with(": faster"));
        assert!(line(&half, &base).ends_with(": slower"));
        assert!(line(&base, &base.map(|x| x * 1.01)).ends_with(": within noise"));
        assert!(line(&base, &base).starts_with("speedup: 1.000 x"));
    }

    /// The same binary, measured twice: windows of one run scatter less than runs do.
    #[test]
    fn a_difference_between_two_runs_of_one_program_is_noise() {
        let (first, second) = ([1.6125; 5], [1.6193; 5]);
        for (base, record) in [(first, second), (second, first)] {
            assert!(
                line(&base, &record)
                    .ends_with(": within noise, for runs of one program may differ by 2 %")
            );
        }
        assert!(
            line(&[1.03; 5], &[1.0; 5]).ends_with(": faster")
                && line(&[1.0; 5], &[1.03; 5]).ends_with(": slower")
        );
    }

    #[test]
    fn few_windows_give_no_verdict() {
        let shown = line(&[2.0; 4], &[1.0; 9]);
        assert!(shown.contains("no interval: 4 windows") && !shown.contains("faster"), "{shown}");
    }

    #[test]
    fn joules_are_scaled_to_the_boards_time() {
        let window = Window {
            inferences: 100,
            seconds: 0.5,
            p50_s: 5e-3,
            p90_s: 5e-3,
            p99_s: 5e-3,
            communication: None,
            t0_s: 1.0,
            t1_s: 1.25,
            joules: Some(4.0),
            wraps: Some(0),
            under_100_ticks: None,
            counters: vec![],
        };
        assert_eq!((joules(&window, false), joules(&window, true)), (Some(0.08), Some(0.04)));
        assert_eq!(joules(&Window { joules: None, ..window }, false), None);
    }

    #[test]
    fn energy_that_was_not_measured_is_not_known() {
        let shown = ratio(
            "net",
            Err(anyhow::anyhow!("a: no meter")),
            values(&[1.0; 5], 0.0),
            "less",
            "more",
        );
        assert_eq!(shown, "net: not known: a: no meter");
    }
}
