//! The command line.

use anyhow::Context;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Parser, Subcommand, ValueEnum};
use common::device::Device;
use common::quantized::Method;
use std::path::PathBuf;

/// Trains and evaluates one network.
#[derive(Debug, Parser)]
#[command(
    name = "train",
    version,
    about,
    after_help = "Example:\n  train fit --genome pipelines/genomes/m-net-1.json --dataset \
    data/mnist --out runs/x/m-net-1"
)]
pub struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Trains a network; writes network.json, weights.safetensors and train.json to --out
    Fit(FitArgs),
    /// Writes the weights that a training would start from
    Init(InitArgs),
    /// Prints accuracy and loss of trained weights on a split, as JSON
    Eval(EvalArgs),
    /// Makes an int8 network of trained weights; writes quantized.safetensors and
    /// quantization.json to --out
    Quantize(QuantizeArgs),
}

/// Options of `train fit`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  train fit --network network.json --dataset data/digits \
    --out runs/by-hand --epochs 10")]
pub(crate) struct FitArgs {
    /// Network to train
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present = "genome",
        conflicts_with = "genome"
    )]
    pub(crate) network: Option<PathBuf>,
    /// Genome whose template network is trained
    #[arg(long, value_name = "FILE")]
    pub(crate) genome: Option<PathBuf>,
    /// Folder of the data set
    #[arg(long, value_name = "DIR")]
    pub(crate) dataset: PathBuf,
    /// Folder for the results
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Profile [default: the paper's settings]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Train on the validation images too
    #[arg(long)]
    pub(crate) no_validation: bool,
    /// Folder of the training by which this network was chosen; its validation accuracy, which a
    /// training with --no-validation cannot have, is noted in train.json
    #[arg(long, value_name = "DIR", requires = "no_validation")]
    pub(crate) chosen_by: Option<PathBuf>,
    /// Epochs [default: the profile's training.epochs]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) epochs: Option<u32>,
    /// Stop after this epoch and score the weights; --resume continues from there
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) stop_after: Option<u32>,
    /// Seed of initialisation, shuffling, augmentation and dropout
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Weights to start from [default: random]
    #[arg(long, value_name = "FILE")]
    pub(crate) init: Option<PathBuf>,
    /// Resume an interrupted training in --out; start one if there is none
    #[arg(long)]
    pub(crate) resume: bool,
    /// Factor of the profile's learning rates, as for fine-tuning
    #[arg(long, value_name = "X", default_value_t = 1.0)]
    pub(crate) learning_rate_scale: f64,
    /// Train on this many images only, always the same ones [default: the profile's
    /// training.subset]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..))]
    pub(crate) subset: Option<u32>,
    #[command(flatten)]
    pub(crate) compute: ComputeArgs,
}

/// Options of `train init`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  train init --network resnet-110.json --out weights.safetensors\n\n\
    With these weights, latency and memory can be measured before any training."
)]
pub(crate) struct InitArgs {
    /// Network
    #[arg(long, value_name = "FILE")]
    pub(crate) network: PathBuf,
    /// File for the weights
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Seed of initialisation
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
}

/// Options of `train eval`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  train eval --network runs/by-hand/network.json \
    --weights runs/by-hand/weights.safetensors \\\n    --dataset data/digits --split test")]
pub(crate) struct EvalArgs {
    /// Network
    #[arg(long, value_name = "FILE")]
    pub(crate) network: PathBuf,
    /// Weights of the network
    #[arg(long, value_name = "FILE", required_unless_present = "quantized")]
    pub(crate) weights: Option<PathBuf>,
    /// Folder of `train quantize`: scores the int8 network, with the integer reference on the
    /// processor; with --weights, only if it was made of them
    #[arg(long, value_name = "DIR")]
    pub(crate) quantized: Option<PathBuf>,
    /// Folder of the data set
    #[arg(long, value_name = "DIR")]
    pub(crate) dataset: PathBuf,
    /// Images to score
    #[arg(long, value_name = "NAME")]
    pub(crate) split: EvalSplit,
    /// Write the logits of every image to this file (safetensors: logits, i32 with --quantized,
    /// and labels)
    #[arg(long, value_name = "FILE")]
    pub(crate) dump_logits: Option<PathBuf>,
    /// Write the result to this file too; that of the test split with the confusion matrix and
    /// the wrongly classified images
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) compute: ComputeArgs,
}

/// Options of `train quantize`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  train quantize --network runs/by-hand/network.json \
    --weights runs/by-hand/weights.safetensors \\\n    --dataset data/digits --out runs/by-hand/int8")]
pub(crate) struct QuantizeArgs {
    /// Network
    #[arg(long, value_name = "FILE")]
    pub(crate) network: PathBuf,
    /// Weights of the network
    #[arg(long, value_name = "FILE")]
    pub(crate) weights: PathBuf,
    /// Folder of the data set
    #[arg(long, value_name = "DIR")]
    pub(crate) dataset: PathBuf,
    /// Folder for the results
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Profile, of which quantization.max_loss is used [default: 0.005]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Largest loss of validation accuracy (0..1) that is accepted [default: the profile's]
    #[arg(long, value_name = "X")]
    pub(crate) max_loss: Option<f64>,
    /// Write to this file whether the int8 network was accepted; a refusal is then written there
    /// with its reason, and the command succeeds
    #[arg(long, value_name = "FILE")]
    pub(crate) outcome: Option<PathBuf>,
    /// Training images by which ranges are chosen
    #[arg(long, value_name = "N", default_value_t = 512,
        value_parser = clap::value_parser!(u32).range(1..=60_000))]
    pub(crate) images: u32,
    /// How ranges are chosen: by least squared error, from the smallest to the largest value, or
    /// without the most extreme values
    #[arg(long, value_name = "NAME", default_value = "mse", value_parser = method_parser())]
    pub(crate) method: Method,
    /// Threads [default: one per core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) threads: Option<u16>,
}

fn method_parser() -> impl TypedValueParser<Value = Method> {
    PossibleValuesParser::new(Method::ALL.map(Method::name)).try_map(|text| {
        let named = Method::ALL.into_iter().find(|method| method.name() == text);
        named.context("not one of the possible values")
    })
}

/// The images that `train eval` scores.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum EvalSplit {
    /// The validation images of the training set
    Val,
    /// The test set
    Test,
}

/// Options of every command that computes a network.
#[derive(Debug, clap::Args)]
pub(crate) struct ComputeArgs {
    /// Threads [default: one per core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) threads: Option<u16>,
    /// Device: cpu, or cuda or cuda:N for an NVIDIA GPU (`make build-cuda`)
    #[arg(long, value_name = "NAME", default_value = "cpu")]
    pub(crate) device: Device,
}
