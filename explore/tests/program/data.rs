//! A search goes on only with the data that it began with; where they lie and how files are called
//! is no part of them.

use super::fidelity;
use super::world::{World, error_of, text};
use serde_json::{Value, json};
use std::fs;

/// A world whose search was cut off after its first evaluation.
fn interrupted() -> World {
    let world = World::new();
    world.search("out");
    let log = fs::read_to_string(world.path("out/evaluations.jsonl")).unwrap();
    fs::write(world.path("out/evaluations.jsonl"), log.split_inclusive('\n').next().unwrap())
        .unwrap();
    world
}

fn edit(world: &World, change: impl FnOnce(&mut Value)) {
    let path = world.path("data/dataset.json");
    let mut description: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    change(&mut description);
    fs::write(path, description.to_string()).unwrap();
}

fn refused(world: &World) -> String {
    error_of(&world.command("out").arg("--resume").output().unwrap())
}

#[test]
fn a_search_does_not_go_on_with_other_data_and_says_what_changed() {
    let world = interrupted();
    type Change = fn(&mut Value);
    let changes: [(&str, Change); 6] = [
        ("data.validation.fraction was 0.5 when the search began, but is 0.4 now", |d| {
            d["validation"]["fraction"] = json!(0.4);
        }),
        ("data.validation.seed was 0", |d| d["validation"]["seed"] = json!(7)),
        ("data.validation.by_class was true", |d| d["validation"]["by_class"] = json!(false)),
        ("data.normalisation.mean was [0.5]", |d| d["normalisation"]["mean"] = json!([0.25])),
        ("data.classes was [\"a\",\"b\"]", |d| d["classes"] = json!(["b", "a"])),
        ("data.classes was", |d| d["classes"] = json!(["a", "b", "c"])),
    ];
    for (expected, change) in changes {
        let before = fs::read(world.path("data/dataset.json")).unwrap();
        edit(&world, change);
        let said = refused(&world);
        assert!(said.contains(expected), "{said}");
        fs::write(world.path("data/dataset.json"), before).unwrap();
    }
    let files: [(&str, &str, &[u8]); 2] = [
        ("data.images_sha256 was", "images", &[9; 4 * 64]),
        ("data.labels_sha256 was", "labels", &[0, 1, 1, 1]),
    ];
    for (expected, file, contents) in files {
        let path = world.path("data").join(file);
        let before = fs::read(&path).unwrap();
        fs::write(&path, [&before[..before.len() - contents.len()], contents].concat()).unwrap();
        let said = refused(&world);
        assert!(said.contains(expected), "{said}");
        fs::write(&path, before).unwrap();
    }
    assert!(world.command("out").arg("--resume").output().unwrap().status.success());
}

#[test]
fn another_size_is_named_and_not_the_hash_of_its_pixels() {
    let world = interrupted();
    let image = |height: u8| {
        [
            &[0, 0, 8, 3, 0, 0, 0, 4, 0, 0, 0, height, 0, 0, 0, 8][..],
            &vec![7; 4 * 8 * usize::from(height)],
        ]
        .concat()
    };
    fs::write(world.path("data/images"), image(16)).unwrap();
    edit(&world, |d| d["height"] = json!(16));
    let said = refused(&world);
    assert!(
        said.contains("data.shape.height was 8 when the search began, but is 16 now"),
        "{said}"
    );
}

#[test]
fn data_that_were_moved_and_renamed_are_the_same() {
    let world = interrupted();
    world.search("whole");
    fs::rename(world.path("data/images"), world.path("data/pictures")).unwrap();
    edit(&world, |d| {
        d["name"] = json!("renamed");
        d["train"][0]["path"] = json!("pictures");
        d["test"][0]["path"] = json!("pictures");
    });
    let output = world.command("out").arg("--resume").output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(world.result("out"), world.result("whole"));
}

/// Trainings of a study are kept by all that decides them.
#[test]
fn a_study_takes_no_training_of_other_data() {
    let world = fidelity::world();
    let calls = || {
        let mut command = world.explore("fidelity", "study");
        let output =
            command.args(["--genomes", "3", "--seeds", "1", "--short", "1x2"]).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        world.calls().len()
    };
    let all = calls();
    assert!(all > 0);
    assert_eq!(calls(), 0);
    edit(&world, |d| d["name"] = json!("renamed"));
    assert_eq!(calls(), 0);
    edit(&world, |d| d["validation"]["seed"] = json!(3));
    assert_eq!(calls(), all);
}
