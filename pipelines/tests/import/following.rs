//! The second import: what has changed in the folder.

use crate::place::{Place, colour};
use common::dataset::{Dataset, FaultKind, Split};
use common::files::json;
use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

fn set_time(path: &Path, seconds: u64) {
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
}

fn time(path: &Path) -> SystemTime {
    fs::metadata(path).unwrap().modified().unwrap()
}

/// Replaces a picture by other bytes of the same length and time.
#[test]
fn files_with_the_same_size_and_time_are_not_read() {
    let place = Place::with_leaves();
    place.imported(&[]);
    let before = place.copy();
    let photo = place.path("leaves/oak/3.png");
    let old = time(&photo);
    let length = fs::read(&photo).unwrap().len();
    fs::write(&photo, vec![7; length]).unwrap();
    File::options().write(true).open(&photo).unwrap().set_modified(old).unwrap();
    let said = place.imported(&[]);
    assert_eq!(said.err, "leaves: the copy in copy is up to date\n");
    assert_eq!(place.copy(), before);
    // With another time the change is seen.
    set_time(&photo, 1_000_000);
    let said = place.imported(&[]);
    assert!(said.err.contains("1 file changed (oak/3.png)"), "{}", said.err);
    assert!(said.err.contains("oak/3.png: it is neither"), "{}", said.err);
}

#[test]
fn another_time_alone_decodes_nothing_and_leaves_the_description() {
    let place = Place::with_leaves();
    place.imported(&[]);
    set_time(&place.path("copy/dataset.json"), 5);
    let before = place.copy();
    set_time(&place.path("leaves/oak/3.png"), 1_000_000);
    let said = place.imported(&[]);
    assert_eq!((said.decoded(), said.err.lines().count()), (0, 1), "{}", said.err);
    assert_eq!(
        time(&place.path("copy/dataset.json")),
        SystemTime::UNIX_EPOCH + Duration::from_secs(5)
    );
    let after = place.copy();
    assert!(before.iter().all(|(name, bytes)| name == "files.json" || after[name] == *bytes));
    let file = place.files().files.into_iter().find(|file| file.path == "oak/3.png").unwrap();
    assert_eq!(file.modified_ns, 1_000_000_000_000_000);
}

#[test]
fn only_changed_pictures_are_decoded_and_the_copy_is_that_of_the_folder() {
    let place = Place::with_leaves();
    place.imported(&[]);
    let changes: [(&dyn Fn(), usize, &str); 5] = [
        (&|| place.write("leaves/oak/3.png", &colour(201)), 1, "1 file changed (oak/3.png)"),
        (&|| place.write("leaves/oak/new.png", &colour(202)), 1, "1 file added (oak/new.png)"),
        (
            &|| fs::remove_file(place.path("leaves/pine/4.png")).unwrap(),
            0,
            "1 file removed (pine/4.png)",
        ),
        (
            &|| place.rename("leaves/pine/5.png", "leaves/pine/z.png"),
            0,
            "1 file added (pine/z.png), 1 file removed (pine/5.png)",
        ),
        (
            &|| place.rename("leaves/pine/6.png", "leaves/birch/y.png"),
            0,
            "1 file added (birch/y.png), 1 file removed",
        ),
    ];
    for (change, decoded, said_change) in changes {
        change();
        let said = place.imported(&[]);
        assert!(said.err.contains(said_change), "{said_change}: {}", said.err);
        assert_eq!(said.decoded(), decoded, "{}", said.err);
        let followed = place.copy();
        fs::remove_dir_all(place.path("copy")).unwrap();
        place.imported(&[]);
        assert_eq!(place.copy(), followed, "{said_change}");
    }
}

/// A damaged file keeps its reason while it is as it was, and gets another one with its name.
#[test]
fn files_that_were_left_out_are_followed() {
    let place = Place::with_leaves();
    place.write("leaves/oak/a.png", b"woof");
    place.write("leaves/oak/b.txt", b"woof");
    place.imported(&[]);
    place.write("leaves/oak/new.png", &colour(200));
    place.rename("leaves/oak/a.png", "leaves/oak/c.txt");
    place.imported(&[]);
    let followed = place.copy();
    let kinds: Vec<FaultKind> = place.record().left_out.iter().map(|file| file.kind).collect();
    assert_eq!(kinds, [FaultKind::NotAPicture; 2]);
    fs::remove_dir_all(place.path("copy")).unwrap();
    place.imported(&[]);
    assert_eq!(place.copy(), followed);
}

