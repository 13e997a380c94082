//! The `prune` binary with a stand-in for `train`: files, resuming, and what goes wrong.

mod place;
mod support;

use common::dataset::Dataset;
use common::json;
use common::network::Network;
use common::prune_report::{PruneEnd, PruneMethod, PrunePart};
use common::template::Template;
use common::weights::Weights;
use place::{BIN_DIR, Place, dataset, fail, result_bytes, succeed};
use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use support::Sizes;

#[test]
fn a_run_leaves_a_smaller_network_and_a_report_that_is_true_of_it() {
    let place = Place::new();
    let output = succeed(place.prune("out", &["--cap", "0.5", "--seed", "3", "--threads", "2"]));
    let network: Network = json::read(&place.at("out/network.json")).unwrap();
    let weights = Weights::read(&place.at("out/weights.safetensors"), &network).unwrap();
    let trainable = weights.0.iter().filter(|(name, _)| !name.contains("running"));
    let parameters: usize = trainable.map(|(_, tensor)| tensor.data.len()).sum();
    let report = place.report("out");
    assert_eq!(report.parameters_after, parameters as u64);
    assert!(
        report.cap_reached
            && report.ended == PruneEnd::Cap
            && report.removed > 0.47
            && report.removed <= 0.5
    );
    assert_eq!((report.method, report.seed, report.cap), (PruneMethod::L1, 3, 0.5));
    let filters: usize = report.rounds.iter().map(|round| round.filters_removed).sum();
    let channels = |n: &str| weights.get(&format!("{n}.weight")).shape[0];
    let left: usize = (1..=2)
        .flat_map(|l| (1..=2).map(move |f| format!("condense{l}.fel{f}.conv")))
        .map(|n| channels(&n))
        .sum();
    assert_eq!(filters, 4 * 6 - left);

    let line: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(line["parameters_after"], parameters);
    assert_eq!((&line["removed"], &line["accuracy"]), (&report.removed.into(), &0.875.into()));
    let progress = String::from_utf8(output.stderr).unwrap();
    assert_eq!(progress.lines().count(), report.rounds.len(), "{progress}");
    let calls = place.calls();
    assert_eq!(calls.len(), report.rounds.len());
    assert_eq!(
        calls[0],
        "--network out/rounds/1/network.json --init out/rounds/1/initial.safetensors --dataset data --out out/rounds/1 \
         --epochs 5 --seed 3 --learning-rate-scale 0.3 --threads 2"
    );
    assert_eq!(report.accuracy_before, 0.5);
    assert!(
        report.rounds.iter().all(|round| (round.accuracy_untuned, round.accuracy) == (0.5, 0.875))
    );
    let widths: usize = report.widths.iter().map(|width| width.before - width.after).sum();
    assert_eq!((widths, report.widths.len()), (filters, 6));
    let log = fs::read_to_string(place.at("out/rounds/1/train.log")).unwrap();
    assert!(log.contains("learning rate scale of 0.3"), "{log}");
}

#[test]
fn the_profile_is_used_and_options_go_before_it() {
    let place = Place::new();
    let profile = r#"{"schema": "neuropower/profile/1",
        "pruning": {"cap": 0.4, "cluster_factor": 0.8, "iterations": 2, "finetune_epochs": 1, "finetune_rate": 0.5}}"#;
    fs::write(place.at("profile.json"), profile).unwrap();
    succeed(place.prune(
        "out",
        &[
            "--config",
            "profile.json",
            "--cluster-factor",
            "0.7",
            "--method",
            "l1",
            "--device",
            "cuda",
        ],
    ));
    let report = place.report("out");
    assert_eq!((report.cap, report.cluster_factor, report.iterations), (0.4, 0.7, 2));
    assert_eq!(
        (report.finetune_epochs, report.finetune_rate, report.method),
        (1, 0.5, PruneMethod::L1)
    );
    let call = &place.calls()[0];
    assert!(
        call.ends_with(
            "--config profile.json --epochs 1 --seed 0 --learning-rate-scale 0.5 --device cuda:0"
        ),
        "{call}"
    );
}

