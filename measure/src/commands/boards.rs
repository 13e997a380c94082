//! `measure boards`: lists the known boards, and the meters and runners of this machine.

use crate::cli::BoardsArgs;
use crate::{meter, runner};
use anyhow::{Context, Result};
use common::board::{KnownBoards, MeterOnHost, RunnerOnHost, catalog};
use common::diagnostics;
use common::files::json;
use process::cli::print_line;
use std::path::Path;

/// Prints the list as JSON on standard output, and a line for each meter and runner on standard
/// error.
///
/// # Errors
/// Fails if a board's file cannot be read.
pub(crate) fn run(args: &BoardsArgs) -> Result<()> {
    let boards = catalog::known(Path::new(catalog::FOLDER)).context("cannot list the boards")?;
    let known = KnownBoards {
        boards: boards.into_values().collect(),
        meters: meter::on_host(&args.inputs()),
        runners: runner::on_host(),
    };
    let width = plot::terminal_width(&std::io::stderr());
    let (meters, runners) =
        (known.meters.iter().map(meter_line), known.runners.iter().map(runner_line));
    for (label, details) in meters.chain(runners) {
        let line = match width {
            Some(width) => plot::wrapped(&label, &details, width),
            None => label + &details,
        };
        line.trim_end().lines().for_each(diagnostics::say);
    }
    print_line(json::to_text(&known)?.trim_end())
}

fn meter_line(meter: &MeterOnHost) -> (String, String) {
    let MeterOnHost { meter, usable, counters, reason, tried } = meter;
    line("meter ", &meter.to_string(), *usable, [&counters.join(", "), text(reason), tried])
}

fn runner_line(runner: &RunnerOnHost) -> (String, String) {
    let RunnerOnHost { runner, usable, tools, reason, tried } = runner;
    line("runner", &runner.to_string(), *usable, [&tools.join(", "), text(reason), tried])
}

fn text(reason: &Option<String>) -> &str {
    reason.as_deref().unwrap_or_default()
}

/// Returns what stands first in a line, and the details, which may be long.
fn line(
    kind: &str,
    name: &str,
    usable: bool,
    [found, missing, tried]: [&str; 3],
) -> (String, String) {
    let usable = if usable { "yes" } else { "no" };
    let tried = format!("tried with {tried}");
    let details: Vec<&str> =
        [found, missing, &tried].into_iter().filter(|text| !text.is_empty()).collect();
    (format!("{kind} {name:<8} {usable:<3} "), details.join("; "))
}
