//! The command line.

use crate::board_args::BoardArgs;
use crate::choose_args::ChooseArgs;
use crate::moea::normalize::Normalize;
use crate::predict_args::PredictArgs;
use crate::search_args::SearchArgs;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use common::device::Device;
use common::precision::Precision;
use common::search::fidelity::Length;
use process::engine_args::EngineArgs;
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// Searches the design space for small and accurate networks.
#[derive(Debug, Parser)]
#[command(
    name = "explore",
    version,
    about,
    after_help = "Example:
  explore run --config pipelines/profiles/smoke.json --dataset data/digits --out runs/x/explore"
)]
pub struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Searches with SPEA-II; writes archive.json, evaluations.jsonl, individuals, figures and
    /// winners to --out
    Run(Box<RunArgs>),
    /// Chooses a network of a finished run for a board; trains, prunes and measures those of the
    /// front that are missing; prints the choice, as JSON
    Choose(Box<ChooseArgs>),
    /// Prints SPEA-II's environmental selection among given objective vectors, as JSON
    Select(SelectArgs),
    /// Expands a genome or a baseline to its network; prints parameters and MACs, as JSON
    Network(NetworkArgs),
    /// Trains genomes shortly and in full; prints how well short trainings rank them
    Fidelity(FidelityArgs),
    /// Predicts latencies on a board from those that were measured there; prints them, as JSON or, to
    /// a terminal, as a table
    Predict(PredictArgs),
    /// Prints the size of the design space and the range of its networks, as JSON
    Space(SpaceArgs),
}

/// Options of `explore run`.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  explore run --config pipelines/profiles/smoke.json --dataset data/digits --out runs/x/explore
  explore run --config pipelines/profiles/laptop.json --dataset data/mnist --out runs/fast \\
    --board host --min-accuracy 0.985 --max-latency-s 0.0005

To resume an interrupted run, repeat its options and add --resume. A finished search goes on with
--resume --iterations N, to the bytes of a search of N iterations.")]
pub(crate) struct RunArgs {
    /// Profile: search space, template, population, iterations, training
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// Folder of the data set
    #[arg(long, value_name = "DIR")]
    pub(crate) dataset: PathBuf,
    /// Folder for the results
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Seed of the search and of all its trainings
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Number of trainings at a time; more than cores are useful on a GPU, which one small network
    /// does not fill [default: one per core; with `--engine slurm` as many as the cluster runs]
    #[arg(long, value_name = "N")]
    pub(crate) workers: Option<NonZeroUsize>,
    /// Device of the trainings: cpu, or cuda or cuda:N for an NVIDIA GPU (`make build-cuda`)
    #[arg(long, value_name = "NAME", default_value = "cpu")]
    pub(crate) device: Device,
    /// Precision in which candidates are scored, planned and measured: f32, or int8, with each
    /// trained candidate quantized
    #[arg(long, value_name = "NAME", default_value_t = Precision::F32, value_parser = precision())]
    pub(crate) precision: Precision,
    #[command(flatten)]
    pub(crate) engine_args: EngineArgs,
    /// Resume the search in --out; no finished training is repeated
    #[arg(long)]
    pub(crate) resume: bool,
    /// Source of accuracies: `train`, or `table:FILE` with trainings made beforehand
    #[arg(long, value_name = "NAME", default_value = "train", value_parser = parse_evaluator)]
    pub(crate) evaluator: EvaluatorName,
    #[command(flatten)]
    pub(crate) search_args: SearchArgs,
    #[command(flatten)]
    pub(crate) board_args: BoardArgs,
    /// Stop once an individual has at least this validation accuracy (0..1), and meets the other
    /// requirements [default: search.criteria of the profile, as for the other requirements]
    #[arg(long, value_name = "X")]
    pub(crate) min_accuracy: Option<f64>,
    /// Folder of the programs `train`, `codegen` and `measure` [default: the folder of this
    /// program]
    #[arg(long, value_name = "DIR")]
    pub(crate) bin_dir: Option<PathBuf>,
}

fn precision() -> impl TypedValueParser<Value = Precision> {
    PossibleValuesParser::new(Precision::ALL.map(Precision::name)).try_map(|name| name.parse())
}

/// The source of accuracies.
#[derive(Clone, Debug)]
pub(crate) enum EvaluatorName {
    Train,
    Table(PathBuf),
}

fn parse_evaluator(text: &str) -> Result<EvaluatorName, String> {
    match text.split_once(':') {
        None if text == "train" => Ok(EvaluatorName::Train),
        Some(("table", file)) if !file.is_empty() => Ok(EvaluatorName::Table(file.into())),
        Some(_) | None => Err(format!("'{text}' is neither 'train' nor 'table:FILE'")),
    }
}

