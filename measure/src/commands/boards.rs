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
    for line in known.meters.iter().map(meter_line).chain(known.runners.iter().map(runner_line)) {
        diagnostics::say(&line);
    }
    print_line(json::to_text(&known)?.trim_end())
}

fn meter_line(meter: &MeterOnHost) -> String {
    let MeterOnHost { meter, usable, counters, reason, tried } = meter;
    line("meter ", &meter.to_string(), *usable, [&counters.join(", "), text(reason), tried])
}

fn runner_line(runner: &RunnerOnHost) -> String {
    let RunnerOnHost { runner, usable, tools, reason, tried } = runner;
    line("runner", &runner.to_string(), *usable, [&tools.join(", "), text(reason), tried])
}

fn text(reason: &Option<String>) -> &str {
    reason.as_deref().unwrap_or_default()
}

fn line(kind: &str, name: &str, usable: bool, [found, missing, tried]: [&str; 3]) -> String {
    let usable = if usable { "yes" } else { "no" };
    let tried = format!("tried with {tried}");
    let details: Vec<&str> =
        [found, missing, &tried].into_iter().filter(|text| !text.is_empty()).collect();
    format!("{kind} {name:<8} {usable:<3} {}", details.join("; ")).trim_end().to_string()
}
