//! The comparison as a Markdown table.

use crate::compare::{Comparison, SEEDS, Searches, Trajectory};
use anyhow::{Context, Result};
use common::files::atomic;
use std::fmt::Write;
use std::path::Path;
use std::process::Command;

/// Number of columns with fractions, evenly spread over the epochs.
const MARKS: usize = 8;

/// The lines of a document that enclose the results.
const BEGIN: &str = "<!-- results: begin -->\n";
const END: &str = "<!-- results: end -->\n";

/// Replaces the results in a file.
///
/// # Errors
/// Fails if the file cannot be read or written, or does not have the two enclosing lines.
pub(crate) fn write(path: &Path, comparison: &Comparison) -> Result<()> {
    let old = std::fs::read_to_string(path)
        .with_context(|| format!("{}: cannot read the file", path.display()))?;
    let parts =
        old.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let (before, after) = parts.with_context(|| {
        format!(
            "{}: the lines {} and {} are missing",
            path.display(),
            BEGIN.trim_end(),
            END.trim_end()
        )
    })?;
    let (date, commit) = (
        first_line_of("date", &["-u", "+%F"]),
        first_line_of("git", &["describe", "--always", "--dirty"]),
    );
    let header = format!("`make bench-search`, {date}, commit {commit}.");
    let table = table(comparison)?;
    atomic::write(path, format!("{before}{BEGIN}\n{header}\n\n{table}\n\n{END}{after}").as_bytes())
}

/// Returns the first line that a program prints, or `unknown`.
fn first_line_of(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .ok()
        .filter(|output| output.status.success());
    let text = output
        .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
        .unwrap_or_default();
    text.lines().next().unwrap_or("unknown").to_string()
}

/// Returns two Markdown tables: over all errors, and up to the worst error of interest.
pub(crate) fn table(comparison: &Comparison) -> Result<String> {
    let all = measured(comparison, |searches| &searches.trajectories)?;
    let region = measured(comparison, |searches| &searches.regional)?;
    let pymoo = comparison
        .pymoo
        .as_ref()
        .map_or("missing; its searches are left out".into(), |v| format!("version {v}"));
    Ok(format!(
        "Over all errors:\n\n{all}\n\nInside the region of interest:\n\n{region}\n\n\
         Medians over {SEEDS} seeds, with the lower and the upper quartile. pymoo: {pymoo}."
    ))
}

/// Returns a Markdown table: by epochs, the median and both quartiles of the fraction of the best
/// hypervolume; the epochs in all; and the number of seeds whose search reaches the last value of
/// plain SPEA-II with half of its epochs.
fn measured(
    comparison: &Comparison,
    trajectories: fn(&Searches) -> &Vec<Trajectory>,
) -> Result<String> {
    let all = comparison.epochs;
    let marks: Vec<usize> = (1..=MARKS).map(|mark| all * mark / MARKS).collect();
    let mut text = String::from("| epochs |");
    marks.iter().try_for_each(|epochs| write!(text, " {epochs} |"))?;
    write!(
        text,
        " epochs in all | seeds that reach SPEA-II's last with half of its epochs |\n|---|{}",
        "---|".repeat(MARKS + 2)
    )?;
    let plain = trajectories(&comparison.searches[comparison.plain]);
    for searches in &comparison.searches {
        let trajectories = trajectories(searches);
        write!(text, "\n| {} |", searches.name)?;
        for epochs in &marks {
            let shares = trajectories.iter().map(|trajectory| after(trajectory, *epochs));
            let [low, middle, high] = quartiles(shares.collect());
            write!(text, " {middle:.4} ({low:.3} to {high:.3}) |")?;
        }
        let last = |trajectory: &Trajectory| trajectory.last().map_or(0.0, |(_, share)| *share);
        let spent =
            |trajectory: &Trajectory| trajectory.last().map_or(0.0, |(epochs, _)| *epochs as f64);
        let [_, spent, _] = quartiles(trajectories.iter().map(spent).collect());
        let pairs = plain.iter().zip(trajectories);
        let early = pairs.filter(|(plain, trajectory)| {
            until(trajectory, last(plain)).is_some_and(|epochs| epochs <= all / 2)
        });
        write!(text, " {spent:.0} | {} of {SEEDS} |", early.count())?;
    }
    Ok(text)
}

/// Returns the fraction that a trajectory has reached after a number of epochs.
pub(crate) fn after(trajectory: &Trajectory, epochs: usize) -> f64 {
    trajectory
        .iter()
        .take_while(|(spent, _)| *spent <= epochs)
        .last()
        .map_or(0.0, |(_, share)| *share)
}

/// Returns the number of epochs after which a trajectory has reached a fraction.
fn until(trajectory: &Trajectory, share: f64) -> Option<usize> {
    trajectory.iter().find(|(_, reached)| *reached >= share).map(|(epochs, _)| *epochs)
}

/// Returns lower quartile, median and upper quartile, each interpolated linearly between the two
/// nearest values.
pub(crate) fn quartiles(mut values: Vec<f64>) -> [f64; 3] {
    values.sort_by(f64::total_cmp);
    [0.25, 0.5, 0.75].map(|share| {
        let place = share * (values.len() - 1) as f64;
        let (below, above) = (values[place.floor() as usize], values[place.ceil() as usize]);
        below + (above - below) * place.fract()
    })
}
