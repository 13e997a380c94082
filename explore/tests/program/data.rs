//! A search resumes only with the data that it began with; the paths and names of the files may
//! change.

use super::fidelity;
use super::fixture::{Fixture, error_of, text};
use serde_json::{Value, json};
use std::fs;

/// Returns a fixture whose search was interrupted after its first evaluation.
fn interrupted() -> Fixture {
    let fixture = Fixture::new();
    fixture.search("out");
    let log = fs::read_to_string(fixture.path("out/evaluations.jsonl")).unwrap();
    fs::write(fixture.path("out/evaluations.jsonl"), log.split_inclusive('\n').next().unwrap())
        .unwrap();
    fixture
}

fn edit(fixture: &Fixture, change: impl FnOnce(&mut Value)) {
    let path = fixture.path("data/dataset.json");
    let mut description: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    change(&mut description);
    fs::write(path, description.to_string()).unwrap();
}

fn refused(fixture: &Fixture) -> String {
    error_of(&fixture.command("out").arg("--resume").output().unwrap())
}

#[test]
fn a_search_does_not_resume_with_other_data_and_names_the_change() {
    let fixture = interrupted();
    type Change = fn(&mut Value);
    let changes: [(&str, Change); 7] = [
        ("data.validation.fraction was 0.5 when the search began, but is 0.4 now", |d| {
            d["validation"]["fraction"] = json!(0.4);
        }),
        ("data.validation.seed was 0", |d| d["validation"]["seed"] = json!(7)),
        ("data.validation.by_class was true", |d| d["validation"]["by_class"] = json!(false)),
        ("data.validation was {\"by_class\":true,\"fraction\":0.5,\"seed\":0} when", |d| {
            d.as_object_mut().unwrap().remove("validation");
            d["val"] = d["test"].clone();
        }),
        ("data.normalisation.mean was [0.5]", |d| d["normalisation"]["mean"] = json!([0.25])),
        ("data.classes was [\"a\",\"b\"]", |d| d["classes"] = json!(["b", "a"])),
        ("data.classes was", |d| d["classes"] = json!(["a", "b", "c"])),
    ];
    for (expected, change) in changes {
        let before = fs::read(fixture.path("data/dataset.json")).unwrap();
        edit(&fixture, change);
        let said = refused(&fixture);
        assert!(said.contains(expected), "{said}");
        fs::write(fixture.path("data/dataset.json"), before).unwrap();
    }
    let files: [(&str, &str, &[u8]); 2] = [
        ("data.images_sha256 was", "images", &[9; 4 * 64]),
        ("data.labels_sha256 was", "labels", &[0, 1, 1, 1]),
    ];
    for (expected, file, contents) in files {
        let path = fixture.path("data").join(file);
        let before = fs::read(&path).unwrap();
        fs::write(&path, [&before[..before.len() - contents.len()], contents].concat()).unwrap();
        let said = refused(&fixture);
        assert!(said.contains(expected), "{said}");
        fs::write(&path, before).unwrap();
    }
    assert!(fixture.command("out").arg("--resume").output().unwrap().status.success());
}

#[test]
fn another_image_size_is_named_instead_of_the_hash_of_the_pixels() {
    let fixture = interrupted();
    let image = |height: u8| {
        [
            &[0, 0, 8, 3, 0, 0, 0, 4, 0, 0, 0, height, 0, 0, 0, 8][..],
            &vec![7; 4 * 8 * usize::from(height)],
        ]
        .concat()
    };
    fs::write(fixture.path("data/images"), image(16)).unwrap();
    edit(&fixture, |d| d["height"] = json!(16));
    let said = refused(&fixture);
    assert!(
        said.contains("data.shape.height was 8 when the search began, but is 16 now"),
        "{said}"
    );
}

#[test]
fn moved_and_renamed_data_are_the_same() {
    let fixture = interrupted();
    fixture.search("whole");
    fs::rename(fixture.path("data/images"), fixture.path("data/pictures")).unwrap();
    edit(&fixture, |d| {
        d["name"] = json!("renamed");
        d["train"][0]["path"] = json!("pictures");
        d["test"][0]["path"] = json!("pictures");
    });
    let output = fixture.command("out").arg("--resume").output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(fixture.result("out"), fixture.result("whole"));
}

/// The folders of a study are named by everything that its trainings depend on.
#[test]
fn a_study_keeps_no_training_of_other_data() {
    let fixture = fidelity::fixture();
    let calls = || {
        let mut command = fixture.explore("fidelity", "study");
        let output =
            command.args(["--genomes", "3", "--seeds", "1", "--short", "1x2"]).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        fixture.calls().len()
    };
    let all = calls();
    assert!(all > 0);
    assert_eq!(calls(), 0);
    edit(&fixture, |d| d["name"] = json!("renamed"));
    assert_eq!(calls(), 0);
    edit(&fixture, |d| d["validation"]["seed"] = json!(3));
    assert_eq!(calls(), all);
}
