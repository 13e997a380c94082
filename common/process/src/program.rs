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

/// The characters of a commit that tell it from others in one project.
const SHORT: usize = 7;

/// Returns the version for a person, such as `0.1.0 (commit 1a2b3c4, kernels avx2)`.
pub(crate) fn version(kernels: Option<&str>) -> &'static str {
    static VERSION: OnceLock<String> = OnceLock::new();
    VERSION.get_or_init(|| {
        let Program { version, commit } = this();
        let kernels = kernels.map_or_else(String::new, |name| format!(", kernels {name}"));
        format!("{version} (commit {}{kernels})", short(&commit))
    })
}

/// Shortens a commit's hash, and keeps a mark behind it.
fn short(commit: &str) -> String {
    let (hash, mark) = commit.find('-').map_or((commit, ""), |place| commit.split_at(place));
    format!("{hash:.SHORT$}{mark}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_short_and_keeps_its_mark() {
        assert_eq!(short("1a2b3c4d5e6f"), "1a2b3c4");
        assert_eq!(short("1a2b3c4d5e6f-changed"), "1a2b3c4-changed");
        assert_eq!(short("unknown"), "unknown");
    }
}
