//! `make` with runs and board files that somebody else has written, with a second `make` in the
//! same run, and with missing programs.

mod tools;

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};
use tests::root;

/// The search of a finished run.
const SEARCH: &str = "tests/data/run-before-data-identity/explore/search.json";
/// The training of a network of that run.
const TRAINING: &str = "tests/data/run-before-data-identity/networks/1/dense/train.json";

/// Returns a command that runs `make` with a run in `dir`, and further arguments.
fn command(dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("make");
    command.current_dir(root()).arg(format!("RUN={}", dir.join("run").display())).args(arguments);
    // This test may itself run below `make test`.
    command.env_remove("MAKEFLAGS").env_remove("MAKELEVEL").env_remove("MFLAGS");
    command
}

fn make(dir: &Path, arguments: &[&str]) -> Output {
    command(dir, arguments).output().unwrap()
}

/// Returns what `make` prints on stderr; it must fail.
fn fails(dir: &Path, arguments: &[&str]) -> String {
    let output = make(dir, arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{arguments:?} {said}");
    said
}

/// Returns the one line with which `make` refuses its variables before anything is made.
fn refused(dir: &Path, arguments: &[&str]) -> String {
    let output = make(dir, arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{arguments:?} {said}");
    assert_eq!(said.lines().count(), 1, "{arguments:?} {said}");
    assert!(output.stdout.is_empty(), "{arguments:?} {}", String::from_utf8_lossy(&output.stdout));
    said
}

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

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
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
fn an_unknown_precision_is_refused_with_the_list() {
    let dir = tempfile::tempdir().unwrap();
    for precision in ["int4", "f32 int8", "both both", "F32"] {
        for goal in ["pipeline", "report", "measure", "help"] {
            let said = refused(dir.path(), &[goal, &format!("PRECISION={precision}")]);
            let expected = format!("PRECISION is '{precision}', but it may be f32, int8 or both");
            assert!(said.contains(&expected), "{said}");
        }
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    let help = |command: &mut Command| {
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    // The profile's, or that of the command line; environments may have such a variable.
    let smoke = help(command(dir.path(), &["help"]).env("PRECISION", "double"));
    assert!(smoke.contains(" PRECISION=f32\n"), "{smoke}");
    let laptop = help(&mut command(dir.path(), &["help", "PROFILE=laptop"]));
    assert!(laptop.contains(" PRECISION=both\n"), "{laptop}");
    let asked = help(&mut command(dir.path(), &["help", "PRECISION=int8"]));
    assert!(asked.contains(" PRECISION=int8\n"), "{asked}");
}

#[test]
fn what_choose_demands_must_be_numbers() {
    let dir = tempfile::tempdir().unwrap();
    for demand in [
        "MAX_LATENCY=fast",
        "MAX_ENERGY=1 2",
        "MAX_POWER=2W",
        "MAX_FLASH=1e6",
        "MAX_ARENA=-1",
        "MIN_ACCURACY=90%",
        "OBJECTIVE=size",
    ] {
        let (variable, value) = demand.split_once('=').unwrap();
        let said = refused(dir.path(), &["choose", demand]);
        assert!(said.contains(&format!("{variable} is '{value}', but it may")), "{said}");
    }
    let demands = ["MAX_LATENCY=1e-4", "MAX_FLASH=500000", "OBJECTIVE=parameters"];
    let mut command = command(dir.path(), &[&["-n", "choose"], &demands[..]].concat());
    // Environments may have such variables.
    let output = command.env("MAX_POWER", "high").env("MIN_ACCURACY", "0.9").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let planned = String::from_utf8(output.stdout).unwrap();
    for option in ["--max-latency-s 1e-4 ", "--max-flash-bytes 500000 ", "--objective parameters "]
    {
        assert!(planned.contains(option), "{planned}");
    }
    assert!(!planned.contains("--max-power-w") && !planned.contains("--min-accuracy"), "{planned}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn values_that_no_program_takes_are_refused_before_anything_is_made() {
    let dir = tempfile::tempdir().unwrap();
    let values = [
        "SEED=x",
        "SEED=-1",
        "SEED=1.5",
        "WORKERS=0",
        "WORKERS=two",
        "DEVICE=gpu",
        "DEVICE=cuda:x",
        "DEVICE=cuda:",
    ];
    for value in values {
        let said = refused(dir.path(), &["-n", "pipeline", value]);
        let (name, value) = value.split_once('=').unwrap();
        assert!(said.contains(&format!("{name} is ")) && said.contains(value), "{said}");
    }
    for value in ["SEED=7", "WORKERS=3", "DEVICE=cpu", "DEVICE=cuda", "DEVICE=cuda:1"] {
        assert!(make(dir.path(), &["help", value]).status.success(), "{value}");
    }
}

#[test]
fn caps_that_are_no_shares_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    for caps in ["30", "1.5", "0.", "0.3 0.x", "0.3,0.6", "-0.3"] {
        let said = refused(dir.path(), &["prune-compare", &format!("CAPS={caps}")]);
        assert!(said.contains(&format!("CAPS is '{caps}', but it may be shares")), "{said}");
    }
    assert!(make(dir.path(), &["help", "CAPS=0.30 0.65"]).status.success());
}

#[test]
fn a_board_without_int8_crates_refuses_int8_alone() {
    let dir = tempfile::tempdir().unwrap();
    let gpu = "BOARD=nvidia-gpu";
    let said = refused(dir.path(), &["-n", "codegen", gpu, "PRECISION=int8"]);
    assert!(
        said.contains("there are no int8 crates for GPUs, such as that of nvidia-gpu"),
        "{said}"
    );
    let said = fails(dir.path(), &["codegen", gpu, "PRECISION=int8"]);
    assert!(said.contains("PRECISION=f32"), "{said}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    let planned = |arguments: &[&str]| {
        let output = make(dir.path(), &[&["-n", "codegen", "PROFILE=laptop"], arguments].concat());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        let left_out = said.lines().filter(|line| line.ends_with("int8 is left out")).count();
        (left_out, String::from_utf8(output.stdout).unwrap().contains("train quantize"))
    };
    assert_eq!(planned(&[gpu]), (1, false));
    assert_eq!(planned(&[]), (0, true));
    assert_eq!(planned(&[gpu, "PRECISION=f32"]), (0, false));
    assert_eq!(planned(&["PRECISION=int8"]), (0, true));
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

/// Takes the lock of `make` in a run.
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
    let said = fails(dir.path(), &["report"]);
    assert!(said.contains("another make works in"), "{said}");
    assert!(!dir.path().join("run").exists());
    drop(lock);
    let said = fails(dir.path(), &["report", "BOARD=none"]);
    assert!(said.contains("there is no board"), "{said}");
}

/// A program that is refused, here because another search works in the folder, deletes nothing.
#[test]
fn a_failure_deletes_nothing_of_a_run() {
    let dir = tempfile::tempdir().unwrap();
    let explore = dir.path().join("run/explore");
    let files = ["winners/1/genome.json", "winners/2/genome.json", "archive.json"];
    for file in files {
        write(&explore.join(file), "old");
    }
    let lock = File::create(explore.join(".lock")).unwrap();
    lock.try_lock().unwrap();
    let data = format!("DATA={}", dir.path().join("digits").display());
    let said = fails(dir.path(), &["explore", &data]);
    assert!(said.contains("another run"), "{said}");
    for file in files {
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

#[test]
fn without_the_program_report_make_lists_its_targets_but_predicts_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let programs = format!("BIN={}", dir.path().display());
    let output = make(dir.path(), &["help", &programs]);
    assert!(output.status.success() && output.stderr.is_empty());
    assert!(String::from_utf8_lossy(&output.stdout).contains("DATASET=digits PROFILE=smoke"));
    let said = refused(dir.path(), &["-n", "report", &programs]);
    assert!(said.contains("run `make build` first"), "{said}");
}

#[test]
fn every_target_of_the_list_has_a_short_line() {
    let dir = tempfile::tempdir().unwrap();
    let output = make(dir.path(), &["help"]);
    let list = String::from_utf8(output.stdout).unwrap();
    let lines = list.lines().filter_map(|line| line.strip_prefix("  make "));
    for line in lines.clone() {
        let (target, help) = line.split_once('\t').unwrap();
        assert!(line.len() <= 100 && !help.is_empty(), "{line}");
        assert!(!target.contains(' ') && !help.ends_with('.'), "{line}");
    }
    assert!(lines.count() > 20, "{list}");
}

#[test]
fn tests_end_with_one_line_that_names_the_missing_tools() {
    let dir = tempfile::tempdir().unwrap();
    // Takes the place of cargo.
    let cargo = dir.path().join("cargo");
    write(&cargo, "#!/bin/sh\nprintf \"$MISSING\" >>\"$SKIPPED_TESTS\"\n");
    fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).unwrap();
    let skipped = format!("SKIPPED={}", dir.path().join("skipped").display());
    let last_line = |missing: &str| {
        let mut command = command(dir.path(), &["-o", "build", "test", &skipped]);
        let path = format!("{}:{}", dir.path().display(), std::env::var("PATH").unwrap());
        let output = command.env("PATH", path).env("MISSING", missing).output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap().lines().last().unwrap().to_string()
    };
    let tools = r"sshd (boards over ssh)\ng++ (CUDA)\nsshd (boards over ssh)\n";
    assert_eq!(last_line(tools), "skipped for want of tools: g++ (CUDA), sshd (boards over ssh)");
    assert!(last_line("").contains(" cargo test "), "the tools of an earlier call are forgotten");
}
