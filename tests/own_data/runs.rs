//! What a run does with a copy of one's own images, by stand-ins for the programs.

use crate::project::Project;
use std::fs;

const PATH: &str = "DATASET=/photos/my leaves";

/// The programs that were called, with the first argument of each.
fn called(project: &Project) -> Vec<String> {
    let calls = project.calls();
    let words = calls.iter().map(|call| [call[0].to_str().unwrap(), call[1].to_str().unwrap()]);
    words.map(|words| words.join(" ")).collect()
}

#[test]
fn each_call_looks_once_and_a_copy_that_has_not_changed_is_not_searched_again() {
    let project = Project::with_recorders();
    project.made(["explore", PATH]);
    assert_eq!(called(&project), ["fetch-data import", "explore run"]);
    project.made(["explore", PATH]);
    assert_eq!(called(&project), ["fetch-data import"]);
    // The name of the copy, without the path.
    project.made(["explore", "DATASET=my-leaves"]);
    assert_eq!(called(&project), [""; 0]);
    // Changed by hand, or followed by `make data`.
    let description = project.path().join("data/my-leaves/dataset.json");
    fs::write(&description, "{\"classes\": []}").unwrap();
    project.made(["explore", PATH]);
    assert_eq!(called(&project), ["fetch-data import", "explore run"]);
}

#[test]
fn a_failed_import_ends_make_and_keeps_the_copy() {
    let project = Project::with_recorders();
    project.made(["explore", PATH]);
    project.calls();
    project.stand_in("fetch-data", "#!/bin/sh\necho 'error: it is another folder' >&2\nexit 1\n");
    let output = project.make(["explore", PATH]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success() && said.lines().any(|line| line == "error: it is another folder"),
        "{said}"
    );
    assert_eq!(called(&project), [""; 0]);
    for file in ["dataset.json", "import.json"] {
        assert!(project.path().join("data/my-leaves").join(file).exists(), "{file}");
    }
}

#[test]
fn a_run_keeps_what_was_found_out_when_it_was_begun() {
    let project = Project::with_recorders();
    let kept = project.path().join("runs/my-leaves-laptop/import.json");
    let found = project.path().join("data/my-leaves/import.json");
    project.made(["explore", PATH]);
    assert_eq!(fs::read_to_string(&kept).unwrap(), "first\n");
    fs::write(&found, "second\n").unwrap();
    project.made(["explore", PATH]);
    assert_eq!(fs::read_to_string(&kept).unwrap(), "first\n");
    project.made(["explore", "DATASET=my-leaves", "RUN=runs/another"]);
    let another = project.path().join("runs/another/import.json");
    assert_eq!(fs::read_to_string(another).unwrap(), "second\n");
    // Data sets with recipes have none.
    project.made(["explore"]);
    assert!(!project.path().join("runs/digits-smoke/import.json").exists());
}

/// `make data` compares, which takes the path.
#[test]
fn a_copy_without_its_path_is_checked_but_not_compared() {
    let project = Project::with_recorders();
    project.made(["data", PATH]);
    project.calls();
    let (_, said) = project.made(["data", "DATASET=my-leaves", "STRICT=1"]);
    assert_eq!(called(&project), ["fetch-data check"]);
    assert!(said.contains("was not compared") && said.contains("make data DATASET=/path/to"));
    // A data set that was never copied has no path.
    fs::remove_file(project.path().join("data/my-leaves/import.json")).unwrap();
    let (_, said) = project.made(["data", "DATASET=my-leaves"]);
    assert_eq!(said, "");
}

/// Names of crates begin with a letter; those of folders may not.
#[test]
fn crates_of_a_data_set_that_begins_with_a_digit_have_a_name() {
    let project = Project::with_recorders();
    for (path, name) in [("./2024 leaves", "data-2024-leaves-1-dense"), ("./oaks", "oaks-1-dense")]
    {
        let (steps, _) = project.made(["-n", "codegen", &format!("DATASET={path}")]);
        assert!(steps.contains(&format!("--name {name} ")), "{steps}");
    }
}