/// Options of `explore select`.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:
  echo '{\"objectives\": [[0.1, 9], [0.2, 3], [0.3, 1], [0.3, 9]]}' > points.json
  explore select --in points.json --archive-size 2 --normalize log-minmax")]
pub(crate) struct SelectArgs {
    /// JSON file {"objectives": [[number, ...], ...]}, all minimised
    #[arg(long = "in", value_name = "FILE")]
    pub(crate) input: PathBuf,
    /// Largest number of points to select
    #[arg(long, value_name = "N")]
    pub(crate) archive_size: usize,
    /// How objectives are normalised before distances are computed
    #[arg(long, value_name = "NAME", value_enum, default_value_t = NormalizeName::None)]
    pub(crate) normalize: NormalizeName,
}

/// How objectives are normalised before distances are computed.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum NormalizeName {
    /// Not at all, as in TIK-Report 103.
    None,
    /// Each objective is scaled to 0..1 over the list of points.
    Minmax,
    /// As minmax, after log10 of all objectives but the first.
    LogMinmax,
}

impl From<NormalizeName> for Normalize {
    fn from(name: NormalizeName) -> Self {
        match name {
            NormalizeName::None => Normalize::None,
            NormalizeName::Minmax => Normalize::Minmax,
            NormalizeName::LogMinmax => Normalize::LogMinmax,
        }
    }
}

/// Options of `explore network`.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  explore network --genome genome.json --dataset data/digits --out network.json
  explore network --baseline resnet-20 --dataset data/cifar10 --out network.json")]
pub(crate) struct NetworkArgs {
    /// The genome
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present = "baseline",
        conflicts_with = "baseline"
    )]
    pub(crate) genome: Option<PathBuf>,
    /// A published network: resnet-8, resnet-20, resnet-56, resnet-110, densenet-40-12,
    /// densenet-100-12, or a file like those in pipelines/baselines
    #[arg(long, value_name = "NAME|FILE")]
    pub(crate) baseline: Option<String>,
    /// Folder or recipe of the data set; only the images' shape and the classes are needed
    #[arg(long, value_name = "DIR|FILE")]
    pub(crate) dataset: PathBuf,
    /// Profile [default: the paper's space and template]
    #[arg(long, value_name = "FILE", conflicts_with = "baseline")]
    pub(crate) config: Option<PathBuf>,
    /// File for the network
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
}

/// Options of `explore fidelity`.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:
  explore fidelity --config pipelines/profiles/laptop.json --dataset data/mnist \\
    --out runs/fidelity --short 2x3000 --short 2x6000

A repeated run keeps finished trainings in --out.")]
pub(crate) struct FidelityArgs {
    /// Profile: search space, template, training
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// Folder of the data set
    #[arg(long, value_name = "DIR")]
    pub(crate) dataset: PathBuf,
    /// Folder for the results
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// A short training; can be given several times [default: that of the profile's search]
    #[arg(long, value_name = "EPOCHSxIMAGES", value_parser = parse_length)]
    pub(crate) short: Vec<Length>,
    /// Number of genomes, spread over the space
    #[arg(long, value_name = "N", default_value_t = 12)]
    pub(crate) genomes: usize,
    /// Number of seeds that each genome is trained with
    #[arg(
        long,
        value_name = "N",
        default_value_t = 2,
        value_parser = clap::value_parser!(u64).range(1..=1000)
    )]
    pub(crate) seeds: u64,
    /// The first seed, which also selects the genomes
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Number of trainings at a time [default: one per core; with `--engine slurm` as many as the
    /// cluster runs]
    #[arg(long, value_name = "N")]
    pub(crate) workers: Option<NonZeroUsize>,
    #[command(flatten)]
    pub(crate) engine_args: EngineArgs,
    /// Folder of the program `train` [default: the folder of this program]
    #[arg(long, value_name = "DIR")]
    pub(crate) bin_dir: Option<PathBuf>,
}

fn parse_length(text: &str) -> Result<Length, String> {
    let wrong = || format!("'{text}' is not EPOCHSxIMAGES, as in 2x3000");
    let (epochs, images) = text.split_once('x').ok_or_else(wrong)?;
    let length = Length {
        epochs: epochs.parse().map_err(|_| wrong())?,
        images: images.parse().map_err(|_| wrong())?,
    };
    if length.epochs >= 1 && length.images >= 2 { Ok(length) } else { Err(wrong()) }
}

/// Options of `explore space`.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:
  explore space --dataset pipelines/datasets/cifar10.json")]
pub(crate) struct SpaceArgs {
    /// Profile [default: the paper's space and template]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Folder or recipe of the data set; only the images' shape and the classes are needed
    #[arg(long, value_name = "DIR|FILE")]
    pub(crate) dataset: PathBuf,
}
