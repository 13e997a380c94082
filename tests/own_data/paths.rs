//! Paths and options on make's command line: each reaches `fetch-data` as it is, or is refused.

use crate::project::Project;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// Last names of paths, and the names that they are reduced to. Half of them would make the file
/// `ran` if make or a shell evaluated them.
const NAMES: [(&[u8], &str); 20] = [
    (b"leaves", "leaves"),
    (b"My Leaves  2024 ", "my-leaves-2024"),
    (b"2024", "2024"),
    ("Bl\u{e4}tter \u{8449}".as_bytes(), "bl-tter"),
    (b"\xff\xfe latin", "latin"),
    (b"a'b", "a-b"),
    (b"a\"b", "a-b"),
    (b"a\\", "a"),
    (b"a\\ b\\'c", "a-b-c"),
    (b"$HOME $$x $(HOME) ${HOME}", "home-x-home-home"),
    (b"$(touch ran)", "touch-ran"),
    (b"$(shell touch ran)", "shell-touch-ran"),
    (b"`touch ran`", "touch-ran"),
    (b"a; touch ran", "a-touch-ran"),
    (b"a';touch ran;'", "a-touch-ran"),
    (b"$$(touch ran)&touch ran", "touch-ran-touch-ran"),
    (b"a#b %c *? [d] ~ {e,f} (g", "a-b-c-d-e-f-g"),
    (b"a=b:c|d>ran", "a-b-c-d-ran"),
    (b"!!-- x", "x"),
    (b"a-very-long-name-that-has-more-than-32-letters", "a-very-long-name-that-has-more-t"),
];

fn assignment(variable: &str, value: &[u8]) -> OsString {
    OsString::from_vec([variable.as_bytes(), b"=", value].concat())
}

/// The call of `fetch-data` that is expected.
fn import(path: &[u8], name: &str, more: &[&str]) -> Vec<OsString> {
    let mut words: Vec<OsString> = vec!["fetch-data".into(), "import".into()];
    words.push(OsStr::from_bytes(path).into());
    words.extend(["--out", &format!("data/{name}"), "--name", name].map(OsString::from));
    words.extend(more.iter().map(OsString::from));
    words
}

/// From the command line and from the environment, and through the second make, which works in the
/// run.
#[test]
fn any_path_reaches_fetch_data_as_it_is_and_nothing_in_it_is_run() {
    let project = Project::with_recorders();
    for (last, name) in NAMES {
        for (before, after) in [("/no such/", ""), ("./", ""), ("-x/", "//")] {
            let path = [before.as_bytes(), last, after.as_bytes()].concat();
            // It must not look like an option.
            let expected = if before == "-x/" { [b"./", &path[..]].concat() } else { path.clone() };
            project.made([OsString::from("data"), assignment("DATASET", &path)]);
            assert_eq!(project.calls(), [import(&expected, name, &[])]);
            let mut command = project.command("make");
            let output = command.arg("explore").env("DATASET", OsStr::from_bytes(&path)).output();
            assert!(output.unwrap().status.success());
            let calls = project.calls();
            assert_eq!(calls[0], import(&expected, name, &["--keep"]));
            assert_eq!(calls[1][1], "run");
            assert!(calls[1].contains(&format!("data/{name}").into()), "{:?}", calls[1]);
            assert!(calls[1].contains(&format!("runs/{name}-laptop/explore").into()));
            assert_eq!(calls.len(), 2);
            fs::remove_dir_all(project.path().join("data").join(name)).unwrap();
            fs::remove_dir_all(project.path().join("runs")).unwrap();
        }
        assert!(!project.path().join("ran").exists(), "{last:?} was run");
    }
}

#[test]
fn help_and_dry_runs_take_a_path_and_do_nothing() {
    let project = Project::with_recorders();
    for (last, name) in NAMES {
        let dataset = assignment("DATASET", &[b"/no such/", last].concat());
        let (list, _) = project.made(["help".into(), dataset.clone()]);
        let variables = format!("DATASET={name} PROFILE=laptop BOARD=host RUN=runs/{name}-laptop ");
        assert!(list.contains(&variables), "{list}");
        let output = project.make(["-n".into(), "pipeline".into(), dataset]);
        assert!(output.status.success());
        // What it would do is one line that a shell would read as it was meant.
        let import = [b"fetch-data import '/no such/".to_vec(), quoted(last), b"'".to_vec()];
        let import = import.concat();
        assert!(output.stdout.windows(import.len()).any(|part| part == import), "{last:?}");
    }
    assert_eq!(project.calls().len(), 0);
    for made in ["ran", "data", "runs"] {
        assert!(!project.path().join(made).exists(), "{made}");
    }
}

fn quoted(text: &[u8]) -> Vec<u8> {
    text.split(|byte| *byte == b'\'').collect::<Vec<_>>().join(&br"'\''"[..])
}

