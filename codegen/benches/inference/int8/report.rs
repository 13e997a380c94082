//! The results as Markdown, on the terminal and in docs/benchmarks-int8.md.

use super::measure::NetResult;
use super::{SMALL, nets};
use crate::report::{Bar, header, milliseconds, table_name, verdict};
use crate::rounds::Timed;
use anyhow::Result;
use std::fmt::Write;

/// Returns the whole report.
///
/// # Errors
/// Fails only if the networks cannot be listed or if writing to memory fails.
pub(crate) fn markdown(results: &[NetResult], rounds: usize, command: &str) -> Result<String> {
    let [onnxruntime, litert] =
        results.first().map_or_else(Default::default, |r| r.versions.clone());
    let mut text = header(command, rounds)?;
    writeln!(text, "- Peers: ONNX Runtime {onnxruntime}, LiteRT {litert}.\n")?;
    writeln!(text, "| bar | measured | |\n|---|---|---|")?;
    let whole = results.len() == nets()?.len();
    for bar in bars(results) {
        writeln!(text, "| {} | {} | {} |", bar.target, bar.measured, verdict(bar.met, whole))?;
    }
    let engines: Vec<String> = results
        .first()
        .map_or(vec![], |r| r.engines.iter().map(|(name, _)| name.clone()).collect());
    let columns = engines.iter().map(|engine| format!("int8 {engine}, ms"));
    let columns: Vec<String> = columns.collect();
    writeln!(
        text,
        "\n| network | MACs, M | f32, ms | {} | ONNX Runtime f32, ms | its best int8, ms | LiteRT int8, ms |",
        columns.join(" | ")
    )?;
    writeln!(text, "|{}", "---|".repeat(6 + engines.len()))?;
    for result in results {
        let mut times: Vec<&Timed> = vec![&result.f32];
        times.extend(result.engines.iter().map(|(_, timed)| timed));
        times.extend([&result.onnxruntime, &result.onnxruntime_int8, &result.litert]);
        let times: Vec<String> = times.into_iter().map(milliseconds).collect();
        let macs = result.macs as f64 / 1e6;
        writeln!(text, "| {} | {macs:.1} | {} |", table_name(&result.name), times.join(" | "))?;
    }
    writeln!(
        text,
        "\n| network | constants, bytes | of f32 | arena, bytes | of f32 | best int8 of our f32 |\n|---|---|---|---|---|---|"
    )?;
    for result in results {
        let [f32, int8] = result.memory;
        let share = |at: usize| int8[at] as f64 / f32[at] as f64;
        let best = result.engines.first().map_or(f64::NAN, |(_, timed)| timed.median);
        writeln!(
            text,
            "| {} | {} | {:.3} | {} | {:.3} | {:.2} |",
            table_name(&result.name),
            int8[0],
            share(0),
            int8[1],
            share(1),
            best / result.f32.median
        )?;
    }
    Ok(text.trim_end().to_string())
}

/// Returns the bars and whether they are met. Those against the peers are of the networks that are
/// compared in f32, too.
pub(crate) fn bars(results: &[NetResult]) -> Vec<Bar> {
    let is_small =
        |result: &&NetResult| SMALL.iter().any(|small| result.name.starts_with(small.name));
    let large: Vec<&NetResult> = results.iter().filter(|result| !is_small(result)).collect();
    let small: Vec<&NetResult> = results.iter().filter(is_small).collect();
    let of = |engine: &'static str, peer: fn(&NetResult) -> &Timed| {
        move |result: &NetResult| {
            result.engine(engine).map_or(f64::NAN, |time| time / peer(result).median)
        }
    };
    let onnxruntime: fn(&NetResult) -> &Timed = |result| &result.onnxruntime;
    let quantized: fn(&NetResult) -> &Timed = |result| &result.onnxruntime_int8;
    let litert: fn(&NetResult) -> &Timed = |result| &result.litert;
    let ours: fn(&NetResult) -> &Timed = |result| &result.f32;
    let memory = |at: usize| {
        move |result: &NetResult| {
            let [f32, int8] = result.memory;
            int8[at] as f64 / f32[at] as f64
        }
    };
    let named: Vec<&NetResult> = large
        .iter()
        .copied()
        .filter(|r| {
            ["M_Net_1", "C10-Net.1", "C10-Net.3"].iter().any(|name| r.name.starts_with(name))
        })
        .collect();
    vec![
        worst(
            "AVX-512 with VBMI: at most 0.19 of ONNX Runtime's f32",
            0.19,
            &large,
            of("avx512vbmi", onnxruntime),
        ),
        worst("at most 0.33 of its best int8", 0.33, &large, of("avx512vbmi", quantized)),
        worst("at most 0.40 of LiteRT's int8", 0.40, &large, of("avx512vbmi", litert)),
        worst(
            "AVX-VNNI: at most 0.29 of ONNX Runtime's f32",
            0.29,
            &large,
            of("avxvnni", onnxruntime),
        ),
        worst("AVX2: at most 0.52 of ONNX Runtime's f32", 0.52, &large, of("avx2", onnxruntime)),
        worst("small networks: at most 0.5 of our own f32", 0.5, &small, of("avx512vbmi", ours)),
        worst("constants at most 0.31 of f32", 0.31, &named, memory(0)),
        worst("arena at most 0.34 of f32", 0.34, &named, memory(1)),
    ]
}

/// Returns a bar for the largest value of some networks; a number that is missing misses it.
fn worst(
    target: &'static str,
    limit: f64,
    results: &[&NetResult],
    value: impl Fn(&NetResult) -> f64,
) -> Bar {
    let values = results.iter().map(|result| (value(result), result.name.as_str()));
    let worst = values.max_by(|a, b| a.0.total_cmp(&b.0)).unwrap_or((f64::NAN, "none"));
    let measured = match worst.0.is_nan() {
        true => "not measured: this processor lacks the instructions".to_string(),
        false => format!("{:.2} ({}, the worst)", worst.0, table_name(worst.1)),
    };
    Bar { target, measured, met: worst.0 <= limit }
}
