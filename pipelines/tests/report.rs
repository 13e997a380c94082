//! `report` as a program, on runs that are whole, unfinished and damaged.

mod fixture;

use common::files::json;
use common::files::json::Known;
use common::measurement::gpu_facts::{GpuFacts, GpuProcess};
use common::measurement::{Communication, Energy, EnergyStatus, Measurement};
use common::network::{Network, Origin};
use common::profile::PruneMethod;
use common::prune_report::{PruneEnd, PruneMeasured, PruneReport};
use common::search::archive::Archive;
use common::search::evaluation::Evaluation;
use common::search::genome::Optimizer;
use common::search::requirements::Requirements;
use common::train_report::{EvalReport, TrainReport};
use fixture::{Fixture, HOSTILE, NO_METER, m_net_1};
use std::fs;
use std::process::{Command, Output};

const DENSE: &str = "networks/1/dense/measurement-host.json";
const PRUNED: &str = "networks/1/pruned/measurement-host.json";

fn report(fixture: &Fixture) -> Output {
    report_with(fixture, &[])
}

fn report_with(fixture: &Fixture, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_report"));
    command
        .arg("--run")
        .arg(fixture.run())
        .arg("--out")
        .arg(fixture.out())
        .args(more)
        .output()
        .unwrap()
}

/// What the comparison with a baseline says of a network, cell by cell.
fn compared(fixture: &Fixture, baseline: &str, network: &str) -> (Vec<String>, String) {
    let output = report_with(fixture, &["--baseline", baseline]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).unwrap();
    let line = said
        .lines()
        .find(|line| line.starts_with(&format!("{network}  ")))
        .unwrap_or_else(|| panic!("{said}"));
    let cells =
        line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).map(String::from).collect();
    (cells, said)
}

/// The table on stdout and the page.
fn report_well(fixture: &Fixture) -> (String, String) {
    let output = report(fixture);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let page = fs::read_to_string(fixture.out().join("index.html")).unwrap();
    (String::from_utf8(output.stdout).unwrap(), page)
}

/// The one line on stderr.
fn report_badly(fixture: &Fixture) -> String {
    let output = report(fixture);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(output.stdout.is_empty());
    assert!(stderr.starts_with("error: ") && stderr.lines().count() == 1, "{stderr}");
    assert!(!fixture.out().exists(), "nothing is written");
    stderr
}

/// The cells of the row of a rank and variant.
fn row(table: &str, rank: usize, variant: &str) -> Vec<String> {
    let cells = |line: &str| -> Vec<String> {
        line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).map(String::from).collect()
    };
    let rows = table.lines().map(cells);
    let is_it =
        |row: &Vec<String>| row.len() > 4 && row[0] == rank.to_string() && row[3] == variant;
    rows.into_iter().find(is_it).unwrap_or_else(|| panic!("no row {rank} {variant} in\n{table}"))
}

#[test]
fn the_table_has_the_papers_numbers() {
    let (table, page) = report_well(&Fixture::new());
    let genome = m_net_1().to_string();
    // Parameters and NID of M_Net_1 are those of the paper's Table 3 (15.25 there, cut off rather
    // than rounded).
    let expected =
        ["1", "i0-7", &genome, "dense", "99.29 %", "65,074", "26.1 M", "15.26", "522 µs", "- [1]"];
    assert_eq!(row(&table, 1, "dense"), expected);
    let pruned = row(&table, 1, "pruned");
    assert_eq!(pruned[4..6], ["98.74 %", "29,214"]);
    assert!(table.contains(&format!("[1] no energy on host: {NO_METER}")), "{table}");
    assert!(table.contains("A first look only: there are short measurements (on host)"), "{table}");
    for part in [
        "M</span>",
        "15.26",
        "65,074",
        "99.29 %",
        NO_METER,
        "3 x 1 s",
        "2025-01-01",
        "3.01 GHz",
        "short",
    ] {
        assert!(page.contains(part), "{part} is not on the page");
    }
}

/// One that somebody trained by hand in the run's folder.
#[test]
fn a_baseline_is_in_the_table_by_its_name() {
    let fixture = Fixture::new();
    fixture.change("networks/2/dense/network.json", |network: &mut Network| {
        network.origin = Origin::Baseline { name: "resnet-20".into(), optimizer: Optimizer::Sgd };
    });
    let (table, page) = report_well(&fixture);
    let row = row(&table, 2, "dense");
    assert!(row[1].starts_with('-') && row[2] == "resnet-20, sgd", "{row:?}");
    assert!(page.contains("resnet-20, sgd"));
}

