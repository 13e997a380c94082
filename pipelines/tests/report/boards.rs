//! A search on several boards.

use crate::fixture::Fixture;
use crate::write_report;
use common::board::catalog;
use common::files::json;
use common::search::archive::Archive;
use common::search::board_costs::BoardCosts;
use common::search::config::SearchConfig;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// Returns a run whose search measured the front on the boards a and b.
fn searched_on_two() -> Fixture {
    let fixture = Fixture::new();
    let host = catalog::find("host", Path::new("")).unwrap();
    fixture.change("explore/search.json", |search: &mut SearchConfig| {
        let named = |name: &str| common::board::Board { name: name.into(), ..host.clone() };
        search.boards = ["a", "b"].map(|name| (name.to_string(), named(name))).into();
        search.search.objectives =
            ["error", "params", "latency_s@a"].map(|name| name.parse().unwrap()).into();
        search.criteria = serde_json::from_value(json!({
            "min_accuracy": 0.5, "max_latency_s@a": 0.25, "max_power_w@b": 2.0,
        }))
        .unwrap();
    });
    fixture.change("explore/archive.json", |archive: &mut Archive| {
        for individual in archive.individuals.iter_mut().filter(|one| one.on_front) {
            let costs = |latency| BoardCosts { latency_s: Some(latency), ..BoardCosts::default() };
            individual.evaluation.boards =
                [("a".into(), costs(1e-3)), ("b".into(), costs(2e-3))].into();
        }
    });
    fixture
}

#[test]
fn each_board_has_its_numbers_and_points() {
    let fixture = searched_on_two();
    let (_, page) = write_report(&fixture);
    let (_, rest) = page.split_once("<script type=\"application/json\" id=\"run\">").unwrap();
    let run: Value = serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap();
    assert_eq!((&run["search_board"], &run["search_boards"]), (&Value::Null, &json!(["a", "b"])));
    let archive: Archive = json::read(&fixture.run().join("explore/archive.json")).unwrap();
    let front = archive.individuals.iter().filter(|one| one.on_front).count();
    let evaluations = run["evaluations"].as_array().unwrap();
    let measured: Vec<&Value> = evaluations.iter().filter(|e| e["on_front"] == true).collect();
    assert!(front > 1 && measured.len() == front);
    for evaluation in measured {
        assert_eq!(
            evaluation["boards"],
            json!({"a": {"latency_s": 1e-3}, "b": {"latency_s": 2e-3}})
        );
        assert_eq!(evaluation["latency_s"], Value::Null);
    }
    assert!(page.contains("by error, params, latency_s@a"));
    let figure = fs::read_to_string(fixture.out().join("fig-1b-latency.svg")).unwrap();
    for board in [">\na\n<", ">\nb\n<", ">\nhost\n<"] {
        assert!(figure.contains(board), "{board:?} is not in {figure}");
    }
}

#[test]
fn the_command_names_all_boards_and_the_criteria_of_each() {
    let (_, page) = write_report(&searched_on_two());
    let options = "EXPLORE_ARGS=&quot;--board a --board b --max-latency-s 0.25@a \
                   --max-power-w 2.0@b --min-accuracy 0.5&quot;";
    assert!(page.contains(options));
    assert!(page.contains("The search measured networks"));
}

#[test]
fn a_search_on_one_board_has_no_numbers_by_board() {
    let (_, page) = write_report(&Fixture::new());
    assert!(!page.contains("search_boards\":") && !page.contains("\"boards\":{\"a\""));
}
