//! Where the stages' programs and the rules of the pipeline are, beside this program.

use anyhow::{Context, Result, anyhow, ensure};
use std::path::{Path, PathBuf};

/// Returns the folder of the stages' programs: `../libexec/neuropower` where this program is
/// installed, or else the folder of this program.
///
/// # Errors
/// Fails if the system does not say where this program is.
pub(super) fn programs() -> Result<PathBuf> {
    let own = own_folder()?;
    let installed = own.with_file_name("libexec").join("neuropower");
    Ok(if installed.is_dir() { installed } else { own })
}

/// Returns the Makefile of the pipeline, installed or in the project's folder.
///
/// # Errors
/// Fails if it is not there, or if make cannot take its path.
pub(super) fn rules() -> Result<PathBuf> {
    let own = own_folder()?;
    let file = ["../share/neuropower", "../../share/neuropower", "../.."]
        .iter()
        .map(|folder| own.join(folder).join("Makefile"))
        .find(|file| file.with_file_name("pipelines").join("names.mk").is_file());
    let file = file.ok_or_else(|| {
        anyhow!(
            "{}: the pipeline's rules are not beside this program; install it again",
            own.display()
        )
    })?;
    let file = file.canonicalize().with_context(|| file.display().to_string())?;
    ensure!(
        is_plain(&file),
        "{}: make takes paths with letters, digits and . _ - / @ + only; move the program's folders to such a path",
        file.display()
    );
    Ok(file)
}

/// Returns the folder of this program, without symbolic links.
fn own_folder() -> Result<PathBuf> {
    let own = std::env::current_exe().and_then(|path| path.canonicalize());
    let own = own.context("cannot find the running program's own path")?;
    Ok(own.parent().context("the running program has no folder")?.to_path_buf())
}

/// Returns whether make and a shell take the path as it is.
fn is_plain(path: &Path) -> bool {
    path.to_str().is_some_and(|path| {
        path.chars().all(|letter| letter.is_ascii_alphanumeric() || "._-/@+".contains(letter))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_with_other_characters_are_not_plain() {
        assert!(is_plain(Path::new("/home/me/.local/share/neuropower-0.1/a@b+c_d/Makefile")));
        for path in ["/home/my name/Makefile", "/a$b", "/a:b", "/a'b", "/ä", "/a%b"] {
            assert!(!is_plain(Path::new(path)), "{path}");
        }
    }
}