#[test]
fn every_row_is_aligned_with_the_titles() {
    let (table, _) = report_well(&Fixture::new());
    let lines: Vec<Vec<char>> =
        table.lines().skip(2).take(6).map(|line| line.chars().collect()).collect();
    let rule = &lines[1];
    assert!(rule.starts_with(&['-', '-']), "titles, a rule, four rows: {table}");
    for gap in (0..rule.len()).filter(|i| rule[*i] == ' ') {
        assert!(lines.iter().all(|line| line.get(gap) == Some(&' ')), "column {gap} of\n{table}");
    }
}

#[test]
fn the_page_is_whole_and_nothing_from_a_file_is_markup() {
    let fixture = Fixture::new();
    fixture.change("networks/1/dense/measurement-host.json", |m: &mut Measurement| {
        m.board = HOSTILE.into()
    });
    let (_, page) = report_well(&fixture);
    assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"));
    assert!(!page.contains("<script") && !page.contains("<laptop>"), "markup from a file");
    assert!(
        page.matches("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &quot;more&quot;")
            .count()
            >= 3
    );
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
fn figures_show_every_network_that_could_be_trained() {
    let fixture = Fixture::new();
    let (_, page) = report_well(&fixture);
    let front = fs::read_to_string(fixture.out().join("front.svg")).unwrap();
    let evaluations: Vec<Evaluation> =
        json::read_lines(&fixture.run().join("explore/evaluations.jsonl")).unwrap();
    assert!(!page.contains("had no place in the archive"));
    fixture.change("explore/archive.json", |archive: &mut Archive| {
        let first = archive.individuals.iter().position(|individual| individual.on_front).unwrap();
        archive.individuals.remove(first);
    });
    assert!(
        report_well(&fixture)
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

/// What the archive knows better than the log is shown as the archive has it, also of who has left
/// it.
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
    let (_, page) = report_well(&fixture);
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

#[test]
fn networks_of_other_data_are_marked() {
    let fixture = Fixture::new();
    let said = |fixture: &Fixture| {
        let (table, page) = report_well(fixture);
        let marks = ["was trained on other data than the search", "were tested on different data"];
        assert!(marks.iter().all(|mark| table.contains(mark) == page.contains(mark)));
        marks.map(|mark| table.contains(mark))
    };
    assert_eq!(said(&fixture), [false, false]);
    fixture.change("networks/2/dense/test.json", |test: &mut EvalReport| {
        test.data_sha256 = "0b".repeat(32)
    });
    assert_eq!(said(&fixture), [false, true]);
    fixture.change("networks/1/dense/train.json", |train: &mut TrainReport| {
        train.data_sha256 = "0b".repeat(32)
    });
    assert_eq!(said(&fixture), [true, true]);
    assert!(report_well(&fixture).0.contains("Rank 1 was trained on other data"));
}

/// Initial weights, whatever they classify and however fast they are, are no result anywhere.
#[test]
fn a_training_that_diverged_has_no_result() {
    let fixture = Fixture::new();
    fixture.change("networks/1/dense/train.json", |train: &mut TrainReport| train.diverged = true);
    fixture.remove("networks/1/pruned");
    let (table, page) = report_well(&fixture);
    let dense = row(&table, 1, "dense");
    assert_eq!(dense[4..], ["diverged", "65,074", "26.1 M", "- [1]", "- [1]", "- [1]"]);
    assert!(
        table.contains("[1] the training diverged: its weights are the initial ones"),
        "{table}"
    );
    assert!(row(&table, 1, "pruned")[4..].iter().all(|cell| cell == "- [2]"), "{table}");
    assert!(
        table.contains("[2] not pruned: the training of the dense network diverged"),
        "{table}"
    );
    let caution = "The training of rank 1 diverged: it has no result, and `make` neither prunes nor measures it.";
    assert!(table.contains(caution) && page.contains(caution));
    for accuracy in ["99.29 %", "15.26", "522 µs</span>"] {
        assert!(!table.contains(accuracy), "{accuracy} is in {table}");
    }
    // The tiles are of the other winner; where measurements are listed, these are marked.
    assert!(page.contains("<strong>99.30 %</strong>") && page.contains("dense (diverged)"));
    let pruning = fs::read_to_string(fixture.out().join("pruning.svg")).unwrap();
    assert!(pruning.contains("#2") && !pruning.contains("#1"));
    let (cells, _) = compared(&fixture, "2/dense", "1/dense (diverged)");
    assert!(cells[1..].iter().all(|cell| cell.starts_with("- [")), "{cells:?}");

    // All of them, before anything was measured.
    fixture.change("networks/2/dense/train.json", |train: &mut TrainReport| train.diverged = true);
    for folder in [
        "networks/2/pruned",
        "networks/1/dense/measurement-host.json",
        "networks/2/dense/measurement-host.json",
    ] {
        fixture.remove(folder);
    }
    let (table, page) = report_well(&fixture);
    assert_eq!(row(&table, 2, "dense")[7..], ["- [1]", "- [1]", "- [1]"]);
    assert!(table.contains("of rank 1, 2 diverged") && !page.contains("best test accuracy"));
}

#[test]
fn the_same_run_gives_the_same_bytes() {
    let fixture = Fixture::new();
    assert_eq!(report_well(&fixture), report_well(&fixture));
}

#[test]
fn each_board_has_its_columns_and_energy_its_number() {
    let fixture = Fixture::new();
    let (from, to) =
        (fixture.run().join(DENSE), fixture.run().join("networks/1/dense/measurement-meter.json"));
    fs::copy(from, to).unwrap();
    fixture.change("networks/1/dense/measurement-meter.json", |m: &mut Measurement| {
        m.board = "meter".into();
        m.latency.p50_s = 0.001;
        m.energy = Energy {
            status: EnergyStatus::Measured,
            reason: None,
            gross_j: Some(0.012_345),
            net_reason: Some("no idle reading".into()),
            ..m.energy.clone()
        };
        m.host.governor = Known::of("performance".into());
    });
    let (table, page) = report_well(&fixture);
    assert!(table.contains("latency p50, host") && table.contains("energy, meter"), "{table}");
    assert_eq!(row(&table, 1, "dense")[8..], ["522 µs", "- [1]", "1.00 ms", "12.3 mJ"]);
    assert_eq!(row(&table, 2, "dense")[10..], ["- [2]", "- [2]"]);
    assert!(table.contains("[2] not measured yet: `make measure`"), "{table}");
    assert!(page.contains("no net energy: no idle reading") && page.contains("performance"));
}

#[test]
fn a_run_that_has_only_been_searched_says_what_is_missing() {
    let fixture = Fixture::new();
    fixture.remove("networks");
    let (table, page) = report_well(&fixture);
    let cells = row(&table, 1, "dense");
    assert_eq!((cells[1].as_str(), cells[2].clone()), ("i0-7", m_net_1().to_string()));
    assert_eq!(cells[4..], ["- [1]", "- [1]", "- [1]", "- [1]", "- [2]", "- [2]"]);
    for reason in [
        "[1] not trained yet: `make train`",
        "[2] not measured yet",
        "[3] not pruned yet: `make prune`",
    ] {
        assert!(table.contains(reason), "{reason} is not in\n{table}");
    }
    assert!(page.contains("front.svg") && !page.contains("pruning.svg"));
    fixture.remove("explore/winners");
    let (_, page) = report_well(&fixture);
    assert!(page.contains("No network has been chosen yet"));
}

#[test]
fn networks_without_a_search_or_a_profile_are_reported_too() {
    let fixture = Fixture::new();
    fixture.remove("explore");
    fixture.remove("profile.json");
    fixture.remove("networks/2/pruned/test.json");
    fixture.remove("networks/2/pruned/measurement-host.json");
    let (table, page) = report_well(&fixture);
    assert_eq!(row(&table, 1, "dense")[1], "- [1]");
    assert!(table.contains("[1] its genome is not in the archive"), "{table}");
    assert!(table.contains("not tested yet: test.json is missing"), "{table}");
    assert_eq!(row(&table, 1, "dense")[4], "99.29 %");
    assert!(page.contains("no profile.json") && !page.contains("front.svg"));
}

#[test]
fn a_measurement_of_other_weights_does_not_count() {
    let fixture = Fixture::new();
    fixture.change("networks/1/pruned/test.json", |test: &mut EvalReport| {
        test.weights_sha256 = "00".repeat(32)
    });
    let (table, _) = report_well(&fixture);
    assert!(row(&table, 1, "pruned")[8].starts_with("- ["), "{table}");
    assert!(table.contains("measured on host with other weights than those tested"), "{table}");
    assert_eq!(row(&table, 1, "dense")[8], "522 µs");
}

/// A network pruned in several ways has them beside each other, with the figures that `prune` drew,
/// as pictures.
#[test]
fn ways_of_pruning_are_shown_together() {
    let fixture = Fixture::new();
    assert!(!report_well(&fixture).1.contains("from scratch"));
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
    let (_, page) = report_well(&fixture);
    for cell in ["pruned-l1", "l1", "not trained from scratch: `prune scratch`"] {
        assert!(page.contains(&format!(">{cell}<")), "{cell}");
    }
    assert_eq!(page.matches("%3Csvg%3Ealone").count(), 2);
    assert!(!page.contains("pruned-half-done"));
    fixture.change("networks/1/pruned-l1/scratch/train.json", |train: &mut TrainReport| {
        train.diverged = true
    });
    assert!(report_well(&fixture).1.contains(">from scratch, the training diverged<"));
    draw("pruning", "<svg><script>together</script></svg>");
    let (_, page) = report_well(&fixture);
    assert!(
        page.matches("together").count() == 2
            && !page.contains("<script>")
            && !page.contains("alone"),
        "{page}"
    );
    fs::write(network.join("pruning/widths.svg"), "GIF89a").unwrap();
    fs::remove_dir_all(fixture.out()).unwrap();
    assert!(report_badly(&fixture).contains("pruning/widths.svg: it is not a figure of `prune`"));
}

/// A target that was not met is said where pruning's end is.
#[test]
fn a_target_that_was_missed_is_told() {
    let fixture = Fixture::new();
    fixture.change("networks/1/pruned/prune.json", |report: &mut PruneReport| {
        let target = Requirements { max_latency_s: Some(1e-6), ..Requirements::default() };
        report.measured = Some(PruneMeasured { board: "host".into(), target, crates: vec![] });
    });
    let (_, page) = report_well(&fixture);
    assert!(page.contains(">one more filter would exceed the cap; the target on host is not met<"));
}

#[test]
fn a_damaged_file_is_one_line_that_names_it() {
    for name in [
        "profile.json",
        "explore/search.json",
        "explore/archive.json",
        "explore/winners/1/genome.json",
        "networks/2/dense/network.json",
        "networks/1/pruned/prune.json",
        "networks/1/dense/train.json",
        "networks/1/dense/test.json",
        "networks/1/dense/crate-x86_64/manifest.json",
        PRUNED,
    ] {
        let fixture = Fixture::new();
        let path = fixture.run().join(name);
        let whole = fs::read(&path).unwrap();
        fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        let line = report_badly(&fixture);
        assert!(line.contains(name) && line.contains("not valid JSON"), "{line}");
    }
}

#[test]
fn a_torn_last_evaluation_is_left_out_but_a_damaged_one_is_an_error() {
    let fixture = Fixture::new();
    let path = fixture.run().join("explore/evaluations.jsonl");
    let whole = fs::read_to_string(&path).unwrap();
    let count = whole.lines().count();
    fs::write(&path, &whole[..whole.len() - 10]).unwrap();
    let (_, page) = report_well(&fixture);
    assert!(page.contains(&format!("<strong>{}</strong><span>networks evaluated", count - 1)));
    fs::remove_dir_all(fixture.out()).unwrap();
    fs::write(&path, whole.replacen("\"iteration\"", "\"itaration\"", 1)).unwrap();
    let line = report_badly(&fixture);
    assert!(line.contains("evaluations.jsonl: line 1") && line.contains("itaration"), "{line}");
}

#[test]
fn what_is_not_a_run_is_refused() {
    let fixture = Fixture::new();
    for name in ["explore", "networks"] {
        fixture.remove(name);
    }
    let line = report_badly(&fixture);
    assert!(line.contains("not a run: it has neither explore/search.json nor networks/"), "{line}");
    fs::remove_dir_all(fixture.run()).unwrap();
    assert!(report_badly(&fixture).contains("there is no such folder"));
}

#[test]
fn an_output_folder_that_cannot_be_written_to_is_one_line() {
    let fixture = Fixture::new();
    fs::write(fixture.out(), b"a file").unwrap();
    let output = report(&fixture);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), stderr.lines().count()), (Some(1), 1), "{stderr}");
    assert!(stderr.contains("report: cannot create the folder"), "{stderr}");
}

