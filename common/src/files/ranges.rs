//! Ranges of the numbers in files. A number outside its range is damaged or made up. With numbers
//! inside, no sum overflows and every figure can be drawn.

use anyhow::{Result, ensure};
use std::fmt::Debug;
use std::ops::RangeInclusive;

/// Accuracies and other shares.
pub(crate) const SHARE: RangeInclusive<f64> = 0.0..=1.0;
/// Correlations. Rounding can put them past 1.
pub(crate) const CORRELATION: RangeInclusive<f64> = -1.000_001..=1.000_001;
/// Losses in f32. Rounding can put them below 0.
pub(crate) const LOSS: RangeInclusive<f64> = -0.001..=f32::MAX as f64;
/// Learning rates. With absurd ones a training diverges, which is a result.
pub(crate) const RATE: RangeInclusive<f64> = 0.0..=1e300;
/// Durations in seconds: up to 300 years.
pub(crate) const SECONDS: RangeInclusive<f64> = 0.0..=1e10;
/// Latencies in seconds that a logarithmic axis can show.
pub(crate) const LATENCY: RangeInclusive<f64> = 1e-15..=1e10;
/// Energies of an inference in joules that a logarithmic axis can show.
pub(crate) const ENERGY: RangeInclusive<f64> = 1e-21..=1e15;
/// Energies in joules, powers in watts, frequencies in Hz and rates per second.
pub(crate) const PHYSICAL: RangeInclusive<f64> = 0.0..=1e15;
/// Physical quantities that noise can make negative, and times relative to some moment.
pub(crate) const SIGNED: RangeInclusive<f64> = -1e15..=1e15;
/// Trainable parameters.
pub(crate) const PARAMETERS: RangeInclusive<u64> = 0..=1 << 40;
/// Multiply-adds.
pub(crate) const MACS: RangeInclusive<u64> = 0..=1 << 60;
/// Bytes of memory.
pub(crate) const BYTES: RangeInclusive<u64> = 0..=1 << 50;
/// Numbers of epochs, iterations, individuals, rounds and threads.
pub(crate) const COUNT: RangeInclusive<usize> = 0..=1_000_000_000;
/// Numbers of epochs, iterations and rounds that a run is planned with.
pub(crate) const PLANNED: RangeInclusive<usize> = 1..=100_000;
/// Numbers of images.
pub(crate) const IMAGES: RangeInclusive<usize> = 0..=1 << 32;

/// Checks one number.
///
/// # Errors
/// Fails if the number is outside the range; the error names its key.
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

