//! Options of `explore predict`.

use clap::Args as ClapArgs;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use common::precision::Precision;
use std::path::PathBuf;

/// Options of `explore predict`.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  explore predict --board raspberry-pi-4 --run runs/mnist-laptop
  explore predict --board host --measured runs/a/networks --measured runs/b/networks \\
    --network candidates

Exit code 1 if fewer than 10 networks are measured, or if predictions of the measured ones would
not have ranked them well. A prediction says what to measure next; it is no measurement.")]
pub(crate) struct PredictArgs {
    /// Board that the networks were measured on: a name that `measure boards` lists, or a file
    #[arg(long, value_name = "NAME|FILE")]
    pub(crate) board: String,
    /// Measured networks: a folder in which, at any depth, a network.json lies beside its
    /// measurement-BOARD.json; or such a record. Can be given several times
    #[arg(long, value_name = "DIR|FILE", required_unless_present = "run")]
    pub(crate) measured: Vec<PathBuf>,
    /// Networks to predict: a network.json, or a folder that has some at any depth. Can be given
    /// several times [default: those of --run and --measured that are not measured]
    #[arg(long, value_name = "DIR|FILE")]
    pub(crate) network: Vec<PathBuf>,
    /// Folder of a run: its networks, and the members of its search's archive, measured or not
    #[arg(long, value_name = "DIR")]
    pub(crate) run: Option<PathBuf>,
    /// Precision of the networks: f32 or int8
    #[arg(long, value_name = "NAME", default_value_t = Precision::F32, value_parser = precision())]
    pub(crate) precision: Precision,
    /// Folder of the program `codegen` [default: the folder of this program]
    #[arg(long, value_name = "DIR")]
    pub(crate) bin_dir: Option<PathBuf>,
}

fn precision() -> impl TypedValueParser<Value = Precision> {
    PossibleValuesParser::new(Precision::ALL.map(Precision::name)).try_map(|name| name.parse())
}
