//! The paper's tables and figures for a run.

use crate::fixture::{Fixture, HOSTILE};
use crate::{DENSE, write_report};
use common::measurement::{Energy, EnergyStatus, Measurement};
use common::prune_report::PruneReport;
use common::search::config::SearchConfig;
use std::fs;

/// Returns the section of the page.
fn section(page: &str) -> &str {
    let (_, rest) = page.split_once("<section id=\"paper\"").unwrap();
    rest.split_once("</section>").unwrap().0
}

#[test]
fn each_figure_is_a_file_with_a_title_and_is_on_the_page() {
    let fixture = Fixture::new();
    let (_, page) = write_report(&fixture);
    let files =
        ["fig-1b-latency.svg", "fig-3-score.svg", "fig-4-activations.svg", "fig-5-pruning.svg"];
    for file in files {
        let svg = fs::read_to_string(fixture.out().join(file)).unwrap();
        assert!(svg.starts_with("<svg role=\"img\" ") && svg.contains("<title>"), "{file}");
        assert!(svg.trim_end().ends_with("</svg>") && !svg.contains("NaN"), "{file}");
        assert!(section(&page).contains(svg.trim()) && section(&page).contains(file), "{file}");
    }
    assert!(!fixture.out().join("fig-1b-energy.svg").exists());
    let section = section(&page);
    assert!(
        section.contains("There is no figure of energy: no meter on host (/sys/class/powercap")
    );
    assert!(section.contains("of 4 measured networks"), "{section}");
    assert!(section.contains("Each network was pruned with one cap only"));
}

#[test]
fn energies_and_baselines_are_points_and_emulated_boards_are_not() {
    let fixture = Fixture::new();
    fixture.change(DENSE, |m: &mut Measurement| {
        m.energy = Energy {
            reason: None,
            gross_j: Some(0.01),
            net_reason: Some("no idle".into()),
            ..Energy::without_numbers(EnergyStatus::Measured, "rapl".into(), String::new())
        };
    });
    let baseline = fixture.run().join("baselines/resnet-110");
    fs::create_dir_all(&baseline).unwrap();
    for file in ["network.json", "measurement-host.json"] {
        fs::copy(fixture.run().join("networks/1/dense").join(file), baseline.join(file)).unwrap();
    }
    fixture.change("networks/2/dense/measurement-host.json", |m: &mut Measurement| {
        m.emulated = true;
    });
    let (_, page) = write_report(&fixture);
    let section = section(&page);
    assert!(
        section.contains("of 2 measured networks") && section.contains("of 4 measured networks")
    );
    assert!(section.contains("host is left out: an emulator's times"), "{section}");
    let energy = fs::read_to_string(fixture.out().join("fig-1b-energy.svg")).unwrap();
    assert!(energy.contains("baseline") && energy.contains("10 mJ"), "{energy}");
}

#[test]
fn table_2_has_published_rows_beside_those_of_the_run() {
    let fixture = Fixture::new();
    let (_, page) = write_report(&fixture);
    let section = section(&page);
    for text in ["ADONN-Arch.3", "M_Net_1", ">published<", ">this run<", "not measured here"] {
        assert!(section.contains(text), "{text}");
    }
    // 0.13 M of ADONN-Arch.3 by 0.065 M, printed, and by 65,074, counted here.
    assert_eq!(section.matches(">2.00x<").count(), 2, "{section}");
    // statsmodels 0.15, proportion_confint(9929, 10000, method="wilson"): 0.99105 to 0.99437.
    assert!(section.contains("0.56 % to 0.89 %, n 10000"), "{section}");
    fixture.change("explore/search.json", |search: &mut SearchConfig| {
        search.dataset = HOSTILE.into();
    });
    let (_, page) = write_report(&fixture);
    assert!(page.contains("The paper prints no such table for the data set &lt;script&gt;"));
    assert!(page.contains("there is no baseline: name one with BASELINE=NAME"));
}

#[test]
fn table_3_is_against_the_network_with_the_highest_nid() {
    let fixture = Fixture::new();
    let (_, page) = write_report(&fixture);
    assert!(section(&page).contains("The baseline (*) is 1/pruned: the paper"), "{page}");
    let baseline = fixture.run().join("baselines/resnet-110");
    fs::create_dir_all(&baseline).unwrap();
    for file in ["network.json", "measurement-host.json", "test.json"] {
        fs::copy(fixture.run().join("networks/2/dense").join(file), baseline.join(file)).unwrap();
    }
    let (_, page) = write_report(&fixture);
    assert!(section(&page).contains("The baseline (*) is resnet-110: of the networks to compare"));
}

#[test]
fn several_caps_are_in_one_figure() {
    let fixture = Fixture::new();
    let network = fixture.run().join("networks/1");
    for cap in ["0.30", "0.75"] {
        let folder = network.join(format!("pruned-cap-{cap}"));
        fs::create_dir(&folder).unwrap();
        fs::copy(network.join("pruned/prune.json"), folder.join("prune.json")).unwrap();
        let file = format!("networks/1/pruned-cap-{cap}/prune.json");
        fixture.change(&file, |report: &mut PruneReport| report.cap = cap.parse().unwrap());
    }
    let (_, page) = write_report(&fixture);
    assert!(section(&page).contains("rank 1: 65,074 parameters, caps 30, 65, 75 %"));
    assert!(!section(&page).contains("with one cap only"));
}

#[test]
fn a_run_that_has_only_begun_says_what_is_missing() {
    let fixture = Fixture::new();
    for name in ["networks", "explore/winners", "explore/evaluations.jsonl", "explore/archive.json"]
    {
        fixture.remove(name);
    }
    let (_, page) = write_report(&fixture);
    for reason in [
        "There is no figure of latency: no network of this run was measured",
        "There is no figure of the Score: no training of a search was completed.",
        "There is no figure of activations: there was no search.",
        "There is no figure of pruning: no network was pruned.",
        "No network of this run has been tested yet.",
        "There is no table: no network of this run has been tested yet.",
    ] {
        assert!(section(&page).contains(reason), "{reason}");
    }
}
