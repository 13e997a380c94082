//! What `make` makes of runs and board files that somebody else has written, and of a second `make`
//! in the same run.

mod tools;

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Output};
use tests::root;

/// `make` with a run in `dir`, and further arguments.
fn make(dir: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new("make");
    command.current_dir(root()).arg(format!("RUN={}", dir.join("run").display())).args(arguments);
    // This test may itself run below `make test`.
    command.env_remove("MAKEFLAGS").env_remove("MAKELEVEL").env_remove("MFLAGS").output().unwrap()
}

/// What `make` said when it was refused, in one sentence and before anything was made.
fn refused(dir: &Path, arguments: &[&str]) -> String {
    let output = make(dir, arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{arguments:?} {said}");
    assert_eq!(said.lines().count(), 1, "{arguments:?} {said}");
    assert!(output.stdout.is_empty(), "{arguments:?} {}", String::from_utf8_lossy(&output.stdout));
    said
}

/// Texts that would run a command in a shell or in make; it would make the file `ran`.
fn hostile(dir: &Path) -> Vec<String> {
    let ran = dir.join("ran");
    let touch = format!("touch {}", ran.display());
    let forms = [
        "$(TOUCH)",
        "`TOUCH`",
        "$(shell TOUCH)",
        "x; TOUCH",
        "x' ; TOUCH '",
        "x\"; TOUCH; \"",
        "x|TOUCH",
        "x&TOUCH",
    ];
    forms.map(|form| form.replace("TOUCH", &touch)).to_vec()
}

#[test]
fn nothing_in_a_run_or_a_board_file_is_ever_run() {
    let dir = tempfile::tempdir().unwrap();
    let (dir, run) = (dir.path(), dir.path().join("run"));
    for text in hostile(dir) {
        fs::create_dir_all(run.join("explore")).unwrap();
        let json = text.replace('"', "\\\"");
        fs::write(run.join("explore/search.json"), format!("{{\n  \"dataset\": \"{text}\",\n}}\n"))
            .unwrap();
        for goal in ["help", "report", "measure"] {
            let said = refused(dir, &[goal]);
            assert!(said.contains("search.json DATASET is"), "{said}");
        }
        fs::remove_dir_all(&run).unwrap();

        let board = format!("BOARD_FILE={}", dir.join("board.json").display());
        fs::write(dir.join("board.json"), format!("{{\"platform\": \"{json}\"}}\n")).unwrap();
        let said = refused(dir, &["codegen", &board, "--no-print-directory"]);
        assert!(said.contains("board.json platform is"), "{said}");

        // A folder's name cannot have a slash.
        let name = text.replace('/', "%");
        let folder = run.join("baselines").join(&name);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("weights.safetensors"), "").unwrap();
        let said = refused(dir, &["codegen"]);
        assert!(said.contains("names of folders there may have"), "{said}");
        fs::remove_dir_all(&run).unwrap();

        for variable in ["BOARD_HOST", "BOARD", "DATASET", "PROFILE", "DATA", "SEED", "WORKERS"] {
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
    fs::create_dir_all(&networks).unwrap();
    for file in ["trained.mk", "../run.mk", "../Makefile", "../GNUmakefile"] {
        fs::write(
            networks.join(file),
            format!("$(shell touch {})\n", dir.path().join("ran").display()),
        )
        .unwrap();
    }
    make(dir.path(), &["-n", "pipeline"]);
    assert!(make(dir.path(), &["help"]).status.success());
    assert!(!dir.path().join("ran").exists());
}

#[test]
fn a_run_with_spaces_is_refused_before_anything_is_made() {
    let dir = tempfile::tempdir().unwrap();
    let run = format!("RUN={}", dir.path().join("my run").display());
    let said = refused(dir.path(), &["pipeline", &run]);
    assert!(
        said.contains("RUN is") && said.contains("my run") && said.contains("letters, digits and"),
        "{said}"
    );
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

/// The lock of `make` in a run, which the test then holds.
fn hold(dir: &Path) -> File {
    let name = dir.join("run").display().to_string().replace('/', "_");
    fs::create_dir_all(root().join("target/run")).unwrap();
    let file = File::create(root().join("target/run").join(format!("{name}.lock"))).unwrap();
    file.try_lock().unwrap();
    file
}

#[test]
fn a_second_make_in_a_run_is_refused() {
    let help = Command::new("flock").arg("--help").output();
    if !help.is_ok_and(|help| String::from_utf8_lossy(&help.stdout).contains("no-fork")) {
        return tools::skip("flock with --no-fork", "the lock of a run");
    }
    let dir = tempfile::tempdir().unwrap();
    let lock = hold(dir.path());
    let output = make(dir.path(), &["report"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("another make works in"), "{said}");
    assert!(!dir.path().join("run").exists());
    drop(lock);
    let output = make(dir.path(), &["report", "BOARD=none"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("there is no board"));
}

/// A program that is refused, here since another search works in the folder, takes nothing with it.
#[test]
fn a_failure_deletes_nothing_of_a_run() {
    let dir = tempfile::tempdir().unwrap();
    let explore = dir.path().join("run/explore");
    for rank in 1..=2 {
        fs::create_dir_all(explore.join(format!("winners/{rank}"))).unwrap();
        fs::write(explore.join(format!("winners/{rank}/genome.json")), "old").unwrap();
    }
    fs::write(explore.join("archive.json"), "old").unwrap();
    let lock = File::create(explore.join(".lock")).unwrap();
    lock.try_lock().unwrap();
    let data = format!("DATA={}", dir.path().join("digits").display());
    let output = make(dir.path(), &["explore", &data]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("another run"), "{said}");
    for file in ["winners/1/genome.json", "winners/2/genome.json", "archive.json"] {
        assert_eq!(fs::read_to_string(explore.join(file)).unwrap(), "old", "{file}");
    }
}

#[test]
fn a_baseline_may_be_a_network_of_the_run() {
    let dir = tempfile::tempdir().unwrap();
    for baseline in ["1/dense", "2/pruned", "resnet-20"] {
        let output = make(dir.path(), &["-n", "report", &format!("BASELINE={baseline}")]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!said.contains("BASELINE"), "{said}");
    }
}
