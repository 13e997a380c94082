//! `explore choose` with fake stages, which write whole files with made-up numbers
//! (`data/fake-stage.sh`).

use super::fixture::{Fixture, error_of, text};
use super::slurm;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A run whose search is finished, and the fake stages.
struct Run(Fixture);

impl Run {
    /// Searches, with three winners, in both precisions.
    fn new() -> Run {
        let fixture = Fixture::new();
        fixture.search("run/explore");
        let run = Run(fixture);
        run.write_profile("both");
        let stages = run.0.path("stages");
        fs::create_dir_all(&stages).unwrap();
        let fake = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/fake-stage.sh");
        for program in ["train", "prune", "codegen", "measure"] {
            fs::copy(&fake, stages.join(program)).unwrap();
        }
        fs::copy(run.0.path("bin/record.json"), stages.join("record.json")).unwrap();
        run
    }

    fn write_profile(&self, precision: &str) {
        let profile: Value =
            serde_json::from_str(&fs::read_to_string(self.0.path("profile.json")).unwrap())
                .unwrap();
        let mut profile = profile;
        profile["quantization"] = json!({"precision": precision});
        fs::write(self.0.path("run/profile.json"), profile.to_string()).unwrap();
    }

    fn command(&self, options: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_explore"));
        command.arg("choose").arg("--run").arg(self.0.path("run"));
        command.arg("--dataset").arg(self.0.path("data"));
        command.arg("--bin-dir").arg(self.0.path("stages"));
        if !options.contains(&"--board") {
            command.args(["--board", "made-up"]);
        }
        command.args(options).current_dir(self.0.path(""));
        command.env("EXPLORE", env!("CARGO_BIN_EXE_explore"));
        command.env("STAGE_CALLS", self.0.path("stage-calls"));
        command
    }

    fn output(&self, options: &[&str]) -> Output {
        self.command(options).output().unwrap()
    }

    /// Chooses, and returns the printed JSON.
    fn choose(&self, options: &[&str]) -> Value {
        let output = self.output(options);
        let code = output.status.code();
        assert!(code == Some(0) || code == Some(1), "{}", text(&output.stderr));
        let choice: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", text(&output.stderr)));
        assert_eq!(code == Some(0), !choice["chosen"].is_null());
        choice
    }

    /// Returns the calls of stages since the last time: program, verb and folder.
    fn calls(&self) -> Vec<String> {
        let path = self.0.path("stage-calls");
        let all = fs::read_to_string(&path).unwrap_or_default();
        let _ = fs::remove_file(path);
        all.lines().map(String::from).collect()
    }

    fn networks(&self) -> PathBuf {
        self.0.path("run/networks")
    }

    /// Returns the names of networks' folders: the ranks of winners, and the ids of all others on
    /// the front.
    fn members(&self) -> Vec<String> {
        let archive = self.0.archive("run/explore");
        let winner = |rank: usize| -> Value {
            let file = self.0.path("run/explore/winners").join(format!("{rank}/genome.json"));
            let mut genome: Value =
                serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
            genome.as_object_mut().unwrap().remove("schema");
            genome
        };
        let winners: Vec<Value> = (1..=3).map(winner).collect();
        let front = archive.individuals.iter().filter(|individual| individual.on_front);
        let others = front.map(|individual| &individual.evaluation).filter(|evaluation| {
            !winners.contains(&serde_json::to_value(evaluation.genome).unwrap())
        });
        let ranks = (1..=3).map(|rank| rank.to_string());
        ranks.chain(others.map(|evaluation| evaluation.id.clone())).collect()
    }
}

/// The values of a network that the files in its folder have.
#[derive(Clone, Debug)]
struct Record {
    network: String,
    /// By the key of the printed JSON.
    values: BTreeMap<&'static str, f64>,
}

fn read(path: PathBuf) -> Option<Value> {
    fs::read_to_string(path).ok().map(|text| serde_json::from_str(&text).unwrap())
}

