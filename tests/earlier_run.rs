//! A run of an earlier version (`data/run-before-data-identity`, by the version of 2026-11-25 on
//! the digits) can be reported, pruned and written as crates; its search cannot be resumed, and the
//! error says why.

use std::path::Path;
use tests::{refused, root, succeed};

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, target).map(|_| ()).unwrap();
        }
    }
}

#[test]
fn a_run_of_an_earlier_version_is_read_but_its_search_is_not_resumed() {
    let dir = tempfile::tempdir().unwrap();
    let (run, data) = (dir.path().join("run"), dir.path().join("digits"));
    copy(&root().join("tests/data/run-before-data-identity"), &run);
    succeed(
        &root(),
        "fetch-data",
        &["--recipe", "pipelines/datasets/digits.json", "--out", data.to_str().unwrap()],
    );

    let report = succeed(dir.path(), "report", &["--run", "run", "--out", "report"]);
    assert!(report.contains("46.5 %"), "the test accuracy of its network: {report}");
    let network = ["--network", "run/networks/1/dense/network.json"];
    let weights = ["--weights", "run/networks/1/dense/weights.safetensors"];
    let prune = [
        "run",
        "--dataset",
        "digits",
        "--config",
        "run/profile.json",
        "--out",
        "run/networks/1/pruned",
    ];
    succeed(dir.path(), "prune", &[&prune[..], &network, &weights].concat());
    let generate = ["generate", "--platform", "x86_64", "--samples", "digits", "--out", "crate"];
    succeed(dir.path(), "codegen", &[&generate[..], &network, &weights].concat());

    let search = [
        "run",
        "--dataset",
        "digits",
        "--config",
        "run/profile.json",
        "--out",
        "run/explore",
        "--resume",
    ];
    let said = refused(dir.path(), "explore", &search);
    assert!(
        said.contains("search.json: an earlier version began this search")
            && said.contains("`data`"),
        "{said}"
    );
}
