//! `codegen plan`: what a network needs on a platform, known before any training.

use crate::cli::PlanArgs;
use crate::int8::{self, Int8Plan};
use crate::plan::{Device, Plan};
use crate::{cuda, fit};
use anyhow::{Context, Result};
use common::board::Platform;
use common::files::json;
use common::network::Network;
use common::plan_report::PlanReport;
use common::precision::Precision;
use process::cli::print_line;

/// Prints the report on a network's plan.
///
/// # Errors
/// Fails if the network cannot be read or planned, if the platform has no plans, or if the crate
/// would not fit on the board.
pub(crate) fn run(args: &PlanArgs) -> Result<()> {
    let network: Network = json::read(&args.network)?;
    let report = match args.precision {
        Precision::F32 => report(&network, args.platform),
        Precision::Int8 => int8_report(&network, args.platform),
    };
    let report = report.with_context(|| args.network.display().to_string())?;
    if let Some(board) = &args.board {
        fit::find_fitting(board, &report.fit, args.platform, report.precision)?;
    }
    print_line(json::to_text(&report)?.trim_end())
}

/// Plans a network and reports on the plan.
///
/// # Errors
/// Fails if the graph is inconsistent or too large, or if the platform has no plans.
pub(super) fn report(network: &Network, platform: Platform) -> Result<PlanReport> {
    let device = crate::platform::device(platform).context(
        "the program that runs an ONNX model plans for itself; name a platform that has crates",
    )?;
    let plan = Plan::on(network, device)?;
    if device == Device::Gpu {
        cuda::calls(network, &plan)?;
    }
    crate::plan_report::report(network, &plan, platform)
}

/// Plans a network in integers and reports on the plan.
///
/// # Errors
/// Fails if the network has no form in integers, or if the platform has no crates in integers.
fn int8_report(network: &Network, platform: Platform) -> Result<PlanReport> {
    let packing = int8::packing(platform)?;
    crate::int8_report::report(network, &Int8Plan::new(network, packing)?, platform)
}
