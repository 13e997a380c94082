//! `prune figures`: several ways of pruning one network, as figures and a table.

use crate::cli::FiguresArgs;
use crate::comparison::{Series, figures, table};
use anyhow::Result;
use process::cli::print_line;

/// Writes the figures and prints the table.
///
/// # Errors
/// Fails if a folder is not one of `prune run` or is damaged, if the folders are not of one
/// network, or if a figure cannot be written.
pub(crate) fn run(args: &FiguresArgs) -> Result<()> {
    let series = Series::read(&args.folders)?;
    figures::write(&series, &args.out)?;
    print_line(&table::text(&series, plot::terminal_width(&std::io::stdout())))
}
