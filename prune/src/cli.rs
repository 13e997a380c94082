//! The command line.

use anyhow::Context;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use common::device::Device;
use common::profile::{Allocation, PruneMethod, PrunePart};
use process::board_args::BoardArgs;
use std::path::PathBuf;

/// Prunes a trained network: removes filters, rebuilds the network smaller and fine-tunes it.
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

/// Prunes in rounds and fine-tunes after each, until a share of the parameters is removed or a
/// target on a board is met
///
/// Writes network.json, weights.safetensors, prune.json and figures, and a folder for each round.
/// Repeated after an interruption, it continues with the first unfinished round. If a target on a
/// board is not met, all files are written, and the exit code is 1.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example:\n  prune run --network runs/digits-smoke/networks/1/dense/network.json \
    --weights runs/digits-smoke/networks/1/dense/weights.safetensors --dataset data/digits --out runs/x/pruned --cap 0.3\n  prune run --network N --weights W \
    --dataset data/mnist --out runs/fast --board host --latency-target 0.0001"
)]
pub(crate) struct RunArgs {
    /// Network to prune
    #[arg(long, value_name = "FILE")]
    pub(crate) network: PathBuf,
    /// Its trained weights
    #[arg(long, value_name = "FILE")]
    pub(crate) weights: PathBuf,
    /// Data set for the fine-tuning
    #[arg(long, value_name = "DIR")]
    pub(crate) dataset: PathBuf,
    /// Folder for the results
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Profile: how to train, and the values of options that are not given
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Largest share of the trainable parameters to remove, above 0 and below 1 [default: the
    /// profile's, else 0.65]
    #[arg(long, value_name = "X")]
    pub(crate) cap: Option<f64>,
    /// Share of a convolution's filters that each round keeps [default: the profile's, else 0.9]
    #[arg(long, value_name = "X")]
    pub(crate) cluster_factor: Option<f64>,
    /// Maximum number of rounds [default: the profile's, else 10]
    #[arg(long, value_name = "N")]
    pub(crate) iterations: Option<usize>,
    /// Epochs of fine-tuning after each round [default: the profile's, else 5]
    #[arg(long, value_name = "N")]
    pub(crate) finetune_epochs: Option<usize>,
    /// Criterion of a filter's importance [default: the profile's, else l1]
    #[arg(long, value_name = "NAME", value_parser = method_parser())]
    pub(crate) method: Option<PruneMethod>,
    /// Allocation of a round's removals: the same share of every convolution, or all filters
    /// ranked in one list by importance per parameter [default: the profile's, else uniform]
    #[arg(long, value_name = "NAME", value_parser = allocation_parser())]
    pub(crate) choose: Option<Allocation>,
    /// Convolutions to prune in addition [default: the profile's, else none]
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = part_parser())]
    pub(crate) also: Option<Vec<PrunePart>>,
    #[command(flatten)]
    pub(crate) board_args: BoardArgs,
    /// Seed of clustering and fine-tuning
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    #[command(flatten)]
    pub(crate) compute: ComputeArgs,
}

/// Trains the pruned structure from fresh weights, on as many images as all fine-tuning together
///
/// Writes network.json, weights.safetensors and train.json to the folder `scratch` in that of
/// `prune run`; `prune figures` then shows the training. A finished training is not repeated.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example:\n  prune scratch --from runs/digits-smoke/networks/1/pruned --dataset data/digits"
)]
pub(crate) struct ScratchArgs {
    /// Folder of a finished `prune run`
    #[arg(long, value_name = "DIR")]
    pub(crate) from: PathBuf,
    /// Data set of the fine-tuning
    #[arg(long, value_name = "DIR")]
    pub(crate) dataset: PathBuf,
    /// Profile of the fine-tuning
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) compute: ComputeArgs,
}

/// Compares several ways of pruning one network: accuracy and NID by the share of parameters
/// removed, and the number of filters of each convolution
///
/// Writes accuracy.svg and widths.svg, and prints a table. Accuracies are those of the validation
/// split.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example:\n  prune figures runs/x/kmeans runs/x/l1 runs/x/random --out runs/x/figures"
)]
pub(crate) struct FiguresArgs {
    /// Folders of finished `prune run`s
    #[arg(value_name = "DIR", required = true)]
    pub(crate) folders: Vec<PathBuf>,
    /// Folder for the figures
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
}

/// Options for the programs of other stages.
#[derive(clap::Args, Debug)]
pub(crate) struct ComputeArgs {
    /// Threads of a training [default: that of `train`]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,
    /// Device of a training: cpu, cuda or cuda:N
    #[arg(long, value_name = "NAME", default_value = "cpu")]
    pub(crate) device: Device,
    /// Folder of the programs `train`, `codegen` and `measure` [default: that of this program]
    #[arg(long, value_name = "DIR")]
    pub(crate) bin_dir: Option<PathBuf>,
}

fn method_parser() -> impl TypedValueParser<Value = PruneMethod> {
    by_name(PruneMethod::ALL, PruneMethod::name)
}

fn allocation_parser() -> impl TypedValueParser<Value = Allocation> {
    by_name(Allocation::ALL, Allocation::name)
}

fn part_parser() -> impl TypedValueParser<Value = PrunePart> {
    by_name(PrunePart::ALL, PrunePart::name)
}

/// Returns a parser that accepts the names of `all`.
fn by_name<T: Copy + Send + Sync + 'static, const N: usize>(
    all: [T; N],
    name: fn(T) -> &'static str,
) -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(all.map(name)).try_map(move |text| {
        all.into_iter().find(|value| name(*value) == text).context("not one of the possible values")
    })
}
