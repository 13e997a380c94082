//! What a user's own folder gave, as the page shows it.

use crate::fixture::{Fixture, HOSTILE};
use crate::{ESCAPED, SCRIPTS, refused, write_report};
use common::dataset::{
    Choice, Fault, FaultKind, ImportRecord, ImportedClass, Layout, LeftOut, Scaling,
};
use common::files::json;
use std::fs;

fn fault(kind: FaultKind, count: usize, text: &str) -> Fault {
    Fault { kind, count, text: text.into(), examples: vec![HOSTILE.into()], stops: false }
}

/// Two classes, one of them hostile, and files that were left out.
fn record() -> ImportRecord {
    let class =
        |name: &str, train, test| ImportedClass { class: name.into(), train, validation: 0, test };
    ImportRecord {
        name: "leaves".into(),
        folder: "/home/me/<my photos>".into(),
        layout: Layout::ClassFolders,
        channels: 3,
        height: 32,
        width: 48,
        scaling: Some(Scaling { resize: "letterbox".into(), filter: "triangle".into() }),
        classes: vec![class("birch", 1160, 40), class(HOSTILE, 159, 41)],
        test: Choice::Drawn { fraction: 0.2, seed: 7 },
        validation: Choice::Drawn { fraction: 0.25, seed: 0 },
        mean: vec![0.481, 0.512, 0.398],
        std: vec![0.213, 0.207, 0.225],
        left_out: vec![LeftOut {
            file: format!("oak/{HOSTILE}.jpg"),
            kind: FaultKind::Damaged,
            reason: format!("cut off {HOSTILE}"),
        }],
        system_files: 3,
        faults: vec![
            fault(FaultKind::Damaged, 1, "1 file is damaged"),
            fault(FaultKind::TwoLabels, 4, "4 images have two labels"),
        ],
    }
}

fn page_with(fixture: &Fixture, record: &ImportRecord) -> (String, String) {
    json::write(&fixture.run().join("import.json"), record).unwrap();
    write_report(fixture)
}

#[test]
fn the_page_says_what_the_images_are_and_what_was_left_out() {
    let fixture = Fixture::new();
    let (said, page) = page_with(&fixture, &record());
    for shown in [
        ">Images</h2>",
        "a folder for each class",
        "32x48, colour",
        "letterbox, filter triangle",
        "20.0 % of each class's training images, drawn with seed 7",
        "25.0 % of each class's training images, drawn with seed 0",
        "0.4810, 0.5120, 0.3980",
        "0.2130, 0.2070, 0.2250",
        ">training and validation<",
        ">1,160<",
        ">41<",
        "4 images have two labels",
        "Files that were left out: 1<",
        "<dt>files of operating systems, ignored</dt><dd>3</dd>",
    ] {
        assert!(page.contains(shown), "{shown} is not on the page");
    }
    let warning = "1 file was left out of the images; the page names them under \"Images\".";
    assert!(said.contains(warning), "{said}");
    assert!(page.contains("1 file was left out of the images"));
    assert!(page.contains("<dd>&lt;my photos&gt;</dd>") && !page.contains("/home/me"));
    // Class, file and reason, and the examples of two faults.
    let without = write_report(&Fixture::new()).1.matches(ESCAPED).count();
    assert_eq!(page.matches(ESCAPED).count(), without + 5);
    assert_eq!(page.matches("<script").count(), SCRIPTS);
}

#[test]
fn sets_that_were_found_have_columns_of_their_own() {
    let fixture = Fixture::new();
    let mut record = record();
    (record.test, record.validation, record.scaling) = (Choice::Found, Choice::Found, None);
    record.channels = 1;
    record.classes[0].validation = 77;
    record.classes.extend((0..30).map(|index| ImportedClass {
        class: format!("class {index}"),
        train: 10,
        validation: 0,
        test: 2,
    }));
    let (_, page) = page_with(&fixture, &record);
    for shown in [
        ">validation</th>",
        ">77<",
        "those that were found as such",
        "none: they had this size",
        "32x48, grey",
        "<summary>All 32 classes</summary>",
    ] {
        assert!(page.contains(shown), "{shown} is not on the page");
    }
}

/// The list of files ends, the count does not.
#[test]
fn more_files_than_are_listed_are_counted() {
    let fixture = Fixture::new();
    let mut record = record();
    record.faults[0].count = 4321;
    let (said, page) = page_with(&fixture, &record);
    assert!(said.contains("4,321 files were left out of the images"), "{said}");
    assert!(page.contains("Files that were left out: the first 1 of 4,321<"));
}

#[test]
fn a_run_without_the_record_looks_as_before_and_a_damaged_one_is_an_error() {
    let fixture = Fixture::new();
    let (before, page) = write_report(&fixture);
    assert!(!page.contains(">Images</h2>") && !before.contains("left out"));
    let mut clean = record();
    clean.left_out.clear();
    clean.faults.clear();
    clean.system_files = 0;
    let (said, page) = page_with(&fixture, &clean);
    assert_eq!(said, before);
    assert!(!page.contains("left out") && !page.contains("What is unusual"));
    assert!(!page.contains("operating systems"));
    let path = fixture.run().join("import.json");
    let whole = fs::read_to_string(&path).unwrap();
    fs::write(&path, whole.replace("class-folders", "somehow")).unwrap();
    fs::remove_dir_all(fixture.out()).unwrap();
    assert!(refused(&fixture).contains("import.json"));
}