/// Reads all records below a folder `networks` that have a manifest for the board.
fn records(networks: &Path, crate_dir: &str, board: &str) -> Vec<Record> {
    let mut records = Vec::new();
    for member in fs::read_dir(networks).unwrap() {
        for kind in ["dense", "dense/int8", "pruned", "pruned/int8"] {
            let folder = member.as_ref().unwrap().path().join(kind);
            let Some(manifest) = read(folder.join(crate_dir).join("manifest.json")) else {
                continue;
            };
            let accuracy = match kind {
                "dense" => {
                    read(folder.join("train.json")).unwrap()["accuracy"]["validation"].clone()
                }
                "pruned" => {
                    read(folder.join("prune.json")).unwrap()["rounds"][0]["accuracy"].clone()
                }
                _ => read(folder.join("outcome.json")).unwrap()["accuracy"]["int8"].clone(),
            };
            let measured = read(folder.join(format!("measurement-{board}.json")));
            let measured = measured.unwrap_or(Value::Null);
            let values = [
                ("validation_accuracy", &accuracy),
                ("test_accuracy", &read(folder.join("test.json")).unwrap()["accuracy"]),
                ("parameters", &manifest["parameters"]),
                ("latency_s", &measured["latency"]["p50_s"]),
                ("energy_j", &measured["energy"]["gross_j"]),
                ("power_w", &measured["energy"]["gross_w"]),
                ("flash_bytes", &manifest["fit"]["flash_bytes"]),
                ("arena_bytes", &manifest["arena_bytes"]),
            ];
            records.push(Record {
                network: folder.display().to_string(),
                values: values
                    .into_iter()
                    .filter_map(|(key, v)| Some((key, v.as_f64()?)))
                    .collect(),
            });
        }
    }
    records
}

/// Demands by the key of the value that they limit; the accuracy is a minimum.
type Limits<'a> = BTreeMap<&'a str, f64>;

/// Returns the networks that meet all demands, the best first: each is compared with each other.
fn eligible<'a>(records: &'a [Record], limits: &Limits<'_>, objective: &str) -> Vec<&'a Record> {
    let meets = |record: &&Record| {
        record.values.contains_key(objective)
            && limits.iter().all(|(key, limit)| match record.values.get(key) {
                None => false,
                Some(value) if *key == "validation_accuracy" => value >= limit,
                Some(value) => value <= limit,
            })
    };
    let is_better = |a: &Record, b: &Record| {
        for key in [objective, "validation_accuracy", "parameters", "latency_s"] {
            let sign = if key == "validation_accuracy" { -1.0 } else { 1.0 };
            let value = |r: &Record| r.values.get(key).map_or(f64::INFINITY, |v| sign * v);
            if value(a) != value(b) {
                return value(a) < value(b);
            }
        }
        a.network < b.network
    };
    let meeting: Vec<&Record> = records.iter().filter(meets).collect();
    let better_ones = |record: &Record| meeting.iter().filter(|o| is_better(o, record)).count();
    let mut ranked: Vec<(usize, &Record)> =
        meeting.iter().map(|record| (better_ones(record), *record)).collect();
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.into_iter().map(|(_, record)| record).collect()
}

const OBJECTIVES: [(&str, &str); 4] = [
    ("accuracy", "validation_accuracy"),
    ("latency", "latency_s"),
    ("energy", "energy_j"),
    ("parameters", "parameters"),
];
const OPTIONS: [(&str, &str); 6] = [
    ("--max-latency-s", "latency_s"),
    ("--max-energy-j", "energy_j"),
    ("--max-power-w", "power_w"),
    ("--max-flash-bytes", "flash_bytes"),
    ("--max-arena-bytes", "arena_bytes"),
    ("--min-accuracy", "validation_accuracy"),
];

/// Asserts that a choice is that of brute force over all records.
fn check(choice: &Value, records: &[Record], limits: &Limits<'_>, objective: &str) {
    let ranked = eligible(records, limits, objective);
    let name = |record: Option<&&Record>| record.map(|record| record.network.clone());
    let said = |key: &str| choice[key]["network"].as_str().map(String::from);
    assert_eq!(said("chosen"), name(ranked.first()), "{limits:?} {objective}: {choice}");
    assert_eq!(said("runner_up"), name(ranked.get(1)), "{limits:?} {objective}");
    assert_eq!(choice["excluded"].as_array().unwrap().len(), records.len() - ranked.len());
    for (key, value) in ranked.first().iter().flat_map(|record| &record.values) {
        assert_eq!(choice["chosen"][key].as_f64(), Some(*value), "{key}");
    }
    for (option, key) in OPTIONS {
        let demand = option.trim_start_matches("--").replace('-', "_");
        let cost = choice["cost"][&demand].as_f64();
        assert_eq!(cost.is_some(), limits.contains_key(key) && !ranked.is_empty(), "{demand}");
        let Some(cost) = cost else { continue };
        let mut without = limits.clone();
        without.remove(key);
        let free = eligible(records, &without, objective)[0].values[objective];
        assert_eq!(cost, (free - ranked[0].values[objective]).abs(), "{demand}");
    }
}