/// Checks all numbers of a list, or an optional number.
///
/// # Errors
/// Fails like [`within`].
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
    use crate::choice_report::ChoiceReport;
    use crate::cluster_record::ClusterRecord;
    use crate::dataset::{Census, Dataset, ImportRecord, ImportedFiles, ScaledIndex};
    use crate::files::json;
    use crate::files::json::Document;
    use crate::manifest::Manifest;
    use crate::measurement::Measurement;
    use crate::measurement::bench_protocol::BenchEvent;
    use crate::measurement::manual_reading::ManualReading;
    use crate::network::Network;
    use crate::network::baseline::Baseline;
    use crate::precision::RunPrecision;
    use crate::prediction_report::PredictionReport;
    use crate::profile::Profile;
    use crate::prune_report::PruneReport;
    use crate::published::Published;
    use crate::quantized::{Outcome, Quantization};
    use crate::search::accuracy_table::AccuracyTable;
    use crate::search::archive::Archive;
    use crate::search::config::SearchConfig;
    use crate::search::evaluation::Evaluation;
    use crate::search::fidelity::Fidelity;
    use crate::search::genome::Genome;
    use crate::train_report::{EvalReport, TrainReport};
    use serde_json::{Map, Value};

    /// Keys of numbers without a range.
    const WITHOUT_RANGE: &[&str] = &["seed", "seeds", "start", "end", "range", "wraps", "pid"];

    /// Makes each number of a document in turn larger than allowed, and checks that the document is
    /// refused with an error that names the number's key.
    fn check_every_number_has_a_range<T: Document>(text: &str) {
        let document: T = json::parse(text).unwrap();
        // Writing makes it `0.0`, not `0`, if the number is a real one.
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
                // Errors about sizes of a network name the node.
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

    /// Returns the paths to all numbers.
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
                let items = items.iter().filter(|(key, _)| !WITHOUT_RANGE.contains(&key.as_str()));
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
    fn every_number_in_the_documented_examples_has_a_range() {
        let text = include_str!("../../../docs/formats.md");
        let blocks = text
            .split("\n```json")
            .skip(1)
            .filter_map(|rest| rest.split_once('\n')?.1.split("\n```").next());
        let mut kinds = std::collections::BTreeSet::new();
        // A block of `jsonl` has a document in each line, a block of `json` is one document.
        for block in blocks {
            let lines = block.lines().filter(|line| line.starts_with("{\"schema\""));
            let whole = std::iter::once(block).filter(|block| !block.starts_with("{\"schema\""));
            kinds.extend(lines.chain(whole).map(check));
        }
        assert!(kinds.len() >= 22, "{kinds:?}");
    }

    fn check(text: &str) -> String {
        let value: Value =
            serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
        let kind = value["schema"].as_str().unwrap().split('/').nth(1).unwrap().to_string();
        let check = match kind.as_str() {
            "accuracy-table" => check_every_number_has_a_range::<AccuracyTable>,
            "archive" => check_every_number_has_a_range::<Archive>,
            "baseline" => check_every_number_has_a_range::<Baseline>,
            "bench" => check_every_number_has_a_range::<BenchEvent>,
            "board" => check_every_number_has_a_range::<Board>,
            "choice" => check_every_number_has_a_range::<ChoiceReport>,
            "cluster" => check_every_number_has_a_range::<ClusterRecord>,
            "data-check" => check_every_number_has_a_range::<Census>,
            "dataset" => check_every_number_has_a_range::<Dataset>,
            "eval" => check_every_number_has_a_range::<EvalReport>,
            "evaluation" => check_every_number_has_a_range::<Evaluation>,
            "fidelity" => check_every_number_has_a_range::<Fidelity>,
            "genome" => check_every_number_has_a_range::<Genome>,
            "import" => check_every_number_has_a_range::<ImportRecord>,
            "scaled" => check_every_number_has_a_range::<ScaledIndex>,
            "import-files" => check_every_number_has_a_range::<ImportedFiles>,
            "manual" => check_every_number_has_a_range::<ManualReading>,
            "manifest" => check_every_number_has_a_range::<Manifest>,
            "measurement" => check_every_number_has_a_range::<Measurement>,
            "network" => check_every_number_has_a_range::<Network>,
            "outcome" => check_every_number_has_a_range::<Outcome>,
            "precision" => check_every_number_has_a_range::<RunPrecision>,
            "prediction" => check_every_number_has_a_range::<PredictionReport>,
            "profile" => check_every_number_has_a_range::<Profile>,
            "prune" => check_every_number_has_a_range::<PruneReport>,
            "published" => check_every_number_has_a_range::<Published>,
            "quantization" => check_every_number_has_a_range::<Quantization>,
            "search" => check_every_number_has_a_range::<SearchConfig>,
            "train" => check_every_number_has_a_range::<TrainReport>,
            other => panic!("unknown kind {other}"),
        };
        check(text);
        kind
    }

    #[test]
    fn numbers_outside_their_range_are_named() {
        within("x", 0.5, &SHARE).unwrap();
        all_within("x", [0.0, 1.0], &SHARE).unwrap();
        for wrong in [-0.1, 1.1, 1e308, f64::NAN, f64::INFINITY] {
            let error = all_within("x", [0.5, wrong], &SHARE).unwrap_err().to_string();
            assert_eq!(error, format!("x {wrong:?} must be 0.0 to 1.0"));
        }
        assert_eq!(within("n", 7, &(1..=6)).unwrap_err().to_string(), "n 7 must be 1 to 6");
    }
}
