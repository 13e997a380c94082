//! `Cargo.lock`.

use std::fmt::Write;

/// Returns a `Cargo.lock` with these packages, and with the crate itself, which depends on some of
/// them directly. Cargo wants packages in the order of their names.
pub(super) fn lock(name: &str, packages: &str, dependencies: &[&str]) -> String {
    let dependencies: String =
        dependencies.iter().map(|package| format!(" \"{package}\",\n")).collect();
    let own = format!(
        "[[package]]\nname = \"{name}\"\nversion = \"0.1.0\"\ndependencies = [\n{dependencies}]\n"
    );
    let (head, packages) = packages.split_once("\n\n").expect("a comment, then packages");
    let mut packages: Vec<&str> = packages.trim_end().split("\n\n").collect();
    packages.push(own.trim_end());
    packages.sort_unstable();
    let mut lock = head.to_string();
    for package in packages {
        let _ = write!(lock, "\n\n{package}");
    }
    lock + "\n"
}
