//! Crates with a part for C: built by a C compiler without warnings, run, and called wrongly.

mod support;

use common::network::Network;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use support::integers::pixels;
use support::tools::tool;
use support::{SWISH_RELU, Workshop, cargo, digits, failure, small, success};

/// What `--c-api` adds to a crate for Linux.
const ADDED: [&str; 6] = [
    "c/Cargo.lock",
    "c/Cargo.toml",
    "c/src/lib.rs",
    "examples/c/Makefile",
    "examples/c/main.c",
    "tests/c.rs",
];
/// Options under which the C compiler accepts nothing doubtful.
const STRICT: [&str; 7] =
    ["-std=c99", "-O2", "-Wall", "-Wextra", "-Werror", "-pedantic", "-Wconversion"];

/// Returns whether the tools are there that every test here needs.
fn has_tools() -> bool {
    let missing = ["make", "gcc"].map(|program| tool(program, "crates for C").is_none());
    missing == [false, false]
}

/// Runs the own test of a crate, which builds and runs its example.
fn test(workshop: &Workshop) {
    cargo(workshop, &["build"]);
    cargo(workshop, &["test"]);
    assert!(built(workshop, "main").exists(), "the example was skipped");
}

/// Returns a file that the example's Makefile has built for this machine.
fn built(workshop: &Workshop, name: &str) -> PathBuf {
    let target = workshop.path("crate/target/c");
    let folders = fs::read_dir(target).unwrap().map(|entry| entry.unwrap().path().join("release"));
    let mut files = folders.map(|folder| folder.join(name)).filter(|file| file.exists());
    files.next().unwrap_or_default()
}

fn run(program: &Path, workshop: &Workshop, arguments: &[&str]) -> Output {
    Command::new(program).args(arguments).current_dir(workshop.dir.path()).output().unwrap()
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Checks that the example in C says the same of the images in a file as `classify` does.
fn check_example(workshop: &Workshop, arguments: &[&str]) {
    let in_c = lines(&success(&run(&built(workshop, "main"), workshop, arguments)));
    let classify = workshop.path("target/release/classify");
    let in_rust = lines(&success(&run(&classify, workshop, arguments)));
    assert_eq!(in_c.len(), in_rust.len());
    let f32s = |line: &Value| -> Vec<u32> {
        let logits = line["logits"].as_array().unwrap().iter();
        logits.map(|logit| logit.to_string().parse::<f32>().unwrap().to_bits()).collect()
    };
    for (c, rust) in in_c.iter().zip(&in_rust) {
        for key in ["index", "class", "label"] {
            assert_eq!(c[key], rust[key]);
        }
        assert_eq!(f32s(c), f32s(rust));
    }
}

/// Builds a program of `tests/c` with the library of a crate, and runs it.
fn run_program(workshop: &Workshop, source: &str, options: &[&str]) -> String {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/c").join(source);
    let program = workshop.path("program");
    let output = Command::new("gcc")
        .args(STRICT)
        .args(options)
        .arg("-I")
        .arg(workshop.path("crate/include"))
        .arg(source)
        .arg(built(workshop, "libnet_c.a"))
        .args(["-lpthread", "-ldl", "-lm", "-o"])
        .arg(&program)
        .output()
        .unwrap();
    success(&output);
    success(&run(&program, workshop, &[]))
}

#[test]
fn f32_with_hostile_class_names() {
    if !has_tools() {
        return;
    }
    let mut network = small([1, 8, 8], [2, 16, 3], SWISH_RELU);
    let hostile =
        ["\"); }", "\\", "*/ \u{202e}", "\n\u{1}", "??/", "%s{}", "日本1", "'", "//", "__NAME__"];
    network.classes = hostile.map(str::to_string).to_vec();
    let workshop = Workshop::new(&network);
    let folder = workshop.path("digits");
    digits(&folder, &network.classes);
    let options = ["--c-api", "--name", "m-net_1", "--samples", folder.to_str().unwrap()];
    success(&workshop.generate("crate", &options));
    test(&workshop);
    check_example(&workshop, &["digits/t10k-images-idx3-ubyte"]);
    check_example(&workshop, &["crate/golden/inputs.bin", "--f32"]);
    bad_files_are_refused(&workshop, &fs::read(folder.join("t10k-images-idx3-ubyte")).unwrap());
}

fn bad_files_are_refused(workshop: &Workshop, idx: &[u8]) {
    let main = built(workshop, "main");
    let mut other_shape = idx.to_vec();
    other_shape[11] = 9;
    let cases: [(&str, &[u8], &[&str], &str); 6] = [
        ("header", &idx[..10], &[], "cut off"),
        ("labels", &[0, 0, 8, 1, 0, 0, 0, 1], &[], "not an IDX file"),
        ("shape", &other_shape, &[], "another shape than 1x8x8"),
        ("part", &idx[..50], &["--raw"], "whole images"),
        ("three", &[0; 3], &["--f32"], "whole images"),
        ("short", &idx[..16 + 64], &[], "promises"),
    ];
    for (name, bytes, options, message) in cases {
        fs::write(workshop.path(name), bytes).unwrap();
        let output = run(&main, workshop, &[&[name], options].concat());
        assert_eq!(output.status.code(), Some(1), "{name}");
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains(name) && text.contains(message), "{text}");
    }
    assert_eq!(run(&main, workshop, &[]).status.code(), Some(2));
    assert_eq!(run(&main, workshop, &["short", "--what"]).status.code(), Some(2));
}

