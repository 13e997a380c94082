//! Checks of the texts in a data set's description.

use anyhow::{Result, ensure};
use std::path::{Component, Path};

/// Checks that a text has no control characters: it is printed and passed to programs.
pub(super) fn check_printable(key: &str, text: &str) -> Result<()> {
    ensure!(!text.chars().any(char::is_control), "{key} {text:?} has a control character");
    Ok(())
}

/// Checks that a path stays below the folder that it is relative to.
pub(super) fn check_inside(key: &str, path: &str) -> Result<()> {
    check_printable(key, path)?;
    let inside = Path::new(path)
        .components()
        .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    ensure!(inside, "the {key} {path:?} leaves the data set's folder");
    Ok(())
}

/// Checks that a text is a SHA-256 in lower-case hexadecimal digits.
pub(super) fn check_sha256(sha256: &str) -> Result<()> {
    let digits = sha256.len() == 64
        && sha256.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    ensure!(digits, "sha256 {sha256:?} must be 64 hexadecimal digits in lower case");
    Ok(())
}
