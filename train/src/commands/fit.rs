//! `train fit`: from a network and images to weights.

use super::{Compute, check_fits};
use crate::checkpoint::Checkpoint;
use crate::fit::{Trained, Training};
use crate::{device, feed, figure, init, usage};
use anyhow::{Context, Result, ensure};
use clap::Args;
use common::counts;
use common::dataset::{Dataset, Images, Split};
use common::device::{Backend, Device};
use common::genome::Genome;
use common::hash::{sha256_hex, sha256_hex_of_parts};
use common::json;
use common::lock::lock;
use common::network::Network;
use common::profile::Profile;
use common::train_report::{SplitAccuracy, Timing, TrainReport};
use common::weights::Weights;
use common::{atomic, interrupt, parent, stage};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Options of `train fit`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  train fit --network network.json --dataset data/digits --out runs/by-hand --epochs 10"
)]
pub(crate) struct FitArgs {
    /// The network to train
    #[arg(long, required_unless_present = "genome", conflicts_with = "genome")]
    network: Option<PathBuf>,
    /// The genome whose template network to train
    #[arg(long)]
    genome: Option<PathBuf>,
    /// Folder of the data set
    #[arg(long)]
    dataset: PathBuf,
    /// Folder for the results
    #[arg(long)]
    out: PathBuf,
    /// Profile [default: the paper's settings]
    #[arg(long)]
    config: Option<PathBuf>,
    /// Train on the validation images too
    #[arg(long)]
    no_validation: bool,
    /// Epochs [default: the profile's training.epochs]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    epochs: Option<u32>,
    /// Leave the training after this epoch, scored; --resume goes on from there
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    stop_after: Option<u32>,
    /// Seed of initialisation, shuffling, augmentation and dropout
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Weights to start from [default: random]
    #[arg(long)]
    init: Option<PathBuf>,
    /// Go on with an interrupted training in --out; without one, start
    #[arg(long)]
    resume: bool,
    /// Multiplies the profile's learning rates, as for fine-tuning
    #[arg(long, default_value_t = 1.0)]
    learning_rate_scale: f64,
    /// Train on this many images only, the same ones every time [default: the profile's
    /// training.subset]
    #[arg(long, value_parser = clap::value_parser!(u32).range(2..))]
    subset: Option<u32>,
    #[command(flatten)]
    compute: Compute,
}

/// `train fit`.
pub(crate) fn fit(args: FitArgs) -> Result<()> {
    // What has started it wants to know of a signal, and says how it goes on.
    if !parent::is_there() {
        interrupt::watch()?;
    }
    let threads = args.compute.start()?;
    ensure!(
        args.learning_rate_scale > 0.0 && args.learning_rate_scale.is_finite(),
        "--learning-rate-scale {} must be above 0",
        args.learning_rate_scale
    );
    let profile: Profile = json::read_or_default(args.config.as_deref())?;
    let engine = device::engine(args.compute.device, profile.training.precision)?;
    let network = network_of(&args, &profile)?;
    let initial = match &args.init {
        Some(path) => Weights::read(path, &network)?,
        None => init::weights(&network, args.seed),
    };
    let (images, validation) = load(&args, &profile, &network)?;
    atomic::create_dir_all(&args.out)?;
    let _lock = lock(&args.out)?;
    atomic::sweep(&args.out)?;
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
    let checkpoint = Checkpoint::new(args.out.join("checkpoint"), inputs(&training, &initial)?);
    if !args.resume {
        checkpoint.remove()?;
    }
    let trained = training
        .run(&initial, Some(&checkpoint))
        .map_err(|error| device::explained(error, profile.training.batch))?;
    let report = report(&training, &trained, threads, args.compute.device)?;
    json::write(&args.out.join("network.json"), &network)?;
    trained.weights.write(&args.out.join("weights.safetensors"))?;
    atomic::write(&args.out.join("train.svg"), figure::draw(&report)?.as_bytes())?;
    json::write(&args.out.join("train.json"), &report)?;
    if trained.diverged || trained.curve.len() == training.epochs {
        checkpoint.remove()?;
    }
    if trained.diverged {
        // If stderr is closed, nobody reads.
        let _ = writeln!(std::io::stderr(), "{}", divergence(&args.out, trained.curve.len()));
    }
    stage::print_line(&json::to_line(&report)?)
}

