//! `prune scratch`: the pruned structure, trained from fresh weights.

use crate::cli::ScratchArgs;
use crate::training::{REMEDY, Training};
use crate::{earlier_run, from_scratch};
use anyhow::Result;
use process::cli::print_line;
use process::interrupt::Interrupt;
use process::lock::lock;
use serde::Serialize;

/// The result on standard output.
#[derive(Serialize)]
struct Summary {
    epochs: usize,
    /// On the validation split.
    accuracy: f64,
}

/// Trains, and prints the summary.
///
/// # Errors
/// Fails if the folder is not one of `prune run`, is in use or damaged, or if the training fails.
pub(crate) fn run(args: &ScratchArgs) -> Result<()> {
    let _lock = lock(&args.from)?;
    earlier_run::sweep(&args.from)?;
    let training = Training {
        threads: args.compute.threads,
        device: args.compute.device,
        ..Training::new(
            args.compute.bin_dir.as_deref(),
            &args.dataset,
            args.config.as_deref(),
            Interrupt::catch(REMEDY)?,
        )?
    };
    let trained = from_scratch::train(&args.from, training)?;
    let summary = Summary { epochs: trained.report.epochs, accuracy: trained.accuracy };
    print_line(&serde_json::to_string(&summary)?)
}
