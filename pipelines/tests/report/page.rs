//! The page and its figures.

use crate::fixture::{Fixture, HOSTILE};
use crate::{DENSE, ESCAPED, SCRIPTS, refused, write_report};
use common::files::json;
use common::files::json::Known;
use common::measurement::gpu_facts::{GpuFacts, GpuProcess};
use common::measurement::{Communication, Measurement};
use common::profile::PruneMethod;
use common::prune_report::{PruneEnd, PruneMeasured, PruneReport};
use common::search::archive::Archive;
use common::search::evaluation::Evaluation;
use common::search::requirements::Requirements;
use common::train_report::TrainReport;
use std::fs;

#[test]
fn the_page_is_whole_and_nothing_from_a_file_is_markup() {
    let fixture = Fixture::new();
    fixture.change("networks/1/dense/measurement-host.json", |m: &mut Measurement| {
        m.board = HOSTILE.into();
    });
    let (_, page) = write_report(&fixture);
    assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"));
    assert_eq!(page.matches("<script").count(), SCRIPTS, "markup from a file");
    assert!(!page.contains("<laptop>"), "markup from a file");
    assert!(page.matches(ESCAPED).count() >= 3);
    assert!(page.contains("mnist-&lt;laptop&gt;"));
    for remote in ["src=", "@import", "url(", "<link"] {
        assert!(!page.contains(remote), "the page must not need {remote}");
    }
    for tag in ["section", "table", "tr", "td", "figure", "details", "svg", "ol", "dl", "div"] {
        let opened =
            page.matches(&format!("<{tag}>")).count() + page.matches(&format!("<{tag} ")).count();
        assert_eq!(opened, page.matches(&format!("</{tag}>")).count(), "{tag}");
    }
}

#[test]
fn the_same_run_gives_the_same_bytes() {
    let fixture = Fixture::new();
    assert_eq!(write_report(&fixture), write_report(&fixture));
}

#[test]
fn figures_show_every_network_that_could_be_trained() {
    let fixture = Fixture::new();
    let (_, page) = write_report(&fixture);
    let front = fs::read_to_string(fixture.out().join("front.svg")).unwrap();
    let evaluations: Vec<Evaluation> =
        json::read_lines(&fixture.run().join("explore/evaluations.jsonl")).unwrap();
    assert!(!page.contains("had no place in the archive"));
    fixture.change("explore/archive.json", |archive: &mut Archive| {
        let first = archive.individuals.iter().position(|individual| individual.on_front).unwrap();
        archive.individuals.remove(first);
    });
    assert!(
        write_report(&fixture)
            .1
            .contains(" 1 more that nothing dominates had no place in the archive")
    );
    // One failed; two rings around winners and one in the key.
    assert_eq!(front.matches("<circle").count(), evaluations.len() - 1 + 2 + 1);
    assert!(front.contains("#1") && front.contains("#2") && !front.contains("NaN"));
    assert!(page.contains("One training failed") && page.contains(front.trim()));
    let pruning = fs::read_to_string(fixture.out().join("pruning.svg")).unwrap();
    assert_eq!(
        pruning.matches("<circle").count(),
        2 * 3,
        "each winner: filled, and hollow in white and colour"
    );
    assert!(page.contains(pruning.trim()));
}

/// The archive's evaluations replace those of the log, also for members that it has dropped.
#[test]
fn means_and_stopped_trainings_are_marked() {
    let fixture = Fixture::new();
    let log = fixture.run().join("explore/evaluations.jsonl");
    let mut evaluations: Vec<Evaluation> = json::read_lines(&log).unwrap();
    (evaluations[1].stopped_after, evaluations[2].stopped_after) = (Some(4), Some(4));
    let lines: Vec<String> = evaluations.iter().map(|e| json::to_line(e).unwrap() + "\n").collect();
    fs::write(&log, lines.concat()).unwrap();
    let lucky =
        Evaluation { accuracy: Some(0.5), second_accuracy: Some(0.1), ..evaluations[3].clone() };
    fixture.change("explore/archive.json", |archive: &mut Archive| {
        archive
            .individuals
            .retain(|i| (1..=3).all(|place| i.evaluation.id != evaluations[place].id));
        let member = archive.individuals.iter_mut().find(|individual| individual.on_front).unwrap();
        member.evaluation.second_accuracy = member.evaluation.accuracy;
        archive.dropped = vec![lucky];
    });
    let (_, page) = write_report(&fixture);
    let front = fs::read_to_string(fixture.out().join("front.svg")).unwrap();
    assert!(
        front.contains("50 %") && front.contains("stopped") && front.contains("2 seeds"),
        "{front}"
    );
    for words in [
        "Squares (2) are means of two seeds",
        "Small rings (2) were stopped early",
        "by error, params",
        "mean of 2",
    ] {
        assert!(page.contains(words), "{words} is not on the page");
    }
}