#[test]
fn the_choice_is_that_of_brute_force_and_each_network_is_made_once() {
    let run = Run::new();
    let options = |limits: &[String], objective: &str| {
        let mut options = limits.to_vec();
        options.extend(["--objective".to_string(), objective.to_string()]);
        options
    };
    let choose = |options: Vec<String>| {
        let mut command = run.command(&options.iter().map(String::as_str).collect::<Vec<_>>());
        let output = command.env("FAKE_METER", "there").output().unwrap();
        assert!(!output.stdout.is_empty(), "{}", text(&output.stderr));
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    choose(options(&[], "accuracy"));
    let members = run.members();
    assert!(members.len() > 3, "more than the winners: {members:?}");
    let calls = run.calls();
    assert_eq!(calls.iter().collect::<BTreeSet<_>>().len(), calls.len(), "{calls:?}");
    // Of each: one training, one pruning, two quantizations, and four tests, crates and records.
    assert_eq!(calls.len(), members.len() * 16);
    let records = records(&run.networks(), "crate-armv7", "made-up");
    assert_eq!(records.len(), members.len() * 4);
    let names: BTreeSet<String> = fs::read_dir(run.networks())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(names, members.into_iter().collect());
    for (objective, key) in OBJECTIVES {
        check(&choose(options(&[], objective)), &records, &Limits::new(), key);
        for (index, (option, limited)) in OPTIONS.into_iter().enumerate() {
            let mut values: Vec<f64> =
                records.iter().map(|record| record.values[limited]).collect();
            values.sort_by(f64::total_cmp);
            let (other, other_limited) = OPTIONS[(index + 1) % OPTIONS.len()];
            let other_limit = records[index].values[other_limited];
            for limit in [values[0] / 2.0, values[values.len() / 3], values[values.len() - 1]] {
                let limit = if limited.ends_with("bytes") { limit.ceil() } else { limit };
                let limits = Limits::from([(limited, limit), (other_limited, other_limit)]);
                let args =
                    [option.into(), limit.to_string(), other.into(), other_limit.to_string()];
                check(&choose(options(&args, objective)), &records, &limits, key);
            }
        }
    }
    assert_eq!(run.calls(), [""; 0], "all was there");
}

#[test]
fn an_interrupted_choice_goes_on_and_makes_only_what_is_missing() {
    let whole = Run::new();
    let expected = whole.choose(&[]);
    let all = whole.calls();
    let run = Run::new();
    for stop in [1, 2, 9, 17, 20, 5] {
        let output = run.command(&[]).env("FAKE_STOP_AT", stop.to_string()).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
        assert!(output.stdout.is_empty());
        let calls = run.calls();
        assert_eq!(calls.len(), stop);
    }
    let choice = run.choose(&[]);
    let done = 1 + 2 + 9 + 17 + 20 + 5 - 6;
    assert_eq!(run.calls(), all[done..]);
    let without_paths = |choice: &Value, run: &Run| {
        choice.to_string().replace(run.0.path("").to_str().unwrap(), "")
    };
    assert_eq!(without_paths(&choice, &run), without_paths(&expected, &whole));
}

/// The second call is killed once.
#[test]
fn a_cluster_trains_and_prunes_and_this_machine_does_the_rest() {
    let (here, there) = (Run::new(), Run::new());
    let expected = here.choose(&[]);
    let queue = there.0.path("queue");
    let mut command = there.command(&["--engine", "slurm"]);
    command.env("PATH", slurm::install(&there.0)).env("FAKE_SLURM", &queue);
    let output = command.env("FAKE_STOP_AT", "2").output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("was ended by signal 9; it is run again"));
    let choice = text(&output.stdout).replace(there.0.path("").to_str().unwrap(), "");
    let choice: Value = serde_json::from_str(&choice).unwrap();
    let expected = expected.to_string().replace(here.0.path("").to_str().unwrap(), "");
    assert_eq!(choice.to_string(), expected);
    let jobs = fs::read_to_string(queue.join("calls")).unwrap();
    let jobs = jobs.lines().filter(|call| call.starts_with("sbatch")).count();
    // All trainings, all prunings, and the one that was killed.
    assert_eq!(jobs, 3);
}

