//! `fetch-data check DIR`: reads all images before the hours of a search.

use crate::fetch::cli::CheckArgs;
use crate::fetch::import::{census_of_data_set, census_of_folder};
use anyhow::{Result, ensure};
use common::dataset::{Census, ClassCensus};
use common::files::json;
use plot::{Align, Table};
use process::cli::print_line;
use process::interrupt;

/// Prints how many images each class has, mean and standard deviation of the training images, and
/// every fault. The folder has a `dataset.json`, or is any folder or file that can be imported.
///
/// # Errors
/// Fails if there are no images with classes, if a problem keeps them from being used, or if
/// anything is unusual and `--strict` is given.
pub(crate) fn run(args: &CheckArgs) -> Result<()> {
    interrupt::watch()?;
    let described = !args.folder.is_dir() && args.folder.extension().is_some_and(|e| e == "json");
    let census = if described || args.folder.join("dataset.json").exists() {
        census_of_data_set(&args.folder)?
    } else {
        census_of_folder(&args.folder)?
    };
    print_line(&if args.json { json::to_line(&census)? } else { text(&census) })?;
    let (folder, problems) = (args.folder.display(), census.problems.len());
    ensure!(
        problems != 1,
        "{folder}: a problem keeps the data set from being used: {}",
        census.problems[0]
    );
    ensure!(problems == 0, "{folder}: {problems} problems keep the data set from being used");
    let unusual = census.warnings.len();
    ensure!(
        !args.strict || unusual == 0,
        "{folder}: {unusual} warning{}, and --strict was given",
        if unusual == 1 { "" } else { "s" }
    );
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
    if census.system_files > 0 {
        lines.push(format!("ignored files of operating systems: {}", census.system_files));
    }
    lines.extend(census.warnings.iter().map(|warning| format!("warning: {warning}")));
    lines.extend(census.problems.iter().map(|problem| format!("problem: {problem}")));
    lines.join("\n")
}