#[test]
fn wrong_arguments_have_their_codes_in_f32() {
    if !has_tools() {
        return;
    }
    let workshop = Workshop::new(&small([3, 5, 7], [1, 7, 3], SWISH_RELU));
    success(&workshop.generate("crate", &["--c-api", "--name", "net"]));
    test(&workshop);
    let text = run_program(&workshop, "arguments.c", &[]);
    assert!(text.contains("right and"), "{text}");
}

#[test]
fn int8() {
    if !has_tools() {
        return;
    }
    let network = small([2, 9, 7], [1, 7, 3], SWISH_RELU);
    let workshop = Workshop::new(&network);
    workshop.quantize(&network);
    success(&workshop.generate_int8("x86_64", "crate", &["--c-api", "--name", "net"]));
    test(&workshop);
    fs::write(workshop.path("images"), pixels(&network, 7).concat()).unwrap();
    check_example(&workshop, &["images", "--raw"]);
    let text = run_program(&workshop, "arguments.c", &["-DINT8"]);
    assert!(text.contains("right and"), "{text}");
}

fn names(folder: &Path) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for path in fs::read_dir(next).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else {
                names.insert(path.strip_prefix(folder).unwrap().display().to_string());
            }
        }
    }
    names
}

/// The files of a crate are the same with a part for C, but for a section of the README.
#[test]
fn nothing_else_changes() {
    let network: Network = small([1, 8, 8], [1, 7, 3], SWISH_RELU);
    let workshop = Workshop::new(&network);
    for platform in ["x86_64", "aarch64", "armv7", "cortex-m"] {
        let (without, with) = (format!("{platform}-without"), format!("{platform}-with"));
        success(&workshop.generate_for(platform, &without, &["--name", "net"]));
        success(&workshop.generate_for(platform, &with, &["--name", "net", "--c-api"]));
        let (without, with) = (workshop.path(&without), workshop.path(&with));
        let read = |folder: &Path, name: &str| fs::read(folder.join(name)).unwrap();
        for name in names(&without).iter().filter(|name| *name != "README.md") {
            assert!(read(&without, name) == read(&with, name), "{platform} {name}");
        }
        let readme = |folder: &Path| String::from_utf8(read(folder, "README.md")).unwrap();
        let readmes = (readme(&without), readme(&with));
        let (before, rest) = readmes.1.split_once("## C\n").unwrap();
        let (_, after) = rest.split_once("## What").unwrap();
        assert_eq!(readmes.0, format!("{before}## What{after}"));
        let added: BTreeSet<String> = names(&with).difference(&names(&without)).cloned().collect();
        let mut expected = BTreeSet::from(ADDED.map(str::to_string));
        expected.insert("include/net.h".to_string());
        if platform == "cortex-m" {
            expected.remove("tests/c.rs");
            expected.extend(["examples/c/example.ld", "examples/c/startup.c"].map(str::to_string));
        }
        assert_eq!(added, expected, "{platform}");
    }
}

#[test]
fn what_has_no_library_is_refused() {
    let workshop = Workshop::new(&small([1, 8, 8], [1, 7, 3], SWISH_RELU));
    for platform in ["cuda", "onnx"] {
        let text = failure(&workshop.generate_for(platform, "crate", &["--c-api"]));
        assert!(text.contains(platform) && text.contains("leave --c-api out"), "{text}");
    }
    let text = failure(&workshop.generate("crate", &["--c-api", "--name", "string"]));
    assert!(text.contains("\"string\"") && text.contains("--name"), "{text}");
    assert!(!workshop.path("crate").exists());
}
