//! `fetch-data --recipe FILE --out DIR`: places the files of a data set.

use crate::fetch::content::{self, Content};
use crate::fetch::interrupt::INTERRUPT;
use crate::fetch::note::note;
use crate::fetch::scratch;
use crate::fetch::source::{self, Opened};
use anyhow::{Context, Result, bail};
use common::dataset::{DataFile, Dataset, Source};
use common::files::{atomic, json};
use process::cli::print_line;
use process::interrupt;
use std::path::Path;

/// Places all files of the recipe in the folder `out`, then `dataset.json`, whose path it prints.
///
/// # Errors
/// Fails if the recipe cannot be read, if the folder cannot be written to, if a termination signal
/// is received, or if no source has a file; then the message says which files to put where.
pub(crate) fn place(recipe: &Path, out: &Path) -> Result<()> {
    let text = json::read_text(recipe).context("cannot read the recipe")?;
    let mut dataset: Dataset = json::parse(&text).with_context(|| recipe.display().to_string())?;
    source::find_folders(&mut dataset.sources, recipe);
    interrupt::watch()?;
    atomic::create_dir_all(out)?;
    let _alone = scratch::enter(out, &dataset)?;
    let mut missing = Vec::new();
    for file in distinct_files(&dataset) {
        if !is_settled(file, out)? || has_changed(&dataset, file, out)? {
            missing.push(file);
        }
    }
    let changed = !missing.is_empty();
    if changed {
        fetch(&dataset, missing, out)?;
    }
    let description = out.join("dataset.json");
    // Written only when something changes, so that make sees no reason to train again.
    if changed || std::fs::read_to_string(&description).ok().as_deref() != Some(text.as_str()) {
        atomic::write(&description, text.as_bytes())?;
    }
    print_line(&description.display().to_string())
}

/// Returns the files of all sets, each once.
fn distinct_files(dataset: &Dataset) -> Vec<&DataFile> {
    let mut files: Vec<&DataFile> = Vec::new();
    for file in dataset.files() {
        if !files.contains(&file) {
            files.push(file);
        }
    }
    files
}

/// Returns whether a file is in its place. A gzipped file there is unpacked; a wrong file is
/// reported and counts as missing.
fn is_settled(file: &DataFile, out: &Path) -> Result<bool> {
    let place = out.join(&file.path);
    for candidate in [place.clone(), content::gzipped(&place)] {
        if !candidate.exists() {
            continue;
        }
        match Content::read(&candidate, file) {
            Ok(content) if candidate == place && content.is_plain() => return Ok(true),
            Ok(content) => {
                content.write(&place, None)?;
                return Ok(true);
            }
            Err(error) => {
                INTERRUPT.check()?;
                note(&format!("{error:#}; it is not used"));
            }
        }
    }
    Ok(false)
}

/// Returns whether the original of a folder of images, or of a file without a hash, has changed
/// since it was copied. A copy without an original has not.
fn has_changed(dataset: &Dataset, file: &DataFile, out: &Path) -> Result<bool> {
    let copy = out.join(&file.path);
    for source in &dataset.sources {
        let Source::Folder { path, .. } = source else { continue };
        if !source.gives(&file.path) {
            continue;
        }
        let plain = Path::new(path).join(&file.path);
        let Some(original) =
            [plain.clone(), content::gzipped(&plain)].into_iter().find(|path| path.exists())
        else {
            continue;
        };
        let same = match (original.is_dir(), copy.is_dir()) {
            (true, true) => content::same_folders(&original, &copy)?,
            (false, false) => file.sha256.is_some() || content::same_unpacked(&original, &copy)?,
            (true, false) | (false, true) => false,
        };
        if !same {
            note(&format!("{}: it has changed since it was copied", original.display()));
        }
        return Ok(!same);
    }
    Ok(false)
}

/// Tries the sources in their order until no file is missing. A failing source is only reported.
///
/// # Errors
/// Fails if a file cannot be written, or if files are still missing.
fn fetch(dataset: &Dataset, mut missing: Vec<&DataFile>, out: &Path) -> Result<()> {
    for source in &dataset.sources {
        let (given, others): (Vec<_>, Vec<_>) =
            missing.into_iter().partition(|file| source.gives(&file.path));
        missing = others;
        if given.is_empty() {
            continue;
        }
        let scratch = scratch::folder_in(out)?;
        let name = source::describe(source);
        note(&format!("{}: fetching from {name}", dataset.name));
        match Opened::open(source, scratch.path()) {
            Ok(opened) => missing.extend(take(&opened, &name, given, out)?),
            Err(error) => {
                note_unless_interrupted(&name, &error)?;
                missing.extend(given);
            }
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    bail!("{}", by_hand(dataset, &missing, out))
}

/// Places files from a source, and returns those that it lacks. The first failure ends the source.
fn take<'a>(
    opened: &Opened,
    name: &str,
    missing: Vec<&'a DataFile>,
    out: &Path,
) -> Result<Vec<&'a DataFile>> {
    for (done, file) in missing.iter().enumerate() {
        match opened.find(file).and_then(|path| Content::read(&path, file)) {
            Ok(content) => content.write(&out.join(&file.path), opened.within())?,
            Err(error) => {
                note_unless_interrupted(name, &error)?;
                return Ok(missing[done..].to_vec());
            }
        }
    }
    Ok(Vec::new())
}

/// Reports why a source failed.
///
/// # Errors
/// Fails if a termination signal has been received.
fn note_unless_interrupted(name: &str, error: &anyhow::Error) -> Result<()> {
    INTERRUPT.check()?;
    note(&format!("{name}: {error:#}"));
    Ok(())
}

fn by_hand(dataset: &Dataset, missing: &[&DataFile], out: &Path) -> String {
    let files: Vec<&str> = missing.iter().map(|file| file.path.as_str()).collect();
    let sources: Vec<String> = dataset.sources.iter().map(source::describe).collect();
    let sources =
        if sources.is_empty() { "the recipe names no source".into() } else { sources.join(", ") };
    format!(
        "{}: no source could give {}; put them into {} by hand, plain or gzipped with .gz added, and run this again \
         (sources: {sources})",
        dataset.name,
        files.join(", "),
        out.display()
    )
}
