//! Tests of `explore select` and of SPEA-II against the selections in `data/spea2.json`, which were
//! computed in exact arithmetic.

use explore::moea::normalize::{Normalize, Points};
use explore::moea::spea2;
use serde_json::Value;
use std::process::{Command, Output};

fn cases() -> Vec<Value> {
    let file: Value = serde_json::from_str(include_str!("data/spea2.json")).unwrap();
    file["cases"].as_array().unwrap().clone()
}

fn indices(value: &Value) -> Vec<usize> {
    value.as_array().unwrap().iter().map(|index| index.as_u64().unwrap() as usize).collect()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

fn assert_near(got: &[f64], want: &[f64]) {
    assert_eq!(got.len(), want.len());
    assert!(
        got.iter().zip(want).all(|(got, want)| (got - want).abs() <= 1e-12 * want),
        "{got:?} is not {want:?}"
    );
}

#[test]
fn all_15_selections_strengths_raw_fitnesses_and_densities() {
    let cases = cases();
    assert_eq!(cases.len(), 15);
    for case in &cases {
        let objectives: Vec<Vec<f64>> =
            case["objectives"].as_array().unwrap().iter().map(numbers).collect();
        let size = case["archive_size"].as_u64().unwrap() as usize;
        let points = Points::new(objectives.clone(), Normalize::None).unwrap();
        let fitness = spea2::fitness(&points);
        let whole = |values: &[u64]| values.iter().map(|v| *v as usize).collect::<Vec<_>>();
        assert_eq!(whole(&fitness.strength), indices(&case["S"]), "{}", case["id"]);
        assert_eq!(whole(&fitness.raw_fitness), indices(&case["R"]), "{}", case["id"]);
        assert_near(&fitness.density, &numbers(&case["D"]));
        let selected = spea2::environmental_selection(&points, &fitness, size);
        assert_eq!(selected, indices(&case["selected"]), "{}", case["id"]);
        let points = Points::new(objectives, Normalize::Minmax).unwrap();
        let selected = spea2::environmental_selection(&points, &spea2::fitness(&points), size);
        assert_eq!(selected, indices(&case["selected_minmax"]), "{} minmax", case["id"]);
    }
}

fn select(input: &str, options: &[&str]) -> Output {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("points.json");
    std::fs::write(&path, input).unwrap();
    Command::new(env!("CARGO_BIN_EXE_explore"))
        .arg("select")
        .arg("--in")
        .arg(&path)
        .args(options)
        .output()
        .unwrap()
}

fn selected(input: &str, options: &[&str]) -> Value {
    let output = select(input, options);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn the_program_prints_the_selection_and_the_fitness_of_every_point() {
    for case in &cases() {
        let input = serde_json::json!({"objectives": case["objectives"]}).to_string();
        let size = case["archive_size"].to_string();
        let raw = selected(&input, &["--archive-size", &size]);
        assert_eq!(
            (&raw["selected"], &raw["strength"], &raw["raw_fitness"]),
            (&case["selected"], &case["S"], &case["R"])
        );
        assert_near(&numbers(&raw["density"]), &numbers(&case["D"]));
        let minmax = selected(&input, &["--archive-size", &size, "--normalize", "minmax"]);
        assert_eq!(minmax["selected"], case["selected_minmax"]);
    }
}

#[test]
fn degenerate_lists_have_a_sensible_result() {
    let expect = |input: &str, size: &str, expected: &[usize]| {
        for normalize in ["none", "minmax", "log-minmax"] {
            let result = selected(input, &["--archive-size", size, "--normalize", normalize]);
            assert_eq!(indices(&result["selected"]), expected, "{input} {normalize}");
        }
    };
    expect("{\"objectives\": []}", "3", &[]);
    expect("{\"objectives\": [[1, 2]]}", "0", &[]);
    expect("{\"objectives\": [[1, 2]]}", "3", &[0]);
    expect("{\"objectives\": [[1, 2], [1, 2], [1, 2]]}", "2", &[0, 1]);
    expect("{\"objectives\": [[1, 2], [1, 3], [1, 4]]}", "2", &[0, 1]);
    expect("{\"objectives\": [[0, 1e300], [1, 1e-300], [0.5, 1]]}", "3", &[0, 1, 2]);
}

#[test]
fn invalid_input_is_reported_in_one_line_with_its_position() {
    let expect = |input: &str, options: &[&str], expected: &str| {
        let output = select(input, options);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), error.lines().count()), (Some(1), 1), "{error}");
        assert!(error.contains("points.json") && error.contains(expected), "{error}");
    };
    let one = ["--archive-size", "1"];
    expect("{\"objectives\": [[1, 2], [1, NaN]]}", &one, "line 1");
    expect("{\"objectives\": [[1, 1e999]]}", &one, "out of range");
    expect("{\"objectives\": [[1, null]]}", &one, "null");
    expect("{\"objectives\": [[1, 2], [1]]}", &one, "objectives[1]");
    expect("{\"objectives\": [[1]]}", &one, "objectives[0] has 1 values");
    expect("{\"objective\": [[1, 2]]}", &one, "objective");
    expect("", &one, "EOF");
    let log = ["--archive-size", "1", "--normalize", "log-minmax"];
    expect("{\"objectives\": [[1, 2], [1, 0]]}", &log, "objectives[1][1] is 0");
    assert_eq!(select("{\"objectives\": []}", &["--archive-size", "-1"]).status.code(), Some(2));
}
