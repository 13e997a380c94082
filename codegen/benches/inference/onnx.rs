//! The ONNX models that we export, beside other forms of their activations in ONNX Runtime.

use crate::nets::{Net, random_weights, template};
use crate::report::{Bar, header, table_name, verdict};
use crate::rounds::TURN;
use crate::workshop::{FOLDER, generate, run};
use anyhow::{Context, Result, ensure};
use common::files::json;
use common::network::activation::{Activation, PiecewiseActivation};
use common::network::template::Template;
use serde::Deserialize;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The most that an exported model may take of the fastest other form's time.
const BAR: f64 = 1.03;

/// The measurements of a pair.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct PairResult {
    pub(crate) left: String,
    pub(crate) right: String,
    /// The shortest latency of the exported model.
    pub(crate) exported_s: f64,
    /// The number of other forms that compute the same logits.
    pub(crate) others: usize,
    /// The fastest one of them.
    pub(crate) best: String,
    /// Its shortest latency.
    pub(crate) best_s: f64,
    /// The version of ONNX Runtime.
    pub(crate) version: String,
}

impl PairResult {
    /// Returns the time of the exported model as a part of the fastest form's.
    pub(crate) fn ratio(&self) -> f64 {
        self.exported_s / self.best_s
    }

    fn name(&self) -> String {
        format!("{}|{}", self.left, self.right)
    }
}

/// Returns M_Net_1 with every pair. Pairs that are the same function are one.
///
/// # Errors
/// Fails if the template cannot be expanded.
pub(crate) fn nets() -> Result<Vec<Net>> {
    PiecewiseActivation::all()
        .filter(|pair| pair.right == pair.right.canonical_right())
        .map(|pair| {
            let network = template(&Template::default(), [1, 28, 28], [2, 16, 3], pair)?;
            Ok(Net { name: format!("{}|{}", pair.left, pair.right), network })
        })
        .collect()
}

/// Measures the networks.
///
/// # Errors
/// Fails if a program fails.
pub(crate) fn measure(nets: &[Net], python: &Path, rounds: usize) -> Result<Vec<PairResult>> {
    let linear = |net: &&Net| net.name == format!("{0}|{0}", Activation::Linear);
    let all = self::nets()?;
    let bare = export(all.iter().find(linear).context("a pair of identities")?)?;
    let mut command = Command::new(python);
    command.arg("codegen/benches/inference/onnx_forms.py").arg(bare);
    // Short turns, in each of several sessions: forms differ by little.
    let seconds = TURN.as_secs_f64() / 15.0;
    command.args([rounds.to_string(), seconds.to_string()]);
    for net in nets {
        let (left, right) = net.name.split_once('|').context("a pair")?;
        command.args([left, right]).arg(export(net)?);
    }
    let text = run(&mut command)?;
    let results: Vec<PairResult> =
        text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    ensure!(results.len() == nets.len(), "{} of {} pairs", results.len(), nets.len());
    Ok(results)
}

/// Exports a network and returns the path of its model.
fn export(net: &Net) -> Result<PathBuf> {
    let folder = std::path::absolute(FOLDER)?.join("onnx").join(net.name.replace('|', "-"));
    common::files::atomic::create_dir_all(&folder)?;
    let [network, weights, model] =
        ["network.json", "weights.safetensors", "model"].map(|name| folder.join(name));
    json::write(&network, &net.network)?;
    random_weights(&net.network).write(&weights)?;
    generate("onnx", &network, ["--weights".as_ref(), weights.as_os_str()], &model)?;
    Ok(model.join("net.onnx"))
}

/// Judges the bar.
pub(crate) fn bar(results: &[PairResult]) -> Bar {
    let worst = results.iter().max_by(|a, b| a.ratio().total_cmp(&b.ratio()));
    let (ratio, name) = worst.map_or((f64::NAN, String::new()), |r| (r.ratio(), r.name()));
    Bar {
        target: "exported models at most 1.03 of the fastest other form's time",
        measured: format!("{ratio:.2} ({}, the worst)", table_name(&name)),
        met: ratio <= BAR,
    }
}

/// Returns the whole report.
///
/// # Errors
/// Fails only if the networks cannot be listed or if writing to memory fails.
pub(crate) fn markdown(results: &[PairResult], rounds: usize, command: &str) -> Result<String> {
    let mut text = header(command, rounds)?;
    let version = results.first().map_or("", |result| &result.version);
    writeln!(
        text,
        "- ONNX Runtime {version}; shortest times of all turns.\n\n| bar | measured | |\n|---|---|---|"
    )?;
    let bar = bar(results);
    let whole = results.len() == nets()?.len();
    writeln!(text, "| {} | {} | {} |", bar.target, bar.measured, verdict(bar.met, whole))?;
    writeln!(text, "\n| pair | exported, ms | fastest other form | its time, ms | ratio |")?;
    writeln!(text, "|---|---|---|---|---|")?;
    for result in results {
        let PairResult { exported_s, others, best, best_s, .. } = result;
        writeln!(
            text,
            "| {} | {:.3} | {best} of {others} | {:.3} | {:.2} |",
            table_name(&result.name()),
            1e3 * exported_s,
            1e3 * best_s,
            result.ratio()
        )?;
    }
    Ok(text.trim_end().to_string())
}
