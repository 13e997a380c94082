//! The command line.

use crate::target::TargetArgs;
use crate::training::Training;
use anyhow::{Context, Result};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use common::dataset::Dataset;
use common::device::Device;
use common::prune_report::{PruneChoose, PruneMethod, PrunePart};
use common::stage;
use stages::programs::Interrupt;
use std::path::{Path, PathBuf};

/// Prunes a trained network: filters go, and what is left is rebuilt smaller and fine-tuned.
#[derive(clap::Parser, Debug)]
#[command(
    name = "prune",
    version,
    about,
    after_help = "Example:\n  prune run --network N/network.json --weights N/weights.safetensors --dataset data/mnist --out runs/x/pruned"
)]
pub struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(clap::Subcommand, Debug)]
pub(crate) enum Command {
    Run(Box<RunArgs>),
    Scratch(ScratchArgs),
    Figures(FiguresArgs),
}

/// Trains the structure that pruning ended with from fresh weights, on as many images as all
/// fine-tuning
///
/// Writes network.json, weights.safetensors and train.json to the folder scratch in that of
/// `prune run`, whose figures then show it. A training that is finished there is not repeated.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example:\n  prune scratch --from runs/digits-smoke/networks/1/pruned --dataset data/digits"
)]
pub(crate) struct ScratchArgs {
    /// What `prune run` has made
    #[arg(long, value_name = "FOLDER")]
    pub(crate) from: PathBuf,
    /// The data set it was fine-tuned with
    #[arg(long, value_name = "FOLDER")]
    pub(crate) dataset: PathBuf,
    /// The profile it was fine-tuned with
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) compute: ComputeArgs,
}

/// Draws accuracy and NID by the share that was pruned, and the widths of convolutions, of one
/// network pruned in several ways
///
/// Writes accuracy.svg and widths.svg, and prints a table. Accuracies are those of the validation
/// split.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example:\n  prune figures runs/x/kmeans runs/x/l1 runs/x/random --out runs/x/figures"
)]
pub(crate) struct FiguresArgs {
    /// What `prune run` has made
    #[arg(value_name = "FOLDER", required = true)]
    pub(crate) folders: Vec<PathBuf>,
    /// Where the figures go
    #[arg(long, value_name = "FOLDER")]
    pub(crate) out: PathBuf,
}

/// Prunes in rounds and fine-tunes after each, until a share of the parameters is gone, or a board
/// is fast enough
///
/// Writes network.json, weights.safetensors, prune.json and figures, and a folder for each round.
/// Repeated after an interruption, it goes on with the first round that is not finished. A target
/// on a board that is not met is a failure: all files are written, and the exit code is 1.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example:\n  prune run --network runs/digits-smoke/networks/1/dense/network.json \
    --weights runs/digits-smoke/networks/1/dense/weights.safetensors --dataset data/digits --out runs/x/pruned --cap 0.3\n  prune run --network N --weights W \
    --dataset data/mnist --out runs/fast --board host --latency-target 0.0001"
)]
pub(crate) struct RunArgs {
    /// The network's graph
    #[arg(long, value_name = "FILE")]
    pub(crate) network: PathBuf,
    /// Its trained weights
    #[arg(long, value_name = "FILE")]
    pub(crate) weights: PathBuf,
    /// The data set to fine-tune with
    #[arg(long, value_name = "FOLDER")]
    pub(crate) dataset: PathBuf,
    /// Where the results go
    #[arg(long, value_name = "FOLDER")]
    pub(crate) out: PathBuf,
    /// The profile: the options that are not given, and how to train
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Largest share of the trainable parameters that may go, above 0 and below 1 [default: the
    /// profile's, else 0.65]
    #[arg(long, value_name = "SHARE")]
    pub(crate) cap: Option<f64>,
    /// Share of a convolution's filters that stay in each round [default: the profile's, else 0.9]
    #[arg(long, value_name = "SHARE")]
    pub(crate) cluster_factor: Option<f64>,
    /// Most rounds [default: the profile's, else 10]
    #[arg(long, value_name = "N")]
    pub(crate) iterations: Option<usize>,
    /// Epochs of fine-tuning after each round [default: the profile's, else 5]
    #[arg(long, value_name = "N")]
    pub(crate) finetune_epochs: Option<usize>,
    /// How the filters that stay are chosen [default: the profile's, else l1]
    #[arg(long, value_parser = method_parser())]
    pub(crate) method: Option<PruneMethod>,
    /// How the convolutions share what goes: each gives its share in each round, or all filters
    /// compete in one list by worth per parameter [default: the profile's, else uniform]
    #[arg(long, value_parser = choose_parser())]
    pub(crate) choose: Option<PruneChoose>,
    /// Prune these as well [default: the profile's, else neither]
    #[arg(long, value_name = "PARTS", value_delimiter = ',', value_parser = part_parser())]
    pub(crate) also: Option<Vec<PrunePart>>,
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    /// Seed of clustering and fine-tuning
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    #[command(flatten)]
    pub(crate) compute: ComputeArgs,
}

/// How other stages' programs are run.
#[derive(clap::Args, Debug)]
pub(crate) struct ComputeArgs {
    /// Threads of a training [default: as `train` has it]
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// What `train` computes on: cpu, cuda, cuda:N
    #[arg(long, default_value = "cpu")]
    device: Device,
    /// Where the programs `train`, `codegen` and `measure` are [default: beside this one]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) bin_dir: Option<PathBuf>,
}

impl ComputeArgs {
    /// How to train with a data set and a profile; epochs, rate and seed are still to be set.
    ///
    /// # Errors
    /// The program `train` is missing, or the training images cannot be read.
    pub(crate) fn training(
        &self,
        dataset: &Path,
        config: Option<&Path>,
        interrupt: Interrupt,
    ) -> Result<Training> {
        Ok(Training {
            train: stage::binary("train", self.bin_dir.as_deref())?,
            dataset: dataset.to_path_buf(),
            data_sha256: Dataset::load_training_set(dataset)?.identity.sha256(),
            config: config.map(Path::to_path_buf),
            epochs: 0,
            rate: 1.0,
            seed: 0,
            threads: self.threads,
            device: self.device,
            interrupt,
        })
    }
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
        all.into_iter()
            .find(|value| name(*value) == given)
            .context("not one of the possible values")
    })
}