#[test]
fn an_interrupted_run_goes_on_where_it_was_and_ends_the_same() {
    let place = Place::new();
    let options = ["--cap", "0.6"];
    let mut interrupted = place.prune("out", &options);
    interrupted.env("FAKE_TRAIN_FAIL", "3");
    let message = fail(interrupted, 2);
    assert!(
        message.starts_with("round 3: ") && message.contains("this round was to fail"),
        "{message}"
    );
    assert!(message.contains("out/rounds/3/train.log"), "{message}");
    assert!(!place.at("out/prune.json").exists() && !place.at("out/network.json").exists());
    assert_eq!(place.calls().len(), 3);

    let progress = String::from_utf8(succeed(place.prune("out", &options)).stderr).unwrap();
    assert_eq!(progress.matches("(fine-tuned before)").count(), 2, "{progress}");
    assert_eq!(place.calls().len(), place.report("out").rounds.len() - 2);
    succeed(place.prune("whole", &options));
    assert_eq!(result_bytes(&place.at("out")), result_bytes(&place.at("whole")));
}

#[test]
fn what_others_have_put_there_is_not_removed() {
    let place = Place::new();
    for folder in ["scratch", "rounds/1"] {
        let theirs = place.at("out").join(folder).join("notes");
        fs::create_dir_all(theirs.parent().unwrap()).unwrap();
        fs::write(&theirs, "years of work").unwrap();
        let partial = theirs.with_file_name(".partial-thought");
        fs::write(&partial, "").unwrap();
        let said = fail(place.prune("out", &[]), 0);
        assert!(
            said.contains(&format!("out/{folder}: there is something that `prune` has not made")),
            "{said}"
        );
        assert_eq!(fs::read_to_string(&theirs).unwrap(), "years of work");
        assert!(partial.exists());
        fs::remove_dir_all(place.at("out")).unwrap();
    }
}

/// A kill can come at any time: here, when a training has nothing in its folder yet but what it is
/// writing, and while an old folder is being removed.
#[test]
fn what_a_killed_run_was_writing_is_in_no_run_s_way() {
    let place = Place::new();
    succeed(place.prune("whole", &[]));
    let partial = [
        "",
        "rounds",
        "rounds/1",
        "scratch",
        "rounds/.partial-removed-2",
        "measuring",
        "measurements",
    ];
    let partial = partial.map(|folder| place.at("out").join(folder).join(".partial-x"));
    for path in &partial {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "half").unwrap();
    }
    fs::write(place.at("out/rounds/1/.lock"), "").unwrap();
    succeed(place.prune("out", &[]));
    assert_eq!(result_bytes(&place.at("out")), result_bytes(&place.at("whole")));
    assert!(partial.iter().all(|path| !path.exists()));
    fs::write(&partial[2], "half").unwrap();
    let mut scratch = Command::new(env!("CARGO_BIN_EXE_prune"));
    scratch.current_dir(place.0.path()).args([
        "scratch",
        "--from",
        "out",
        "--dataset",
        "data",
        "--bin-dir",
        BIN_DIR,
    ]);
    succeed(scratch);
    assert!(!partial[2].exists());
}

/// Runs a command that may not write any file, as if the disk were full.
fn on_a_full_disk(command: &Command) -> Command {
    let mut limited = Command::new("sh");
    limited
        .args(["-c", "ulimit -f 0; exec \"$@\"", "sh"])
        .arg(command.get_program())
        .args(command.get_args());
    limited.current_dir(command.get_current_dir().unwrap());
    limited
}

#[test]
fn a_repeated_run_that_fails_loses_nothing_that_is_still_true() {
    let place = Place::new();
    let files = ["prune.json", "network.json", "weights.safetensors", "accuracy.svg", "widths.svg"];
    let contents = || files.map(|file| fs::read(place.at("out").join(file)).ok());
    succeed(place.prune("out", &["--cap", "0.6"]));
    let before = contents();
    assert!(before.iter().all(Option::is_some));
    let rounds = place.report("out").rounds.len();
    let said = fail(on_a_full_disk(&place.prune("out", &["--cap", "0.6"])), rounds);
    assert!(said.contains("out/accuracy.svg: cannot write the file"), "{said}");
    assert!(contents() == before);
    // Another first round, which is not finished: what is said of the old one is no longer true.
    place.calls();
    let mut other = place.prune("out", &["--cap", "0.1", "--finetune-epochs", "7"]);
    other.env("FAKE_TRAIN_FAIL", "1");
    fail(other, 0);
    assert_eq!(contents().map(|file| file.is_some()), [false, true, true, false, false]);
}

