//! The data set of a run.

use crate::Pipeline;
use common::files::json;
use common::search::config::SearchConfig;
use std::fs;
use tests::root;

#[test]
fn a_run_knows_its_data_set() {
    let pipeline = Pipeline::new();
    assert!(pipeline.make(&["help"]).contains("DATASET=digits "));
    let search = example_of_a_search().replace("\"dataset\": \"digits\"", "\"dataset\": \"mine\"");
    fs::create_dir_all(pipeline.run().join("explore")).unwrap();
    fs::write(pipeline.run().join("explore/search.json"), search).unwrap();
    assert!(pipeline.make(&["help"]).contains("DATASET=mine "));
    assert!(pipeline.make(&["help", "DATASET=mnist"]).contains("DATASET=mnist "));
}

/// Returns the documentation's example of a `search.json`, as `explore` writes it.
fn example_of_a_search() -> String {
    let formats = fs::read_to_string(root().join("docs/formats.md")).unwrap();
    let example =
        formats.split("```json\n").find(|text| text.contains("neuropower/search/1")).unwrap();
    let search: SearchConfig = json::parse(example.split("```").next().unwrap()).unwrap();
    json::to_text(&search).unwrap()
}
