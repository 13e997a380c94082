//! The two commands: what they read, what they write.

use crate::checkpoint::Checkpoint;
use crate::fit::{Trained, Training};
use crate::model::Model;
use crate::ops::simd::Level;
use crate::{eval as scoring, feed, init};
use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};
use common::counts;
use common::dataset::{Dataset, Images, Split};
use common::genome::Genome;
use common::hash::{sha256_hex, sha256_hex_of_parts};
use common::json;
use common::network::Network;
use common::profile::Profile;
use common::train_report::{EvalReport, SplitAccuracy, Timing, TrainReport};
use common::weights::{Tensor, Weights};
use common::{atomic, stage};
use indicatif::{ProgressBar, ProgressStyle};
use std::path::{Path, PathBuf};
use std::time::Instant;

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
    /// Seed of initialisation, shuffling and dropout
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
    /// Train on this many images only, the same ones every time [default: the profile's training.subset]
    #[arg(long, value_parser = clap::value_parser!(u32).range(2..))]
    subset: Option<u32>,
    #[command(flatten)]
    compute: Compute,
}

/// Options of `train eval`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  train eval --network runs/by-hand/network.json --weights runs/by-hand/weights.safetensors \\\n    --dataset data/digits --split test"
)]
pub(crate) struct EvalArgs {
    /// The network
    #[arg(long)]
    network: PathBuf,
    /// Its weights
    #[arg(long)]
    weights: PathBuf,
    /// Folder of the data set
    #[arg(long)]
    dataset: PathBuf,
    /// Which images
    #[arg(long)]
    split: EvalSplit,
    /// Write the logits of every image to this file (safetensors: logits, labels)
    #[arg(long)]
    dump_logits: Option<PathBuf>,
    /// Write the result to this file too
    #[arg(long)]
    out: Option<PathBuf>,
    #[command(flatten)]
    compute: Compute,
}

