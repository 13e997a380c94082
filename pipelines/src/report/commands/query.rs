//! `report query`: answers make's questions, one word a line.

use crate::report::cli::{QueryArgs, Question};
use anyhow::{Context, Result, ensure};
use common::board::catalog;
use common::files::json;
use common::precision::{Precisions, RunPrecision};
use common::profile::Profile;
use common::quantized::{INT8_FOLDER, OUTCOME_FILE, Outcome};
use common::search::config::SearchConfig;
use common::train_report::TrainReport;
use process::cli::print_line;
use std::fs;
use std::path::Path;

/// Prints the answers.
///
/// # Errors
/// Fails if an option that a question needs is missing, if a file is missing or damaged, or if an
/// answer is not one word.
pub(crate) fn run(args: &QueryArgs) -> Result<()> {
    for question in &args.questions {
        for word in answers(args, *question)? {
            let plain =
                !word.is_empty() && !word.contains(|c: char| c.is_whitespace() || c.is_control());
            let name = format!("{question:?}").to_lowercase();
            ensure!(plain, "the {name} is {word:?}, which is not one word");
            print_line(&word)?;
        }
    }
    Ok(())
}

fn answers(args: &QueryArgs, question: Question) -> Result<Vec<String>> {
    let profile = || -> Result<Profile> {
        json::read(args.profile.as_deref().context("the question needs --profile FILE")?)
    };
    let run = || args.run.as_deref().context("the question needs --run DIR");
    Ok(match question {
        Question::Winners => vec![profile()?.finals.winners.to_string()],
        Question::Method => vec![profile()?.pruning.method.name().to_string()],
        Question::Platform => {
            let board = args.board.as_deref().context("the question needs --board NAME|FILE")?;
            vec![catalog::find(board, Path::new(catalog::FOLDER))?.platform.to_string()]
        }
        Question::Dataset => {
            let file = run()?.join("explore/search.json");
            if file.exists() { vec![json::read::<SearchConfig>(&file)?.dataset] } else { vec![] }
        }
        Question::Diverged => diverged(run()?)?,
        Question::Precision => vec![precision(args.run.as_deref(), profile)?.name().to_string()],
        Question::Refused => refused(run()?)?,
    })
}

/// Returns the precisions that were asked for last in a run, or else those of the profile.
fn precision(run: Option<&Path>, profile: impl FnOnce() -> Result<Profile>) -> Result<Precisions> {
    let asked = run.map(|run| run.join("precision.json")).filter(|file| file.exists());
    match asked {
        Some(file) => Ok(json::read::<RunPrecision>(&file)?.precision),
        None => Ok(profile()?.quantization.precision),
    }
}

/// Returns the networks, such as `1/dense`, whose int8 form was refused, in the order of their
/// names.
fn refused(run: &Path) -> Result<Vec<String>> {
    let mut found = vec![];
    for entry in fs::read_dir(run.join("networks")).into_iter().flatten().flatten() {
        for kind in ["dense", "pruned"] {
            let file = entry.path().join(kind).join(INT8_FOLDER).join(OUTCOME_FILE);
            if file.exists() && !json::read::<Outcome>(&file)?.accepted {
                found.push(format!("{}/{kind}", entry.file_name().to_string_lossy()));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Returns the networks, such as `1/dense`, whose training diverged, in the order of their names.
fn diverged(run: &Path) -> Result<Vec<String>> {
    let mut found = vec![];
    for entry in fs::read_dir(run.join("networks")).into_iter().flatten().flatten() {
        let file = entry.path().join("dense/train.json");
        if file.exists() && json::read::<TrainReport>(&file)?.diverged {
            found.push(format!("{}/dense", entry.file_name().to_string_lossy()));
        }
    }
    found.sort();
    Ok(found)
}
