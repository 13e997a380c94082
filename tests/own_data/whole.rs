//! From a folder of photos to the page, by one command.

use crate::photos::{write_class, write_photo, write_turned};
use crate::project::Project;
use common::dataset::{Dataset, ImportRecord, Split};
use common::files::json;
use std::fs;
use std::path::Path;

/// A profile that takes seconds. It has the name of the default for one's own images.
const PROFILE: &str = r#"{
  "schema": "neuropower/profile/1",
  "space": {"feature_extraction_layers": [7, 10], "condense_layers": [1, 2]},
  "template": {"growth_rate": 5, "stem_channels": 10},
  "search": {"population": 2, "archive_size": 2, "iterations": 2, "epochs": 1},
  "training": {"batch": 8, "epochs": 2},
  "final": {"winners": 1},
  "pruning": {"cap": 0.3, "iterations": 2, "finetune_epochs": 1},
  "measurement": {"idle_s": 0, "warmup_s": 0.05, "windows": 2, "window_s": 0.05}
}
"#;

fn project() -> Project {
    let project = Project::new();
    fs::write(project.path().join("pipelines/profiles/laptop.json"), PROFILE).unwrap();
    project
}

/// Three classes of 20 pictures, one of them turned; and a truncated picture and a file of a
/// system.
fn write_photos(folder: &Path) {
    for (class, name) in (0..).zip(["ash", "birch", "oak"]) {
        write_class(&folder.join(name), class, if name == "oak" { 19 } else { 20 });
    }
    write_turned(&folder.join("oak/turned.jpg"));
    let whole = fs::read(folder.join("birch/001.png")).unwrap();
    fs::write(folder.join("birch/cut <off>.png"), &whole[..whole.len() / 2]).unwrap();
    fs::write(folder.join("birch/.DS_Store"), b"\0\0\0\x01Bud1").unwrap();
}

#[test]
fn photos_in_a_path_with_a_space_become_networks_and_a_page() {
    let project = project();
    let photos = project.path().join("my photos/three kinds");
    write_photos(&photos);
    let dataset = format!("DATASET={}", photos.display());
    let (out, _) = project.made(["pipeline", &dataset, "SIZE=8"]);
    assert!(out.contains("1 file was left out"), "{out}");

    let run = project.path().join("runs/three-kinds-laptop");
    let log = fs::read_to_string(run.join("log/data.log")).unwrap();
    assert_eq!(log.matches("fetch-data import").count(), 1, "{log}");
    check_page(&fs::read_to_string(run.join("report/index.html")).unwrap());
    let record: ImportRecord = json::read(&run.join("import.json")).unwrap();
    let counts = record.classes.iter().map(|c| (c.class.as_str(), c.train, c.validation, c.test));
    let each = ["ash", "birch", "oak"].map(|class| (class, 16, 0, 4));
    assert_eq!(counts.collect::<Vec<_>>(), each);
    assert_eq!(record.system_files, 1);
    check_pixels(&project.path().join("data/three-kinds"));

    // Nothing is made again, also with the photos away; a finished run is measured without a path.
    fs::rename(&photos, project.path().join("away")).unwrap();
    let written = |arguments: &[&str]| {
        let page = fs::metadata(run.join("report/index.html")).unwrap().modified().unwrap();
        project.made(arguments);
        page != fs::metadata(run.join("report/index.html")).unwrap().modified().unwrap()
    };
    assert!(!written(&["pipeline", &dataset]));
    assert!(!written(&["pipeline", "DATASET=three-kinds"]));
    assert!(written(&["measure", "RUN=runs/three-kinds-laptop"]));
    // Another training reads no photo.
    project.made(["train", "DATASET=three-kinds", "RUN=runs/again"]);
}

fn check_page(page: &str) {
    for shown in [
        "birch/cut &lt;off&gt;.png",
        "Files that were left out: 1<",
        "three kinds",
        "8x8, colour",
        "stretch, filter triangle",
        "drawn with seed 0",
        "<dt>files of operating systems, ignored</dt><dd>1</dd>",
    ] {
        assert!(page.contains(shown), "{shown} is not on the page");
    }
    assert!(!page.contains(".DS_Store"));
    assert!(!page.contains("my photos"), "the page says where the user keeps photos");
}

