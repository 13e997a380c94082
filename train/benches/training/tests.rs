//! Tests of the parts of the benchmark that need no timing: counts, ratios, bars, the document.
#![allow(dead_code)] // The tests use only some functions of the benchmark's modules.

mod bars;
mod cells;
mod machine;
mod peer;
mod protocol;
mod report;
mod results;

use bars::{Verdict, judge};
use cells::{Cell, LARGEST, Macs};
use peer::Engine;
use results::{CellResult, PairResult, Results, Timed, Versions, median};

const GIGABYTE: u64 = 1_000_000_000;

/// Returns a result in which this crate takes a second, the best PyTorch `pytorch` seconds and
/// Candle `candle` seconds, and in which this crate reaches `share` of the peak.
fn result(cell: Cell, pytorch: f64, candle: f64, share: f64) -> CellResult {
    let timed = |step_s| Ok(Timed { step_s, peak_bytes: Some(GIGABYTE - 1) });
    let mut entries = vec![
        (Engine::Ours, timed(1.0)),
        (Engine::Rounded, timed(1.25)),
        (Engine::Eager, timed(pytorch + 1.0)),
        (Engine::ChannelsLast, timed(pytorch)),
        (Engine::Compiled, Err("compiled failed: there is no compiler".to_string())),
    ];
    if cell.with_candle {
        entries.push((Engine::Candle, timed(candle)));
    }
    let macs = Macs { network: 1000, executed: 1000 };
    CellResult { cell, macs, entries, sgemm: 6.0 * 1000.0 * cell.batch as f64 / share }
}

fn run(cells: Vec<CellResult>) -> Results {
    let versions = Versions {
        ours: "ours".into(),
        pytorch: "PyTorch".into(),
        ours_bare_bytes: None,
        pytorch_bare_bytes: Some(GIGABYTE),
    };
    Results { cells, pairs: vec![], versions, rounds: 5, quick: false }
}

fn whole_run(pytorch: f64, candle: f64, share: f64) -> Results {
    run(cells::all("").into_iter().map(|cell| result(cell, pytorch, candle, share)).collect())
}

/// Returns the verdicts in the order of the bars: every cell, mean, stretch mean, Candle, peak,
/// executed, stretch, stretch, memory, rounding.
fn verdicts(results: &Results) -> Vec<Verdict> {
    judge(results).into_iter().map(|bar| bar.verdict).collect()
}

#[test]
fn a_run_that_reaches_every_bar_passes_and_one_below_fails() {
    use Verdict::{Failed, Passed};
    assert_eq!(verdicts(&whole_run(2.001, 15.0, 0.701)), [Passed; 10]);
    assert_eq!(
        verdicts(&whole_run(1.599, 14.99, 0.549)),
        [Passed, Failed, Failed, Failed, Failed, Failed, Failed, Failed, Passed, Passed]
    );
    let slow = verdicts(&whole_run(1.149, 15.0, 0.56));
    assert_eq!(
        slow,
        [Failed, Failed, Failed, Passed, Passed, Passed, Failed, Failed, Passed, Passed]
    );
}

#[test]
fn one_slow_cell_fails_the_run_unless_it_is_for_information() {
    for index in 0..cells::all("").len() {
        let mut results = whole_run(3.0, 20.0, 0.8);
        results.cells[index] = result(results.cells[index].cell, 1.1, 20.0, 0.8);
        let expected =
            if results.cells[index].cell.judged { Verdict::Failed } else { Verdict::Passed };
        assert_eq!(verdicts(&results)[0], expected, "{}", results.cells[index].cell.name());
    }
}

