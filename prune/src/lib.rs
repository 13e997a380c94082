//! The `prune` stage: takes redundant filters out of a trained network, in rounds of clustering, surgery and
//! fine-tuning (paper, sections 4.2 and 5.3).

pub mod choose;
pub mod cluster;
pub mod convolutions;
pub mod figures;
pub mod round;
pub mod rounds;
pub mod scratch;
pub mod surgery;
pub mod training;

use anyhow::{Context, Result, ensure};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use common::counts::{self, Counts};
use common::dataset::Dataset;
use common::network::{Network, Op};
use common::profile::{Profile, PruningSettings};
use common::prune_report::{PruneChoose, PruneEnd, PruneMethod, PrunePart, PruneReport, PruneWidth};
use common::weights::Weights;
use common::{atomic, json, stage};
use figures::Series;
use round::{Cap, Choice};
use rounds::{Outcome, Schedule};
use serde::Serialize;
use std::fs;
use std::path::{Path, PathBuf};
use surgery::Model;
use training::Training;

/// Prunes a trained network by clustering its filters.
#[derive(clap::Parser, Debug)]
#[command(name = "prune", version, about)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand, Debug)]
enum Command {
    Run(RunArgs),
    Scratch(ScratchArgs),
    Figures(FiguresArgs),
}

/// Trains the structure that pruning ended with from fresh weights, on as many images as all fine-tuning
///
/// Writes network.json, weights.safetensors and train.json to the folder scratch in that of `prune run`, whose figures
/// then show it. A training that is finished there is not repeated.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  prune scratch --from runs/digits/pruned/1 --dataset data/digits")]
struct ScratchArgs {
    /// What `prune run` has made
    #[arg(long, value_name = "FOLDER")]
    from: PathBuf,
    /// The data set it was fine-tuned with
    #[arg(long, value_name = "FOLDER")]
    dataset: PathBuf,
    /// The profile it was fine-tuned with
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Threads [default: as `train` has it]
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Where the `train` program is [default: beside this one]
    #[arg(long, value_name = "FOLDER")]
    bin_dir: Option<PathBuf>,
}

/// Draws accuracy and NID by the share that was pruned, and the widths of convolutions, of one network pruned in
/// several ways
///
/// Writes accuracy.svg and widths.svg.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  prune figures runs/x/kmeans runs/x/l1 runs/x/random --out runs/x/figures")]
struct FiguresArgs {
    /// What `prune run` has made
    #[arg(value_name = "FOLDER", required = true)]
    folders: Vec<PathBuf>,
    /// Where the figures go
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
}

/// Prunes in rounds and fine-tunes after each, until a share of the parameters is gone
///
/// Writes network.json, weights.safetensors, prune.json and figures, and a folder for each round. Repeated after an
/// interruption, it goes on with the first round that is not finished.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  prune run --network runs/digits/final/1/network.json \
    --weights runs/digits/final/1/weights.safetensors --dataset data/digits --out runs/digits/pruned/1 --cap 0.3")]
struct RunArgs {
    /// The network's graph
    #[arg(long, value_name = "FILE")]
    network: PathBuf,
    /// Its trained weights
    #[arg(long, value_name = "FILE")]
    weights: PathBuf,
    /// The data set to fine-tune with
    #[arg(long, value_name = "FOLDER")]
    dataset: PathBuf,
    /// Where the results go
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    /// The profile: the options that are not given, and how to train
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Largest share of the trainable parameters that may go, above 0 and below 1 [default: the profile's, else 0.65]
    #[arg(long, value_name = "SHARE")]
    cap: Option<f64>,
    /// Share of a convolution's filters that stay in each round [default: the profile's, else 0.9]
    #[arg(long, value_name = "SHARE")]
    cluster_factor: Option<f64>,
    /// Most rounds [default: the profile's, else 10]
    #[arg(long, value_name = "N")]
    iterations: Option<usize>,
    /// Epochs of fine-tuning after each round [default: the profile's, else 5]
    #[arg(long, value_name = "N")]
    finetune_epochs: Option<usize>,
    /// How the filters that stay are chosen
    #[arg(long, default_value = PruneMethod::Kmeans.name(), value_parser = method_parser())]
    method: PruneMethod,
    /// How the convolutions share what goes: each gives its share in each round, or all filters compete in one list by
    /// worth per parameter [default: the profile's, else uniform]
    #[arg(long, value_parser = choose_parser())]
    choose: Option<PruneChoose>,
    /// Prune these as well [default: the profile's, else neither]
    #[arg(long, value_name = "PARTS", value_delimiter = ',', value_parser = part_parser())]
    also: Option<Vec<PrunePart>>,
    /// Seed of clustering and fine-tuning
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Threads of the fine-tuning [default: as `train` has it]
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Where the `train` program is [default: beside this one]
    #[arg(long, value_name = "FOLDER")]
    bin_dir: Option<PathBuf>,
}

fn method_parser() -> impl TypedValueParser<Value = PruneMethod> {
    by_name(PruneMethod::ALL, PruneMethod::name)
}

fn choose_parser() -> impl TypedValueParser<Value = PruneChoose> {
    by_name(PruneChoose::ALL, PruneChoose::name)
}

fn part_parser() -> impl TypedValueParser<Value = PrunePart> {
    by_name(PrunePart::ALL, PrunePart::name)
}

/// Takes the names of `all`.
fn by_name<T: Copy + Send + Sync + 'static, const N: usize>(
    all: [T; N],
    name: fn(T) -> &'static str,
) -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(all.map(name)).try_map(move |given| {
        all.into_iter().find(|value| name(*value) == given).context("not one of the possible values")
    })
}

