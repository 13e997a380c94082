//! How the searches of several runs differ in what decided their results.

use super::found::Found;
use anyhow::{Context, Result};
use serde_json::Value;
use std::collections::BTreeMap;

/// Returns the settings in which the searches differ, each with the value of each run, in the order
/// of the runs.
///
/// # Errors
/// Fails if a search cannot be written as JSON.
pub(crate) fn differences(runs: &[Found<'_>]) -> Result<Vec<(String, Vec<String>)>> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (index, found) in runs.iter().enumerate() {
        let value = serde_json::to_value(found.search).context("cannot compare the searches")?;
        let mut settings = vec![];
        flatten("", &value, &mut settings);
        for (key, value) in settings {
            let values = all.entry(key).or_default();
            values.resize(index, "-".to_string());
            values.push(value);
        }
    }
    for values in all.values_mut() {
        values.resize(runs.len(), "-".to_string());
    }
    // Data of equal hash may have been copied under another name.
    let differ = |(key, values): &(String, Vec<String>)| {
        !key.starts_with("data") && values.iter().any(|value| *value != values[0])
    };
    Ok(all.into_iter().filter(differ).collect())
}

/// Appends the paths and values of all settings below one.
fn flatten(path: &str, value: &Value, settings: &mut Vec<(String, String)>) {
    match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                flatten(&path, value, settings);
            }
        }
        Value::String(text) => settings.push((path.to_string(), text.clone())),
        other => settings.push((path.to_string(), other.to_string())),
    }
}

/// Returns a sentence about a search that has not done all its iterations.
pub(crate) fn unfinished(found: &Found<'_>) -> Option<String> {
    let archive = found.run.archive.as_ref();
    let (done, planned) =
        (archive.map_or(0, |archive| archive.iterations), found.search.search.iterations);
    if archive.is_some_and(|archive| archive.criteria_met_by.is_some()) {
        return Some(format!(
            "{} ended after {done} of {planned} iterations, because a network met the criteria.",
            found.name
        ));
    }
    (done < planned).then(|| {
        format!(
            "{} has finished {done} of {planned} iterations: the numbers are those of what it has evaluated so far.",
            found.name
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn settings_are_named_by_their_path() {
        let mut settings = vec![];
        flatten(
            "",
            &json!({"seed": 1, "search": {"epochs": 4, "kind": "a"}, "x": [1, 2]}),
            &mut settings,
        );
        let text: Vec<String> =
            settings.iter().map(|(key, value)| format!("{key}={value}")).collect();
        assert_eq!(text, ["search.epochs=4", "search.kind=a", "seed=1", "x=[1,2]"]);
    }
}
