//! `fetch-data import DIR --out OUT`: makes or follows the copy of a stranger's folder.

use crate::fetch::cli::ImportArgs;
use crate::fetch::import::{self, Changes, Copy, Earlier, Found, INTERRUPT, Reading, Settings};
use crate::fetch::note::note;
use crate::fetch::scratch;
use anyhow::{Context, Result, bail, ensure};
use common::dataset::{Fault, ImportRecord, ImportedFiles};
use common::diagnostics;
use common::files::atomic;
use process::cli::print_line;
use process::interrupt;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Makes a copy of a folder's images, or compares the copy with the folder and follows it, and
/// prints the path of its `dataset.json`.
///
/// # Errors
/// Fails if the folder cannot be read, if it has no images of two classes, if there is a copy of
/// another folder or with other settings, if `--strict` is given and something is unusual, or if a
/// signal is received. An earlier copy stays as it was.
pub(crate) fn run(args: &ImportArgs) -> Result<()> {
    interrupt::watch()?;
    let was_there = args.out.exists();
    atomic::create_dir_all(&args.out)?;
    let done = in_folder(args);
    if !was_there && done.is_err() {
        // It stays if it is not empty.
        let _ = fs::remove_dir(&args.out);
    }
    done?;
    print_line(&import::description(&args.out).display().to_string())
}

fn in_folder(args: &ImportArgs) -> Result<()> {
    check_apart(args)?;
    let _alone = scratch::lock(&args.out, &INTERRUPT)?;
    let settings =
        Settings { size: args.size.map(|size| (size, size)), resize: args.resize, seed: args.seed };
    let Some(copy) = Copy::read(&args.out)? else {
        ensure!(
            args.folder.exists(),
            "{}: there is no such folder or file, and no copy of it in {}",
            args.folder.display(),
            args.out.display()
        );
        return make(args, &settings, None);
    };
    check_name(args, &copy)?;
    let settings = settings.of_copy(&copy.files, copy.is_scaled()).with_context(|| out(args))?;
    if !copy.whole && args.folder.exists() {
        note(&format!("{}: the copy is incomplete and is made again", args.out.display()));
        return make(args, &settings, Some(&copy));
    }
    ensure!(
        copy.whole,
        "{}: there is no such folder or file, and its copy in {} is incomplete",
        args.folder.display(),
        out(args)
    );
    if !args.folder.exists() {
        note(&format!(
            "{}: it is not there; its copy in {} is used",
            args.folder.display(),
            out(args)
        ));
        return check_strict(args, copy.record.as_ref().map_or(&[], |record| &record.faults));
    }
    follow(args, &settings, copy)
}

/// Checks that the copy is not in the folder, where the next import would find it.
fn check_apart(args: &ImportArgs) -> Result<()> {
    let (Ok(folder), Ok(out)) = (fs::canonicalize(&args.folder), fs::canonicalize(&args.out))
    else {
        return Ok(());
    };
    ensure!(
        !folder.is_dir() || !out.starts_with(&folder),
        "{}: the copy cannot be in the folder {} that it is made from",
        args.out.display(),
        args.folder.display()
    );
    Ok(())
}

fn out(args: &ImportArgs) -> String {
    args.out.display().to_string()
}

fn check_name(args: &ImportArgs, copy: &Copy) -> Result<()> {
    let found = &copy.dataset.name;
    ensure!(
        args.name.as_ref().is_none_or(|name| name == found || *name == copy.files.dataset.name),
        "{}: the copy there has the name {found:?}, not {:?}",
        out(args),
        args.name.as_deref().unwrap_or_default()
    );
    Ok(())
}

/// Makes a copy, and replaces an incomplete one.
fn make(args: &ImportArgs, settings: &Settings, incomplete: Option<&Copy>) -> Result<()> {
    let found = import::find(&args.folder)?;
    read_and_write(args, settings, &found, incomplete, &Earlier::default())
}

