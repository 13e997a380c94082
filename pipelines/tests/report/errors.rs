//! Damaged files, and folders that are not runs or cannot be written to.

use crate::fixture::Fixture;
use crate::{PRUNED, refused, report, write_report};
use std::fs;

#[test]
fn a_damaged_file_is_one_line_that_names_it() {
    for name in [
        "profile.json",
        "explore/search.json",
        "explore/archive.json",
        "explore/winners/1/genome.json",
        "networks/2/dense/network.json",
        "networks/1/pruned/prune.json",
        "networks/1/dense/train.json",
        "networks/1/dense/test.json",
        "networks/1/dense/crate-x86_64/manifest.json",
        PRUNED,
    ] {
        let fixture = Fixture::new();
        let path = fixture.run().join(name);
        let whole = fs::read(&path).unwrap();
        fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        let line = refused(&fixture);
        assert!(line.contains(name) && line.contains("not valid JSON"), "{line}");
    }
}

#[test]
fn a_torn_last_evaluation_is_left_out_but_a_damaged_one_is_an_error() {
    let fixture = Fixture::new();
    let path = fixture.run().join("explore/evaluations.jsonl");
    let whole = fs::read_to_string(&path).unwrap();
    let count = whole.lines().count();
    fs::write(&path, &whole[..whole.len() - 10]).unwrap();
    let (_, page) = write_report(&fixture);
    assert!(page.contains(&format!("<strong>{}</strong><span>networks evaluated", count - 1)));
    fs::remove_dir_all(fixture.out()).unwrap();
    fs::write(&path, whole.replacen("\"iteration\"", "\"itaration\"", 1)).unwrap();
    let line = refused(&fixture);
    assert!(line.contains("evaluations.jsonl: line 1") && line.contains("itaration"), "{line}");
}

#[test]
fn a_folder_that_is_not_a_run_is_refused() {
    let fixture = Fixture::new();
    for name in ["explore", "networks"] {
        fixture.remove(name);
    }
    let line = refused(&fixture);
    assert!(line.contains("not a run: it has neither explore/search.json nor networks/"), "{line}");
    fs::remove_dir_all(fixture.run()).unwrap();
    assert!(refused(&fixture).contains("there is no such folder"));
}

#[test]
fn an_output_folder_that_cannot_be_written_to_is_one_line() {
    let fixture = Fixture::new();
    fs::write(fixture.out(), b"a file").unwrap();
    let output = report(&fixture);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), stderr.lines().count()), (Some(1), 1), "{stderr}");
    assert!(stderr.contains("report: cannot create the folder"), "{stderr}");
}
