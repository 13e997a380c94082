//! Which build of a program is running.

use common::program::Program;
use std::sync::OnceLock;

/// Commit that the program was built from, set once when it starts.
static COMMIT: OnceLock<&str> = OnceLock::new();

/// Sets the commit that the program was built from. Only a program's first call has an effect.
pub(crate) fn start(commit: Option<&'static str>) {
    COMMIT.get_or_init(|| commit.filter(|commit| !commit.is_empty()).unwrap_or("unknown"));
}

/// Returns the version and the commit of the program that is running.
pub fn this() -> Program {
    let commit = COMMIT.get().copied().unwrap_or("unknown");
    Program { version: env!("CARGO_PKG_VERSION").to_string(), commit: commit.to_string() }
}