#[test]
fn a_report_goes_before_what_it_tells_of() {
    let place = Place::new();
    succeed(place.prune("out", &["--cap", "0.6"]));
    let shorter = place.prune("out", &["--cap", "0.6", "--iterations", "2"]);
    assert!(place.report("out").rounds.len() > 2);
    fail(on_a_full_disk(&shorter), 2);
    assert!(!place.at("out/rounds/3").exists() && !place.at("out/prune.json").exists());
}

/// Results are those on the data that are given, not on those of an earlier run in the same folder;
/// where files are called and how they are called changes nothing.
#[test]
fn other_data_are_scored_and_tuned_anew() {
    let place = Place::new();
    let run = || {
        succeed(place.prune("out", &["--cap", "0.3"]));
        (
            place.calls().len(),
            fs::read_to_string(place.at("out/rounds/original.inputs.txt")).unwrap(),
        )
    };
    let (rounds, first) = run();
    assert!(rounds > 0);
    let move_file = |from: &str, to: &str| fs::rename(place.at(from), place.at(to)).unwrap();
    move_file("data/train/0/0.png", "data/train/0/renamed.png");
    move_file("data/train", "data/pictures");
    let mut moved = Dataset { name: "renamed".into(), ..dataset(3) };
    moved.train[0].path = "pictures".into();
    json::write(&place.at("data/dataset.json"), &moved).unwrap();
    assert_eq!(run(), (0, first.clone()));
    // Two classes exchange their images.
    move_file("data/pictures/0", "data/pictures/.kept");
    move_file("data/pictures/1", "data/pictures/0");
    move_file("data/pictures/.kept", "data/pictures/1");
    let (again, relabelled) = run();
    assert_eq!(again, rounds);
    assert_ne!(relabelled, first);
    moved.validation.seed += 1;
    json::write(&place.at("data/dataset.json"), &moved).unwrap();
    let (again, other_split) = run();
    assert_eq!(again, rounds);
    assert_ne!(other_split, relabelled);
}

/// A run whose first training does not end, and the number of the training's process.
fn hanging_run(place: &Place) -> (Child, String) {
    let number = place.at("number");
    let mut command = place.prune("out", &[]);
    let mut run = command.env("FAKE_TRAIN_HANG", &number).stderr(Stdio::piped()).spawn().unwrap();
    loop {
        match fs::read_to_string(&number)
            .ok()
            .and_then(|text| text.strip_suffix('\n').map(str::to_string))
        {
            Some(training) => return (run, training),
            None => std::thread::sleep(Duration::from_millis(10)),
        }
        assert!(run.try_wait().unwrap().is_none(), "the run ended before it trained");
    }
}

/// Whether a process could be sent a signal.
fn kill(signal: &str, process: &str) -> bool {
    Command::new("kill").args([signal, process]).status().unwrap().success()
}

#[test]
fn two_runs_do_not_work_in_one_folder() {
    let place = Place::new();
    let (mut first, _) = hanging_run(&place);
    let said = fail(place.prune("out", &[]), 0);
    assert_eq!(said, "another run is at work in out: wait for it, or choose another folder");
    assert!(kill("-TERM", &first.id().to_string()));
    first.wait().unwrap();
}

/// A training that outlived it would write into the folder of the run that goes on.
#[test]
fn a_training_ends_with_the_run_that_wants_it() {
    let place = Place::new();
    let (run, training) = hanging_run(&place);
    assert!(kill("-0", &training) && kill("-TERM", &run.id().to_string()));
    let output = run.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    let expected =
        "interrupted; what is finished is kept, and the same command goes on from there\n";
    assert!(said.starts_with("error: round 1") && said.ends_with(expected), "{said}");
    assert!(!kill("-0", &training));
}