/// A network pruned by several methods has a table of them, with the figures that `prune` drew.
#[test]
fn pruned_variants_are_shown_together() {
    let fixture = Fixture::new();
    assert!(!write_report(&fixture).1.contains("from scratch"));
    let network = fixture.run().join("networks/1");
    let other = network.join("pruned-l1");
    fs::create_dir_all(other.join("scratch")).unwrap();
    let report: PruneReport = json::read(&network.join("pruned/prune.json")).unwrap();
    let report = PruneReport { method: PruneMethod::L1, ended: PruneEnd::Iterations, ..report };
    json::write(&other.join("prune.json"), &report).unwrap();
    fs::copy(network.join("dense/train.json"), other.join("scratch/train.json")).unwrap();
    fs::create_dir(network.join("pruned-half-done")).unwrap();
    let draw = |folder: &str, svg: &str| {
        for file in ["accuracy.svg", "widths.svg"] {
            fs::create_dir_all(network.join(folder)).unwrap();
            fs::write(network.join(folder).join(file), svg).unwrap();
        }
    };
    draw("pruned", "<svg>alone</svg>");
    let (_, page) = write_report(&fixture);
    for cell in ["pruned-l1", "l1", "not trained from scratch: `prune scratch`"] {
        assert!(page.contains(&format!(">{cell}<")), "{cell}");
    }
    assert_eq!(page.matches("%3Csvg%3Ealone").count(), 2);
    assert!(!page.contains("pruned-half-done"));
    fixture.change("networks/1/pruned-l1/scratch/train.json", |train: &mut TrainReport| {
        train.diverged = true;
    });
    assert!(write_report(&fixture).1.contains(">from scratch, the training diverged<"));
    draw("pruning", "<svg><script>together</script></svg>");
    let (_, page) = write_report(&fixture);
    assert!(
        page.matches("together").count() == 2
            && page.matches("<script").count() == SCRIPTS
            && !page.contains("alone"),
        "{page}"
    );
    fs::write(network.join("pruning/widths.svg"), "GIF89a").unwrap();
    fs::remove_dir_all(fixture.out()).unwrap();
    assert!(refused(&fixture).contains("pruning/widths.svg: it is not a figure of `prune`"));
}

#[test]
fn a_target_that_was_missed_is_shown_where_pruning_ended() {
    let fixture = Fixture::new();
    fixture.change("networks/1/pruned/prune.json", |report: &mut PruneReport| {
        let target = Requirements { max_latency_s: Some(1e-6), ..Requirements::default() };
        report.measured = Some(PruneMeasured { board: "host".into(), target, crates: vec![] });
    });
    let (_, page) = write_report(&fixture);
    assert!(page.contains(">one more filter would exceed the cap; the target on host is not met<"));
}

#[test]
fn what_a_gpu_did_is_shown() {
    let fixture = Fixture::new();
    fixture.change(DENSE, |m: &mut Measurement| {
        m.communication = Some(Communication { h2d_s: 3.25e-6, kernel_s: 2.5e-3, d2h_s: 1.75e-6 });
        m.gpu = Some(GpuFacts {
            name: "GPU 0, T".into(),
            driver: Known::of("580.95".into()),
            sm_clock_hz: Known::of([1.5e9, 1.98e9]),
            memory_clock_hz: Known::unknown("not supported"),
            temperature_c: Known::of([51.0, 51.0]),
            throttled: Known::of(vec!["SW_POWER_CAP".into()]),
            other_processes: Known::of(vec![GpuProcess {
                pid: 42,
                program: Some(format!("python3 {HOSTILE}")),
            }]),
        });
    });
    let (said, page) = write_report(&fixture);
    assert!(said.contains("On host, the GPU's clocks were held back: SW_POWER_CAP."), "{said}");
    assert!(said.contains("On host, other processes were on the GPU: python3"), "{said}");
    for shown in
        ["3.25 µs", "2.50 ms", "1.75 µs", "1.50 GHz to 1.98 GHz", "51 °C", "580.95", "copy back"]
    {
        assert!(page.contains(shown), "{shown}");
    }
    assert!(page.contains("not known (not supported)") && !page.contains(HOSTILE));
}
