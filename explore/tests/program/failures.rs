//! Trainings that diverge, and a machine that fails.

use super::fixture::{Fixture, error_of, text};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;

#[test]
fn diverged_trainings_stay_in_the_log_with_a_reason() {
    let fixture = Fixture::new();
    let run = |out: &str| {
        let output = fixture.command(out).env("FAKE_DIVERGE", "i00-02 i01-04").output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    assert_eq!(run("one")["failed"], json!(2));
    let evaluations = fixture.evaluations("one");
    for id in ["i00-02", "i01-04"] {
        let evaluation = evaluations.iter().find(|e| e.id == id).unwrap();
        assert_eq!(evaluation.accuracy, None);
        let failure = evaluation.failure.as_deref();
        assert_eq!(failure, Some("the training diverged: its loss became NaN or infinite"));
    }
    run("two");
    assert_eq!(fixture.result("one"), fixture.result("two"));
    // A resumed run does not repeat them.
    fixture.calls();
    let output = fixture.command("one").arg("--resume").output().unwrap();
    assert!(output.status.success());
    assert_eq!(fixture.calls().len(), 0);
}

/// Failures of the machine: any error such as a full disk, a kill because memory is full, and an
/// invalid file; each with a part of the message.
const MACHINE_FAILURES: [(&str, &str); 3] = [
    ("FAKE_FAIL", "train fit ended with exit code 1: epoch 1 | error: made-up failure of"),
    ("FAKE_KILL", "train fit was ended by signal 9: epoch 1"),
    ("FAKE_BREAK", "train fit wrote no valid train.json: it did not say why"),
];

#[test]
fn a_single_failure_of_the_machine_is_retried_and_changes_nothing() {
    let fixture = Fixture::new();
    fixture.search("whole");
    for (failure, words) in MACHINE_FAILURES {
        fixture.calls();
        let once = fixture.path(&format!("once-{failure}"));
        fs::create_dir(&once).unwrap();
        let mut command = fixture.command(failure);
        let output =
            command.env(failure, "i00-01 i02-05").env("FAKE_ONCE", &once).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert_eq!(fixture.result("whole"), fixture.result(failure));
        let said = text(&output.stderr);
        let line = said.lines().find(|line| line.starts_with("individuals/i00-01: ")).unwrap();
        assert!(line.contains(words) && line.ends_with("; it is repeated once"), "{line}");
        let again: Vec<String> =
            fixture.calls().into_iter().filter(|call| call.1 == 2).map(|call| call.0).collect();
        assert_eq!(again, ["i00-01 20", "i02-05 20"]);
    }
}

#[test]
fn a_repeated_failure_of_the_machine_ends_the_search_and_is_no_result() {
    let fixture = Fixture::new();
    fixture.search("whole");
    for (failure, words) in MACHINE_FAILURES {
        let error = error_of(&fixture.command(failure).env(failure, "i01-03").output().unwrap());
        assert!(
            error.contains("error: individuals/i01-03: its training failed twice, and not because"),
            "{error}"
        );
        assert!(
            error.contains(words) && error.contains("see individuals/i01-03/train.log"),
            "{error}"
        );
        assert!(
            error.ends_with("what is finished is kept, and --resume goes on from there"),
            "{error}"
        );
        assert!(
            fixture.evaluations(failure).iter().all(|e| e.failure.is_none() && e.id != "i01-03")
        );
        assert_eq!(
            fixture.evaluations(failure).len().clamp(6, 9),
            fixture.evaluations(failure).len()
        );
        let finished: BTreeSet<String> = fixture.calls().into_keys().collect();
        let output = fixture.command(failure).arg("--resume").output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert_eq!(fixture.result("whole"), fixture.result(failure));
        let first = finished.iter().filter(|call| call.starts_with("i00"));
        let again = fixture.calls();
        assert!(
            first.clone().count() == 6 && first.into_iter().all(|call| !again.contains_key(call)),
            "{again:?}"
        );
    }
}

#[test]
fn on_a_gpu_workers_may_exceed_cores_and_a_network_that_does_not_fit_fails() {
    let fixture = Fixture::new();
    let run = |out: &str, more: &[&str]| {
        let arguments = ["--device", "cuda:1"];
        fixture
            .command(out)
            .args(arguments)
            .args(more)
            .env("FAKE_FULL", "i00-03 i02-01")
            .output()
            .unwrap()
    };
    assert!(run("one", &["--workers", "6"]).status.success());
    let evaluations = fixture.evaluations("one");
    assert_eq!(evaluations.iter().filter(|e| e.accuracy.is_none()).count(), 2);
    let failure = evaluations.iter().find(|e| e.id == "i00-03").unwrap().failure.clone().unwrap();
    assert_eq!(
        failure,
        "train fit ended with exit code 1: individuals/i00-03: the GPU's memory is too small for \
         this network with batches of 128 images; see individuals/i00-03/train.log"
    );
    let report: Value = serde_json::from_slice(
        &fs::read(fixture.path("one/individuals/i00-00/train.json")).unwrap(),
    )
    .unwrap();
    let cores = std::thread::available_parallelism().unwrap().get();
    assert_eq!(report["timing"]["device"], json!("cuda:1"));
    assert_eq!(report["timing"]["threads"], json!((cores / 6).max(1)));
    assert!(run("two", &["--workers", "6"]).status.success());
    assert_eq!(fixture.result("one"), fixture.result("two"));
    // The search may be resumed on another GPU, but not on another kind of device.
    assert!(run("one", &["--resume", "--workers", "2"]).status.success());
    let error = error_of(&fixture.command("one").arg("--resume").output().unwrap());
    assert!(
        error.contains("device was \"cuda\" when the search began, but is \"cpu\" now"),
        "{error}"
    );
}

#[test]
fn a_search_whose_trainings_all_diverge_fails_with_the_reason() {
    let fixture = Fixture::new();
    let output = fixture.command("run").env("FAKE_DIVERGE", "all").output().unwrap();
    let error = error_of(&output);
    assert!(
        error.contains("all 6 trainings of the first iteration failed; the training diverged"),
        "{error}"
    );
    assert_eq!(fixture.evaluations("run").len(), 6);
}

/// With fewer workers, the networks may fit.
#[test]
fn a_search_that_does_not_fit_the_gpu_fails_with_the_log_and_can_be_resumed() {
    let fixture = Fixture::new();
    let output =
        fixture.command("run").args(["--device", "cuda"]).env("FAKE_FULL", "all").output().unwrap();
    let error = error_of(&output);
    assert!(error.contains("all 6 trainings of the first iteration failed"), "{error}");
    assert!(error.contains("the GPU's memory is too small for this network"), "{error}");
    assert_eq!(fixture.evaluations("run").len(), 6);
    let output = fixture.command("run").args(["--device", "cuda", "--resume"]).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(fixture.archive("run").evaluations, 18);
}

#[test]
fn a_train_that_cannot_be_started_is_named() {
    let fixture = Fixture::new();
    fs::remove_file(fixture.path("bin/train")).unwrap();
    let missing = error_of(&fixture.command("run").output().unwrap());
    assert!(missing.contains("bin/train") && missing.contains("--bin-dir"), "{missing}");
    fs::write(fixture.path("bin/train"), "not a program").unwrap();
    let broken = error_of(&fixture.command("run").output().unwrap());
    assert!(broken.contains("bin/train") && broken.contains("cannot start"), "{broken}");
}