#[test]
fn finished_rounds_are_used_again_only_where_all_is_the_same() {
    let place = Place::new();
    let profile = |epochs: &str, batch: usize| {
        let sections =
            format!(r#""search": {{"epochs": {epochs}}}, "training": {{"batch": {batch}}}"#);
        fs::write(
            place.at("p.json"),
            format!("{{\"schema\": \"neuropower/profile/1\", {sections}}}"),
        )
        .unwrap();
    };
    let calls = |options: &[&str]| {
        succeed(place.prune("out", &[options, &["--config", "p.json"]].concat()));
        (place.calls().len(), place.report("out").rounds.len())
    };
    profile("1", 128);
    let (first, rounds) = calls(&[]);
    assert_eq!(first, rounds);
    // Nothing that a fine-tuning takes from a profile.
    profile("2", 128);
    assert_eq!(calls(&["--threads", "2"]).0, 0);
    // A lower cap shares the whole rounds, and what came after them goes.
    let (some, fewer) = calls(&["--cap", "0.3"]);
    assert_eq!((some, place.at(&format!("out/rounds/{}", fewer + 1)).exists()), (1, false));
    assert!(fewer < rounds);
    profile("2", 64);
    assert_eq!(calls(&["--cap", "0.3"]).0, fewer);
    assert_eq!(calls(&["--cap", "0.3", "--finetune-epochs", "6"]).0, fewer);
}

#[test]
fn a_damaged_round_is_trained_again() {
    let place = Place::new();
    succeed(place.prune("out", &["--cap", "0.3"]));
    let (rounds, results) = (place.calls().len(), result_bytes(&place.at("out")));
    assert!(rounds >= 2);
    let weights = place.at("out/rounds/2/weights.safetensors");
    let mut bytes = fs::read(&weights).unwrap();
    let last = bytes.len() - 2;
    bytes[last] ^= 1;
    fs::write(&weights, bytes).unwrap();
    succeed(place.prune("out", &["--cap", "0.3"]));
    assert_eq!((place.calls().len(), result_bytes(&place.at("out"))), (1, results));
}

#[test]
fn the_result_does_not_depend_on_the_number_of_threads_but_on_the_seed() {
    let place = Place::with(&Template { growth_rate: 12, stem_channels: 8, ..Template::default() });
    for (out, threads, seed) in [("one", "1", "5"), ("two", "2", "5"), ("other", "2", "6")] {
        let mut command =
            place.prune(out, &["--method", "kmeans", "--seed", seed, "--cluster-factor", "0.6"]);
        command.env("RAYON_NUM_THREADS", threads);
        succeed(command);
    }
    let [one, two, other] = ["one", "two", "other"].map(|out| result_bytes(&place.at(out)));
    assert_eq!(one, two);
    assert_ne!(one[1], other[1]);
}

#[test]
fn a_cap_that_is_not_reached_is_not_claimed() {
    let place = Place::new();
    let output = succeed(place.prune("short", &["--iterations", "1"]));
    let report = place.report("short");
    assert!(
        !report.cap_reached && report.ended == PruneEnd::Iterations && report.rounds.len() == 1
    );
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        stderr.contains("the cap of 0.65 is not reached: all iterations are used up"),
        "{stderr}"
    );

    let place = Place::with(&Template { growth_rate: 1, stem_channels: 2, ..Template::default() });
    let output = succeed(place.prune("out", &[]));
    let report = place.report("out");
    assert!(!report.cap_reached && report.ended == PruneEnd::Filters && report.rounds.is_empty());
    let line: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&line["removed"], &line["accuracy"]), (&0.0.into(), &0.5.into()));
    for name in ["network.json", "weights.safetensors"] {
        assert_eq!(
            fs::read(place.at("out").join(name)).unwrap(),
            fs::read(place.at(name)).unwrap()
        );
    }
}

#[test]
fn a_cap_smaller_than_a_filter_prunes_nothing() {
    let place = Place::new();
    let output = succeed(place.prune("out", &["--cap", "0.001"]));
    let report = place.report("out");
    assert!(
        report.cap_reached
            && report.rounds.is_empty()
            && report.parameters_after == report.parameters_before
    );
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(stderr, "nothing is pruned: one more filter would exceed the cap of 0.001\n");
}

