//! Tests of the parts of the benchmark that do not need pymoo: counting, the table, the document.
#![allow(dead_code)] // The benchmark uses all of its modules, these tests only some.

mod compare;
mod peers;
mod report;

use common::search::accuracy_table::AccuracyTable;
use common::search::space::SearchSpace;
use compare::{Comparison, Reference, Searches};
use peers::Request;
use serde_json::json;
use std::path::Path;

/// Returns two kinds of search with the same trajectory for each seed; the second one reaches 0.9
/// with half of the epochs.
fn comparison() -> Comparison {
    let searches = |name: &str, trajectory: &[(usize, f64)]| Searches {
        name: name.into(),
        trajectories: vec![trajectory.into(); 20],
        regional: vec![trajectory.into(); 20],
    };
    let slow = searches("slow", &[(10, 0.5), (80, 0.9)]);
    let fast = searches("fast", &[(10, 0.25), (40, 0.95)]);
    Comparison { epochs: 80, searches: vec![slow, fast], plain: 0, pymoo: None }
}

#[test]
fn quartiles_by_hand() {
    assert_eq!(report::quartiles(vec![5.0, 1.0, 4.0, 2.0, 3.0]), [2.0, 3.0, 4.0]);
    assert_eq!(report::quartiles(vec![2.0, 1.0]), [1.25, 1.5, 1.75]);
    assert_eq!(report::quartiles(vec![7.0]), [7.0; 3]);
}

#[test]
fn the_table_has_the_fractions_at_evenly_spread_epochs() {
    let text = report::table(&comparison()).unwrap();
    let rows: Vec<Vec<&str>> =
        text.lines().skip(2).map(|line| line.split('|').map(str::trim).collect()).collect();
    assert_eq!(rows[0][1..10], ["epochs", "10", "20", "30", "40", "50", "60", "70", "80"]);
    assert_eq!(
        rows[2][8..12],
        ["0.5000 (0.500 to 0.500)", "0.9000 (0.900 to 0.900)", "80", "0 of 20"]
    );
    assert_eq!(rows[3][4..6], ["0.2500 (0.250 to 0.250)", "0.9500 (0.950 to 0.950)"]);
    assert_eq!(rows[3][10..12], ["40", "20 of 20"]);
    assert!(text.contains("pymoo: missing"), "{text}");
}

#[test]
fn results_are_replaced_between_the_enclosing_lines() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("search.md");
    std::fs::write(&path, "above\n<!-- results: begin -->\nold\n<!-- results: end -->\nbelow\n")
        .unwrap();
    report::write(&path, &comparison()).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(
        text.starts_with("above\n") && text.ends_with("\nbelow\n") && !text.contains("old"),
        "{text}"
    );
    assert!(text.contains("| fast |"), "{text}");
    std::fs::write(&path, "no marks").unwrap();
    assert!(report::write(&path, &comparison()).unwrap_err().to_string().contains("are missing"));
}

#[test]
fn a_genome_costs_its_epochs_once_and_the_front_has_the_whole_hypervolume() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/digits-table.json.gz");
    let table = AccuracyTable::read(&path).unwrap();
    let (reference, points) = (Reference::new(&table).unwrap(), compare::points(&table).unwrap());
    assert_eq!(points.len(), table.space.size());
    let costs = |genomes: &[usize]| -> Vec<usize> {
        reference.cached_trajectories(genomes, &points)[0]
            .iter()
            .map(|(epochs, _)| *epochs)
            .collect()
    };
    assert_eq!(costs(&[3, 3, 7, 3]), [10, 20]);
    let on_front =
        |a: &usize| !points.iter().any(|b| explore::moea::dominance::dominates(b, &points[*a]));
    let front: Vec<usize> = (0..points.len()).filter(on_front).collect();
    let shares = |genomes: &[usize]| {
        reference
            .cached_trajectories(genomes, &points)
            .map(|trajectory| trajectory.last().unwrap().1)
    };
    assert!(shares(&front).iter().all(|share| (share - 1.0).abs() < 1e-12));
    assert!(shares(&front[..1]).iter().all(|share| *share < 1.0));
    // The least accurate of a front adds to the whole plane alone.
    let least = *front.iter().max_by(|a, b| points[**a][0].total_cmp(&points[**b][0])).unwrap();
    let [all, region] = shares(&[least]);
    assert!(all > 0.0 && region == 0.0);
}

#[test]
fn invalid_answers_are_refused() {
    let space = SearchSpace::default();
    let request = Request {
        space: &space,
        objectives: vec![[0.0; 2]; 5],
        population: 2,
        generations: 1,
        seeds: 1,
    };
    let parsed = |evaluated| {
        request.parsed(&json!({"version": "1", "methods": [{"name": "m", "evaluated": evaluated}]}))
    };
    assert_eq!(parsed(json!([[0, 4]])).unwrap().methods[0].evaluated, [[0, 4]]);
    assert!(parsed(json!([[0, 5]])).unwrap_err().to_string().contains("unknown ones"));
    assert!(parsed(json!([[0, 1, 2]])).unwrap_err().to_string().contains("more than 2 genomes"));
    assert!(parsed(json!([[0], [1]])).unwrap_err().to_string().contains("2 seeds"));
    assert!(
        request.parsed(&json!({"version": "1"})).unwrap_err().to_string().contains("no methods")
    );
}