#[test]
fn networks_are_compared_with_a_baseline_as_in_table_3() {
    let fixture = Fixture::new();
    let energy = |joules: f64| Energy {
        reason: None,
        gross_j: Some(joules),
        gross_interval_j: Some([0.99 * joules, 1.01 * joules]),
        net_reason: Some("no idle".into()),
        ..Energy::without_numbers(EnergyStatus::Measured, "rapl".into(), String::new())
    };
    let set = |file: &str, p50_s: f64, joules: f64| {
        fixture.change(file, |m: &mut Measurement| {
            m.latency.p50_s = p50_s;
            m.latency.p50_interval_s = [0.98 * p50_s, 1.02 * p50_s];
            m.energy = energy(joules);
        });
    };
    set(DENSE, 3e-3, 0.06);
    set(PRUNED, 2e-3, 0.06);
    let (row, said) = compared(&fixture, "1/dense", "1/pruned");
    assert_eq!(row[2..], ["~1.00x", "1.50x"], "{said}");
    assert_eq!(compared(&fixture, "1/dense", "* 1/dense").0[1..], ["15.26", "1", "1"]);
    assert_eq!(compared(&fixture, "1/pruned", "1/dense").0[3], "0.67x");
    let page = fs::read_to_string(fixture.out().join("index.html")).unwrap();
    assert!(page.contains("Compared with the baseline") && page.contains("Behind a ~"));
    // Copying and computing apart, on one of the two and on both.
    let parts = |scale: f64| {
        Some(Communication { h2d_s: 3e-6 * scale, kernel_s: 2e-3 * scale, d2h_s: 1e-6 * scale })
    };
    fixture.change(DENSE, |m: &mut Measurement| m.communication = parts(2.0));
    assert!(
        compared(&fixture, "1/dense", "1/pruned")
            .1
            .contains("copying and computing were not measured apart")
    );
    fixture.change(PRUNED, |m: &mut Measurement| m.communication = parts(1.0));
    assert_eq!(compared(&fixture, "1/dense", "1/pruned").0[4..], ["2.00x", "2.00x/2.00x"]);
    fixture.change(PRUNED, |m: &mut Measurement| {
        m.emulated = true;
        m.energy =
            Energy::without_numbers(EnergyStatus::Unavailable, "none".into(), "emulated".into());
    });
    assert!(
        compared(&fixture, "1/dense", "1/pruned")
            .1
            .contains("host is emulated: its times say nothing about a board")
    );
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
    let (said, page) = report_well(&fixture);
    assert!(said.contains("On host, the GPU's clocks were held back: SW_POWER_CAP."), "{said}");
    assert!(said.contains("On host, other processes were on the GPU: python3"), "{said}");
    for shown in
        ["3.25 µs", "2.50 ms", "1.75 µs", "1.50 GHz to 1.98 GHz", "51 °C", "580.95", "copy back"]
    {
        assert!(page.contains(shown), "{shown}");
    }
    assert!(page.contains("not known (not supported)") && !page.contains(HOSTILE));
}

#[test]
fn a_baseline_that_was_not_trained_is_marked() {
    let fixture = Fixture::new();
    let folder = fixture.run().join("baselines/resnet-110");
    fs::create_dir_all(&folder).unwrap();
    for file in ["network.json", "measurement-host.json"] {
        fs::copy(fixture.run().join("networks/1/dense").join(file), folder.join(file)).unwrap();
    }
    let (row, said) = compared(&fixture, "resnet-110", "* resnet-110 (untrained)");
    assert!(row[1].starts_with("- ["), "{row:?}");
    assert!(said.contains("not tested: NID needs a test accuracy"), "{said}");
    assert!(compared(&fixture, "resnet-110", "1/dense").0[3].ends_with("1.00x"));
    let error = |name: &str| {
        let output = report_with(&fixture, &["--baseline", name]);
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(error("vgg").contains("no network \"vgg\" to compare with; it has 1/dense, 1/pruned"));
}
