//! Ranges of the numbers in files. Whatever is outside is damaged or made up; inside, no sum
//! overflows and every figure can be drawn.

use anyhow::{Result, ensure};
use std::fmt::Debug;
use std::ops::RangeInclusive;

/// Accuracies and other shares.
pub(crate) const SHARE: RangeInclusive<f64> = 0.0..=1.0;
/// Correlations, which rounding can put past 1.
pub(crate) const CORRELATION: RangeInclusive<f64> = -1.000_001..=1.000_001;
/// Losses: those of f32, which rounding can put below 0.
pub(crate) const LOSS: RangeInclusive<f64> = -0.001..=f32::MAX as f64;
/// Learning rates: absurd ones diverge, which is a result.
pub(crate) const RATE: RangeInclusive<f64> = 0.0..=1e300;
/// Durations in seconds: up to 300 years.
pub(crate) const SECONDS: RangeInclusive<f64> = 0.0..=1e10;
/// Latencies in seconds, which a logarithmic axis shows.
pub(crate) const LATENCY: RangeInclusive<f64> = 1e-15..=1e10;
/// Energies of an inference in joules, likewise.
pub(crate) const ENERGY: RangeInclusive<f64> = 1e-21..=1e15;
/// Energies in joules, powers in watts, frequencies in Hz and rates a second.
pub(crate) const PHYSICAL: RangeInclusive<f64> = 0.0..=1e15;
/// The same where noise can be below zero, and times before and after some moment.
pub(crate) const SIGNED: RangeInclusive<f64> = -1e15..=1e15;
/// Trainable parameters.
pub(crate) const PARAMETERS: RangeInclusive<u64> = 0..=1 << 40;
/// Multiply-adds.
pub(crate) const MACS: RangeInclusive<u64> = 0..=1 << 60;
/// Bytes of memory.
pub(crate) const BYTES: RangeInclusive<u64> = 0..=1 << 50;
/// Epochs, iterations, populations, rounds, threads, and how many of them were done.
pub(crate) const COUNT: RangeInclusive<usize> = 0..=1_000_000_000;
/// The same where there must be some, and a run is planned by them.
pub(crate) const PLANNED: RangeInclusive<usize> = 1..=100_000;
/// Images.
pub(crate) const IMAGES: RangeInclusive<usize> = 0..=1 << 32;

/// Checks one number.
///
/// # Errors
/// It is outside; the error names its key.
pub(crate) fn within<T: PartialOrd + Debug>(
    key: &str,
    value: T,
    range: &RangeInclusive<T>,
) -> Result<()> {
    ensure!(
        range.contains(&value),
        "{key} {value:?} must be {:?} to {:?}",
        range.start(),
        range.end()
    );
    Ok(())
}