#[test]
fn bad_inputs_are_one_clear_line_each() {
    let place = Place::new();
    let message = |options: &[&str]| fail(place.prune("out", options), 0);
    for cap in ["0", "1", "1.5", "-0.1", "NaN"] {
        let said = message(&[&format!("--cap={cap}")]);
        assert!(said.contains("cap") && said.contains("between 0 and 1"), "{said}");
    }
    assert!(
        message(&["--cluster-factor", "1"]).contains("cluster_factor 1 must be between 0 and 1")
    );
    assert!(message(&["--iterations", "0"]).contains("iterations 0 must be 1 to 100000"));
    assert!(!place.at("out").exists());

    let other =
        Sizes { condense_layers: 1, fels: 1, kernel: 3, template: Template::default() }.model(8, 1);
    json::write(&place.at("other.json"), &other.network).unwrap();
    assert!(
        message(&["--config", "missing.json"]).starts_with("missing.json: cannot read the file")
    );
    assert!(
        fail(place.prune_with("data", "out", &[]), 0)
            .starts_with("data/train: there is no such program")
    );
    fs::write(place.at("file"), "").unwrap();
    assert!(fail(place.prune("file/out", &[]), 0).contains("file/out: cannot create the folder"));
    assert!(
        fail(place.prune(".", &[]), 0)
            .starts_with("network.json: the results would be written over this")
    );

    json::write(&place.at("data/dataset.json"), &dataset(4)).unwrap();
    assert!(message(&[]).contains("3 classes, but those of tiny are 3x8x8 and of 4 classes"));
    fs::copy(place.at("other.json"), place.at("network.json")).unwrap();
    assert!(message(&[]).starts_with("weights.safetensors: these weights are not of this network"));
    fs::remove_file(place.at("weights.safetensors")).unwrap();
    assert!(message(&[]).starts_with("weights.safetensors: cannot read the file"));
}

#[test]
fn a_training_that_diverges_is_an_error() {
    let place = Place::new();
    let mut command = place.prune("out", &[]);
    command.env("FAKE_TRAIN_DIVERGED", "true");
    let message = fail(command, 0);
    assert!(
        message.contains("round 1: out/rounds/1/train.json: the training diverged"),
        "{message}"
    );
}

/// Weights with the report of their training beside them.
#[test]
fn a_network_whose_training_diverged_is_refused() {
    let place = Place::new();
    succeed(place.prune("first", &["--iterations", "1"]));
    let report = fs::read_to_string(place.at("first/rounds/1/train.json")).unwrap();
    fs::write(place.at("train.json"), &report).unwrap();
    succeed(place.prune("well", &["--iterations", "1"]));
    let diverged = report.replace("\"diverged\": false", "\"diverged\": true");
    assert_ne!(diverged, report);
    fs::write(place.at("train.json"), diverged).unwrap();
    let message = fail(place.prune("out", &[]), 0);
    assert!(
        message.starts_with("train.json: the training diverged, so these are its initial weights"),
        "{message}"
    );
    fs::write(place.at("train.json"), &report[..report.len() / 2]).unwrap();
    assert!(fail(place.prune("out", &[]), 0).starts_with("train.json: "));
    assert!(!place.at("out").exists());
}

#[test]
fn a_report_of_an_earlier_run_does_not_survive_a_failed_one() {
    let place = Place::new();
    succeed(place.prune("out", &["--cap", "0.3"]));
    let mut command = place.prune("out", &["--cap", "0.3", "--seed", "9"]);
    command.env("FAKE_TRAIN_FAIL", "1");
    fail(command, 0);
    assert!(!place.at("out/prune.json").exists());
}

/// `prune` with other arguments than those of `run`.
fn other(place: &Place, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_prune"));
    command.current_dir(place.0.path()).env("FAKE_TRAIN_CALLS", place.at("calls")).args(arguments);
    command
}

#[test]
fn scratch_trains_the_same_structure_as_long_as_all_fine_tuning_took() {
    let place = Place::new();
    succeed(place.prune("out", &["--cap", "0.3", "--seed", "3"]));
    let rounds = place.calls().len();
    assert!(rounds >= 2);
    let arguments = ["scratch", "--from", "out", "--dataset", "data", "--bin-dir", BIN_DIR];
    succeed(other(&place, &arguments));
    let epochs = 5 * rounds;
    let call = format!(
        "--network out/scratch/network.json --dataset data --out out/scratch --epochs {epochs} --seed 3 \
         --learning-rate-scale 1"
    );
    assert_eq!(place.calls(), [call]);
    assert_eq!(
        fs::read(place.at("out/scratch/network.json")).unwrap(),
        fs::read(place.at("out/network.json")).unwrap()
    );
    succeed(other(&place, &arguments));
    assert!(place.calls().is_empty(), "a finished training is not repeated");

    succeed(other(&place, &["figures", "out", "--out", "figures"]));
    let [alone, with_scratch] = ["out", "figures"]
        .map(|folder| fs::read_to_string(place.at(folder).join("accuracy.svg")).unwrap());
    let triangles = |svg: &str| svg.matches("<polygon").count();
    assert_eq!((triangles(&alone), triangles(&with_scratch)), (0, 2));

    // It stays as long as it is of the network beside it.
    succeed(place.prune("out", &["--cap", "0.3", "--seed", "3"]));
    let report = fs::read_to_string(place.at("out/scratch/train.json")).unwrap();
    let diverged = report.replace("\"diverged\": false", "\"diverged\": true");
    fs::write(place.at("out/scratch/train.json"), diverged).unwrap();
    succeed(other(&place, &["figures", "out", "--out", "figures"]));
    assert_eq!(triangles(&fs::read_to_string(place.at("figures/accuracy.svg")).unwrap()), 0);
    fs::write(place.at("out/scratch/train.json"), report).unwrap();
    succeed(place.prune("out", &["--cap", "0.5", "--seed", "3"]));
    assert!(!place.at("out/scratch").exists());
    succeed(other(&place, &arguments));
    fs::copy(place.at("network.json"), place.at("out/scratch/network.json")).unwrap();
    let said = fail(other(&place, &["figures", "out", "--out", "figures"]), 0);
    assert_eq!(said, "out/scratch: this is not the network of out; repeat `prune scratch`");
}

