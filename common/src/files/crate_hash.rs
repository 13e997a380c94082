//! Hash of a crate's sources.

use crate::files::hash::sha256_hex;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};

/// Returns a SHA-256 over the files of a crate, except those that cargo builds (`target`) and
/// `left_out`. It is the hash of a text with one line for each file, sorted by path: its SHA-256,
/// two spaces and its path. In the crate's folder,
/// `find . -path ./target -prune -o -type f -printf '%P\n' | LC_ALL=C sort | xargs sha256sum |
/// sha256sum`
/// prints the same hash.
///
/// # Errors
/// Fails if a file cannot be read, or if an entry is neither a file nor a folder.
pub fn crate_sha256(folder: &Path, left_out: &Path) -> Result<String> {
    let mut files = Vec::new();
    collect(folder, &mut files)?;
    let left_out = fs::canonicalize(left_out).ok();
    let mut lines = Vec::with_capacity(files.len());
    for file in files {
        if left_out.is_some() && fs::canonicalize(&file).ok() == left_out {
            continue;
        }
        let relative = file.strip_prefix(folder).context("a crate's file is outside its folder")?;
        let bytes =
            fs::read(&file).with_context(|| format!("{}: cannot read the file", file.display()))?;
        lines.push((relative.to_string_lossy().into_owned(), sha256_hex(&bytes)));
    }
    lines.sort();
    let text: String = lines.into_iter().map(|(path, hash)| format!("{hash}  {path}\n")).collect();
    Ok(sha256_hex(text.as_bytes()))
}

/// Collects all files of a crate, except those that cargo builds.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    collect_below(folder, &folder.join("target"), files)
}

fn collect_below(folder: &Path, target: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let failed = || format!("{}: cannot read the folder", folder.display());
    for entry in fs::read_dir(folder).with_context(failed)? {
        let entry = entry.with_context(failed)?;
        let (path, kind) = (entry.path(), entry.file_type().with_context(failed)?);
        if path == target {
            continue;
        } else if kind.is_dir() {
            collect_below(&path, target, files)?;
        } else if kind.is_file() {
            files.push(path);
        } else {
            bail!(
                "{}: it is neither a file nor a folder; a crate is measured from plain files",
                path.display()
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_covers_paths_and_contents_but_not_built_files() {
        let dir = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let hash = || crate_sha256(dir.path(), &dir.path().join("measurement.json")).unwrap();
        write("src/lib.rs", "a");
        write("Cargo.toml", "b");
        // Computed by the command in the function's description.
        assert_eq!(hash(), "bd52d5fae5eb9182bea4da1353b5bf3d5b8fa1138b11d86ccab5168356278796");
        let before = hash();
        write("target/release/bench", "built");
        write("measurement.json", "the last one");
        assert_eq!(hash(), before);
        write("src/target/mod.rs", "");
        assert_ne!(hash(), before);
        fs::remove_dir_all(dir.path().join("src/target")).unwrap();
        write("src/lib.rs", "c");
        assert_ne!(hash(), before);
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink("/", dir.path().join("link")).unwrap();
            let error = crate_sha256(dir.path(), Path::new("none")).unwrap_err().to_string();
            assert!(error.contains("neither a file nor a folder"), "{error}");
        }
    }
}
