//! docs/dependencies.md against what the project is built from.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tests::root;

/// Licences that ask for no more than their text beside the programs. An expression with `OR` needs
/// one of them.
const PERMISSIVE: [&str; 12] = [
    "MIT",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];
/// Crates of tests whose authors name no licence in the package; it is in their repositories.
const UNNAMED: [(&str, &str); 1] = [("auto_generate_cdp", "MIT")];

/// Returns what cargo knows of all packages. Those of other systems may be missing on a machine that
/// never fetched them; then a network is asked.
fn metadata() -> Value {
    let metadata = |more: &[&str]| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.current_dir(root()).args(["metadata", "--format-version", "1", "--locked"]);
        cargo.args(more).output().unwrap()
    };
    let mut output = metadata(&["--offline"]);
    if !output.status.success() {
        output = metadata(&[]);
    }
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn each(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().unwrap().iter()
}

/// Returns the rows of the page's tables, as their cells.
fn rows() -> Vec<Vec<String>> {
    let page = fs::read_to_string(root().join("docs/dependencies.md")).unwrap();
    let cells = |line: &str| line.split('|').map(|cell| cell.trim().to_string()).collect();
    page.lines().filter(|line| line.starts_with("| ")).map(cells).collect()
}

#[test]
fn the_page_has_every_direct_dependency_with_its_licence() {
    let metadata = metadata();
    let members: BTreeSet<&str> = each(&metadata["workspace_members"]).map(text).collect();
    // Optional ones too, which a feature brings.
    let direct: BTreeSet<&str> = each(&metadata["packages"])
        .filter(|package| members.contains(text(&package["id"])))
        .flat_map(|package| each(&package["dependencies"]))
        .filter(|dependency| dependency["path"].is_null())
        .map(|dependency| text(&dependency["name"]))
        .collect();
    let rows = rows();
    let named: BTreeMap<&str, &str> = rows
        .iter()
        .filter(|row| row.len() == 7 && row[1] != "crate")
        .map(|row| (row[1].as_str(), row[2].as_str()))
        .collect();
    assert_eq!(named.keys().copied().collect::<BTreeSet<_>>(), direct);
    for (name, licence) in named {
        // Other versions than the direct one may be there, or none of one that a feature brings.
        let versions = each(&metadata["packages"]).filter(|package| package["name"] == name);
        let licences: Vec<&Value> = versions.map(|package| &package["license"]).collect();
        assert!(
            licences.is_empty() || licences.iter().any(|found| **found == licence),
            "{name} is licensed under {licences:?}"
        );
    }
}

#[test]
fn all_licences_of_the_tree_are_permissive() {
    for package in each(&metadata()["packages"]) {
        let name = text(&package["name"]);
        let unnamed = UNNAMED.iter().find(|(crate_name, _)| *crate_name == name);
        let licence = package["license"].as_str().or(unnamed.map(|(_, licence)| *licence));
        let licence = licence.unwrap_or_else(|| panic!("{name} names no licence"));
        // `MIT/Apache-2.0` is how older crates write OR.
        let expression = licence.replace('/', " OR ").replace(['(', ')'], "");
        let is_permissive = |term: &str| PERMISSIVE.contains(&term.trim());
        let every = |term: &str| term.split(" AND ").all(is_permissive);
        // An AND binds closer than an OR, but for the parentheses of one crate, whose parts all
        // are permissive.
        assert!(
            expression.split(" OR ").any(every) || expression.split([' ']).all(is_word),
            "{name}: {licence}"
        );
    }
}

fn is_word(word: &str) -> bool {
    ["OR", "AND"].contains(&word) || PERMISSIVE.contains(&word)
}

/// Returns the Rust files of a folder, of which this project is the author.
fn rust_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() && !name.starts_with('.') && !["target", "runs", "data"].contains(&name) {
            rust_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

#[test]
fn the_page_has_every_file_with_unsafe_code() {
    let named: Vec<String> = rows()
        .iter()
        .filter(|row| row.len() == 5)
        .flat_map(|row| row[1].split(", ").map(|path| path.trim_matches('`').to_string()))
        .filter(|path| path != "files")
        .collect();
    let mut files = vec![];
    rust_files(&root(), &mut files);
    // Put together, so that this file does not have it.
    let word = ["unsafe", "_code"].concat();
    let allowed = [format!("allow({word}"), format!("expect({word}")];
    let block = ["unsafe", " "].concat();
    let mut found = BTreeSet::new();
    for file in files {
        let source = fs::read_to_string(&file).unwrap();
        let has_some = source.lines().any(|line| {
            let code = line.split("//").next().unwrap_or_default();
            allowed.iter().any(|allow| code.contains(allow))
                || ["fn ", "{", "extern", "impl"]
                    .iter()
                    .any(|then| code.contains(&format!("{block}{then}")))
        });
        if has_some {
            found.insert(file.strip_prefix(root()).unwrap().display().to_string());
        }
    }
    assert!(found.len() > 20, "{found:?}");
    let covers =
        |name: &str, file: &str| file == name || (name.ends_with('/') && file.starts_with(name));
    for file in &found {
        assert!(named.iter().any(|name| covers(name, file)), "{file} is not on the page");
    }
    for name in &named {
        assert!(found.iter().any(|file| covers(name, file)), "{name} has no unsafe code");
    }
}
