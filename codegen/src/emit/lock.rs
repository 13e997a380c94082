//! `Cargo.lock`.

use std::collections::BTreeSet;
use std::fmt::Write;

/// Returns a `Cargo.lock` with the packages of these templates, and with the crate itself, which
/// depends on some of them directly. Cargo wants packages in the order of their names.
pub(super) fn lock(name: &str, templates: &[&str], dependencies: &[&str]) -> String {
    let dependencies: String =
        dependencies.iter().map(|package| format!(" \"{package}\",\n")).collect();
    let own = format!(
        "[[package]]\nname = \"{name}\"\nversion = \"0.1.0\"\ndependencies = [\n{dependencies}]\n"
    );
    let mut lock = String::new();
    let mut packages = BTreeSet::from([own.trim_end()]);
    for template in templates {
        let (head, rest) = template.split_once("\n\n").expect("a comment, then packages");
        lock = head.to_string();
        packages.extend(rest.trim_end().split("\n\n"));
    }
    for package in packages {
        let _ = write!(lock, "\n\n{package}");
    }
    lock + "\n"
}

#[cfg(test)]
mod tests {
    use super::lock;

    #[test]
    fn packages_are_sorted_and_named_once() {
        let template = |names: &[&str]| {
            let packages = names.iter().map(|name| format!("\n\n[[package]]\nname = \"{name}\""));
            format!("# head{}\n", packages.collect::<String>())
        };
        let found = lock("m", &[&template(&["a", "z"]), &template(&["a", "c"])], &["c", "z"]);
        let own =
            "[[package]]\nname = \"m\"\nversion = \"0.1.0\"\ndependencies = [\n \"c\",\n \"z\",\n]";
        let [a, c, z] = ["a", "c", "z"].map(|name| format!("[[package]]\nname = \"{name}\""));
        assert_eq!(found, format!("# head\n\n{a}\n\n{c}\n\n{own}\n\n{z}\n"));
    }
}
