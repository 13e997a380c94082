//! The examples in `docs/formats.md` are read by the types that they document.

use common::board::Board;
use common::choice_report::ChoiceReport;
use common::cluster_record::ClusterRecord;
use common::dataset::{Census, Dataset, ImportRecord, ImportedFiles, ScaledIndex};
use common::files::json;
use common::files::json::Document;
use common::manifest::Manifest;
use common::measurement::Measurement;
use common::measurement::bench_protocol::BenchEvent;
use common::measurement::gpu_facts::GpuFacts;
use common::measurement::manual_reading::ManualReading;
use common::network::Network;
use common::network::baseline::Baseline;
use common::precision::RunPrecision;
use common::prediction_report::PredictionReport;
use common::profile::{Profile, PruneMethod, Selection};
use common::prune_report::PruneReport;
use common::published::Published;
use common::quantized::{Outcome, Quantization};
use common::search::accuracy_table::AccuracyTable;
use common::search::archive::Archive;
use common::search::config::SearchConfig;
use common::search::evaluation::Evaluation;
use common::search::fidelity::Fidelity;
use common::search::genome::Genome;
use common::train_report::{EvalReport, TrainReport};
use serde_json::Value;
use std::collections::BTreeSet;
use tests::{root, succeed};

/// Returns the fenced blocks of a text: language and content.
fn blocks(text: &str) -> Vec<(String, String)> {
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let content: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            blocks.push((language.to_string(), content.join("\n")));
        }
    }
    blocks
}

/// Parses a document with the type that its schema names, and checks that writing it gives the same
/// content; returns the kind.
fn check(text: &str) -> String {
    fn round_trip<T: Document>(text: &str) {
        let document: T = json::parse(text).unwrap_or_else(|error| panic!("{error:#}\n{text}"));
        let again: Value = serde_json::from_str(&json::to_text(&document).unwrap()).unwrap();
        assert_eq!(
            again,
            serde_json::from_str::<Value>(text).unwrap(),
            "a key is missing in the example"
        );
    }
    let value: Value = serde_json::from_str(text).unwrap();
    let schema = value["schema"].as_str().unwrap_or_else(|| panic!("no schema in {text}"));
    let kind = schema.strip_prefix("neuropower/").and_then(|rest| rest.strip_suffix("/1")).unwrap();
    match kind {
        "accuracy-table" => round_trip::<AccuracyTable>(text),
        "archive" => round_trip::<Archive>(text),
        "baseline" => round_trip::<Baseline>(text),
        "bench" => round_trip::<BenchEvent>(text),
        "board" => round_trip::<Board>(text),
        "choice" => round_trip::<ChoiceReport>(text),
        "cluster" => round_trip::<ClusterRecord>(text),
        "data-check" => round_trip::<Census>(text),
        "dataset" => round_trip::<Dataset>(text),
        "eval" => round_trip::<EvalReport>(text),
        "evaluation" => round_trip::<Evaluation>(text),
        "fidelity" => round_trip::<Fidelity>(text),
        "genome" => round_trip::<Genome>(text),
        "import" => round_trip::<ImportRecord>(text),
        "import-files" => round_trip::<ImportedFiles>(text),
        "manual" => round_trip::<ManualReading>(text),
        "manifest" => round_trip::<Manifest>(text),
        "measurement" => round_trip::<Measurement>(text),
        "network" => round_trip::<Network>(text),
        "outcome" => round_trip::<Outcome>(text),
        "precision" => round_trip::<RunPrecision>(text),
        "prediction" => round_trip::<PredictionReport>(text),
        "profile" => round_trip::<Profile>(text),
        "prune" => round_trip::<PruneReport>(text),
        "published" => round_trip::<Published>(text),
        "quantization" => round_trip::<Quantization>(text),
        "scaled" => round_trip::<ScaledIndex>(text),
        "search" => round_trip::<SearchConfig>(text),
        "train" => round_trip::<TrainReport>(text),
        other => panic!("unknown kind {other}"),
    }
    kind.to_string()
}

fn example(language: &str) -> String {
    let text = std::fs::read_to_string(root().join("docs/formats.md")).unwrap();
    blocks(&text).into_iter().find(|(found, _)| found == language).unwrap().1
}

#[test]
fn every_kind_has_an_example_that_its_type_reads() {
    let text = std::fs::read_to_string(root().join("docs/formats.md")).unwrap();
    let mut kinds = BTreeSet::new();
    for (language, content) in blocks(&text) {
        match language.as_str() {
            "json" => kinds.extend([check(&content)]),
            "jsonl" => kinds.extend(content.lines().map(check)),
            "gpu" => {
                let gpu: GpuFacts = serde_json::from_str(&content).unwrap();
                assert_eq!(
                    serde_json::to_value(&gpu).unwrap(),
                    serde_json::from_str::<Value>(&content).unwrap()
                );
            }
            "classify" | "select-in" | "select-out" => {}
            other => panic!("a block of {other:?}: is it an example that should be tested?"),
        }
    }
    assert_eq!(kinds.len(), 29, "{kinds:?}");
}

#[test]
fn the_profiles_recipes_boards_and_published_results_that_ship_are_valid() {
    for folder in ["profiles", "datasets", "boards", "published"] {
        for entry in std::fs::read_dir(root().join("pipelines").join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "json") {
                match folder {
                    "profiles" => drop(json::read::<Profile>(&path).unwrap()),
                    "datasets" => drop(json::read::<Dataset>(&path).unwrap()),
                    "published" => drop(json::read::<Published>(&path).unwrap()),
                    _ => drop(json::read::<Board>(&path).unwrap()),
                }
            }
        }
    }
}

#[test]
fn the_paper_profile_is_the_default_but_for_pruning_and_the_selection_of_winners() {
    let mut paper: Profile = json::read(&root().join("pipelines/profiles/paper.json")).unwrap();
    paper.about.clear();
    let mut default = Profile::default();
    default.pruning.cap = 0.3;
    default.pruning.method = PruneMethod::Kmeans;
    default.finals.selection = Selection::Accurate;
    assert_eq!(paper, default);
}

#[test]
fn select_prints_what_the_page_says() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("in.json"), example("select-in")).unwrap();
    let output =
        succeed(dir.path(), "explore", &["select", "--in", "in.json", "--archive-size", "2"]);
    assert_eq!(output.trim(), example("select-out"));
}

#[test]
fn classify_lines_have_these_keys() {
    for line in example("classify").lines() {
        let value: Value = serde_json::from_str(line).unwrap();
        let keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, ["class", "file", "index", "label", "logits", "probability"]);
    }
}
