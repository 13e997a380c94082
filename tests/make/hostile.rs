//! Runs and board files that somebody else has written: make evaluates nothing in them.

use super::{fails, make, refused, write};
use std::fs;
use std::path::Path;
use tests::root;

/// The search of a finished run.
const SEARCH: &str = "tests/data/run-before-data-identity/explore/search.json";
/// The training of a network of that run.
const TRAINING: &str = "tests/data/run-before-data-identity/networks/1/dense/train.json";

/// Returns texts that would create the file `ran` if a shell or make evaluated them. Half of them
/// are one word.
fn hostile(dir: &Path) -> Vec<String> {
    let forms = [
        "$(TOUCH)",
        "`TOUCH`",
        "$(shell TOUCH)",
        "x;TOUCH",
        "x';TOUCH;'",
        "x\";TOUCH;\"",
        "x|TOUCH",
        "x&TOUCH",
    ];
    let touch = |space: &str| format!("touch{space}{}", dir.join("ran").display());
    let text = |space: &'static str| forms.map(|form| form.replace("TOUCH", &touch(space)));
    [text(" "), text("${IFS}")].concat()
}

/// Returns a JSON document of the project with another text in the place of one of its texts.
fn with_text(file: &str, old: &str, new: &str) -> String {
    let document = fs::read_to_string(root().join(file)).unwrap();
    let changed = document.replace(&format!("\"{old}\""), &serde_json::to_string(new).unwrap());
    assert_ne!(changed, document, "{file} has no {old}");
    changed
}

#[test]
fn a_hostile_data_set_is_refused_and_not_run() {
    let dir = tempfile::tempdir().unwrap();
    let (dir, run) = (dir.path(), dir.path().join("run"));
    for name in hostile(dir) {
        write(&run.join("explore/search.json"), &with_text(SEARCH, "digits", &name));
        if name.contains(' ') {
            let help = make(dir, &["help"]);
            assert!(help.status.success(), "{name}");
            assert!(String::from_utf8_lossy(&help.stdout).contains("DATASET=digits"), "{name}");
            for goal in ["report", "measure"] {
                let said = fails(dir, &[goal]);
                let refusal = format!("error: the dataset is {name:?}, which is not one word");
                assert!(said.starts_with(&refusal), "{said}");
            }
        } else {
            for goal in ["help", "report", "measure"] {
                let said = refused(dir, &[goal]);
                assert!(said.contains("search.json DATASET is"), "{said}");
            }
        }
        assert!(!dir.join("ran").exists(), "{name} was run");
    }
    assert_eq!(fs::read_dir(run).unwrap().count(), 1, "nothing was made");
}

#[test]
fn a_hostile_platform_is_refused_and_not_run() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let board = format!("BOARD_FILE={}", dir.join("board.json").display());
    for platform in hostile(dir) {
        let text = with_text("pipelines/boards/host.json", "x86_64", &platform);
        write(&dir.join("board.json"), &text);
        let said = fails(dir, &["codegen", &board]);
        assert!(said.contains("board.json: at platform"), "{said}");
        assert!(!dir.join("ran").exists(), "{platform} was run");
    }
    assert!(!dir.join("run").exists(), "nothing was made");
}

#[test]
fn a_hostile_folder_of_a_run_is_refused_and_not_run() {
    let dir = tempfile::tempdir().unwrap();
    let (dir, run) = (dir.path(), dir.path().join("run"));
    let training = fs::read_to_string(root().join(TRAINING)).unwrap();
    let diverged = training.replace("\"diverged\": false", "\"diverged\": true");
    assert_ne!(diverged, training);
    for text in hostile(dir) {
        // A folder's name cannot have a slash.
        let name = text.replace('/', "%");
        write(&run.join("baselines").join(&name).join("weights.safetensors"), "");
        let said = fails(dir, &["codegen"]);
        assert!(said.contains("names of folders there may have"), "{said}");
        fs::remove_dir_all(&run).unwrap();

        write(&run.join("networks").join(&name).join("dense/train.json"), &diverged);
        let said = fails(dir, &["report"]);
        let refusal =
            if name.contains(' ') { "not one word" } else { "names of folders there may have" };
        assert!(said.contains(refusal), "{said}");
        fs::remove_dir_all(&run).unwrap();
        let ran = dir.join("ran").display().to_string().replace('/', "%");
        assert!(!root().join(ran).exists(), "{text} was run");
    }
}

#[test]
fn hostile_variables_are_refused_and_not_run() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    for text in hostile(dir) {
        for variable in [
            "BOARD_HOST",
            "BOARD",
            "PROFILE",
            "DATA",
            "SEED",
            "WORKERS",
            "PRECISION",
            "CAPS",
            "MAX_LATENCY",
            "MAX_FLASH",
            "OBJECTIVE",
        ] {
            // `make` itself evaluates `$(...)` that its user writes.
            let value = text.replace('$', "$$");
            let said = refused(dir, &["measure", &format!("{variable}={value}")]);
            assert!(said.contains(&format!("{variable} is")), "{said}");
        }
        assert!(!dir.join("ran").exists(), "{text} was run");
    }
}

#[test]
fn no_file_of_a_run_is_included_by_make() {
    let dir = tempfile::tempdir().unwrap();
    let networks = dir.path().join("run/networks");
    for file in ["trained.mk", "../run.mk", "../Makefile", "../GNUmakefile"] {
        let ran = dir.path().join("ran");
        write(&networks.join(file), &format!("$(shell touch {})\n", ran.display()));
    }
    make(dir.path(), &["-n", "pipeline"]);
    assert!(make(dir.path(), &["help"]).status.success());
    assert!(!dir.path().join("ran").exists());
}
