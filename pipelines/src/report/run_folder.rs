//! Reads the files of a run's folder. A missing file is `None`; a damaged file is an error that
//! names it.
//!
//! ```text
//! profile.json precision.json import.json explore/{search.json, archive.json, evaluations.jsonl},
//! explore/winners/<rank>/genome.json networks/<rank>/{dense, pruned}/{network.json, train.json,
//! prune.json, test.json} networks/<rank>/{dense, pruned}/crate-<platform>/manifest.json
//! networks/<rank>/{dense, pruned}/measurement-<board>.json
//! networks/<rank>/{dense, pruned}/int8/{outcome.json, test.json, crate-<platform>/manifest.json,
//! measurement-<board>.json}
//! networks/<rank>/pruned-<method>/prune.json, networks/<rank>/{pruned,
//! pruned-<method>}/scratch/train.json networks/<rank>/{pruning, pruned}/{accuracy, widths}.svg
//! networks/<individual>/, with the same files as networks/<rank>
//! baselines/<name>/, with the same files as networks/<rank>/dense
//! ```

use super::files::{names_in, read};
use super::variant::{Kind, Variant};
use super::winner::{self, Winner};
use anyhow::{Context, Result, ensure};
use common::board::Platform;
use common::dataset::ImportRecord;
use common::files::json;
use common::precision::{Precisions, RunPrecision};
use common::profile::Profile;
use common::search::archive::Archive;
use common::search::config::SearchConfig;
use common::search::evaluation::Evaluation;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The content of a run's folder.
#[derive(Debug)]
pub(super) struct Run {
    /// The folder's name.
    pub(super) name: String,
    /// The profile and its text.
    pub(super) profile: Option<(Profile, String)>,
    /// The precisions that were asked for last.
    pub(super) precision: Option<RunPrecision>,
    /// What was found in a folder of the user's own images.
    pub(super) import: Option<ImportRecord>,
    pub(super) search: Option<SearchConfig>,
    pub(super) archive: Option<Archive>,
    /// Whether the search has chosen its winners, which it does at its end.
    pub(super) is_searched: bool,
    /// All evaluations with their latest results, in order; empty if there was no search.
    pub(super) evaluations: Vec<Evaluation>,
    /// The winners of the search, best first, and then the other networks that were chosen later.
    pub(super) winners: Vec<Winner>,
    /// Other networks to compare with, by name.
    pub(super) baselines: Vec<(String, Variant)>,
}

impl Run {
    /// Reads a run's folder.
    ///
    /// # Errors
    /// Fails if the folder is not a run, or if a file in it is damaged.
    pub(super) fn read(folder: &Path) -> Result<Run> {
        ensure!(
            folder.is_dir(),
            "{}: there is no such folder; `make pipeline` makes a run",
            folder.display()
        );
        let archive: Option<Archive> = read(&folder.join("explore/archive.json"))?;
        let log = folder.join("explore/evaluations.jsonl");
        let log = if log.exists() { json::read_lines(&log)? } else { Vec::new() };
        let run = Run {
            name: name_of(folder)?,
            profile: read_profile(&folder.join("profile.json"))?,
            precision: read(&folder.join("precision.json"))?,
            import: read(&folder.join("import.json"))?,
            search: read(&folder.join("explore/search.json"))?,
            is_searched: folder.join("explore/winners").is_dir(),
            evaluations: latest_evaluations(log, archive.as_ref()),
            winners: read_winners(folder, archive.as_ref())?,
            baselines: read_baselines(&folder.join("baselines"))?,
            archive,
        };
        let nothing = run.search.is_none() && run.evaluations.is_empty() && run.winners.is_empty();
        ensure!(
            !nothing,
            "{}: not a run: it has neither explore/search.json nor networks/",
            folder.display()
        );
        Ok(run)
    }

    /// Returns the run's title.
    pub(super) fn title(&self) -> String {
        format!("NeuroPower run {}", self.name)
    }