#[test]
fn results_are_used_only_if_they_are_of_these_weights() {
    let run = Run::new();
    run.choose(&[]);
    run.calls();
    let file = |name: &str| run.networks().join(name);
    let replaced = |name: &str, from: &str| {
        fs::copy(file(from), file(name)).unwrap();
        run.choose(&[]);
        run.calls()
    };
    let record = "measurement-made-up.json";
    assert_eq!(
        replaced(&format!("1/dense/{record}"), &format!("2/dense/{record}")),
        [format!("measure run 1/dense/{record}")]
    );
    assert_eq!(
        replaced("1/dense/test.json", "2/dense/test.json"),
        ["train eval 1/dense/test.json"]
    );
    assert_eq!(
        replaced("2/pruned/int8/outcome.json", "1/pruned/int8/outcome.json"),
        ["train quantize 2/pruned/int8"]
    );
    let manifest = "pruned/int8/crate-armv7/manifest.json";
    assert_eq!(
        replaced(&format!("2/{manifest}"), &format!("1/{manifest}")),
        ["codegen generate 2/pruned/int8/crate-armv7"]
    );
    // The pruned network is of the old weights, even if the training was the last step.
    let expected = ["train fit 1/dense", "prune run 1/pruned"];
    fs::write(file("1/dense/weights.safetensors"), "other weights").unwrap();
    let output = run.command(&[]).env("FAKE_STOP_AT", "2").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(run.calls(), expected);
    run.choose(&[]);
    assert_eq!(run.calls(), expected[1..]);
    fs::write(file("1/dense/train.json"), "{ torn").unwrap();
    run.choose(&[]);
    assert_eq!(run.calls(), expected);
}

#[test]
fn diverged_trainings_and_refused_quantizations_are_left_out_with_their_reasons() {
    let run = Run::new();
    let output = run
        .command(&[])
        .env("FAKE_DIVERGE", "2")
        .env("FAKE_REFUSE", "1/dense 3/pruned")
        .env("FAKE_METER", "there")
        .output()
        .unwrap();
    let choice: Value = serde_json::from_slice(&output.stdout).unwrap();
    let reason = |network: &str| {
        let path = run.networks().join(network).display().to_string();
        let excluded = choice["excluded"].as_array().unwrap();
        excluded.iter().find(|e| e["network"] == json!(path)).map(|e| {
            assert_eq!(e["by"], json!([]));
            e["reason"].as_str().unwrap().to_string()
        })
    };
    for kind in ["dense", "dense/int8", "pruned", "pruned/int8"] {
        assert!(reason(&format!("2/{kind}")).unwrap().contains("diverged"), "{choice}");
    }
    assert_eq!(reason("1/dense/int8").as_deref(), Some("refused: a made-up loss"));
    assert_eq!(reason("3/pruned/int8").as_deref(), Some("refused: a made-up loss"));
    assert_eq!(reason("1/dense"), None);
    assert!(text(&output.stderr).contains("1/dense/int8 is left out: refused: a made-up loss"));
    let calls = run.calls();
    assert!(calls.iter().all(|call| !call.contains(" 2/") || call == "train fit 2/dense"));
    let left = records(&run.networks(), "crate-armv7", "made-up");
    let ranked = eligible(&left, &Limits::new(), "validation_accuracy");
    assert_eq!(choice["chosen"]["network"], json!(ranked[0].network));
}

#[test]
fn without_a_network_that_meets_the_demands_the_nearest_is_named() {
    let run = Run::new();
    let output = run.output(&["--max-arena-bytes", "99", "--min-accuracy", "0.1"]);
    let choice: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&choice["chosen"], &choice["runner_up"], &choice["cost"]),
        (&Value::Null, &Value::Null, &json!({}))
    );
    let records = records(&run.networks(), "crate-armv7", "made-up");
    let arena = |record: &&Record| record.values["arena_bytes"] as u64;
    let least = records.iter().map(|record| arena(&record)).min().unwrap();
    assert_eq!(choice["nearest"]["arena_bytes"], json!(least));
    let error = error_of(&output);
    assert!(
        error.starts_with("error: no network meets the demands; nearest is ")
            && error.ends_with("which fails max_arena_bytes"),
        "{error}"
    );
    let excluded = choice["excluded"].as_array().unwrap();
    assert_eq!(excluded.len(), records.len());
    assert!(excluded.iter().all(|e| e["by"] == json!(["max_arena_bytes"])), "{excluded:?}");
}

