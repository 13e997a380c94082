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
/// The headers of C's library; the compiler would read the crate's own header in the place of one.
const C_HEADERS: [&str; 29] = [
    "assert",
    "complex",
    "ctype",
    "errno",
    "fenv",
    "float",
    "inttypes",
    "iso646",
    "limits",
    "locale",
    "math",
    "setjmp",
    "signal",
    "stdalign",
    "stdarg",
    "stdatomic",
    "stdbool",
    "stddef",
    "stdint",
    "stdio",
    "stdlib",
    "stdnoreturn",
    "string",
    "tgmath",
    "threads",
    "time",
    "uchar",
    "wchar",
    "wctype",
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

/// Checks the name of a crate with a part for C, where `NAME.h` is a header.
///
/// # Errors
/// Fails if the name is that of a header of C's own library.
pub(crate) fn check_for_c(name: &str) -> Result<()> {
    ensure!(
        !C_HEADERS.contains(&name),
        "the crate name {name:?} is that of a header of C; give another one with --name"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{check, check_for_c};

    #[test]
    fn headers_of_c_stay_what_they_are() {
        check_for_c("m-net-1").unwrap();
        for name in ["string", "stdint"] {
            check(name).unwrap();
            assert!(check_for_c(name).unwrap_err().to_string().contains("--name"));
        }
    }

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