    /// Returns the names of all boards with measurements.
    pub(super) fn boards(&self) -> BTreeSet<&str> {
        self.variants()
            .flat_map(|(.., variant)| variant.measurements.keys().map(String::as_str))
            .collect()
    }

    /// Returns the names of all boards with measurements, or with crates that are made for the board
    /// and not for its platform.
    pub(super) fn boards_with_crates(&self) -> BTreeSet<&str> {
        let crates = self.variants().flat_map(|(.., variant)| &variant.manifests);
        let own = crates.filter(|(_, manifest)| manifest.platform == Platform::CortexM);
        self.boards().into_iter().chain(own.map(|(board, _)| board.as_str())).collect()
    }

    /// Returns every winner before and after pruning, each followed by its int8 form if there is
    /// one: the winner, the kind of network, and the network.
    pub(super) fn variants(&self) -> impl Iterator<Item = (&Winner, Kind, &Variant)> {
        self.winners.iter().flat_map(|winner| {
            let (dense, pruned) = (&winner.dense, &winner.pruned);
            [
                (Kind::Dense, Some(dense)),
                (Kind::DenseInt8, dense.int8.as_deref()),
                (Kind::Pruned, Some(pruned)),
                (Kind::PrunedInt8, pruned.int8.as_deref()),
            ]
            .into_iter()
            .filter_map(move |(kind, variant)| Some((winner, kind, variant?)))
        })
    }

    /// Returns the number of validation images; `None` if no file of the run says it.
    pub(super) fn validation_images(&self) -> Option<usize> {
        self.variants().find_map(|(.., variant)| Some(variant.quantized.as_ref()?.images))
    }

    /// Returns the precisions in which networks are generated and measured; `None` without a
    /// profile.
    pub(super) fn precisions(&self) -> Option<Precisions> {
        let profile = self.profile.as_ref().map(|(profile, _)| profile.quantization.precision);
        self.precision.as_ref().map(|last| last.precision).or(profile)
    }
}

/// Returns the evaluations of the log, replaced by those of the archive, which include second
/// seeds.
fn latest_evaluations(log: Vec<Evaluation>, archive: Option<&Archive>) -> Vec<Evaluation> {
    let archived = archive.iter().flat_map(|archive| {
        archive.individuals.iter().map(|individual| &individual.evaluation).chain(&archive.dropped)
    });
    let all = log.into_iter().chain(archived.cloned());
    let by_place: BTreeMap<(usize, usize), Evaluation> =
        all.map(|e| ((e.iteration, e.index), e)).collect();
    by_place.into_values().collect()
}

fn read_profile(path: &Path) -> Result<Option<(Profile, String)>> {
    let Some(profile) = read(path)? else { return Ok(None) };
    Ok(Some((profile, json::read_text(path)?)))
}

fn read_winners(folder: &Path, archive: Option<&Archive>) -> Result<Vec<Winner>> {
    let mut names = BTreeSet::new();
    for parent in ["explore/winners", "networks"] {
        names.extend(names_in(&folder.join(parent))?);
    }
    let mut places: Vec<_> =
        names.into_iter().filter_map(|name| Some((winner::place(&name)?, name))).collect();
    places.sort();
    places.into_iter().map(|(_, name)| Winner::read(folder, name, archive)).collect()
}

fn read_baselines(folder: &Path) -> Result<Vec<(String, Variant)>> {
    let names = names_in(folder)?.into_iter();
    names.map(|name| Ok((name.clone(), Variant::read(&folder.join(&name))?))).collect()
}

fn name_of(folder: &Path) -> Result<String> {
    let whole = folder
        .canonicalize()
        .with_context(|| format!("{}: cannot read the folder", folder.display()))?;
    Ok(whole.file_name().unwrap_or(whole.as_os_str()).to_string_lossy().into_owned())
}
