//! Texts of files that would harm the page if they were markup, and the numbers for its script.

use crate::fixture::{Fixture, m_net_1};
use crate::{SCRIPTS, write_report};
use common::files::json;
use common::network::Network;
use common::search::config::SearchConfig;
use common::search::evaluation::Evaluation;

/// Ends a script and begins something that runs.
const BREAKOUT: &str = "</script><img src=x onerror=alert(1)>";

/// Returns the text of the page's element that holds its numbers.
fn block(page: &str) -> &str {
    let (_, rest) = page.split_once("<script type=\"application/json\" id=\"run\">").unwrap();
    rest.split_once("</script>").unwrap().0
}

fn numbers(page: &str) -> serde_json::Value {
    serde_json::from_str(block(page)).unwrap()
}

#[test]
fn nothing_in_a_name_ends_the_script_or_begins_an_element() {
    let fixture = Fixture::new();
    let names = [BREAKOUT, "<!--<script>", "]]>&amp;", "a\u{2028}b\u{2029}c", "\"'`=; \\u003c"];
    fixture.change("networks/1/dense/network.json", |network: &mut Network| {
        for (class, name) in network.classes.iter_mut().zip(names) {
            *class = name.to_string();
        }
    });
    fixture.change("explore/search.json", |search: &mut SearchConfig| {
        search.dataset = format!("{BREAKOUT}\u{2028}&");
    });
    let (_, page) = write_report(&fixture);
    assert!(!page.contains("<img") && !page.contains("<!--"), "markup from a file");
    assert_eq!(page.matches("<script").count(), SCRIPTS);
    assert_eq!(page.matches("</script>").count(), SCRIPTS);
    let block = block(&page);
    assert!(!block.contains(['<', '>', '&', '\u{2028}', '\u{2029}']), "{block}");
    assert_eq!(numbers(&page)["dataset"], format!("{BREAKOUT}\u{2028}&"));
}

#[test]
fn the_block_has_the_numbers_of_the_tables() {
    let fixture = Fixture::new();
    fixture.add_int8("1/dense");
    let run = numbers(&write_report(&fixture).1);
    assert_eq!(run["boards"], serde_json::json!(["host"]));
    let names: Vec<&str> =
        run["networks"].as_array().unwrap().iter().map(|n| n["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["1/dense", "1/dense/int8", "1/pruned", "2/dense", "2/pruned"]);
    let dense = &run["networks"][0];
    assert_eq!(dense["anchor"], "network-1-dense");
    assert_eq!((&dense["rank"], &dense["individual"]), (&1.into(), &"i0-7".into()));
    assert_eq!(dense["genome"], m_net_1().to_string());
    assert_eq!((&dense["parameters"], &dense["test"]["n"]), (&65_074.into(), &10_000.into()));
    let validation = &dense["validation"];
    assert_eq!((&validation["accuracy"], &validation["n"]), (&0.991.into(), &6_000.into()));
    // statsmodels 0.15, proportion_confint(5946, 6000, method="wilson"), and of 9929 of 10000.
    let lower = |accuracy: &serde_json::Value| accuracy["interval"][0].as_f64().unwrap();
    assert!((lower(validation) - 0.988_276_4).abs() < 1e-6, "{validation}");
    assert!((lower(&dense["test"]) - 0.991_054_6).abs() < 1e-6, "{dense}");
    let host = &dense["boards"]["host"];
    assert_eq!((&host["flash_bytes"], &host["arena_bytes"]), (&260_296.into(), &120_000.into()));
    assert!(host["energy_j"].is_null() && host["energy_reason"].as_str().is_some());
    assert_eq!(run["networks"][1]["validation"]["accuracy"], 0.989);
    assert_eq!(run["networks"][2]["validation"]["accuracy"], 0.981);
    let evaluations = run["evaluations"].as_array().unwrap();
    assert!(evaluations.iter().any(|e| e["on_front"] == true && e["stopped_after"].is_null()));
    assert!(evaluations.last().unwrap()["failure"].as_str().is_some());
}

/// A member of the front that was trained after the search is called by its id.
#[test]
fn networks_without_a_rank_are_in_the_tables_by_their_ids() {
    let fixture = Fixture::new();
    let networks = fixture.run().join("networks");
    std::fs::rename(networks.join("2"), networks.join("i03-07")).unwrap();
    fixture.remove("explore/winners/2");
    let (table, page) = write_report(&fixture);
    let row = table.lines().find(|line| line.trim_start().starts_with("i03-07")).expect(&table);
    assert!(row.contains("99.30 %"), "{row}");
    let run = numbers(&page);
    assert_eq!(run["networks"][2]["name"], "i03-07/dense");
    assert!(run["networks"][2]["rank"].is_null());
}

/// A page is sent by mail: a search of 3,000 trainings must not make it too large.
#[test]
fn a_long_search_still_fits_a_mail() {
    let fixture = Fixture::new();
    let log = fixture.run().join("explore/evaluations.jsonl");
    let some: Vec<Evaluation> = json::read_lines(&log).unwrap();
    let many = some.iter().cycle().take(3_000).enumerate().map(|(number, evaluation)| {
        let (iteration, index) = (number / 50, number % 50);
        let id = format!("i{iteration}-{index}");
        json::to_line(&Evaluation { id, iteration, index, ..evaluation.clone() }).unwrap() + "\n"
    });
    std::fs::write(&log, many.collect::<String>()).unwrap();
    let (_, page) = write_report(&fixture);
    assert!(page.len() < 3_000_000, "{} bytes", page.len());
}
