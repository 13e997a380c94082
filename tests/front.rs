//! The front of `archive.json` is the front in the search's figure and on the page.

use common::files::json;
use common::search::archive::Archive;
use common::search::evaluation::Evaluation;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use tests::{program, root, succeed, write_idx_dataset};

const PROFILE: &str = r#"{"schema": "neuropower/profile/1",
    "space": {"feature_extraction_layers": [7, 10, 13, 16], "condense_layers": [1]},
    "template": {"growth_rate": 2, "stem_channels": 2}, "final": {"winners": 1},
    "search": {"population": 8, "archive_size": 6, "iterations": 7, "epochs": 10, "halving": [0.4, 0.7], "reseed_front": true}}"#;

/// Runs a search with a stand-in for `train`, which invents accuracies that depend on the seed.
fn search(dir: &Path, seed: &str) -> Archive {
    let options = ["run", "--config", "profile.json", "--dataset", "data", "--bin-dir", "bin"];
    let out = format!("{seed}/explore");
    let mut command = Command::new(program("explore"));
    command
        .args(options)
        .args(["--out", &out, "--seed", seed])
        .current_dir(dir)
        .env("FAKE_GROWS", "yes");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    json::read(&dir.join(out).join("archive.json")).unwrap()
}

#[test]
fn the_front_is_the_same_in_the_archive_in_its_figure_and_on_the_page() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    write_idx_dataset(&dir.join("data"), 10, |i| (i % 3) as u8);
    fs::write(dir.join("profile.json"), PROFILE).unwrap();
    fs::create_dir(dir.join("bin")).unwrap();
    fs::copy(root().join("explore/tests/data/fake-train.sh"), dir.join("bin/train")).unwrap();
    let mut dropped = 0;
    for seed in ["0", "1", "2"] {
        let archive = search(dir, seed);
        let run = dir.join(seed);
        succeed(dir, "report", &["--run", seed, "--out", &format!("{seed}/report")]);
        let page = fs::read_to_string(run.join("report/index.html")).unwrap();
        let drawn = fs::read_to_string(run.join("report/front.svg")).unwrap();
        assert!(page.contains(drawn.trim()));
        let log: Vec<Evaluation> =
            json::read_lines(&run.join("explore/evaluations.jsonl")).unwrap();
        for svg in [drawn, fs::read_to_string(run.join("explore/front.svg")).unwrap()] {
            check(&svg, &archive, &log);
        }
        dropped += archive.dropped.len();
    }
    assert!(dropped > 0, "nobody was found to have been lucky, so nothing was tried");
}

/// Checks that the line goes through all members of the front, at their means, that no full
/// training lies below it, and that stopped trainings and means of two seeds are marked.
fn check(svg: &str, archive: &Archive, log: &[Evaluation]) {
    let front =
        archive.individuals.iter().filter(|individual| individual.on_front).map(|i| &i.evaluation);
    let front: Vec<[f64; 2]> =
        front.map(|e| [(e.parameters as f64).log10(), e.objectives()[0]]).collect();
    assert!(front.len() > 1, "{front:?}");
    let line = line(svg);
    let members: Vec<[f64; 2]> = line.iter().copied().step_by(2).take(front.len()).collect();
    let ([first, last], [from, to]) =
        [&front, &members].map(|all| [all[0], all[all.len() - 1]]).into();
    for (member, place) in front.iter().zip(&members) {
        for axis in 0..2 {
            let share = (member[axis] - first[axis]) / (last[axis] - first[axis]);
            let expected = from[axis] + share * (to[axis] - from[axis]);
            assert!(
                (place[axis] - expected).abs() < 1.5,
                "{member:?} is at {place:?}, {expected} was expected"
            );
        }
    }
    let squares = centres(svg, "rect", |part| {
        number(part, "width") < 11.0 && !part.contains("fill=\"none\"")
    });
    let discs =
        centres(svg, "circle", |part| number(part, "r") < 6.0 && !part.contains("fill=\"none\""));
    let rings =
        centres(svg, "circle", |part| number(part, "r") < 6.0 && part.contains("fill=\"none\""));
    let stopped = log.iter().filter(|evaluation| evaluation.stopped_after.is_some()).count();
    let twice: BTreeSet<&str> = archive
        .individuals
        .iter()
        .map(|individual| &individual.evaluation)
        .chain(&archive.dropped)
        .filter(|evaluation| evaluation.second_accuracy.is_some())
        .map(|evaluation| evaluation.id.as_str())
        .collect();
    // Each has one more in the legend.
    assert_eq!((rings.len(), squares.len()), (stopped + 1, twice.len() + 1));
    assert!(
        members.iter().all(|member| squares.contains(member)),
        "{members:?} are not all among {squares:?}"
    );
    for mark in squares.iter().chain(&discs) {
        let left = line.iter().rev().find(|corner| corner[0] <= mark[0]);
        assert!(left.is_none_or(|corner| mark[1] <= corner[1] + 1.0), "{mark:?} is below {line:?}");
    }
}

/// Returns the corners of the front's line, the first line of its width.
fn line(svg: &str) -> Vec<[f64; 2]> {
    let thick = svg.split("<polyline").find(|part| part.contains("stroke-width=\"2\"")).unwrap();
    let corners = text(thick, "points").split_whitespace().map(|corner| {
        let (x, y) = corner.split_once(',').unwrap();
        [x.parse().unwrap(), y.parse().unwrap()]
    });
    corners.collect()
}

/// Returns the centres of elements of a kind.
fn centres(svg: &str, kind: &str, is_it: fn(&str) -> bool) -> Vec<[f64; 2]> {
    let start = format!("<{kind} ");
    let parts = svg.split(&start).skip(1).map(|part| part.split('>').next().unwrap());
    let of = |part: &str| match kind {
        "circle" => [number(part, "cx"), number(part, "cy")],
        _ => [("x", "width"), ("y", "height")]
            .map(|(start, size)| number(part, start) + number(part, size) / 2.0),
    };
    parts.filter(|part| is_it(part)).map(of).collect()
}

fn number(part: &str, name: &str) -> f64 {
    text(part, name).parse().unwrap()
}

fn text<'a>(part: &'a str, name: &str) -> &'a str {
    part.split(&format!(" {name}=\""))
        .nth(1)
        .or(part.strip_prefix(&format!("{name}=\"")))
        .unwrap()
        .split('"')
        .next()
        .unwrap()
}
