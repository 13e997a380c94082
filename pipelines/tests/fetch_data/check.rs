//! `fetch-data check`.

use crate::sandbox::Sandbox;
use common::dataset::Census;
use common::files::json;
use std::fs;
use std::process::Command;

#[test]
fn a_check_names_every_problem_and_counts_the_images() {
    let sandbox = Sandbox::new();
    let folder = |name: &str| format!(r#"{{"path": "{name}", "sha256": null}}"#);
    sandbox.recipe_of(
        "image-folder",
        &folder("train"),
        &folder("test"),
        r#"{"kind": "folder", "path": "photos"}"#,
    );
    let png = |value: u8| -> Vec<u8> {
        let mut bytes = std::io::Cursor::new(Vec::new());
        image::GrayImage::from_pixel(2, 2, image::Luma([value]))
            .write_to(&mut bytes, image::ImageFormat::Png)
            .unwrap();
        bytes.into_inner()
    };
    for (value, photo) in
        [(0, "train/a/1.png"), (255, "train/b/1.png"), (7, "test/a/1.png"), (8, "test/b/1.png")]
    {
        sandbox.write(&format!("photos/{photo}"), &png(value));
    }
    sandbox.fetch_succeeds();
    let check = |json: bool| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fetch-data"));
        command
            .args(["check", "out"])
            .args(json.then_some("--json"))
            .current_dir(sandbox.path("."));
        let output = command.output().unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let (code, table, _) = check(false);
    assert_eq!(code, Some(0));
    assert!(table.contains(r#""normalisation": {"mean": [0.5000], "std": [0.5000]}"#), "{table}");
    fs::write(sandbox.path("out/train/a/2.png"), "").unwrap();
    fs::rename(sandbox.path("out/test/b"), sandbox.path("out/test/bb")).unwrap();
    let (code, table, said) = check(false);
    assert_eq!((code, said.lines().count()), (Some(1), 1), "{said}");
    for part in [
        "train/a/2.png: not a usable image: the file is empty",
        "test/bb: the folder is not",
        "test/b: the folder",
    ] {
        assert!(table.contains(part), "{table}");
    }
    let census: Census = json::parse(&check(true).1).unwrap();
    assert_eq!((census.problems.len(), census.classes[0].train, census.classes[1].test), (3, 1, 0));
}
