//! Copies of the user's own folders and files, which follow their originals.

use crate::sandbox::{FOLDER, NAMES, Sandbox};
use std::fs;

#[test]
fn images_in_folders_are_copied_whole() {
    let sandbox = Sandbox::new();
    let folder = |name: &str| format!(r#"{{"path": "{name}", "sha256": null}}"#);
    sandbox.recipe_of(
        "image-folder",
        &folder("train"),
        &folder("test"),
        r#"{"kind": "folder", "path": "photos"}"#,
    );
    sandbox.write("photos/train/a/1.png", b"1");
    sandbox.write("photos/train/b/2.png", b"2");
    let lines = sandbox.fetch_fails();
    assert!(lines.last().unwrap().contains("could give test;"), "{lines:?}");
    sandbox.write("photos/test/a/3.png", b"3");
    assert!(sandbox.fetch().status.success());
    assert_eq!(fs::read(sandbox.path("out/train/b/2.png")).unwrap(), b"2");
    assert_eq!(sandbox.placed(), ["dataset.json", "test", "train"]);
}

/// Photos that are added, replaced or removed change the copy; only then is `dataset.json` written,
/// so that make trains again.
#[test]
fn the_copy_of_a_folder_follows_it() {
    let sandbox = Sandbox::new();
    let folder = |name: &str| format!(r#"{{"path": "{name}", "sha256": null}}"#);
    sandbox.recipe_of(
        "image-folder",
        &folder("train"),
        &folder("test"),
        r#"{"kind": "folder", "path": "photos"}"#,
    );
    for photo in ["train/a/1.png", "train/b/2.png", "test/a/3.png"] {
        sandbox.write(&format!("photos/{photo}"), photo.as_bytes());
    }
    sandbox.write("photos/train/a/.DS_Store", b"litter");
    sandbox.fetch_succeeds();
    assert!(!sandbox.path("out/train/a/.DS_Store").exists());
    let long_ago = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000);
    let age = || {
        fs::File::open(sandbox.path("out/dataset.json")).unwrap().set_modified(long_ago).unwrap();
    };
    let is_new =
        || fs::metadata(sandbox.path("out/dataset.json")).unwrap().modified().unwrap() != long_ago;
    age();
    sandbox.write("photos/train/b/Thumbs.db", b"litter");
    assert_eq!(sandbox.fetch_succeeds(), "");
    assert!(!is_new());
    let changes: [&dyn Fn(); 3] = [
        &|| sandbox.write("photos/train/a/new.png", b"new"),
        // As long as before.
        &|| sandbox.write("photos/train/a/1.png", b"train/a/9.png"),
        &|| fs::remove_file(sandbox.path("photos/train/b/2.png")).unwrap(),
    ];
    for change in changes {
        change();
        let said = sandbox.fetch_succeeds();
        assert!(said.contains("photos/train: it has changed since it was copied"), "{said}");
        assert!(is_new());
        age();
    }
    assert_eq!(fs::read(sandbox.path("out/train/a/new.png")).unwrap(), b"new");
    assert_eq!(fs::read(sandbox.path("out/train/a/1.png")).unwrap(), b"train/a/9.png");
    assert!(!sandbox.path("out/train/b/2.png").exists());
    fs::remove_dir_all(sandbox.path("photos")).unwrap();
    assert_eq!(sandbox.fetch_succeeds(), "");
    assert_eq!(sandbox.placed(), ["dataset.json", "test", "train"]);
}

#[test]
fn a_file_without_a_hash_follows_its_source() {
    let sandbox = Sandbox::new();
    let file = |i: usize| format!(r#"{{"path": "{}", "sha256": null}}"#, NAMES[i]);
    sandbox.recipe_of(
        "idx",
        &format!("{}, {}", file(0), file(1)),
        &format!("{}, {}", file(2), file(3)),
        FOLDER,
    );
    sandbox.fetch_succeeds();
    assert_eq!(sandbox.fetch_succeeds(), "");
    sandbox.write(&format!("mirror/{}", NAMES[1]), b"other labels");
    assert!(sandbox.fetch_succeeds().contains("it has changed since it was copied"));
    assert_eq!(fs::read(sandbox.path("out").join(NAMES[1])).unwrap(), b"other labels");
}