#[test]
fn images_that_fine_tuning_did_not_take_are_noticed() {
    let place = Place::new();
    succeed(place.prune("out", &["--cap", "0.3"]));
    let report = place.at("out/rounds/1/train.json");
    let text = fs::read_to_string(&report).unwrap().replace("\"images\": 100", "\"images\": 90");
    fs::write(&report, text).unwrap();
    let said = fail(
        other(&place, &["scratch", "--from", "out", "--dataset", "data", "--bin-dir", BIN_DIR]),
        0,
    );
    assert!(said.contains("give --config and --dataset as for `prune run`"), "{said}");
    succeed(place.prune("none", &["--cap", "0.001"]));
    let said = fail(
        other(&place, &["scratch", "--from", "none", "--dataset", "data", "--bin-dir", BIN_DIR]),
        0,
    );
    assert!(said.starts_with("none: nothing was pruned"), "{said}");
}

#[test]
fn figures_are_of_one_network() {
    let place = Place::new();
    for method in ["kmeans", "l1"] {
        succeed(place.prune(
            method,
            &["--cap", "0.3", "--method", method, "--choose", "global", "--also", "stem"],
        ));
        assert_eq!(place.report(method).also, [PrunePart::Stem]);
    }
    let table = succeed(other(&place, &["figures", "./kmeans", "./l1", "--out", "figures"])).stdout;
    let table = String::from_utf8(table).unwrap();
    let rows: Vec<Vec<&str>> =
        table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows.len(), 4, "{table}");
    assert_eq!(rows[1][..6], ["not", "pruned", "50.00", "%", "3451", "0.00"]);
    let left = place.report("l1").parameters_after.to_string();
    assert_eq!(rows[3][..4], ["l1", "87.50", "%", &left]);
    for file in ["accuracy.svg", "widths.svg"] {
        let svg = fs::read_to_string(place.at("figures").join(file)).unwrap();
        assert!(svg.contains("kmeans") && svg.contains("l1"), "{file}");
    }
    let rows = fs::read_to_string(place.at("figures/widths.svg")).unwrap();
    let names = ["stem.conv", "condense1.fel1.conv", "transition1.conv", "condense2.fel2.conv"];
    assert!(names.iter().all(|name| rows.contains(name)), "{rows}");
    let other_network =
        Place::with(&Template { growth_rate: 5, stem_channels: 4, ..Template::default() });
    succeed(other_network.prune("x", &["--cap", "0.3"]));
    fs::rename(other_network.at("x"), place.at("x")).unwrap();
    let said = fail(other(&place, &["figures", "kmeans", "x", "--out", "figures"]), 0);
    assert_eq!(said, "kmeans and x are not of the same network before pruning");
    let said = fail(other(&place, &["figures", "data", "--out", "figures"]), 0);
    assert!(said.starts_with("data/prune.json: cannot read"), "{said}");
}

#[test]
fn wrong_usage_exits_with_2_and_help_has_an_example() {
    let place = Place::new();
    assert_eq!(place.prune("out", &["--method", "magic"]).output().unwrap().status.code(), Some(2));
    let help = Command::new(env!("CARGO_BIN_EXE_prune")).args(["run", "--help"]).output().unwrap();
    let text = String::from_utf8(help.stdout).unwrap();
    assert!(text.contains("Example:") && text.contains("kmeans, l1, random"), "{text}");
}
