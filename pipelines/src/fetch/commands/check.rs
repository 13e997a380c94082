//! `fetch-data check DIR`: reads all images before the hours of a search.

use crate::fetch::cli::CheckArgs;
use anyhow::{Result, ensure};
use common::dataset::{Census, ClassCensus};
use common::files::json;
use process::cli::print_line;

/// Prints how many images each class has, mean and standard deviation of the training images, and
/// every problem.
///
/// # Errors
/// Fails if there is no usable `dataset.json`, or if a problem keeps the data set from being used.
pub(crate) fn run(args: &CheckArgs) -> Result<()> {
    let census = Census::take(&args.folder)?;
    print_line(&if args.json { json::to_line(&census)? } else { text(&census) })?;
    let (folder, problems) = (args.folder.display(), census.problems.len());
    ensure!(
        problems != 1,
        "{folder}: a problem keeps the data set from being used: {}",
        census.problems[0]
    );
    ensure!(problems == 0, "{folder}: {problems} problems keep the data set from being used");
    Ok(())
}

fn text(census: &Census) -> String {
    let widest = census
        .classes
        .iter()
        .map(|class| class.class.escape_debug().count())
        .max()
        .unwrap_or(0)
        .max("class".len());
    // Names of classes come from strangers: control characters must not reach the terminal.
    let row = |class: &str, [train, validation, test]: [String; 3]| {
        let class = class.escape_debug().to_string();
        format!("{class:<widest$}  {train:>8}  {validation:>10}  {test:>8}")
    };
    let mut lines = vec![row("class", ["train", "validation", "test"].map(str::to_string))];
    let counts = |c: &ClassCensus| [c.train, c.validation, c.test];
    lines.extend(
        census
            .classes
            .iter()
            .map(|class| row(&class.class, counts(class).map(|count| count.to_string()))),
    );
    let total =
        |of: fn(&ClassCensus) -> usize| census.classes.iter().map(of).sum::<usize>().to_string();
    lines.push(row("all", [total(|c| c.train), total(|c| c.validation), total(|c| c.test)]));
    let numbers =
        |values: &[f64]| values.iter().map(|v| format!("{v:.4}")).collect::<Vec<_>>().join(", ");
    if !census.mean.is_empty() {
        let (mean, std) = (numbers(&census.mean), numbers(&census.std));
        lines.push(format!(
            "training images have \"normalisation\": {{\"mean\": [{mean}], \"std\": [{std}]}}"
        ));
    }
    lines.extend(census.warnings.iter().map(|warning| format!("warning: {warning}")));
    lines.extend(census.problems.iter().map(|problem| format!("problem: {problem}")));
    lines.join("\n")
}