/// Says of a training that diverged what there is, and what to do. It is a result, not a failure: a
/// search asks for it.
fn divergence(out: &Path, epochs: usize) -> String {
    let epochs =
        if epochs == 1 { "1 whole epoch".to_string() } else { format!("{epochs} whole epochs") };
    format!(
        "{}: the training diverged after {epochs}, its loss or weights having become NaN or infinite; \
         weights.safetensors has the initial weights: try a smaller training.learning_rate in the profile, a longer \
         training.warmup_epochs, or training.clip_gradient_norm",
        out.display()
    )
}

/// A hash over everything that decides what a training does.
fn inputs(training: &Training, initial: &Weights) -> Result<String> {
    // Where it stops in between decides nothing; of what computes it, the kind of device does.
    let Training {
        network,
        engine,
        optimizer,
        settings,
        rate_scale,
        epochs,
        stop_after: _,
        seed,
        images,
        validation,
    } = training;
    let (images, validation) = (hash_of(images), validation.map(hash_of));
    let backend = if engine.device().is_cpu() { Backend::Cpu } else { Backend::Cuda };
    let settings = format!(
        "{settings:?} {optimizer} {rate_scale} {epochs} {seed} {images} {validation:?} {backend:?}"
    );
    let (network, initial) = (json::to_text(*network)?, initial.to_bytes()?);
    Ok(sha256_hex_of_parts([settings.as_bytes(), network.as_bytes(), initial.as_slice()]))
}

fn hash_of(images: &Images) -> String {
    let labels: Vec<u8> = images.labels.iter().flat_map(|label| label.to_le_bytes()).collect();
    sha256_hex_of_parts([images.pixels.as_slice(), &labels])
}

fn network_of(args: &FitArgs, profile: &Profile) -> Result<Network> {
    match (&args.network, &args.genome) {
        (Some(path), _) => json::read(path),
        (None, Some(path)) => {
            let genome: Genome = json::read(path)?;
            profile.space.positions(&genome).with_context(|| path.display().to_string())?;
            let dataset = Dataset::describe(&args.dataset)?;
            profile.template.expand(&genome, dataset.input(), dataset.classes)
        }
        (None, None) => anyhow::bail!("--network or --genome is needed"),
    }
}

/// The images to train on and those to validate with.
fn load(args: &FitArgs, profile: &Profile, network: &Network) -> Result<(Images, Option<Images>)> {
    let (mut images, validation) = if args.no_validation {
        (Dataset::load(&args.dataset, Split::TrainAndValidation)?, None)
    } else {
        let set = Dataset::load_training_set(&args.dataset)?;
        (set.training, Some(set.validation))
    };
    if let Some(count) = args.subset.map(|n| n as usize).or(profile.training.subset) {
        images = feed::subset(&images, count);
    }
    check_fits(network, &images, &args.dataset)?;
    profile.training.augmentation.check_fits(images.shape)?;
    Ok((images, validation))
}

fn report(
    training: &Training,
    trained: &Trained,
    threads: usize,
    device: Device,
) -> Result<TrainReport> {
    let counts = counts::count(training.network)?;
    let chance = training.chance();
    let train = if trained.diverged {
        chance
    } else {
        trained.curve.last().map_or(chance, |e| e.train_accuracy)
    };
    let (peak_rss_bytes, peak_rss_reason) = match usage::peak_rss_bytes() {
        Ok(bytes) => (Some(bytes), None),
        Err(reason) => (None, Some(reason)),
    };
    Ok(TrainReport {
        seed: training.seed,
        epochs: trained.curve.len(),
        images: training.images.len(),
        optimizer: training.optimizer,
        parameters: counts.parameters,
        macs: counts.macs,
        accuracy: SplitAccuracy { train, validation: trained.validation_accuracy },
        diverged: trained.diverged,
        curve: trained.curve.clone(),
        data_sha256: training.images.sha256.clone(),
        weights_sha256: sha256_hex(&trained.weights.to_bytes()?),
        timing: Timing {
            wall_s: trained.usage.wall_s,
            cpu_s: trained.usage.cpu_s,
            images_per_s: trained.images as f64 / trained.usage.wall_s,
            threads,
            device: device.to_string(),
            peak_rss_bytes,
            peak_rss_reason,
        },
    })
}
