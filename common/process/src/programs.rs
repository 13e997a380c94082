//! Finds the programs of other stages.

use anyhow::{Context, Result, anyhow};
use std::path::{Path, PathBuf};

/// Returns the path of another stage's program: in `bin_dir` if that is given, else in the folder
/// of the running program.
///
/// # Errors
/// Fails if there is no such file.
pub fn binary(name: &str, bin_dir: Option<&Path>) -> Result<PathBuf> {
    let dir = match bin_dir {
        Some(dir) => dir.to_path_buf(),
        None => {
            let own =
                std::env::current_exe().context("cannot find the running program's own path")?;
            own.parent().ok_or_else(|| anyhow!("the running program has no folder"))?.to_path_buf()
        }
    };
    let path = dir.join(name);
    if path.is_file() {
        Ok(path)
    } else {
        Err(anyhow!(
            "{}: there is no such program; build it (`make build`) or name its folder with --bin-dir",
            path.display()
        ))
    }
}