#[test]
fn on_an_emulated_board_memory_alone_can_be_demanded() {
    let run = Run::new();
    let board = run.0.path("emulated.json");
    let on =
        |options: &[&str]| run.output(&[&["--board", board.to_str().unwrap()], options].concat());
    for options in [
        ["--max-latency-s", "1"],
        ["--max-energy-j", "1"],
        ["--max-power-w", "1"],
        ["--objective", "latency"],
        ["--objective", "energy"],
    ] {
        let error = error_of(&on(&options));
        assert!(error.contains("needs a real board, but made-up-qemu is emulated"), "{error}");
        assert!(error.contains(options[0]), "{error}");
    }
    assert_eq!(run.calls(), [""; 0]);
    let choice: Value = serde_json::from_slice(&on(&["--max-flash-bytes", "120"]).stdout).unwrap();
    assert!(run.calls().iter().all(|call| !call.starts_with("measure")));
    let records = records(&run.networks(), "crate-armv7", "made-up-qemu");
    let limits = Limits::from([("flash_bytes", 120.0)]);
    check(&choice, &records, &limits, "validation_accuracy");
    assert_eq!(choice["chosen"]["latency_s"], Value::Null);
}

#[test]
fn what_does_not_fit_on_the_board_is_left_out() {
    let run = Run::new();
    let output = run.command(&[]).env("FAKE_UNFIT", "f32").output().unwrap();
    let choice: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(choice["chosen"]["network"].as_str().unwrap().ends_with("/int8"), "{choice}");
    let reasons = choice["excluded"].as_array().unwrap().iter().map(|e| &e["reason"]);
    let reasons: Vec<&Value> = reasons.collect();
    assert_eq!(reasons, vec![&json!("it does not fit on the board"); run.members().len() * 2]);
}

#[test]
fn the_precisions_asked_for_last_are_made() {
    let run = Run::new();
    let precision = json!({"schema": "neuropower/precision/1", "precision": "int8"});
    fs::write(run.0.path("run/precision.json"), precision.to_string()).unwrap();
    let choice = run.choose(&[]);
    let records = records(&run.networks(), "crate-armv7", "made-up");
    assert!(records.iter().all(|record| record.network.ends_with("int8")));
    check(&choice, &records, &Limits::new(), "validation_accuracy");
    fs::remove_file(run.0.path("run/precision.json")).unwrap();
    run.write_profile("f32");
    run.calls();
    run.choose(&[]);
    assert!(run.calls().iter().all(|call| !call.contains("int8")));
}

#[test]
fn what_cannot_work_is_refused_before_any_training() {
    let run = Run::new();
    let refused = |options: &[&str], words: &str| {
        let error = error_of(&run.output(options));
        assert!(error.contains(words), "{error}");
        assert_eq!(run.calls(), [""; 0]);
    };
    refused(&["--board", "elsewhere"], "there is no board \"elsewhere\"");
    refused(&["--max-power-w", "0"], "the highest power must be above 0 watts");
    refused(&["--min-accuracy", "1.5"], "must be between 0 and 1");
    refused(&["--max-arena-bytes", "0"], "must be above 0 bytes");
    let lock = fs::File::create(run.0.path("run/explore/.lock")).unwrap();
    lock.lock().unwrap();
    refused(&[], "another run is at work in");
    drop(lock);
    fs::write(run.0.path("data/labels"), [0, 0, 8, 1, 0, 0, 0, 4, 0, 1, 1, 1]).unwrap();
    refused(&[], "these are not the images of the run's search");
    fs::remove_dir_all(run.0.path("run/explore/winners")).unwrap();
    refused(&[], "there is no finished search in it");
    let usage = run.output(&["--objective", "size"]);
    assert_eq!(usage.status.code(), Some(2));
}

#[test]
fn an_energy_that_is_demanded_must_be_measured() {
    let run = Run::new();
    let watched = run.0.path("watched.json");
    let board = ["--board", watched.to_str().unwrap()];
    run.choose(&board);
    run.calls();
    let demand = [&board[..], &["--max-power-w", "2.15"]].concat();
    let error = error_of(&run.output(&demand));
    assert!(error.contains("energy is required, but made up not to be there"), "{error}");
    assert_eq!(run.calls(), ["measure run 1/dense/measurement-made-up.json"]);
    let output = run.command(&demand).env("FAKE_METER", "there").output().unwrap();
    let choice: Value = serde_json::from_slice(&output.stdout).unwrap();
    let calls = run.calls();
    assert!(calls.iter().all(|call| call.starts_with("measure run ")), "{calls:?}");
    let records = records(&run.networks(), "crate-armv7", "made-up");
    let limits = Limits::from([("power_w", 2.15)]);
    check(&choice, &records, &limits, "validation_accuracy");
    // All records have an energy now, so nothing needs the meter that `made-up` lacks.
    let choice = run.choose(&["--objective", "energy"]);
    check(&choice, &records, &Limits::new(), "energy_j");
}
