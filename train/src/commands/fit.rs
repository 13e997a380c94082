//! `train fit`: from a network and images to weights.

use crate::cli::FitArgs;
use crate::data::batches;
use crate::data::check::check_fits;
use crate::fit::{Checkpoint, Training};
use crate::{device, figure, init, memory, report, threads};
use anyhow::{Context, Result, bail, ensure};
use common::dataset::{Dataset, Images, Split};
use common::diagnostics;
use common::files::{atomic, json};
use common::network::Network;
use common::network::weights::Weights;
use common::profile::Profile;
use common::search::genome::Genome;
use common::train_report::TrainReport;
use process::cli::print_line;
use process::lock::lock;
use process::{interrupt, parent};
use std::path::Path;

/// Runs `train fit`.
///
/// # Errors
/// Fails if an input is missing or does not fit the others, if a file cannot be written, or if a
/// termination signal is received.
pub(crate) fn fit(args: FitArgs) -> Result<()> {
    // A stage that has started this process handles signals itself.
    if !parent::is_there() {
        interrupt::watch()?;
    }
    memory::keep();
    let threads = threads::start(args.compute.threads.map(usize::from))?;
    ensure!(
        args.learning_rate_scale > 0.0 && args.learning_rate_scale.is_finite(),
        "--learning-rate-scale {} must be above 0",
        args.learning_rate_scale
    );
    let profile: Profile = json::read_or_default(args.config.as_deref())?;
    let engine = device::engine(args.compute.device, profile.training.precision)?;
    let network = load_network(&args, &profile)?;
    let initial = match &args.init {
        Some(path) => Weights::read(path, &network)?,
        None => init::weights(&network, args.seed),
    };
    let (images, validation) = load_images(&args, &profile, &network)?;
    let chosen_by = args.chosen_by.as_deref();
    let chosen_with = chosen_by
        .map(|folder| validation_accuracy(folder, &network, &images.sha256))
        .transpose()?;
    let training = Training {
        network: &network,
        engine,
        optimizer: network.origin.optimizer(),
        settings: &profile.training,
        rate_scale: args.learning_rate_scale,
        epochs: args.epochs.map_or(profile.training.epochs, |n| n as usize),
        stop_after: args.stop_after.map(|n| n as usize),
        seed: args.seed,
        images: &images,
        validation: validation.as_ref(),
    };
    training.check(&initial)?;
    atomic::create_dir_all(&args.out)?;
    let _lock = lock(&args.out)?;
    atomic::sweep(&args.out)?;
    let checkpoint = Checkpoint::new(args.out.join("checkpoint"), training.fingerprint(&initial)?);
    if !args.resume {
        checkpoint.remove()?;
    }
    let trained = training
        .run(&initial, Some(&checkpoint))
        .map_err(|error| device::explain(error, profile.training.batch))?;
    let report = TrainReport {
        chosen_with_validation_accuracy: chosen_with,
        ..report::report(&training, &trained, threads, args.compute.device)?
    };
    write_results(&args.out, &network, &trained.weights, &report)?;
    if report.diverged || report.epochs == training.epochs {
        checkpoint.remove()?;
    }
    if report.diverged {
        diagnostics::warn(&divergence(&args.out, report.epochs));
    }
    print_line(&json::to_line(&report)?)
}

/// Reads the network, or expands the genome to its template network.
fn load_network(args: &FitArgs, profile: &Profile) -> Result<Network> {
    match (&args.network, &args.genome) {
        (Some(path), _) => json::read(path),
        (None, Some(path)) => {
            let genome: Genome = json::read(path)?;
            profile.space.positions(&genome).with_context(|| path.display().to_string())?;
            let dataset = Dataset::describe(&args.dataset)?;
            profile.template.expand(&genome, dataset.input(), dataset.classes)
        }
        (None, None) => bail!("--network or --genome is needed"),
    }
}

/// Loads the training images and the validation images.
fn load_images(
    args: &FitArgs,
    profile: &Profile,
    network: &Network,
) -> Result<(Images, Option<Images>)> {
    let (mut images, validation) = if args.no_validation {
        (Dataset::load(&args.dataset, Split::TrainAndValidation)?, None)
    } else {
        let set = Dataset::load_training_set(&args.dataset)?;
        (set.training, Some(set.validation))
    };
    if let Some(count) = args.subset.map(|n| n as usize).or(profile.training.subset) {
        images = batches::subset(&images, count);
    }
    check_fits(network, &images, &args.dataset)?;
    profile.training.augmentation.check_fits(images.shape)?;
    Ok((images, validation))
}

/// Returns the validation accuracy of an earlier training of a network, on the same data.
fn validation_accuracy(folder: &Path, network: &Network, data_sha256: &str) -> Result<f64> {
    let earlier: Network = json::read(&folder.join("network.json"))?;
    let path = folder.join("train.json");
    let report: TrainReport = json::read(&path)?;
    ensure!(
        earlier == *network && report.data_sha256 == data_sha256,
        "{}: this is the training of another network, or on other data: --chosen-by needs one of \
         the network that is trained now",
        folder.display()
    );
    report.validation_accuracy().filter(|_| !report.diverged).with_context(|| {
        format!("{}: this training has no validation accuracy to choose by", path.display())
    })
}

fn write_results(
    out: &Path,
    network: &Network,
    weights: &Weights,
    report: &TrainReport,
) -> Result<()> {
    json::write(&out.join("network.json"), network)?;
    weights.write(&out.join("weights.safetensors"))?;
    atomic::write(&out.join("train.svg"), figure::draw(report)?.as_bytes())?;
    json::write(&out.join("train.json"), report)
}

/// Returns the message for a training that diverged. That is a result and not a failure, because a
/// search trains candidates that may diverge.
fn divergence(out: &Path, epochs: usize) -> String {
    let epochs =
        if epochs == 1 { "1 whole epoch".to_string() } else { format!("{epochs} whole epochs") };
    format!(
        "{}: the training diverged after {epochs}, its loss or weights having become NaN or \
         infinite; weights.safetensors has the initial weights: try a smaller \
         training.learning_rate in the profile, a longer training.warmup_epochs, or \
         training.clip_gradient_norm",
        out.display()
    )
}