/// Compares a folder with its copy, and follows it unless `--keep` is given.
fn follow(args: &ImportArgs, settings: &Settings, copy: Copy) -> Result<()> {
    let found = match import::find(&args.folder) {
        Ok(found) => found,
        Err(error) if args.keep && INTERRUPT.check().is_ok() => {
            note(&format!("{error:#}; the copy in {} is used", out(args)));
            return check_strict(args, copy.record.as_ref().map_or(&[], |record| &record.faults));
        }
        Err(error) => return Err(error),
    };
    let moved = found.place.to_string_lossy() != copy.files.folder;
    let changes = import::compare(&found, &copy.files, !moved)?;
    ensure!(
        !(moved && changes.any()),
        "{}: the copy there is that of {}, and {} has other files: choose another name with NAME= (and RUN= for its run)",
        out(args),
        copy.files.folder,
        args.folder.display()
    );
    if changes.any() && !args.keep {
        note(&format!("{}: {}", args.folder.display(), changes.in_words()));
        return read_and_write(args, settings, &found, Some(&copy), &copy.earlier()?);
    }
    if changes.any() {
        note(&format!(
            "{}: it has changed since it was copied: {}; the copy stays as it is until `make data DATASET={}` or \
             `fetch-data import` without --keep follows it",
            args.folder.display(),
            changes.in_words(),
            quoted(&args.folder)
        ));
    } else if !args.keep {
        keep_up(args, &found, &copy, changes)?;
    }
    check_strict(args, copy.record.as_ref().map_or(&[], |record| &record.faults))
}

/// Records where the folder is and the times of its files, so that they need not be read again.
fn keep_up(args: &ImportArgs, found: &Found, copy: &Copy, changes: Changes) -> Result<()> {
    let folder = found.place.to_string_lossy().into_owned();
    let moved = folder != copy.files.folder;
    note(&format!(
        "{}: the copy in {} is up to date{}",
        args.folder.display(),
        out(args),
        if moved { "; the folder has moved" } else { "" }
    ));
    if moved && let Some(record) = &copy.record {
        let record = ImportRecord { folder: folder.clone(), ..record.clone() };
        import::write_record(&args.out, &record)?;
    }
    if !moved && changes.touched.is_empty() {
        return Ok(());
    }
    let mut files = ImportedFiles { folder, ..copy.files.clone() };
    let touched: BTreeMap<String, i64> = changes.touched.into_iter().collect();
    for file in &mut files.files {
        file.modified_ns = *touched.get(&file.path).unwrap_or(&file.modified_ns);
    }
    import::write_files(&args.out, &files)
}

fn read_and_write(
    args: &ImportArgs,
    settings: &Settings,
    found: &Found,
    copy: Option<&Copy>,
    earlier: &Earlier,
) -> Result<()> {
    let files = found.items.len();
    let noun = if files == 1 { "file" } else { "files" };
    note(&format!("{}: reading {files} {noun}", args.folder.display()));
    let reading = import::read(found, settings, earlier)
        .with_context(|| args.folder.display().to_string())?;
    import::summary(found, &reading, settings).iter().for_each(|line| note(line));
    check(args, &reading)?;
    let name = match (&args.name, copy) {
        (Some(name), _) => name.clone(),
        (None, Some(copy)) => copy.files.dataset.name.clone(),
        (None, None) => default_name(&args.out),
    };
    let is_new = import::write(&args.out, &name, settings.seed(), (found, reading), copy)?;
    if copy.is_some() && !is_new {
        note(&format!("{}: its images are the same as before", out(args)));
    }
    Ok(())
}

fn default_name(out: &Path) -> String {
    let whole = std::path::absolute(out).unwrap_or_else(|_| out.to_path_buf());
    import::reduced(&whole.file_name().unwrap_or_default().to_string_lossy())
}

/// Warns of all faults.
///
/// # Errors
/// Fails if one of them stops, or any with `--strict`.
fn check(args: &ImportArgs, reading: &Reading) -> Result<()> {
    let stopping = reading.faults.iter().find(|fault| fault.stops);
    for (fault, line) in reading.faults.iter().zip(import::warnings(&reading.faults)) {
        if !fault.stops {
            diagnostics::warn(&line);
        }
    }
    if let Some(fault) = stopping {
        bail!("{}: {}", args.folder.display(), fault.text);
    }
    check_strict(args, &reading.faults)
}

fn check_strict(args: &ImportArgs, faults: &[Fault]) -> Result<()> {
    let texts: Vec<&str> = faults.iter().map(|fault| fault.text.as_str()).collect();
    ensure!(
        !args.strict || faults.is_empty(),
        "{}: refused, because STRICT=1 (or --strict) was asked for: {}",
        args.folder.display(),
        texts.join("; ")
    );
    Ok(())
}

/// Returns a path as a shell reads it.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', "'\\''"))
}
