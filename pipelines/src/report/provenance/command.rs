//! The commands that make a run again.

use crate::report::run_folder::Run;
use common::device::Backend;
use common::search::config::SearchConfig;

/// The commands, and what they leave open.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Commands {
    /// Commands of make, to be run in the folder of the project.
    pub(crate) lines: Vec<String>,
    pub(crate) notes: Vec<String>,
}

/// Returns the commands that make the run again beside it, as far as its files say.
pub(crate) fn commands(run: &Run) -> Commands {
    let Some(search) = &run.search else {
        let note = "There is no explore/search.json, so the run cannot be made again by a command.";
        return Commands { lines: vec![], notes: vec![note.into()] };
    };
    let boards: Vec<&str> = run.boards().into_iter().collect();
    let baseline = run.baselines.first().map(|(name, _)| name.as_str());
    let searched = search.all_boards().map(|(_, board)| board.name.as_str());
    let mut names =
        boards.iter().copied().chain(baseline).chain(searched).chain([&*search.dataset]);
    if !names.all(is_plain) {
        let note = "No command is given: a name in the run's files has characters that a shell may evaluate.";
        return Commands { lines: vec![], notes: vec![note.into()] };
    }
    let plain = is_plain(&run.name);
    let folder = if plain { format!("runs/{}", run.name) } else { "runs/RUN".to_string() };
    let again = format!("RUN={folder}-again");
    let mut pipeline = vec![
        "make pipeline".to_string(),
        format!("DATASET={}", search.dataset),
        format!("PROFILE_FILE={folder}/profile.json"),
        format!("SEED={}", search.seed),
        again.clone(),
    ];
    pipeline.extend((search.device != Backend::Cpu).then(|| "DEVICE=cuda".to_string()));
    pipeline.extend(boards.first().map(|board| format!("BOARD={board}")));
    pipeline
        .extend(run.precision.iter().map(|last| format!("PRECISION={}", last.precision.name())));
    pipeline.extend(baseline.map(|name| format!("BASELINE={name}")));
    let arguments = search_arguments(search);
    if !arguments.is_empty() {
        pipeline.push(format!("EXPLORE_ARGS=\"{}\"", arguments.join(" ")));
    }
    let measure = boards.iter().skip(1).map(|board| format!("make measure {again} BOARD={board}"));
    let lines = std::iter::once(pipeline.join(" ")).chain(measure).collect();
    Commands { lines, notes: notes(run, search, &folder, plain) }
}

/// Returns whether a name can be part of a command: make takes it and a shell does not evaluate it.
fn is_plain(name: &str) -> bool {
    !name.starts_with('-')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
}

/// Returns the options of `explore run` for the boards and the criteria of a search.
fn search_arguments(search: &SearchConfig) -> Vec<String> {
    let boards = search.all_boards().map(|(_, board)| format!("--board {}", board.name));
    let criteria = serde_json::to_value(&search.criteria).unwrap_or_default();
    let limits = criteria.as_object().into_iter().flatten().filter(|(_, limit)| !limit.is_null());
    let limits = limits.map(|(key, limit)| {
        let (key, board) = key.split_once('@').map_or((key.as_str(), None), |(k, b)| (k, Some(b)));
        let board = board.map_or(String::new(), |board| format!("@{board}"));
        format!("--{} {limit}{board}", key.replace('_', "-"))
    });
    boards.chain(limits).collect()
}

fn notes(run: &Run, search: &SearchConfig, folder: &str, plain: bool) -> Vec<String> {
    let profile = match &run.profile {
        None => Some("The run has no profile.json, so its settings are those of search.json only.".to_string()),
        Some((profile, _)) if profile.search != search.search || profile.space != search.space => {
            Some(
                "The search was run with other settings than the profile's, which explore/search.json has: options in \
                 EXPLORE_ARGS are not recorded."
                    .to_string(),
            )
        }
        Some(_) => None,
    };
    let place = if plain {
        format!(
            "The run lies in {folder} of the project; another place is named by PROFILE_FILE and RUN."
        )
    } else {
        "RUN stands for the name of the run's folder.".to_string()
    };
    let same = if search.all_boards().next().is_none() && search.device == Backend::Cpu {
        "The search, all weights and all accuracies become the same to the byte; times and energies do not."
    } else {
        "The search measured networks, or trained on a GPU: repeated, it may find others."
    };
    [Some(place), Some(same.to_string()), profile].into_iter().flatten().collect()
}
