//! The schedule: prune, fine-tune, again, until the cap is reached (paper, sections 4.2 and 5.3).

use crate::convolutions;
use crate::earlier::EarlierReport;
use crate::round::{self, Cap, Choice};
use crate::surgery::Model;
use crate::target::Target;
use crate::training::{self, Training};
use anyhow::{Context, Result};
use common::counts;
use common::prune_report::{PruneCrate, PruneEnd, PruneRound};
use std::fs;
use std::path::Path;

/// Everything that decides how a model is pruned.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// How filters are chosen.
    pub choice: Choice,
    /// How much may go.
    pub cap: Cap,
    /// Most rounds.
    pub iterations: usize,
    /// What follows each round.
    pub finetuning: Training,
    /// What measures the crate of the model and of each round, where a board is named.
    pub target: Option<Target>,
    /// What an earlier run says of the rounds; it goes before any of them changes.
    pub earlier: EarlierReport,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The pruned and fine-tuned model.
    pub model: Model,
    /// What happened in each round.
    pub rounds: Vec<PruneRound>,
    /// Why there are no more.
    pub ended: PruneEnd,
    /// What the crates took on the board, the one of the model first; empty without a board.
    pub crates: Vec<PruneCrate>,
}

/// Prunes `model`, with a folder for each round in `folder`. What an earlier run left there is used
/// where it is the same: everything but the fine-tuning and the measurements is computed again, and
/// gives the same as before. `original` is what the model's own crate took.
///
/// # Errors
/// A folder cannot be written, or a fine-tuning or measurement fails.
pub fn run(
    schedule: &Schedule,
    model: Model,
    original: Option<PruneCrate>,
    folder: &Path,
) -> Result<Outcome> {
    let (mut model, mut rounds, mut crates) = (model, Vec::new(), Vec::from_iter(original));
    let ended = loop {
        if schedule.target.iter().zip(crates.last()).any(|(target, last)| target.asked.met_by(last))
        {
            break PruneEnd::Target;
        }
        if let Some(end) = round::end(&model.network, &schedule.cap, &schedule.choice.also)? {
            break end;
        }
        if rounds.len() == schedule.iterations {
            break PruneEnd::Iterations;
        }
        let number = rounds.len() + 1;
        let during = || format!("round {number}");
        let (next, entry) = one_round(schedule, &model, folder, number).with_context(during)?;
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

fn one_round(
    schedule: &Schedule,
    model: &Model,
    folder: &Path,
    number: usize,
) -> Result<(Model, PruneRound)> {
    let pruned = round::prune(model, &schedule.cap, &schedule.choice, number)?;
    let folder = folder.join(number.to_string());
    if schedule.finetuning.found(&pruned.network, Some(&pruned.weights), &folder)?.is_none() {
        schedule.earlier.remove()?;
    }
    let tuned = schedule.finetuning.run(&pruned.network, Some(&pruned.weights), &folder)?;
    let [network, initial, score] =
        ["network.json", "initial.safetensors", "untuned.json"].map(|file| folder.join(file));
    let accuracy_untuned = schedule.finetuning.score(&network, &initial, &score)?;
    let parameters = counts::count(&pruned.network)?.parameters;
    let filters = |model: &Model| -> Result<usize> {
        let prunable = convolutions::prunable(&model.network, &schedule.choice.also)?;
        Ok(prunable.iter().map(|convolution| convolution.filters).sum())
    };
    let entry = PruneRound {
        round: number,
        filters_removed: filters(model)? - filters(&pruned)?,
        parameters,
        removed: schedule.cap.removed(parameters),
        accuracy_untuned,
        accuracy: tuned.accuracy,
    };
    eprintln!(
        "round {number}: filters removed {}, parameters left {parameters} ({:.1} % removed), \
         validation accuracy {:.4}, fine-tuned {:.4}{}",
        entry.filters_removed,
        100.0 * entry.removed,
        entry.accuracy_untuned,
        entry.accuracy,
        if tuned.found { " (fine-tuned before)" } else { "" }
    );
    Ok((tuned.model, entry))
}

/// An earlier run with other settings may have had more rounds.
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