/// Runs the stage.
///
/// # Errors
/// An input that is missing, damaged or does not fit the others, a folder that cannot be written, or a fine-tuning that
/// fails.
pub fn run(args: Args) -> Result<()> {
    match args.command {
        Command::Run(args) => prune(&args),
        Command::Scratch(args) => scratch(&args),
        Command::Figures(args) => {
            let series: Vec<Series> = args.folders.iter().map(|folder| Series::read(folder)).collect::<Result<_>>()?;
            figures::write(&series, &args.out)
        }
    }
}

/// The result on standard output.
#[derive(Serialize)]
struct Summary {
    parameters_before: u64,
    parameters_after: u64,
    removed: f64,
    macs_before: u64,
    macs_after: u64,
    cap_reached: bool,
    rounds: usize,
    /// On the validation split.
    accuracy: f64,
}

/// The result of training from scratch on standard output.
#[derive(Serialize)]
struct ScratchSummary {
    epochs: usize,
    /// On the validation split.
    accuracy: f64,
}

fn scratch(args: &ScratchArgs) -> Result<()> {
    let training = Training {
        train: stage::binary("train", args.bin_dir.as_deref())?,
        dataset: args.dataset.clone(),
        config: args.config.clone(),
        epochs: 0,
        rate: 1.0,
        seed: 0,
        threads: args.threads,
    };
    let trained = scratch::train(&args.from, training)?;
    let summary = ScratchSummary { epochs: trained.report.epochs, accuracy: trained.accuracy };
    stage::print_line(&serde_json::to_string(&summary)?)
}

fn prune(args: &RunArgs) -> Result<()> {
    let settings = settings(args)?;
    let model = read_model(args)?;
    let before = counts::count(&model.network)?;
    let schedule = schedule(args, &settings, before)?;
    prepare_out(args)?;
    let folder = args.out.join("rounds");
    atomic::create_dir_all(&folder)?;
    let score = schedule.finetuning.score(&args.network, &args.weights, &folder.join("original.json"));
    let accuracy_before = score.context("the network as it is")?;
    let outcome = rounds::run(&schedule, model.clone(), &folder)?;
    let report = report(args, &settings, &model, accuracy_before, &outcome)?;
    if !report.cap_reached {
        eprintln!("the cap of {} is not reached: {}", settings.cap, report.ended);
    } else if report.rounds.is_empty() {
        eprintln!("nothing is pruned: {} of {}", report.ended, settings.cap);
    }
    json::write(&args.out.join("network.json"), &outcome.model.network)?;
    outcome.model.weights.write(&args.out.join("weights.safetensors"))?;
    let series = Series { label: report.method.name().to_string(), report: report.clone(), scratch: None };
    figures::write(&[series], &args.out)?;
    json::write(&args.out.join("prune.json"), &report)?;
    stage::print_line(&serde_json::to_string(&summary(&report))?)
}

/// The profile's section `pruning` with the options in front of it.
fn settings(args: &RunArgs) -> Result<PruningSettings> {
    let profile: Profile = json::read_or_default(args.config.as_deref())?;
    let PruningSettings { cap, cluster_factor, choose, also, iterations, finetune_epochs, finetune_rate } =
        profile.pruning;
    let settings = PruningSettings {
        cap: args.cap.unwrap_or(cap),
        cluster_factor: args.cluster_factor.unwrap_or(cluster_factor),
        choose: args.choose.unwrap_or(choose),
        also: args.also.clone().unwrap_or(also),
        iterations: args.iterations.unwrap_or(iterations),
        finetune_epochs: args.finetune_epochs.unwrap_or(finetune_epochs),
        finetune_rate,
    };
    settings.check()?;
    Ok(settings)
}

