//! The command line.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{ArgGroup, Parser, Subcommand};
use common::board::Platform;
use common::precision::Precision;
use std::path::PathBuf;

/// Writes a network as a standalone Rust crate, or as an ONNX model.
#[derive(Parser)]
#[command(
    name = "codegen",
    version,
    after_help = "Example:\n  codegen generate --network n/network.json --weights n/weights.safetensors --platform x86_64 --out crate"
)]
pub struct Args {
    /// The subcommand.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The subcommands.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Writes the crate or model and prints its manifest as one line of JSON, and the costs of its
    /// layers on stderr.
    #[command(
        after_help = "Example:\n  codegen generate --network n/network.json --weights n/weights.safetensors \\\n    --platform x86_64 --out crate --samples data/digits\n  cd crate && cargo test && cargo run --release --bin classify images-idx3-ubyte\n\n  codegen generate --network n/network.json --weights n/weights.safetensors --platform onnx --out model"
    )]
    Generate(GenerateArgs),
    /// Prints what a network needs on a platform, known without weights, as JSON.
    #[command(after_help = "Example:\n  codegen plan --network n/network.json --platform x86_64")]
    Plan(PlanArgs),
    /// Reads an ONNX model and writes network.json and weights.safetensors; prints parameters and
    /// multiply-adds as JSON.
    #[command(
        after_help = "Example:\n  codegen import --onnx lenet.onnx --out lenet --mean 0.1307 --std 0.3081\n  codegen generate --network lenet/network.json --weights lenet/weights.safetensors \\\n    --platform x86_64 --out crate\n\nWhat is read and what is refused is in docs/import.md."
    )]
    Import(ImportArgs),
    /// Prints the platforms as JSON.
    #[command(after_help = "Example:\n  codegen platforms")]
    Platforms,
}

/// Options of `codegen generate`.
#[derive(clap::Args)]
#[command(group = ArgGroup::new("parameters").args(["weights", "quantized"]).required(true))]
pub(crate) struct GenerateArgs {
    /// The network.
    #[arg(long, value_name = "FILE")]
    pub(crate) network: PathBuf,
    /// The network's weights.
    #[arg(long, value_name = "FILE")]
    pub(crate) weights: Option<PathBuf>,
    /// Instead of --weights: the folder of `train quantize`, for a network in 8-bit integers.
    #[arg(long, value_name = "DIR")]
    pub(crate) quantized: Option<PathBuf>,
    /// The platform that the crate or model is for.
    #[arg(long, value_name = "NAME", value_parser = platform_parser())]
    pub(crate) platform: Platform,
    /// The folder to write: a new one, or a generated one, which is replaced.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// The name of the crate or model [default: after the genome or the baseline].
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// The board that the crate must fit on, by name (`measure boards` lists them) or file
    /// [default: any; the memory of a microcontroller is that of qemu-mps2-an386].
    #[arg(long, value_name = "NAME|FILE")]
    pub(crate) board: Option<String>,
    /// A data set from which test images are recorded with their logits [default: random images
    /// are recorded].
    #[arg(long, value_name = "DIR")]
    pub(crate) samples: Option<PathBuf>,
    /// The score of these weights on the test images, for the README [default: "not tested"].
    #[arg(long, value_name = "test.json")]
    pub(crate) test: Option<PathBuf>,
    /// The report of the training or pruning that made these weights, for the README.
    #[arg(long, value_name = "train.json|prune.json")]
    pub(crate) train: Option<PathBuf>,
    /// Adds a static library for C to the crate, with a header and an example.
    #[arg(long)]
    pub(crate) c_api: bool,
}

/// Options of `codegen import`.
#[derive(clap::Args)]
pub(crate) struct ImportArgs {
    /// The model, with all of its data in one file.
    #[arg(long, value_name = "FILE")]
    pub(crate) onnx: PathBuf,
    /// The folder to write: a new one, or an empty one.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// What the model was trained to have subtracted from pixels scaled to 0..1, for each channel
    /// [default: as the model's metadata say, or 0].
    #[arg(long, value_name = "N,N,...", value_delimiter = ',')]
    pub(crate) mean: Option<Vec<f32>>,
    /// The divisor of the difference, for each channel [default: as the model's metadata say, or
    /// 1].
    #[arg(long, value_name = "N,N,...", value_delimiter = ',')]
    pub(crate) std: Option<Vec<f32>>,
}

/// Options of `codegen plan`.
#[derive(clap::Args)]
pub(crate) struct PlanArgs {
    /// The network.
    #[arg(long, value_name = "FILE")]
    pub(crate) network: PathBuf,
    /// The platform that the crate would be for.
    #[arg(long, value_name = "NAME", value_parser = platform_parser())]
    pub(crate) platform: Platform,
    /// The numbers that the crate would compute with.
    #[arg(long, value_name = "NAME", default_value_t, value_parser = precision_parser())]
    pub(crate) precision: Precision,
    /// The board that the crate must fit on, by name (`measure boards` lists them) or file
    /// [default: any].
    #[arg(long, value_name = "NAME|FILE")]
    pub(crate) board: Option<String>,
}

fn platform_parser() -> impl TypedValueParser<Value = Platform> {
    let names = PossibleValuesParser::new(Platform::ALL.map(Platform::name));
    names.map(|name| name.parse().expect("only names of platforms are possible"))
}

fn precision_parser() -> impl TypedValueParser<Value = Precision> {
    let names = PossibleValuesParser::new(Precision::ALL.map(Precision::name));
    names.map(|name| name.parse().expect("only names of precisions are possible"))
}