#[test]
fn keep_only_says_what_has_changed() {
    let place = Place::with_leaves();
    // Without a copy it makes one.
    assert_eq!(place.imported(&["--keep"]).decoded(), 30);
    let before = place.copy();
    assert_eq!(place.imported(&["--keep"]).err, "");
    place.write("leaves/oak/it's.png", &colour(202));
    let said = place.imported(&["--keep"]);
    assert!(said.err.contains("1 file added (oak/it's.png)"), "{}", said.err);
    assert!(said.err.contains("`make data DATASET='leaves'`"), "{}", said.err);
    assert_eq!(place.copy(), before);
    // A disk that is not there looks like an empty folder.
    fs::remove_dir_all(place.path("leaves")).unwrap();
    fs::create_dir(place.path("leaves")).unwrap();
    let said = place.imported(&["--keep"]);
    assert!(
        said.err.contains("there are no files in it") && said.err.contains("is used"),
        "{}",
        said.err
    );
    assert!(place.refused(&[]).contains("there are no files in it"));
    assert_eq!(place.copy(), before);
}

#[test]
fn the_copy_is_used_without_the_folder_and_follows_where_it_moves() {
    let place = Place::with_leaves();
    place.imported(&[]);
    let (before, prints) = (place.copy(), place.fingerprints());
    place.rename("leaves", "moved/away");
    let said = place.imported(&[]);
    assert_eq!(said.err, "leaves: it is not there; its copy in copy is used\n");
    assert_eq!(place.copy(), before);
    let said = place.run(&["import", "moved/away", "--out", "copy"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.err.contains("the folder has moved"), "{}", said.err);
    assert!(place.record().folder.ends_with("/moved/away"));
    assert_eq!(place.fingerprints(), prints);
    let said = place.run(&["import", "moved/away", "--out", "copy"]);
    assert!(said.err.ends_with("up to date\n"), "{}", said.err);
    // Another folder of the same name is another data set.
    for i in 0..3 {
        place.write(&format!("leaves/a/{i}.png"), &colour(i));
        place.write(&format!("leaves/b/{i}.png"), &colour(100 + i));
    }
    for more in [&[][..], &["--keep"]] {
        let error = place.refused(more);
        assert!(error.contains("NAME=") && error.contains("RUN="), "{error}");
        assert!(error.contains("/moved/away"), "{error}");
    }
    assert_eq!(place.fingerprints(), prints);
}

#[test]
fn what_a_user_changes_in_the_description_is_kept() {
    let place = Place::with_leaves();
    place.imported(&[]);
    let mut dataset = place.dataset();
    dataset.about = "Mine".into();
    dataset.classes[1] = "Eiche".into();
    dataset.validation.as_mut().unwrap().fraction = 0.5;
    dataset.normalisation.mean = vec![0.5; 3];
    json::write(&place.path("copy/dataset.json"), &dataset).unwrap();
    place.imported(&[]);
    assert_eq!(place.dataset(), dataset);
    place.write("leaves/elm/1.png", &colour(220));
    place.write("leaves/elm/2.png", &colour(221));
    place.imported(&[]);
    let followed = place.dataset();
    assert_eq!(followed.classes, ["birch", "elm", "Eiche", "pine"]);
    assert_eq!((followed.about.as_str(), followed.validation), ("Mine", dataset.validation));
    assert_eq!(followed.normalisation.mean, [0.5; 3]);
    Dataset::load(&place.path("copy"), Split::Train).unwrap();
    // A second change keeps them, too.
    fs::remove_dir_all(place.path("leaves/elm")).unwrap();
    place.imported(&[]);
    assert_eq!(place.dataset().classes, ["birch", "Eiche", "pine"]);
}
