//! `explore predict` with a fake `codegen`: a network is a number, its multiply-adds.

use super::fixture::{Fixture, error_of, example, text};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};

/// Prints a plan whose work is all of one kind.
const CODEGEN: &str = r#"#!/bin/sh
for file; do :; done
macs=$(cat "$file")
echo "{\"arena_bytes\": 1, \"weights_bytes\": 1, \"fit\": {}, \"work\": [{\"kind\": \"convolution_3x3\", \"calls\": 5, \"macs\": $macs, \"padded_macs\": $macs,
  \"short_macs\": 0, \"input_loads\": 0, \"weight_loads\": 0,
  \"elements\": $((macs / 20)), \"exponentials\": 0, \"read_bytes\": 0, \"written_bytes\": 0}]}"
"#;

struct Lab(Fixture);

impl Lab {
    fn new() -> Lab {
        let lab = Lab(Fixture::new());
        let codegen = lab.0.path("bin/codegen");
        fs::write(&codegen, CODEGEN).unwrap();
        fs::set_permissions(&codegen, fs::Permissions::from_mode(0o755)).unwrap();
        lab
    }

    fn network(&self, folder: &str, macs: u64) {
        fs::create_dir_all(self.0.path(folder)).unwrap();
        fs::write(self.0.path(folder).join("network.json"), macs.to_string()).unwrap();
    }

    /// Writes a record of the board `made-up`, with changes.
    fn record(&self, folder: &str, latency_s: f64, change: impl Fn(&mut Value)) {
        let mut record: Value = serde_json::from_str(&example("measurement-<board>.json")).unwrap();
        record["board"] = json!("made-up");
        // A second window, which something else disturbed.
        let mut windows = [record["windows"][0].clone(), record["windows"][0].clone()];
        windows[0]["p50_s"] = json!(1.5 * latency_s);
        windows[1]["p50_s"] = json!(latency_s);
        record["windows"] = json!(windows);
        change(&mut record);
        fs::create_dir_all(self.0.path(folder)).unwrap();
        let path = self.0.path(folder).join("measurement-made-up.json");
        fs::write(path, record.to_string()).unwrap();
    }

    /// Writes measured networks of 1, 2, ... million multiply-adds, each of which takes 1 ns.
    fn measured(&self, networks: u64) {
        for millions in 1..=networks {
            let folder = format!("nets/{millions}");
            self.network(&folder, 1_000_000 * millions);
            self.record(&folder, 1e-3 * millions as f64, |_| ());
        }
    }

    fn predict(&self, options: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_explore"));
        command.args(["predict", "--board", "made-up"]).args(options);
        command.arg("--bin-dir").arg(self.0.path("bin"));
        command.current_dir(self.0.path("")).output().unwrap()
    }

