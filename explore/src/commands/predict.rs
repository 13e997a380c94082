//! `explore predict`: predicts the latencies of networks that were not measured.

use crate::evaluate::plan::Planner;
use crate::predict_args::PredictArgs;
use crate::prediction::known::Known;
use crate::prediction::records::{Records, networks_in};
use crate::prediction::report::report;
use crate::prediction::{run_folder, table};
use crate::predictor::features::PlanFeatures;
use crate::predictor::latency_predictor::LatencyPredictor;
use anyhow::{Context, Result};
use common::board::catalog;
use common::files::json;
use plot::terminal_width;
use process::cli::print_line;
use process::interrupt::Interrupt;
use process::programs::binary;
use std::io::stdout;
use std::path::{Path, PathBuf};

/// Predicts and prints a table to a terminal, JSON elsewhere.
///
/// # Errors
/// Fails if a file cannot be read, if a network has no plan, or if the predictor refuses.
pub(crate) fn run(args: &PredictArgs) -> Result<()> {
    let board = catalog::find(&args.board, Path::new(catalog::FOLDER))?;
    let planner = Planner {
        codegen: binary("codegen", args.bin_dir.as_deref())?,
        platform: board.platform,
        precision: args.precision,
        interrupt: Interrupt::catch("nothing was written")?,
    };
    let mut records = Records::new(&board, args.precision);
    let mut known = Known::default();
    for path in &args.measured {
        records.add(path, &mut known)?;
    }
    if let Some(run) = &args.run {
        run_folder::add(run, &mut records, &mut known)?;
    }
    let measured = known.measured().into_iter();
    let measured: Vec<(PlanFeatures, f64)> = measured
        .map(|(network, value)| Ok((features(&planner, network)?, value)))
        .collect::<Result<_>>()?;
    let predictor = LatencyPredictor::fit(&measured)
        .with_context(|| format!("the board {}, in {}", board.name, args.precision))?;
    let networks: Vec<(PathBuf, PlanFeatures)> = candidates(args, &known)?
        .into_iter()
        .map(|network| Ok((network.clone(), features(&planner, &network)?)))
        .collect::<Result<_>>()?;
    let report = report(&board, args.precision, records.quantity(), &predictor, &networks);
    match terminal_width(&stdout()) {
        Some(width) => print_line(&table::text(&report, width)),
        None => print_line(json::to_text(&report)?.trim_end()),
    }
}

/// Returns what the time of a network's crate depends on.
fn features(planner: &Planner, network: &Path) -> Result<PlanFeatures> {
    Ok(planner.plan(network)??.features())
}

/// Returns the networks to predict: those that are named, or else all that were not measured.
fn candidates(args: &PredictArgs, known: &Known) -> Result<Vec<PathBuf>> {
    if args.network.is_empty() {
        return Ok(known.unmeasured().into_iter().cloned().collect());
    }
    let named: Vec<Vec<PathBuf>> =
        args.network.iter().map(|path| networks_in(path)).collect::<Result<_>>()?;
    let mut named = named.concat();
    named.sort();
    named.dedup();
    Ok(named)
}
