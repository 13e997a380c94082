//! Section `cluster` of a profile.

use crate::files::ranges::within;
use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// The section `cluster` of a profile: what a task asks of a cluster's scheduler. What is not given
/// is as the cluster decides. Each text has a pattern, because it reaches a command line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClusterSettings {
    /// Partition, or several separated by commas.
    pub partition: Option<String>,
    /// Longest time of a task as Slurm writes it, such as `30` (minutes), `2:00:00` or `1-12:00:00`.
    pub time: Option<String>,
    /// Memory of a task as Slurm writes it: megabytes, or a number with K, M, G or T.
    pub memory: Option<String>,
    /// Number of processor cores of a task, and of threads of each training.
    pub cpus: usize,
    /// Number of GPUs of a task, with their type where it matters: `1`, `a100:1`.
    pub gpus: Option<String>,
    /// Features that a node must have, such as `avx512` or `intel&ib`.
    pub constraint: Option<String>,
    /// Number of trainings that a task runs one after the other; `null` for as many as take a minute
    /// together, by the trainings so far.
    pub trainings_per_task: Option<usize>,
    /// Time in seconds for which files of a task that has left the queue are waited for: those of
    /// another machine appear late in a shared folder.
    pub file_wait_s: f64,
}

impl Default for ClusterSettings {
    fn default() -> Self {
        ClusterSettings {
            partition: None,
            time: None,
            memory: None,
            cpus: 1,
            gpus: None,
            constraint: None,
            trainings_per_task: None,
            file_wait_s: 90.0,
        }
    }
}

/// Cores of a task.
const CPUS: RangeInclusive<usize> = 1..=4096;
/// Trainings of a task.
const PER_TASK: RangeInclusive<usize> = 1..=10_000;
/// Seconds that files are waited for: at most an hour.
const WAIT_S: RangeInclusive<f64> = 0.0..=3600.0;
/// Most characters of a text.
const MOST: usize = 200;

impl ClusterSettings {
    /// Checks the ranges and patterns of all fields.
    ///
    /// # Errors
    /// Fails with the field that is outside its range or has another pattern.
    pub fn check(&self) -> Result<()> {
        matches("partition", &self.partition, is_partition, "letters, digits, '_', '-', '.', ','")?;
        matches("time", &self.time, is_time, "minutes, or as in 2:00:00 or 1-12:00:00")?;
        matches("memory", &self.memory, is_memory, "a number of megabytes, or as in 8G")?;
        matches("gpus", &self.gpus, is_gpus, "a number, or a type and a number as in a100:1")?;
        matches(
            "constraint",
            &self.constraint,
            is_constraint,
            "names of features, with & | * ( ) [ ] , and numbers between them",
        )?;
        within("cluster.cpus", self.cpus, &CPUS)?;
        if let Some(count) = self.trainings_per_task {
            within("cluster.trainings_per_task", count, &PER_TASK)?;
        }
        within("cluster.file_wait_s", self.file_wait_s, &WAIT_S)
    }
}

fn matches(
    key: &str,
    value: &Option<String>,
    pattern: fn(&str) -> bool,
    words: &str,
) -> Result<()> {
    let fits = |value: &String| (1..=MOST).contains(&value.len()) && pattern(value);
    let value = value.as_ref().filter(|value| !fits(value));
    ensure!(
        value.is_none(),
        "cluster.{key} {:?} must be {words}, in at most {MOST} characters",
        value.map(String::as_str).unwrap_or_default()
    );
    Ok(())
}

/// Returns whether a text starts with a letter or digit, so that it is no option, and has no other
/// characters than letters, digits and `others`.
fn is_word(text: &str, others: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c))
}

fn is_number(text: &str) -> bool {
    (1..=9).contains(&text.len()) && text.chars().all(|c| c.is_ascii_digit())
}

fn is_partition(text: &str) -> bool {
    is_word(text, "_-.,")
}

/// Minutes, minutes:seconds, hours:minutes:seconds, days-hours, days-hours:minutes,
/// days-hours:minutes:seconds.
fn is_time(text: &str) -> bool {
    let (days, clock) =
        text.split_once('-').map_or((None, text), |(days, rest)| (Some(days), rest));
    let parts: Vec<&str> = clock.split(':').collect();
    days.is_none_or(is_number) && parts.len() <= 3 && parts.into_iter().all(is_number)
}

fn is_memory(text: &str) -> bool {
    is_number(text.strip_suffix(['K', 'M', 'G', 'T']).unwrap_or(text))
}

fn is_gpus(text: &str) -> bool {
    match text.split_once(':') {
        None => is_number(text),
        Some((kind, count)) => is_word(kind, "_-.") && is_number(count),
    }
}

fn is_constraint(text: &str) -> bool {
    let text = text.trim_start_matches(['(', '[']);
    is_word(text, "_-.&|*()[],")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_have_patterns() {
        let right = [
            ("partition", "gpu,gpu-2.long_1"),
            ("time", "30"),
            ("time", "90:00"),
            ("time", "2:00:00"),
            ("time", "1-12"),
            ("time", "1-12:30:00"),
            ("memory", "4000"),
            ("memory", "8G"),
            ("gpus", "1"),
            ("gpus", "a100:2"),
            ("constraint", "[rack1*2&rack2*4]"),
            ("constraint", "avx512"),
        ];
        for (key, value) in right {
            parse(key, value).unwrap_or_else(|error| panic!("{key} {value}: {error}"));
        }
        let wrong = [
            ("partition", "-a"),
            ("partition", "a b"),
            ("partition", "a;b"),
            ("partition", ""),
            ("time", "1h"),
            ("time", "1:2:3:4"),
            ("time", ":"),
            ("time", "-1"),
            ("memory", "8 GB"),
            ("memory", "G"),
            ("gpus", "a100"),
            ("gpus", "1 --wrap=x"),
            ("constraint", "a$(touch x)"),
            ("constraint", "--uid=0"),
            ("constraint", "a\nb"),
        ];
        for (key, value) in wrong {
            let error = parse(key, value).unwrap_err();
            assert!(error.starts_with(&format!("cluster.{key} {value:?} must be")), "{error}");
        }
    }

    fn parse(key: &str, value: &str) -> Result<(), String> {
        let settings: ClusterSettings =
            serde_json::from_value(serde_json::json!({ key: value })).unwrap();
        settings.check().map_err(|error| error.to_string())
    }
}