fn read_model(args: &RunArgs) -> Result<Model> {
    let network: Network = json::read(&args.network)?;
    let weights = Weights::read(&args.weights, &network)?;
    let dataset = Dataset::describe(&args.dataset)?;
    let (images, shape) = (dataset.input().shape(), network.input.shape());
    ensure!(
        images == shape && dataset.classes.len() == network.classes.len(),
        "{}: the network is for images of {shape} and {} classes, but those of {} are {images} and of {} classes",
        args.network.display(),
        network.classes.len(),
        dataset.name,
        dataset.classes.len()
    );
    Ok(Model { network, weights })
}

fn schedule(args: &RunArgs, settings: &PruningSettings, before: Counts) -> Result<Schedule> {
    Ok(Schedule {
        choice: Choice {
            method: args.method,
            choose: settings.choose,
            also: settings.also.clone(),
            factor: settings.cluster_factor,
            seed: args.seed,
        },
        cap: Cap { before: before.parameters, share: settings.cap },
        iterations: settings.iterations,
        finetuning: Training {
            train: stage::binary("train", args.bin_dir.as_deref())?,
            dataset: args.dataset.clone(),
            config: args.config.clone(),
            epochs: settings.finetune_epochs,
            rate: settings.finetune_rate,
            seed: args.seed,
            threads: args.threads,
        },
    })
}

/// Makes the folder for the results. Report and figures of an earlier run go: they are true only of the files beside
/// them.
fn prepare_out(args: &RunArgs) -> Result<()> {
    atomic::create_dir_all(&args.out)?;
    let absolute = |path: &Path| path.canonicalize().with_context(|| format!("{}: no such file", path.display()));
    for input in [&args.network, &args.weights] {
        ensure!(
            !absolute(input)?.starts_with(absolute(&args.out)?),
            "{}: the results would be written over this; choose another --out",
            input.display()
        );
    }
    for file in ["prune.json"].iter().chain(&figures::FILES) {
        let file = args.out.join(file);
        if file.exists() {
            fs::remove_file(&file).with_context(|| format!("{}: cannot remove the old file", file.display()))?;
        }
    }
    Ok(())
}

fn report(
    args: &RunArgs,
    settings: &PruningSettings,
    original: &Model,
    accuracy_before: f64,
    outcome: &Outcome,
) -> Result<PruneReport> {
    let before = counts::count(&original.network)?;
    let after = counts::count(&outcome.model.network)?;
    let cap = Cap { before: before.parameters, share: settings.cap };
    Ok(PruneReport {
        method: args.method,
        choose: settings.choose,
        also: settings.also.clone(),
        seed: args.seed,
        cap: settings.cap,
        cluster_factor: settings.cluster_factor,
        iterations: settings.iterations,
        finetune_epochs: settings.finetune_epochs,
        finetune_rate: settings.finetune_rate,
        parameters_before: before.parameters,
        parameters_after: after.parameters,
        removed: cap.removed(after.parameters),
        macs_before: before.macs,
        macs_after: after.macs,
        accuracy_before,
        cap_reached: outcome.ended == PruneEnd::Cap,
        ended: outcome.ended,
        rounds: outcome.rounds.clone(),
        widths: widths(&original.network, &outcome.model.network),
    })
}

fn widths(before: &Network, after: &Network) -> Vec<PruneWidth> {
    let mut widths = Vec::new();
    for (before, after) in before.nodes.iter().zip(&after.nodes) {
        if let (Op::Conv2d { out_channels: filters, .. }, Op::Conv2d { out_channels: left, .. }) = (before.op, after.op)
        {
            widths.push(PruneWidth { convolution: before.name.clone(), before: filters, after: left });
        }
    }
    widths
}

fn summary(report: &PruneReport) -> Summary {
    Summary {
        parameters_before: report.parameters_before,
        parameters_after: report.parameters_after,
        removed: report.removed,
        macs_before: report.macs_before,
        macs_after: report.macs_after,
        cap_reached: report.cap_reached,
        rounds: report.rounds.len(),
        accuracy: report.rounds.last().map_or(report.accuracy_before, |round| round.accuracy),
    }
}