/// Checks all numbers of a list, or one that may be missing.
///
/// # Errors
/// As [`within`].
pub(crate) fn all_within<T: PartialOrd + Debug>(
    key: &str,
    values: impl IntoIterator<Item = T>,
    range: &RangeInclusive<T>,
) -> Result<()> {
    values.into_iter().try_for_each(|value| within(key, value, range))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::board::Board;
    use crate::dataset::{Census, Dataset};
    use crate::files::json;
    use crate::files::json::Document;
    use crate::manifest::Manifest;
    use crate::measurement::Measurement;
    use crate::measurement::bench_protocol::BenchEvent;
    use crate::measurement::manual_reading::ManualReading;
    use crate::network::Network;
    use crate::network::baseline::Baseline;
    use crate::profile::Profile;
    use crate::prune_report::PruneReport;
    use crate::search::accuracy_table::AccuracyTable;
    use crate::search::archive::Archive;
    use crate::search::config::SearchConfig;
    use crate::search::evaluation::Evaluation;
    use crate::search::fidelity::Fidelity;
    use crate::search::genome::Genome;
    use crate::train_report::{EvalReport, TrainReport};
    use serde_json::{Map, Value};

    /// Numbers that can be any.
    const ANY: &[&str] = &["seed", "seeds", "start", "end", "range", "wraps", "pid"];

    /// Every number in a document one after the other, is made larger than anything has; the
    /// document must then be refused, and the error must have the number's key.
    fn no_number_is_without_a_range<T: Document>(text: &str) {
        let document: T = json::parse(text).unwrap();
        // As it is written: `0.0`, not `0`, for what need not be whole.
        let whole: Value = serde_json::from_str(&json::to_line(&document).unwrap()).unwrap();
        let mut wrong = Vec::new();
        for path in numbers(&whole) {
            let key = path.iter().rev().find(|part| part.parse::<usize>().is_err()).unwrap();
            let found = place(&mut whole.clone(), &path).clone();
            let others: &[Value] = if found.is_f64() {
                &[1e308.into(), (-1e308).into()]
            } else {
                &[(u64::MAX / 2).into()]
            };
            for other in others {
                let mut changed = whole.clone();
                *place(&mut changed, &path) = other.clone();
                let error = json::parse::<T>(&changed.to_string())
                    .map(|_| ())
                    .map_err(|error| format!("{error:#}"));
                // The sizes of a network's nodes are wrong together.
                let named = error
                    .as_ref()
                    .is_err_and(|error| error.contains(key) || error.contains("node "));
                if !named {
                    wrong.push(format!("{} of {other}: {error:?}", path.join(".")));
                }
            }
        }
        assert!(wrong.is_empty(), "{}:\n{}", T::KIND, wrong.join("\n"));
    }

    /// The paths to all numbers.
    fn numbers(value: &Value) -> Vec<Vec<String>> {
        let below = |key: String, value: &Value| -> Vec<Vec<String>> {
            numbers(value).into_iter().map(|path| [vec![key.clone()], path].concat()).collect()
        };
        match value {
            Value::Number(_) => vec![vec![]],
            Value::Array(items) => {
                items.iter().enumerate().flat_map(|(i, item)| below(i.to_string(), item)).collect()
            }
            Value::Object(items) => {
                let items = items.iter().filter(|(key, _)| !ANY.contains(&key.as_str()));
                items.flat_map(|(key, item)| below(key.clone(), item)).collect()
            }
            Value::Null | Value::Bool(_) | Value::String(_) => vec![],
        }
    }

    fn place<'a>(value: &'a mut Value, path: &[String]) -> &'a mut Value {
        path.iter().fold(value, |value, key| match value {
            Value::Array(items) => &mut items[key.parse::<usize>().unwrap()],
            other => other
                .as_object_mut()
                .unwrap_or_else(|| panic!("{key}"))
                .entry(key.clone())
                .or_insert(Map::new().into()),
        })
    }

    #[test]
    fn no_number_in_an_example_of_the_documentation_is_without_a_range() {
        let text = include_str!("../../../docs/formats.md");
        let blocks = text
            .split("\n```json")
            .skip(1)
            .filter_map(|rest| rest.split_once('\n')?.1.split("\n```").next());
        let mut kinds = std::collections::BTreeSet::new();
        // A block of `jsonl` has a document in each line, one of `json` is one.
        for block in blocks {
            let lines = block.lines().filter(|line| line.starts_with("{\"schema\""));
            let whole = std::iter::once(block).filter(|block| !block.starts_with("{\"schema\""));
            kinds.extend(lines.chain(whole).map(check));
        }
        assert!(kinds.len() >= 19, "{kinds:?}");
    }

    fn check(text: &str) -> String {
        let value: Value =
            serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
        let kind = value["schema"].as_str().unwrap().split('/').nth(1).unwrap().to_string();
        let check = match kind.as_str() {
            "accuracy-table" => no_number_is_without_a_range::<AccuracyTable>,
            "archive" => no_number_is_without_a_range::<Archive>,
            "baseline" => no_number_is_without_a_range::<Baseline>,
            "bench" => no_number_is_without_a_range::<BenchEvent>,
            "board" => no_number_is_without_a_range::<Board>,
            "data-check" => no_number_is_without_a_range::<Census>,
            "dataset" => no_number_is_without_a_range::<Dataset>,
            "eval" => no_number_is_without_a_range::<EvalReport>,
            "evaluation" => no_number_is_without_a_range::<Evaluation>,
            "fidelity" => no_number_is_without_a_range::<Fidelity>,
            "genome" => no_number_is_without_a_range::<Genome>,
            "manual" => no_number_is_without_a_range::<ManualReading>,
            "manifest" => no_number_is_without_a_range::<Manifest>,
            "measurement" => no_number_is_without_a_range::<Measurement>,
            "network" => no_number_is_without_a_range::<Network>,
            "profile" => no_number_is_without_a_range::<Profile>,
            "prune" => no_number_is_without_a_range::<PruneReport>,
            "search" => no_number_is_without_a_range::<SearchConfig>,
            "train" => no_number_is_without_a_range::<TrainReport>,
            other => panic!("unknown kind {other}"),
        };
        check(text);
        kind
    }

    #[test]
    fn what_is_outside_is_named() {
        within("x", 0.5, &SHARE).unwrap();
        all_within("x", [0.0, 1.0], &SHARE).unwrap();
        for wrong in [-0.1, 1.1, 1e308, f64::NAN, f64::INFINITY] {
            let error = all_within("x", [0.5, wrong], &SHARE).unwrap_err().to_string();
            assert_eq!(error, format!("x {wrong:?} must be 0.0 to 1.0"));
        }
        assert_eq!(within("n", 7, &(1..=6)).unwrap_err().to_string(), "n 7 must be 1 to 6");
    }
}
