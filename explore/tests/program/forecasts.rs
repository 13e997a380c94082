//! Searches that forecast latencies.

use super::fixture::{Fixture, error_of, text};
use serde_json::{Value, json};
use std::fs;

fn search(fixture: &Fixture, out: &str, options: &[&str]) {
    let output = fixture.command(out).args(options).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
}

/// A killed `codegen plan` must not change what is expected of a latency either. Plans are made for
/// the Gaussian process alone.
#[test]
fn latencies_are_forecast_from_plans() {
    let settings = |surrogate: Value| {
        json!({
            "population": 6, "archive_size": 6, "iterations": 3, "epochs": 2, "subset": 20,
            "surrogate": surrogate,
        })
    };
    for options in [["--objectives", "error,latency_s"], ["--max-latency-s", "1e-9"]] {
        let options = [&["--board", "made-up"][..], &options].concat();
        let fixture = Fixture::with(&settings(json!("gaussian")), &json!({}));
        search(&fixture, "whole", &options);
        let plans = fixture.path("plans");
        let mut killed = fixture.command("killed");
        let error = error_of(&killed.args(&options).env("FAKE_PLANS", &plans).output().unwrap());
        assert!(error.contains("codegen cannot be used; correct the cause"), "{error}");
        search(&fixture, "killed", &[&options[..], &["--resume"]].concat());
        assert_eq!(fixture.result("whole"), fixture.result("killed"));

        fs::remove_file(&plans).unwrap();
        fixture.write_profile(&settings(Value::Null), &json!({}));
        let mut without = fixture.command("without");
        let output = without.args(&options).env("FAKE_PLANS", &plans).output().unwrap();
        assert!(output.status.success() && !plans.exists(), "{}", text(&output.stderr));
    }
}
