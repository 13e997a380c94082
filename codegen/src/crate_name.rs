//! Names of generated crates and models.

use anyhow::{Result, ensure};
use common::network::Origin;
use common::search::genome::Genome;

/// Words that cannot be the name of a crate, because they mean something else in Rust or in the
/// crate itself.
const RESERVED: &[&str] = &[
    "abstract", "alloc", "as", "async", "await", "become", "box", "break", "const", "continue",
    "core", "crate", "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen",
    "if", "impl", "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv",
    "pub", "ref", "return", "self", "static", "std", "struct", "super", "test", "trait", "true",
    "try", "type", "typeof", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];
/// The packages that generated crates are built from, as in `Cargo.lock`.
const DEPENDENCIES: [&str; 3] = [
    include_str!("../templates/cortex-m/Cargo.lock.txt"),
    include_str!("../templates/cuda/Cargo.lock.txt"),
    include_str!("../templates/images/Cargo.lock.txt"),
];

/// Returns the name of a crate or model after the network's origin.
pub(crate) fn default_name(origin: &Origin) -> String {
    match origin {
        Origin::Genome(Genome {
            left_activation: left,
            right_activation: right,
            condense_layers,
            feature_extraction_layers,
            kernel_size,
            ..
        }) => format!(
            "net-{condense_layers}x{feature_extraction_layers}-k{kernel_size}-{left}-{right}"
        ),
        Origin::Baseline { name, .. } => name.clone(),
    }
}

/// Checks a name. It becomes a package, a Rust identifier and text in files, so that only harmless
/// names pass.
///
/// # Errors
/// Fails if the name has other characters than a package may have, or is reserved.
pub(crate) fn check(name: &str) -> Result<()> {
    let harmless = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    let valid = name.len() <= 64
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(harmless);
    ensure!(
        valid,
        "the crate name {name:?} must begin with a lower-case letter and consist of lower-case \
         letters, digits, '_' and '-', at most 64"
    );
    ensure!(
        !RESERVED.contains(&name),
        "the crate name {name:?} is reserved by Rust; give another one with --name"
    );
    let entry = format!("name = \"{name}\"");
    ensure!(
        !DEPENDENCIES.iter().any(|lock| lock.lines().any(|line| line == entry)),
        "the crate name {name:?} is that of a package that some crates are built from; \
         give another one with --name"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn only_names_of_packages_pass() {
        for name in ["a", "m-net-1", "x_9", &"a".repeat(64)] {
            check(name).unwrap();
        }
        let too_long = "a".repeat(65);
        for name in [
            "",
            "9a",
            "-a",
            "A",
            "a b",
            "a\"]",
            "a/../b",
            "é",
            "std",
            "fn",
            "syn",
            "image",
            "libloading",
            &too_long,
        ] {
            assert!(check(name).is_err(), "{name:?}");
        }
    }
}