#[derive(Debug, Args)]
struct Compute {
    /// Threads [default: one per core]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// Where to compute
    #[arg(long, default_value = "cpu")]
    device: Device,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Device {
    /// This machine's processor
    Cpu,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum EvalSplit {
    /// The validation images of the training set
    Val,
    /// The test set
    Test,
}

impl Compute {
    /// Starts the threads; returns how many. Must come first: it sets environment variables.
    #[allow(unsafe_code)]
    fn start(&self) -> Result<usize> {
        match self.device {
            Device::Cpu => {}
        }
        let threads = match self.threads {
            Some(threads) => usize::from(threads),
            None => std::thread::available_parallelism().context("cannot tell how many cores there are")?.get(),
        };
        // Candle has thread pools of its own and reads their sizes from the environment only.
        for variable in ["RAYON_NUM_THREADS", "CANDLE_NUM_THREADS"] {
            // SAFETY: no other thread is running yet, so nobody reads the environment at the same time.
            unsafe { std::env::set_var(variable, threads.to_string()) };
        }
        rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().context("cannot start threads")?;
        Ok(threads)
    }
}

/// `train fit`.
pub(crate) fn fit(args: FitArgs) -> Result<()> {
    let threads = args.compute.start()?;
    ensure!(
        args.learning_rate_scale > 0.0 && args.learning_rate_scale.is_finite(),
        "--learning-rate-scale {} must be above 0",
        args.learning_rate_scale
    );
    let profile: Profile = json::read_or_default(args.config.as_deref())?;
    let network = network_of(&args, &profile)?;
    let initial = match &args.init {
        Some(path) => Weights::read(path, &network)?,
        None => init::weights(&network, args.seed),
    };
    let (images, validation) = load(&args, &profile, &network)?;
    atomic::create_dir_all(&args.out)?;
    let epochs = args.epochs.map_or(profile.training.epochs, |n| n as usize);
    let progress = progress_bar((epochs * images.len()) as u64);
    let checkpoint =
        Checkpoint::new(args.out.join("checkpoint"), inputs(&args, &profile, &network, &initial, &images)?);
    if !args.resume {
        checkpoint.remove()?;
    }
    let training = Training {
        checkpoint: &checkpoint,
        network: &network,
        optimizer: network.origin.genome.optimizer,
        settings: &profile.training,
        rate_scale: args.learning_rate_scale,
        epochs,
        seed: args.seed,
        images: &images,
        progress: &progress,
    };
    let started = Instant::now();
    let trained = training.run(&initial)?;
    let wall_s = started.elapsed().as_secs_f64();
    progress.finish_and_clear();
    let validation_accuracy = validation.map(|images| accuracy(&network, &trained, &images)).transpose()?;
    let timing = Timing { wall_s, images_per_s: (trained.curve.len() * images.len()) as f64 / wall_s, threads };
    let report = report(&training, &trained, validation_accuracy, timing)?;
    json::write(&args.out.join("network.json"), &network)?;
    trained.weights.write(&args.out.join("weights.safetensors"))?;
    json::write(&args.out.join("train.json"), &report)?;
    checkpoint.remove()?;
    stage::print_line(&json::to_line(&report)?)
}

/// A hash over everything that decides what a training does.
fn inputs(args: &FitArgs, profile: &Profile, network: &Network, initial: &Weights, images: &Images) -> Result<String> {
    let settings = format!(
        "{:?} {:?} {} {} {} {}",
        profile.training,
        args.epochs,
        args.seed,
        args.learning_rate_scale,
        images.len(),
        images.sha256
    );
    let (network, initial) = (json::to_text(network)?, initial.to_bytes()?);
    Ok(sha256_hex_of_parts([settings.as_bytes(), network.as_bytes(), initial.as_slice()]))
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
        let (images, validation) = Dataset::load_train_and_validation(&args.dataset)?;
        (images, Some(validation))
    };
    if let Some(count) = args.subset.map(|n| n as usize).or(profile.training.subset) {
        images = feed::subset(&images, count);
    }
    check_fits(network, &images, &args.dataset)?;
    profile.training.augmentation.check_fits(images.shape)?;
    Ok((images, validation))
}

fn check_fits(network: &Network, images: &Images, dataset: &Path) -> Result<()> {
    let expected = network.input.shape();
    ensure!(
        images.shape == expected,
        "{}: the images are {}, but the network takes {expected}",
        dataset.display(),
        images.shape
    );
    let classes = Dataset::describe(dataset)?.classes;
    ensure!(
        classes == network.classes,
        "{}: the data set's {} classes are not those of the network",
        dataset.display(),
        classes.len()
    );
    Ok(())
}

fn accuracy(network: &Network, trained: &Trained, images: &Images) -> Result<f64> {
    if trained.diverged {
        return Ok(1.0 / network.classes.len() as f64);
    }
    let model = Model::new(network.clone(), &trained.weights, Level::detected())?;
    Ok(scoring::score(&model, images)?.correct as f64 / images.len() as f64)
}

fn report(training: &Training, trained: &Trained, validation: Option<f64>, timing: Timing) -> Result<TrainReport> {
    let counts = counts::count(training.network)?;
    let chance = 1.0 / training.network.classes.len() as f64;
    let train = if trained.diverged { chance } else { trained.curve.last().map_or(chance, |e| e.train_accuracy) };
    Ok(TrainReport {
        seed: training.seed,
        epochs: trained.curve.len(),
        images: training.images.len(),
        optimizer: training.optimizer,
        parameters: counts.parameters,
        macs: counts.macs,
        accuracy: SplitAccuracy { train, validation },
        diverged: trained.diverged,
        curve: trained.curve.clone(),
        data_sha256: training.images.sha256.clone(),
        weights_sha256: sha256_hex(&trained.weights.to_bytes()?),
        timing,
    })
}

fn progress_bar(images: u64) -> ProgressBar {
    let bar = ProgressBar::new(images);
    let template = "{bar:30} {percent:>3}% {per_sec:.0} images, ETA {eta}, {msg}";
    bar.with_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// `train eval`.
pub(crate) fn eval(args: EvalArgs) -> Result<()> {
    args.compute.start()?;
    let network: Network = json::read(&args.network)?;
    let weights = Weights::read(&args.weights, &network)?;
    let split = match args.split {
        EvalSplit::Val => Split::Validation,
        EvalSplit::Test => Split::Test,
    };
    let images = Dataset::load(&args.dataset, split)?;
    check_fits(&network, &images, &args.dataset)?;
    let model = Model::new(network, &weights, Level::detected())?;
    let score = scoring::score(&model, &images)?;
    if let Some(path) = &args.dump_logits {
        logits_file(&score.logits, &images)?.write(path)?;
    }
    let report = EvalReport {
        split: split.to_string(),
        images: images.len(),
        correct: score.correct,
        accuracy: score.correct as f64 / images.len() as f64,
        loss: score.loss,
        data_sha256: images.sha256.clone(),
        weights_sha256: sha256_hex(&weights.to_bytes()?),
    };
    if let Some(path) = &args.out {
        json::write(path, &report)?;
    }
    stage::print_line(&json::to_line(&report)?)
}

/// `logits` (images, classes) and `labels` (images), both f32.
fn logits_file(logits: &[Vec<f32>], images: &Images) -> Result<Weights> {
    let classes = logits.first().map_or(0, Vec::len);
    let labels = images.labels.iter().map(|label| f32::from(*label)).collect();
    let mut file = Weights::default();
    file.0.insert("logits".into(), Tensor { shape: vec![logits.len(), classes], data: logits.concat() });
    file.0.insert("labels".into(), Tensor { shape: vec![logits.len()], data: labels });
    Ok(file)
}
