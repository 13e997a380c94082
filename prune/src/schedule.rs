//! The rounds of a run: pruning and fine-tuning, repeated until the cap or a target is reached
//! (paper, sections 4.2 and 5.3).

use crate::earlier_run::EarlierReport;
use crate::model::Model;
use crate::prunable::prunable;
use crate::selection::{self, Cap, Selection};
use crate::target::Target;
use crate::training::{self, Training};
use anyhow::{Context, Result};
use common::network::counts;
use common::prune_report::{PruneCrate, PruneEnd, PruneRound};
use process::progress::Progress;
use std::fs;
use std::path::Path;

/// The cap in units of the progress.
const PER_MILLE: u64 = 1000;

/// Everything that decides how a model is pruned.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// How the filters of a round are selected.
    pub selection: Selection,
    /// The limit on the removed parameters.
    pub cap: Cap,
    /// Maximum number of rounds.
    pub iterations: usize,
    /// The training after each round.
    pub finetuning: Training,
    /// The board that measures the model before the first round and after each; `None` without one.
    pub target: Option<Target>,
    /// The report of an earlier run in the same folder, removed before any round of it changes.
    pub earlier: EarlierReport,
}

/// The result of all rounds.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The pruned and fine-tuned model.
    pub model: Model,
    /// An entry for each round.
    pub rounds: Vec<PruneRound>,
    /// Why there are no more rounds.
    pub ended: PruneEnd,
    /// The measurements on the board, that of the original model first; empty without a board.
    pub crates: Vec<PruneCrate>,
}

/// Prunes `model`, with a folder for each round in `folder`. `original` is the measurement of the
/// model's own crate.
///
/// Fine-tunings and measurements that an earlier run has left there are used if their inputs are
/// the same. Everything else is computed again, with the same result.
///
/// # Errors
/// Fails if a folder cannot be written, or if a fine-tuning or measurement fails.
pub fn run(
    schedule: &Schedule,
    model: Model,
    original: Option<PruneCrate>,
    folder: &Path,
) -> Result<Outcome> {
    let (mut model, mut rounds, mut crates) = (model, Vec::new(), Vec::from_iter(original));
    let progress = Progress::new(PER_MILLE);
    let ended = loop {
        if let Some(end) = end(schedule, &model, rounds.len(), crates.last())? {
            break end;
        }
        let number = rounds.len() + 1;
        let during = || format!("round {number}");
        let (next, entry, reused) =
            one_round(schedule, &model, folder, number).with_context(during)?;
        show_round(&progress, &schedule.cap, rounds.last(), &entry, reused);
        if let Some(target) = &schedule.target {
            let [network, weights] = ["network.json", "weights.safetensors"]
                .map(|file| folder.join(number.to_string()).join(file));
            crates.push(target.measure(&network, &weights, &during()).with_context(during)?);
        }
        model = next;
        rounds.push(entry);
    };
    remove_later_rounds(schedule, folder, rounds.len())?;
    Ok(Outcome { model, rounds, ended, crates })
}

/// Returns why there is no round after the first `rounds`; `None` if there is one.
fn end(
    schedule: &Schedule,
    model: &Model,
    rounds: usize,
    measured: Option<&PruneCrate>,
) -> Result<Option<PruneEnd>> {
    if schedule.target.iter().zip(measured).any(|(target, last)| last.meets(&target.requirements)) {
        return Ok(Some(PruneEnd::Target));
    }
    let end = selection::end(&model.network, &schedule.cap, &schedule.selection.also)?;
    Ok(end.or((rounds == schedule.iterations).then_some(PruneEnd::Iterations)))
}

/// Prunes and fine-tunes once; returns the model, the entry of the report, and whether an earlier
/// run has fine-tuned it.
fn one_round(
    schedule: &Schedule,
    model: &Model,
    folder: &Path,
    number: usize,
) -> Result<(Model, PruneRound, bool)> {
    let pruned = selection::prune(model, &schedule.cap, &schedule.selection, number)?;
    let folder = folder.join(number.to_string());
    let finetuning = &schedule.finetuning;
    if finetuning.find(&pruned.network, Some(&pruned.weights), &folder)?.is_none() {
        schedule.earlier.remove()?;
    }
    let tuned = finetuning.run(&pruned.network, Some(&pruned.weights), &folder)?;
    let [network, initial, score] =
        ["network.json", "initial.safetensors", "untuned.json"].map(|file| folder.join(file));
    let accuracy_untuned = finetuning.score(&network, &initial, &score)?;
    let parameters = counts::count(&pruned.network)?.parameters;
    let entry = PruneRound {
        round: number,
        filters_removed: filters(schedule, model)? - filters(schedule, &pruned)?,
        parameters,
        removed: schedule.cap.removed(parameters),
        accuracy_untuned,
        accuracy: tuned.accuracy,
    };
    Ok((tuned.model, entry, tuned.reused))
}

/// Returns the number of filters of all prunable convolutions.
fn filters(schedule: &Schedule, model: &Model) -> Result<usize> {
    let convolutions = prunable(&model.network, &schedule.selection.also)?;
    Ok(convolutions.iter().map(|convolution| convolution.filters).sum())
}

/// Shows a round, and how far the parameters are removed by then.
fn show_round(
    progress: &Progress,
    cap: &Cap,
    last: Option<&PruneRound>,
    entry: &PruneRound,
    reused: bool,
) {
    let so_far = |round: &PruneRound| (round.removed / cap.share * PER_MILLE as f64) as u64;
    let more = so_far(entry).saturating_sub(last.map_or(0, so_far));
    if reused {
        progress.skip(more);
    } else {
        progress.advance(more);
    }
    progress.tell(&format!(
        "round {}: filters removed {}, parameters left {} ({:.1} % removed), \
         validation accuracy {:.4}, fine-tuned {:.4}{}",
        entry.round,
        entry.filters_removed,
        entry.parameters,
        100.0 * entry.removed,
        entry.accuracy_untuned,
        entry.accuracy,
        if reused { " (fine-tuned before)" } else { "" }
    ));
}

/// Removes the rounds after `last`, which an earlier run with other settings may have left.
fn remove_later_rounds(schedule: &Schedule, folder: &Path, last: usize) -> Result<()> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
    for entry in entries {
        let path =
            entry.with_context(|| format!("{}: cannot read the folder", folder.display()))?.path();
        let number = path
            .file_name()
            .and_then(|name| name.to_str())
            .and_then(|name| name.parse::<usize>().ok());
        if number.is_some_and(|number| number > last) {
            schedule.earlier.remove()?;
            training::remove_folder(&path)?;
        }
    }
    Ok(())
}