#[test]
fn a_run_that_leaves_something_out_passes_nothing_that_needs_it() {
    let mut quick = whole_run(3.0, 20.0, 0.8);
    quick.quick = true;
    assert_eq!(verdicts(&quick)[..8], [Verdict::Incomplete; 8]);
    let mut partial = whole_run(3.0, 20.0, 0.8);
    partial.cells.remove(0);
    assert_eq!(verdicts(&partial)[..8], [Verdict::Incomplete; 8]);
    partial.cells.retain(|result| result.cell.name() != LARGEST);
    assert_eq!(verdicts(&partial)[8], Verdict::Incomplete);
    assert_eq!(verdicts(&run(vec![])), [Verdict::Incomplete; 10]);
}

#[test]
fn a_gigabyte_is_too_much() {
    let mut results = whole_run(3.0, 20.0, 0.8);
    let largest = results.cells.iter_mut().find(|result| result.cell.name() == LARGEST).unwrap();
    largest.entries[0].1 = Ok(Timed { step_s: 1.0, peak_bytes: Some(GIGABYTE) });
    assert_eq!(verdicts(&results)[8], Verdict::Failed);
}

#[test]
fn rounding_may_take_a_quarter_of_a_step_on_every_cell() {
    for index in 0..cells::all("").len() {
        let mut results = whole_run(3.0, 20.0, 0.8);
        results.cells[index].entries[1].1 = Ok(Timed { step_s: 1.251, peak_bytes: None });
        assert_eq!(verdicts(&results)[9], Verdict::Failed);
        results.cells[index].entries[1].1 = Err("it failed".into());
        assert_eq!(verdicts(&results)[9], Verdict::Incomplete);
    }
}

#[test]
fn the_median_is_the_middle() {
    assert_eq!(median(vec![]), None);
    assert_eq!(median(vec![3.0]), Some(3.0));
    assert_eq!(median(vec![9.0, 1.0, 2.0]), Some(2.0));
    assert_eq!(median(vec![9.0, 1.0, 2.0, 4.0]), Some(3.0));
}

#[test]
fn pooling_first_leaves_a_quarter_of_a_transitions_operations() {
    let macs = |name: &str| cells::macs(&cells::all(name)[0].net.network().unwrap()).unwrap();
    let without_transition = macs("FEL16/1");
    assert_eq!(without_transition.network, without_transition.executed);
    // Channels grow by 4 x 12 in each condense layer: 24, 72, 120; the transitions are on 32x32 and
    // 16x16 pixels.
    let transitions = 72 * 72 * 32 * 32 + 120 * 120 * 16 * 16;
    let with_transitions = macs("FEL16/3 batch");
    assert_eq!(with_transitions.network - with_transitions.executed, transitions * 3 / 4);
}

#[test]
fn the_report_shows_what_failed_and_keeps_its_tables_whole() {
    let mut results = whole_run(3.0, 20.0, 0.8);
    let cell = results.cells[1].cell;
    results.pairs.push(PairResult { cell, ours: 300.0, pytorch: 150.0, engine: Engine::Compiled });
    let text = report::markdown(&results, "make bench-train").unwrap();
    assert!(text.contains("- FEL16/3 batch 64: compiled failed: there is no compiler\n"), "{text}");
    assert!(text.contains("| FEL16/3 | 128 | 300 | 150 (compiled) | 2.00 x |"), "{text}");
    for table in text.split("\n\n").filter(|part| part.starts_with('|')) {
        let fields = |row: &str| row.replace("\\|", "").matches('|').count();
        let expected = fields(table.lines().next().unwrap());
        assert!(table.lines().all(|row| fields(row) == expected), "{table}");
    }
}

#[test]
fn only_what_stands_between_the_marks_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("page.md");
    let page = |results: &str| {
        format!("# Title\n<!-- results: begin -->\n{results}<!-- results: end -->\nThe end.\n")
    };
    std::fs::write(&path, page("old\n")).unwrap();
    for results in ["first", "second"] {
        report::replace_results(&path, results).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), page(&format!("\n{results}\n\n")));
    }
    std::fs::write(&path, "no marks").unwrap();
    let error = format!("{:#}", report::replace_results(&path, "third").unwrap_err());
    assert!(error.contains("page.md") && error.contains("results: begin"), "{error}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "no marks");
}
