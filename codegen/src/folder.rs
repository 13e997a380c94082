//! A generated folder, which appears whole or not at all.

use crate::file::File;
use anyhow::{Context, Result, ensure};
use common::files::temporary::TemporaryFolder;
use common::files::{atomic, json};
use common::manifest::Manifest;
use serde_json::Value;
use std::fs;
use std::path::Path;

/// Checks that `out` is free: it does not exist, or is an empty folder or a generated crate.
///
/// # Errors
/// Fails if it is anything else.
pub(crate) fn check_free(out: &Path) -> Result<()> {
    let Ok(kind) = fs::metadata(out) else { return Ok(()) };
    ensure!(kind.is_dir(), "{}: this is not a folder; name another one with --out", out.display());
    let mut entries =
        fs::read_dir(out).with_context(|| format!("{}: cannot read the folder", out.display()))?;
    ensure!(
        is_ours(out) || entries.next().is_none(),
        "{}: the folder is not empty and not a generated crate; \
         empty it or name another one with --out",
        out.display()
    );
    Ok(())
}

/// Tells whether some version of this program wrote the folder.
fn is_ours(folder: &Path) -> bool {
    let manifest = fs::read(folder.join("manifest.json")).unwrap_or_default();
    let manifest: Option<Value> = serde_json::from_slice(&manifest).ok();
    manifest.is_some_and(|manifest| manifest["schema"] == json::schema::<Manifest>())
}

/// Writes `files` to a new folder in a temporary one beside `out`, and renames it to `out`; a
/// generated crate there is deleted.
///
/// # Errors
/// Fails if `out` is not free, or if a file cannot be written.
pub(crate) fn write(out: &Path, files: &[File]) -> Result<()> {
    let failed = || format!("{}: cannot write the crate", out.display());
    // A symbolic link is kept: the folder that it points to is replaced.
    let out = fs::canonicalize(out).or_else(|_| std::path::absolute(out)).with_context(failed)?;
    atomic::create_dir_all(out.parent().with_context(failed)?)?;
    let temporary = TemporaryFolder::beside(&out).with_context(failed)?;
    let [new, old] = ["new", "replaced"].map(|name| temporary.path().join(name));
    atomic::create_dir_all(&new)?;
    for (path, content) in files {
        atomic::write(&new.join(path), content)?;
    }
    check_free(&out)?;
    let replaces = out.exists();
    if replaces {
        fs::rename(&out, &old).with_context(failed)?;
    }
    let placed = fs::rename(&new, &out);
    if placed.is_err() && replaces {
        // Best effort: the first error is the one to report.
        let _ = fs::rename(&old, &out);
    }
    placed.with_context(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Vec<u8> {
        let manifest = Manifest {
            name: "a".to_string(),
            platform: common::board::Platform::X86_64,
            precision: common::precision::Precision::F32,
            network_sha256: String::new(),
            weights_sha256: String::new(),
            parameters: 1,
            macs: 1,
            weights_bytes: 1,
            arena_bytes: 1,
            arena_lower_bound_bytes: 1,
            layers: vec![],
            input: None,
            fit: None,
        };
        json::to_text(&manifest).unwrap().into_bytes()
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn new_empty_and_generated_folders_are_written() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("a/b");
        write(&out, &[("manifest.json".to_string(), manifest()), ("old/x".to_string(), vec![1])])
            .unwrap();
        write(&out, &[("manifest.json".to_string(), manifest()), ("new".to_string(), vec![2])])
            .unwrap();
        assert_eq!(names(&out), ["manifest.json", "new"]);
        let empty = dir.path().join("a/empty");
        fs::create_dir(&empty).unwrap();
        write(&empty, &[("x".to_string(), vec![])]).unwrap();
        assert_eq!(names(&dir.path().join("a")), ["b", "empty"]);
    }

    #[test]
    fn a_crate_of_an_older_version_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(
            dir.path().join("manifest.json"),
            r#"{"schema": "neuropower/manifest/1", "name": "a"}"#,
        )
        .unwrap();
        write(dir.path(), &[("new".to_string(), vec![])]).unwrap();
        assert_eq!(names(dir.path()), ["new"]);
    }

    #[test]
    fn other_folders_and_files_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("manifest.json"), "{}").unwrap();
        let error = write(dir.path(), &[("x".to_string(), vec![])]).unwrap_err().to_string();
        assert!(error.contains("not a generated crate"), "{error}");
        let error = write(&dir.path().join("manifest.json"), &[]).unwrap_err().to_string();
        assert!(error.contains("not a folder"), "{error}");
        assert_eq!(names(dir.path()), ["manifest.json"]);
    }

    #[test]
    fn a_failure_in_between_leaves_the_old_folder() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("out");
        write(&out, &[("manifest.json".to_string(), manifest())]).unwrap();
        // The second file would be below the first one.
        let files = [("x".to_string(), vec![]), ("x/y".to_string(), vec![])];
        assert!(write(&out, &files).is_err());
        assert_eq!(names(&out), ["manifest.json"]);
        assert_eq!(names(dir.path()), ["out"]);
    }
}