    fn report(&self, options: &[&str]) -> Value {
        let output = self.predict(options);
        assert!(output.status.success(), "{}", text(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

#[test]
fn networks_without_a_record_are_predicted() {
    let lab = Lab::new();
    lab.measured(12);
    lab.network("nets/new/large", 40_000_000);
    lab.network("nets/new/small", 2_500_000);
    let report = lab.report(&["--measured", "nets"]);
    assert_eq!(report["schema"], "neuropower/prediction/1");
    assert_eq!((&report["measured"], &report["quantity"]), (&json!(12), &json!("latency_s")));
    assert_eq!(report["rank_correlation"], json!(1.0));
    let networks = report["networks"].as_array().unwrap();
    let files = ["nets/new/small/network.json", "nets/new/large/network.json"];
    assert_eq!([&networks[0]["network"], &networks[1]["network"]], files);
    for (network, want) in networks.iter().zip([2.5e-3, 40e-3]) {
        let predicted = network["predicted"].as_f64().unwrap();
        let [low, high] = [0, 1].map(|end| network["interval"][end].as_f64().unwrap());
        assert!((predicted / want - 1.0).abs() < 0.02, "{network}");
        assert!(low < predicted && predicted < high, "{network}");
    }
    assert!(files.contains(&report["next"].as_str().unwrap()));
    let one = lab.report(&["--measured", "nets", "--network", "nets/new/large"]);
    assert_eq!(one["networks"], json!([networks[1]]));
    assert_eq!(one["next"], files[1]);
}

#[test]
fn too_few_measured_networks_are_refused() {
    let lab = Lab::new();
    lab.measured(9);
    // Another precision, and another place of the same network.
    lab.record("nets/9/int8", 1e-3, |_| ());
    lab.network("nets/again", 9_000_000);
    lab.record("nets/again", 9e-3, |_| ());
    let error = error_of(&lab.predict(&["--measured", "nets"]));
    assert!(error.contains("made-up, in f32: 9 different networks"), "{error}");
    let error = error_of(&lab.predict(&["--measured", "nets", "--precision", "int8"]));
    assert!(error.contains("made-up, in int8: 1 different networks"), "{error}");
}

#[test]
fn records_that_do_not_follow_from_the_plans_are_refused() {
    let lab = Lab::new();
    lab.measured(12);
    lab.record("nets/1", 11e-3, |_| ());
    lab.record("nets/11", 1e-3, |_| ());
    let error = error_of(&lab.predict(&["--measured", "nets"]));
    assert!(error.contains("12 measured networks") && error.contains("0.95"), "{error}");
}

#[test]
fn records_of_two_machines_are_refused() {
    let lab = Lab::new();
    lab.measured(12);
    lab.record("nets/3", 3e-3, |record| record["ran"]["kernels"] = json!("scalar"));
    let error = error_of(&lab.predict(&["--measured", "nets"]));
    assert!(error.contains("the kernels scalar") && error.contains("one machine"), "{error}");
    lab.record("nets/3", 3e-3, |record| record["board"] = json!("host"));
    let error = error_of(&lab.predict(&["--measured", "nets"]));
    assert!(
        error.contains("nets/3/measurement-made-up.json: this record is of the board host"),
        "{error}"
    );
}

/// The archive of a search knows more latencies than there are records.
#[test]
fn the_archive_of_a_run_counts() {
    let lab = Lab::new();
    lab.0.search("run/explore");
    let edit = |file: &str, change: &dyn Fn(&mut Value)| {
        let path = lab.0.path("run/explore").join(file);
        let mut value: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        change(&mut value);
        fs::write(path, value.to_string()).unwrap();
    };
    let members = lab.0.archive("run/explore").individuals;
    let left_out = &members[2].evaluation.id;
    for (index, member) in members.iter().enumerate() {
        let folder = format!("run/explore/individuals/{}", member.evaluation.id);
        lab.network(&folder, 1_000_000 * (index as u64 + 20));
    }
    edit("archive.json", &|archive| {
        for (index, member) in archive["individuals"].as_array_mut().unwrap().iter_mut().enumerate()
        {
            if index != 2 {
                member["evaluation"]["latency_s"] = json!(1e-3 * (index as f64 + 20.0));
            }
        }
    });
    lab.measured(10);
    fs::rename(lab.0.path("nets"), lab.0.path("run/networks")).unwrap();
    let ten = lab.report(&["--run", "run"]);
    assert_eq!(ten["measured"], 10, "the search measured on no board");
    assert_eq!(ten["networks"].as_array().unwrap().len(), members.len());
    let board: Value = serde_json::from_str(
        &fs::read_to_string(lab.0.path("pipelines/boards/made-up.json")).unwrap(),
    )
    .unwrap();
    edit("search.json", &|search| {
        search["board"] = board.clone();
        search["board"].as_object_mut().unwrap().remove("schema");
    });
    let all = lab.report(&["--run", "run"]);
    assert_eq!(all["measured"], 10 + members.len() - 1);
    assert_eq!(all["next"], format!("run/explore/individuals/{left_out}/network.json"));
    assert!((all["networks"][0]["predicted"].as_f64().unwrap() / 22e-3 - 1.0).abs() < 0.02);
}
