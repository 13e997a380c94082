//! `fetch-data check DIR`: reads all images before the hours of a search.

use crate::fetch::cli::CheckArgs;
use anyhow::{Result, ensure};
use common::dataset::{Census, ClassCensus};
use common::files::json;
use plot::{Align, Table};
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
    // Room for the counts of most data sets, so that their tables look the same.
    let columns = ["   train", "validation", "    test"].map(|title| (title, Align::Right));
    let mut table = Table::new([("class", Align::Left)].into_iter().chain(columns));
    // The names of classes come from the data set: none may control the terminal.
    let mut row = |class: &str, counts: [usize; 3]| {
        let class = class.escape_debug().to_string();
        table.push([class].into_iter().chain(counts.map(|count| count.to_string())));
    };
    let counts = |c: &ClassCensus| [c.train, c.validation, c.test];
    census.classes.iter().for_each(|class| row(&class.class, counts(class)));
    let total = |of: fn(&ClassCensus) -> usize| census.classes.iter().map(of).sum();
    row("all", [total(|c| c.train), total(|c| c.validation), total(|c| c.test)]);
    let mut lines = vec![table.to_text()];
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