/// One image has a white upper and a black lower half: the turned one, as viewers show it.
fn check_pixels(data: &Path) {
    let splits = [Split::TrainAndValidation, Split::Test].map(|s| Dataset::load(data, s).unwrap());
    let images = splits.iter().flat_map(|images| images.pixels.chunks(3 * 8 * 8));
    let halves = |image: &[u8], half: usize| -> u32 {
        let part = &image[half * 32..half * 32 + 24];
        part.iter().map(|pixel| u32::from(*pixel)).sum::<u32>() / 24
    };
    let turned = images.clone().filter(|image| halves(image, 0) > 200 && halves(image, 1) < 60);
    assert_eq!((turned.count(), images.count()), (1, 60));
}

/// Every command of the document, as written, on a folder of photos in the place of `/home/me`.
#[test]
fn the_document_works_as_written() {
    let project = project();
    let home = project.path().join("home/me");
    for (class, name) in (0..).zip(["birch", "oak"]) {
        write_class(&home.join("leaves").join(name), class, 12);
    }
    let whole = fs::read(home.join("leaves/birch/001.png")).unwrap();
    fs::write(home.join("leaves/birch/017.png"), &whole[..whole.len() / 2]).unwrap();
    fs::write(home.join("leaves/.DS_Store"), "").unwrap();
    write_photo(&home.join("photo.jpg"), 0);
    let text = fs::read_to_string(tests::root().join("docs/own-data.md")).unwrap();
    let mut said = vec![];
    for block in commands(&text) {
        let script = block.replace("/home/me", home.to_str().unwrap());
        let mut shell = project.command("sh");
        // Crates need what the project needs.
        let output = shell.args(["-e", "-c", &script]).env("CARGO_NET_OFFLINE", "true").output();
        let output = output.unwrap();
        let [out, err] = [output.stdout, output.stderr]
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        assert!(output.status.success(), "{block}: {out}{err}");
        said.push((block, out, err));
    }
    assert!(said.len() >= 7, "{said:?}");
    let said_by = |words: &str| {
        let found = said.iter().find(|(block, ..)| block.contains(words));
        &found.unwrap_or_else(|| panic!("no block has {words}")).1
    };
    let line: serde_json::Value = serde_json::from_str(said_by("--bin classify").trim()).unwrap();
    assert!(["birch", "oak"].contains(&line["label"].as_str().unwrap()), "{line}");
    assert_eq!(line["file"], home.join("photo.jpg").to_str().unwrap());
    assert!(said_by("explore space").contains("parameters"));
    let pixels = fs::read(project.path().join("photo.idx")).unwrap();
    assert_eq!(pixels[..4], [0, 0, 8, 4]);
    assert_eq!(pixels.len(), 4 + 4 * 4 + 3 * 32 * 32);
    assert!(project.path().join("runs/leaves-laptop/report/index.html").is_file());
    // What the document shows is what is printed.
    let shown = text.split("```text\n").nth(1).unwrap().split("```").next().unwrap();
    let printed: Vec<&str> = said[0].2.lines().collect();
    let at = printed.iter().position(|line| Some(*line) == shown.lines().next());
    let at = at.unwrap_or_else(|| panic!("{printed:?}"));
    assert_eq!(printed[at..at + shown.lines().count()], shown.lines().collect::<Vec<_>>());
}

/// Returns the blocks of commands of a document: lines that are indented by four spaces.
fn commands(text: &str) -> Vec<String> {
    let mut blocks: Vec<String> = vec![];
    let mut inside = false;
    // Every other part is between fences.
    for line in text.split("```").step_by(2).flat_map(str::lines) {
        let command = line.strip_prefix("    ");
        if let Some(command) = command {
            if !inside {
                blocks.push(String::new());
            }
            let block = blocks.last_mut().unwrap();
            block.push_str(command);
            block.push('\n');
        }
        inside = command.is_some();
    }
    blocks
}
