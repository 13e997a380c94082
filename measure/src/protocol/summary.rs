//! The summary of a measurement, for people.

use super::statistics::median_interval;
use common::measurement::gpu_facts::GpuFacts;
use common::measurement::{Communication, Energy, EnergyStatus, Measurement, Protocol, Window};
use std::fmt::Write;

/// Returns a summary of the measurement in a few lines.
pub(crate) fn summary(measurement: &Measurement) -> String {
    let Measurement { board, ran, latency, energy, windows, .. } = measurement;
    let emulated =
        if measurement.emulated { ", EMULATED: times say nothing about the board" } else { "" };
    let protocol = match measurement.protocol {
        Protocol::Full => "full protocol",
        Protocol::Short => "short protocol: a first look only",
    };
    let with_interval = |value: f64, [low, high]: [f64; 2]| {
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
        with_interval(latency.p50_s, latency.p50_interval_s),
        with_interval(latency.p90_s, interval(|w| w.p90_s, "p90")),
        with_interval(latency.p99_s, interval(|w| w.p99_s, "p99")),
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
            let power = energy.gross_w.map_or(String::new(), |watts| format!(", {}", power(watts)));
            format!("gross {gross}{power}, by {}\n  net      {net}", energy.meter)
        }
    }
}

fn seconds(value: f64) -> String {
    with_prefix(value, "s")
}

fn joules(value: f64) -> String {
    with_prefix(value, "J")
}

fn power(value: f64) -> String {
    with_prefix(value, "W")
}

/// Formats a value with three digits and a prefix from nano to none.
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
}
