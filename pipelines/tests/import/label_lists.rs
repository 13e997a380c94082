//! Pictures and lists of their labels.

use crate::place::{Place, colour};
use common::dataset::{Choice, FaultKind, Layout};
use std::collections::BTreeMap;
use std::fs;

/// Writes ten pictures into a folder.
fn pictures(place: &Place, folder: &str) {
    (0..10).for_each(|i| place.write(&format!("leaves/{folder}{i}.png"), &colour(i)));
}

#[test]
fn lists_of_all_kinds_make_the_same_copy() {
    let mut first: Option<[String; 2]> = None;
    let rows = |separator: &str, start: &str, end: &str, newline: &str| -> String {
        (0..10)
            .map(|i| format!("{start}{i}{end}{separator}{}{newline}", ["oak", "birch"][i % 2]))
            .collect()
    };
    let lists = [
        ("labels.csv", format!("file,label\n{}", rows(",", "images/", ".png", "\n"))),
        ("labels.csv", format!("\u{feff}file;label\r\n{}", rows(";", "images\\", ".png", "\r\n"))),
        ("labels.csv", rows(",", "\"./images/../images/", ".png\"", "\n")),
        ("list.tsv", format!("id\tspecies\n{}", rows("\t", "", "", "\n"))),
    ];
    for (name, list) in lists {
        let place = Place::new();
        pictures(&place, "images/");
        place.write(&format!("leaves/{name}"), list.as_bytes());
        let said = place.imported(&[]);
        assert!(said.err.contains("10 images of 2 classes (birch 5, oak 5)"), "{}", said.err);
        assert_eq!(place.record().faults, []);
        let prints = place.fingerprints();
        assert_eq!(*first.get_or_insert_with(|| prints.clone()), prints, "{list}");
        let path = format!("leaves/{name}");
        let said = place.run(&["import", &path, "--out", "other"]);
        assert_eq!(said.code, 0, "{}", said.err);
    }
}

#[test]
fn lists_of_sets_are_read_and_unlabelled_pictures_counted() {
    let place = Place::new();
    pictures(&place, "");
    place.write("leaves/extra/unlisted.png", &colour(77));
    let rows = |from: usize, to: usize| -> String {
        (from..to).map(|i| format!("{i}.png,{}\n", ["oak", "birch"][i % 2])).collect()
    };
    place.write("leaves/train.csv", rows(0, 8).as_bytes());
    place.write("leaves/test.csv", rows(8, 10).as_bytes());
    let said = place.imported(&[]);
    assert!(said.err.contains("8 training images"), "{}", said.err);
    let record = place.record();
    assert_eq!((record.layout, record.test), (Layout::LabelList, Choice::Found));
    assert_eq!((record.faults.len(), record.faults[0].kind), (1, FaultKind::Unlabelled));
    // A changed label changes the copy, and no picture is decoded again.
    let prints = place.fingerprints();
    place.write("leaves/train.csv", rows(0, 8).replace("0.png,oak", "0.png,birch").as_bytes());
    let said = place.imported(&[]);
    assert!(said.err.contains("1 file changed (train.csv)"), "{}", said.err);
    assert_eq!(said.decoded(), 0);
    assert_ne!(place.fingerprints(), prints);
    // Some test sets are published without labels.
    place.write("leaves/test.csv", b"id\n8.png\n9.png\n");
    place.imported(&[]);
    assert!(matches!(place.record().test, Choice::Drawn { .. }));
    assert_eq!(place.record().left_out.len(), 4);
}

#[test]
fn files_that_are_missing_outside_or_listed_twice_are_left_out() {
    let place = Place::new();
    pictures(&place, "");
    place.write("secret.png", &colour(90));
    let outside = place.path("secret.png");
    let mut list: String =
        (0..10).map(|i| format!("{i}.png,{}\n", ["oak", "birch"][i % 2])).collect();
    list += &format!(
        "../secret.png,oak\n{},oak\ngone.png,oak\n0.png,birch\n1.png,birch\n",
        outside.display()
    );
    list += &format!("{},oak\n", place.path("leaves/2.png").display());
    place.write("leaves/labels.csv", list.as_bytes());
    place.imported(&[]);
    let record = place.record();
    let counts: BTreeMap<FaultKind, usize> =
        record.faults.iter().map(|fault| (fault.kind, fault.count)).collect();
    let expected = [(FaultKind::Missing, 1), (FaultKind::Outside, 2), (FaultKind::TwoLabels, 1)];
    assert_eq!(counts, BTreeMap::from(expected));
    let twice = record.left_out.iter().find(|file| file.kind == FaultKind::TwoLabels).unwrap();
    assert_eq!(twice.reason, "it is listed as \"oak\" and as \"birch\"");
    fs::write(place.path("leaves/labels.csv"), "a.png,oak\nb.png,birch\n").unwrap();
    let error = place.refused(&[]);
    assert!(
        error.contains("labels.csv: none of its files is there, such as a.png, b.png"),
        "{error}"
    );
    fs::write(place.path("leaves/labels.csv"), "a,b,c\n").unwrap();
    let error = place.refused(&[]);
    assert!(error.contains("labels.csv: the list has 3 columns"), "{error}");
    let wide: Vec<u8> = "0.png,oak\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(place.path("leaves/labels.csv"), wide).unwrap();
    let error = place.refused(&[]);
    assert!(error.contains("UTF-16"), "{error}");
}

/// Folders of classes with an unrelated table are folders of classes.
#[test]
fn another_table_beside_folders_of_classes_does_no_harm() {
    let place = Place::with_leaves();
    place.write("leaves/weather.csv", b"day,rain,wind\n1,2,3\n");
    place.imported(&[]);
    assert_eq!(place.record().layout, Layout::ClassFolders);
    assert_eq!(place.record().left_out[0].file, "weather.csv");
}