#[test]
fn options_are_passed_on() {
    let project = Project::with_recorders();
    for (arguments, more) in [
        (vec!["SIZE=24"], vec!["--size", "24"]),
        (vec!["RESIZE=crop"], vec!["--resize", "crop"]),
        (vec!["STRICT=1"], vec!["--strict"]),
        (
            vec!["STRICT=1", "RESIZE=letterbox", "SIZE=8"],
            vec!["--size", "8", "--resize", "letterbox", "--strict"],
        ),
    ] {
        project.made([&["data", "DATASET=./leaves"], &arguments[..]].concat());
        assert_eq!(project.calls(), [import(b"./leaves", "leaves", &more)]);
    }
    project.made(["data", "DATASET=./leaves", "NAME=oaks", "DATA=elsewhere"]);
    let expected = ["fetch-data", "import", "./leaves", "--out", "elsewhere", "--name", "oaks"];
    assert_eq!(project.calls(), [expected.map(OsString::from)]);
    project.made(["data", "STRICT=1"]);
    let calls = project.calls();
    assert_eq!(calls[1], ["fetch-data", "check", "data/digits", "--strict"].map(OsString::from));
}

/// Where the programs are not built yet, a path that does not exist is found at once.
#[test]
fn a_path_that_does_not_exist_is_refused_before_programs_are_built() {
    let project = Project::with_recorders();
    project.stand_in("cargo", "#!/bin/sh\necho building >&2\nexit 1\n");
    fs::rename(project.path().join("target/release"), project.path().join("bin")).unwrap();
    let path = format!("{}:/usr/bin:/bin", project.path().join("bin").display());
    fs::create_dir(project.path().join("my 'leaves'")).unwrap();
    let said = |dataset: &str, goal: &str| {
        let mut command = project.command("make");
        let output = command.args([goal, dataset]).env("PATH", &path).output().unwrap();
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    for goal in ["data", "pipeline"] {
        let missing = said("DATASET=./my 'leafs'", goal);
        assert!(missing.contains("there is neither ./my 'leafs' nor a copy"), "{missing}");
        let there = said("DATASET=./my 'leaves'", goal);
        assert!(there.contains("building") && !there.contains("neither"), "{there}");
    }
}

/// Some systems have such variables for other purposes; WSL has the computer's name in NAME.
#[test]
fn the_environment_gives_a_path_no_name_and_no_options() {
    let project = Project::with_recorders();
    let mut command = project.command("make");
    command.args(["data", "DATASET=./leaves"]);
    command.env("NAME", "desktop").env("SIZE", "big").env("RESIZE", "x").env("STRICT", "x");
    assert!(command.output().unwrap().status.success());
    assert_eq!(project.calls(), [import(b"./leaves", "leaves", &[])]);
}

#[test]
fn what_cannot_be_used_is_refused_by_one_line_before_anything_is_made() {
    let project = Project::with_recorders();
    let refused = |arguments: &[&[u8]]| {
        let arguments = arguments.iter().map(|argument| OsStr::from_bytes(argument));
        let output = project.make(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && output.stdout.is_empty(), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        said
    };
    for control in [&b"\n"[..], b"\t", b"\x1b[2J", b"\x7f", b"\xc2\x9b", b"\x01"] {
        for goal in [&b"help"[..], b"data", b"pipeline"] {
            let said = refused(&[goal, &[b"DATASET=./a", control, b"b"].concat()]);
            assert!(said.contains("DATASET is a path with a control character"), "{said}");
        }
    }
    let cases: [(&str, &[&str]); 17] = [
        ("add NAME=", &["DATASET=/"]),
        ("add NAME=", &["DATASET=../.."]),
        ("add NAME=", &["DATASET=./葉"]),
        ("mnist is the name of the recipe", &["DATASET=/my/mnist"]),
        ("digits is the name of the recipe", &["DATASET=/my/leaves", "NAME=digits"]),
        ("NAME is 'Oaks'", &["DATASET=/my/leaves", "NAME=Oaks"]),
        ("NAME is '-x'", &["DATASET=/my/leaves", "NAME=-x"]),
        ("NAME is 'a/../b'", &["DATASET=/my/leaves", "NAME=a/../b"]),
        ("NAME is 'a b'", &["DATASET=/my/leaves", "NAME=a b"]),
        ("at most 32", &["DATASET=/my/leaves", "NAME=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]),
        ("SIZE is '8x8'", &["DATASET=/my/leaves", "SIZE=8x8"]),
        ("RESIZE is 'fit'", &["DATASET=/my/leaves", "RESIZE=fit"]),
        ("STRICT is 'yes'", &["DATASET=/my/leaves", "STRICT=yes"]),
        ("DATASET=/path/to/folder SIZE=8", &["SIZE=8"]),
        ("DATASET=/path/to/folder NAME=x", &["DATASET=mnist", "NAME=x"]),
        ("there is neither a recipe pipelines/datasets/leafs.json", &["DATASET=leafs"]),
        ("DATASET is '$(shell touch ran)'", &["DATASET=$(shell touch ran)"]),
    ];
    for (words, variables) in cases {
        let variables: Vec<&[u8]> = variables.iter().map(|text| text.as_bytes()).collect();
        for goal in ["data", "pipeline"] {
            let said = refused(&[&[goal.as_bytes()], &variables[..]].concat());
            assert!(said.contains(words), "{variables:?}: {said}");
        }
    }
    assert_eq!(project.calls().len(), 0);
    for made in ["ran", "data", "runs", "target/run"] {
        assert!(!project.path().join(made).exists(), "{made}");
    }
}
