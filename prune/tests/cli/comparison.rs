//! `prune scratch` and `prune figures`.

use crate::prune;
use crate::workdir::{BIN_DIR, Workdir, fail, succeed};
use common::network::template::Template;
use common::profile::PrunePart;
use std::fs;

#[test]
fn scratch_trains_the_same_structure_on_as_many_images() {
    let dir = Workdir::new();
    succeed(dir.prune("out", &["--cap", "0.3", "--seed", "3"]));
    let rounds = dir.calls().len();
    assert!(rounds >= 2);
    let arguments = ["scratch", "--from", "out", "--dataset", "data", "--bin-dir", BIN_DIR];
    succeed(prune(&dir, &arguments));
    let epochs = 5 * rounds;
    let call = format!(
        "--network out/scratch/network.json --dataset data --out out/scratch --epochs {epochs} --seed 3 \
         --learning-rate-scale 1"
    );
    assert_eq!(dir.calls(), [call]);
    assert_eq!(
        fs::read(dir.at("out/scratch/network.json")).unwrap(),
        fs::read(dir.at("out/network.json")).unwrap()
    );
    succeed(prune(&dir, &arguments));
    assert!(dir.calls().is_empty(), "a finished training is not repeated");

    succeed(prune(&dir, &["figures", "out", "--out", "figures"]));
    let [alone, with_scratch] = ["out", "figures"]
        .map(|folder| fs::read_to_string(dir.at(folder).join("accuracy.svg")).unwrap());
    let triangles = |svg: &str| svg.matches("<polygon").count();
    assert_eq!((triangles(&alone), triangles(&with_scratch)), (0, 2));

    // It stays as long as it is of the network beside it.
    succeed(dir.prune("out", &["--cap", "0.3", "--seed", "3"]));
    let report = fs::read_to_string(dir.at("out/scratch/train.json")).unwrap();
    let diverged = report.replace("\"diverged\": false", "\"diverged\": true");
    fs::write(dir.at("out/scratch/train.json"), diverged).unwrap();
    succeed(prune(&dir, &["figures", "out", "--out", "figures"]));
    assert_eq!(triangles(&fs::read_to_string(dir.at("figures/accuracy.svg")).unwrap()), 0);
    fs::write(dir.at("out/scratch/train.json"), report).unwrap();
    succeed(dir.prune("out", &["--cap", "0.5", "--seed", "3"]));
    assert!(!dir.at("out/scratch").exists());
    succeed(prune(&dir, &arguments));
    fs::copy(dir.at("network.json"), dir.at("out/scratch/network.json")).unwrap();
    let said = fail(prune(&dir, &["figures", "out", "--out", "figures"]), 0);
    assert_eq!(said, "out/scratch: this is not the network of out; repeat `prune scratch`");
}

#[test]
fn scratch_refuses_another_number_of_images() {
    let dir = Workdir::new();
    succeed(dir.prune("out", &["--cap", "0.3"]));
    let report = dir.at("out/rounds/1/train.json");
    let text = fs::read_to_string(&report).unwrap().replace("\"images\": 100", "\"images\": 90");
    fs::write(&report, text).unwrap();
    let said = fail(
        prune(&dir, &["scratch", "--from", "out", "--dataset", "data", "--bin-dir", BIN_DIR]),
        0,
    );
    assert!(said.contains("give --config and --dataset as for `prune run`"), "{said}");
    succeed(dir.prune("none", &["--cap", "0.001"]));
    let said = fail(
        prune(&dir, &["scratch", "--from", "none", "--dataset", "data", "--bin-dir", BIN_DIR]),
        0,
    );
    assert!(said.starts_with("none: nothing was pruned"), "{said}");
}

#[test]
fn figures_compare_runs_of_one_network() {
    let dir = Workdir::new();
    for method in ["kmeans", "l1"] {
        succeed(dir.prune(
            method,
            &["--cap", "0.3", "--method", method, "--choose", "global", "--also", "stem"],
        ));
        assert_eq!(dir.report(method).also, [PrunePart::Stem]);
    }
    let table = succeed(prune(&dir, &["figures", "./kmeans", "./l1", "--out", "figures"])).stdout;
    let table = String::from_utf8(table).unwrap();
    let rows: Vec<Vec<&str>> =
        table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows.len(), 4, "{table}");
    assert_eq!(rows[1][..6], ["not", "pruned", "50.00", "%", "3451", "0.00"]);
    let left = dir.report("l1").parameters_after.to_string();
    assert_eq!(rows[3][..4], ["l1", "87.50", "%", &left]);
    for file in ["accuracy.svg", "widths.svg"] {
        let svg = fs::read_to_string(dir.at("figures").join(file)).unwrap();
        assert!(svg.contains("kmeans") && svg.contains("l1"), "{file}");
    }
    let rows = fs::read_to_string(dir.at("figures/widths.svg")).unwrap();
    let names = ["stem.conv", "condense1.fel1.conv", "transition1.conv", "condense2.fel2.conv"];
    assert!(names.iter().all(|name| rows.contains(name)), "{rows}");
    let other_network =
        Workdir::with(&Template { growth_rate: 5, stem_channels: 4, ..Template::default() });
    succeed(other_network.prune("x", &["--cap", "0.3"]));
    fs::rename(other_network.at("x"), dir.at("x")).unwrap();
    let said = fail(prune(&dir, &["figures", "kmeans", "x", "--out", "figures"]), 0);
    assert_eq!(said, "kmeans and x are not of the same network before pruning");
    let said = fail(prune(&dir, &["figures", "data", "--out", "figures"]), 0);
    assert!(said.starts_with("data/prune.json: cannot read"), "{said}");
}
