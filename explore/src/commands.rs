//! The commands: what they read, what they print.

use crate::baselines;
use crate::demands::{self, Demands};
use crate::evaluator::{Evaluator, Trainer};
use crate::fidelity::{Study, table};
use crate::moea::normalize::{Normalize, Points};
use crate::moea::spea2::{self, Fitness};
use crate::overrides::Overrides;
use crate::overview::Overview;
use crate::progress::say;
use crate::session::{self, Setting};
use crate::table::Table;
use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use common::counts;
use common::dataset::Dataset;
use common::device::Device;
use common::fidelity::Length;
use common::genome::Genome;
use common::network::Network;
use common::profile::Profile;
use common::search_files::SearchConfig;
use common::{json, stage};
use serde::{Deserialize, Serialize};
use stages::programs::Interrupt;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

/// What continues a run that was interrupted.
const GOES_ON: &str = "--resume";

/// Options of `explore run`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  explore run --config pipelines/profiles/smoke.json --dataset data/digits --out runs/digits-smoke/explore\n  explore run --config pipelines/profiles/laptop.json --dataset data/mnist --out runs/fast --board host --min-accuracy 0.985 --max-latency-s 0.0005\n\nA run that was interrupted goes on with the same options and --resume."
)]
pub(crate) struct RunArgs {
    /// Profile: search space, template, population, iterations, training
    #[arg(long)]
    config: PathBuf,
    /// Folder of the data set
    #[arg(long)]
    dataset: PathBuf,
    /// Folder for the results
    #[arg(long)]
    out: PathBuf,
    /// Seed of the search and of every training in it
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Trainings at a time, more than cores too, as for a GPU, which one small network does not
    /// fill [default: one per core]
    #[arg(long)]
    workers: Option<NonZeroUsize>,
    /// What they compute on: cpu, or cuda or cuda:N for an NVIDIA GPU (`make build-cuda`); passed
    /// on to `train`
    #[arg(long, default_value = "cpu")]
    device: Device,
    /// Where trainings run
    #[arg(long, value_enum, default_value_t = Engine::Local)]
    engine: Engine,
    /// Go on with the search that --out holds; nothing finished is trained again
    #[arg(long)]
    resume: bool,
    /// What evaluates genomes: `train`, or `table:FILE` with trainings made beforehand
    #[arg(long, default_value = "train", value_parser = parse_source)]
    evaluator: Source,
    #[command(flatten)]
    overrides: Overrides,
    #[command(flatten)]
    demands: Demands,
    /// Folder of the programs `train`, `codegen` and `measure` [default: the folder of this
    /// program]
    #[arg(long)]
    bin_dir: Option<PathBuf>,
}

/// What evaluates genomes.
#[derive(Clone, Debug)]
enum Source {
    Train,
    Table(PathBuf),
}

fn parse_source(text: &str) -> Result<Source, String> {
    match text.split_once(':') {
        None if text == "train" => Ok(Source::Train),
        Some(("table", file)) if !file.is_empty() => Ok(Source::Table(file.into())),
        Some(_) | None => Err(format!("'{text}' is neither 'train' nor 'table:FILE'")),
    }
}

/// Where trainings run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Engine {
    /// On this machine.
    Local,
}

/// What `explore run` prints.
#[derive(Debug, Serialize)]
struct Summary {
    iterations: usize,
    evaluations: usize,
    failed: usize,
    archive: usize,
    front: usize,
    /// Of the trainings in full.
    best_accuracy: Option<f64>,
    /// The individual that meets all criteria.
    criteria_met_by: Option<String>,
}

pub(crate) fn run(args: RunArgs) -> Result<()> {
    let RunArgs {
        config,
        dataset,
        out,
        seed,
        workers,
        device,
        engine,
        resume,
        evaluator,
        overrides,
        demands,
        bin_dir,
    } = args;
    let mut profile: Profile = json::read(&config)?;
    overrides.apply(&mut profile.search)?.iter().for_each(|sentence| say(sentence));
    profile.search.check()?;
    let board = demands.board(&profile.search)?;
    let description = Dataset::describe(&dataset)?;
    let identity = Dataset::load_training_set(&dataset)?.identity;
    let search_config = SearchConfig {
        seed,
        dataset: description.name.clone(),
        data_sha256: identity.sha256(),
        data: Some(identity),
        space: profile.space,
        template: profile.template,
        search: profile.search,
        training: profile.training,
        device: device.backend(),
        board: board.clone(),
        criteria: demands.criteria()?,
    };
    let interrupt = Interrupt::catch(GOES_ON)?;
    let settings = &search_config.search;
    let arena = demands::arena(board.as_ref(), settings, &out, bin_dir.as_deref())?;
    let on_board = demands.on_board(board, settings, &out, bin_dir.as_deref(), interrupt)?;
    let evaluator = match (evaluator, engine) {
        (Source::Train, Engine::Local) => {
            let train = stage::binary("train", bin_dir.as_deref())?;
            Evaluator::Train(
                Trainer::new(train, dataset, config, out.clone(), at_a_time(workers), interrupt)
                    .on(device),
            )
        }
        (Source::Table(_), Engine::Local) if on_board.is_some() => {
            bail!(
                "a table has no networks to measure: leave out --board, or train with --evaluator train"
            )
        }
        (Source::Table(file), Engine::Local) => {
            Evaluator::Table(Table::read(&file, &search_config)?)
        }
    };
    let setting = Setting {
        folder: &out,
        input: description.input(),
        classes: description.classes,
        evaluator,
        arena,
        on_board,
        resume,
        winners: profile.finals.winners,
    };
    let search = session::run(&search_config, &setting)?;
    let in_full = search.evaluations.iter().filter(|evaluation| evaluation.in_full());
    print(&Summary {
        iterations: search.archive.iterations,
        evaluations: search.evaluations.len(),
        failed: search
            .evaluations
            .iter()
            .filter(|evaluation| evaluation.accuracy.is_none())
            .count(),
        archive: search.archive.individuals.len(),
        front: search.archive.individuals.iter().filter(|individual| individual.on_front).count(),
        best_accuracy: in_full.filter_map(|evaluation| evaluation.accuracy).reduce(f64::max),
        criteria_met_by: search.archive.criteria_met_by,
    })
}

/// Options of `explore select`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  echo '{\"objectives\": [[0.1, 9], [0.2, 3], [0.3, 1], [0.3, 9]]}' > points.json\n  explore select --in points.json --archive-size 2 --normalize log-minmax"
)]
pub(crate) struct SelectArgs {
    /// {"objectives": [[number, ...], ...]}, all minimised
    #[arg(long = "in")]
    input: PathBuf,
    /// How many points to select, at most
    #[arg(long)]
    archive_size: usize,
    /// What happens to objectives before distances are taken; log-minmax takes log10 of all but the
    /// first
    #[arg(long, value_enum, default_value_t = NormalizeName::None)]
    normalize: NormalizeName,
}

/// How objectives are normalised before distances are computed.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum NormalizeName {
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Objectives {
    objectives: Vec<Vec<f64>>,
}

#[derive(Serialize)]
struct Selection {
    selected: Vec<usize>,
    strength: Vec<u64>,
    raw_fitness: Vec<u64>,
    density: Vec<f64>,
}

pub(crate) fn select(args: SelectArgs) -> Result<()> {
    let path = args.input.display();
    let text = json::read_text(&args.input)?;
    let Objectives { objectives } =
        serde_json::from_str(&text).with_context(|| path.to_string())?;
    let points =
        Points::new(objectives, args.normalize.into()).with_context(|| path.to_string())?;
    let fitness = spea2::fitness(&points);
    let selected = spea2::environmental_selection(&points, &fitness, args.archive_size);
    let Fitness { strength, raw_fitness, density, .. } = fitness;
    print(&Selection { selected, strength, raw_fitness, density })
}

/// Options of `explore network`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  explore network --genome genome.json --dataset pipelines/datasets/cifar10.json --out network.json\n  explore network --baseline resnet-20 --dataset pipelines/datasets/cifar10.json --out network.json"
)]
pub(crate) struct NetworkArgs {
    /// The genome
    #[arg(long, required_unless_present = "baseline", conflicts_with = "baseline")]
    genome: Option<PathBuf>,
    /// A network that others designed: resnet-20, resnet-56, resnet-110, densenet-40-12,
    /// densenet-100-12, or a file like those in pipelines/baselines
    #[arg(long, value_name = "NAME|FILE")]
    baseline: Option<String>,
    /// Folder or recipe of the data set; only the images' shape and the classes are needed
    #[arg(long)]
    dataset: PathBuf,
    /// Profile [default: the paper's space and template]
    #[arg(long, conflicts_with = "baseline")]
    config: Option<PathBuf>,
    /// File for the network
    #[arg(long)]
    out: PathBuf,
}

pub(crate) fn network(args: NetworkArgs) -> Result<()> {
    let network = match (&args.genome, &args.baseline) {
        (Some(genome), _) => of_genome(genome, &args)?,
        (None, Some(baseline)) => of_baseline(baseline, &args.dataset)?,
        (None, None) => bail!("--genome or --baseline is needed"),
    };
    json::write(&args.out, &network)?;
    print(&counts::count(&network)?)
}

fn of_genome(path: &Path, args: &NetworkArgs) -> Result<Network> {
    let profile: Profile = json::read_or_default(args.config.as_deref())?;
    let dataset = Dataset::describe(&args.dataset)?;
    let genome: Genome = json::read(path)?;
    let in_genome = || path.display().to_string();
    profile.space.positions(&genome).with_context(in_genome)?;
    profile.template.expand(&genome, dataset.input(), dataset.classes).with_context(in_genome)
}

fn of_baseline(name_or_file: &str, dataset: &Path) -> Result<Network> {
    let dataset = Dataset::describe(dataset)?;
    baselines::find(name_or_file)?.network(dataset.input(), dataset.classes)
}

/// Options of `explore fidelity`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  explore fidelity --config pipelines/profiles/laptop.json --dataset data/mnist --out runs/fidelity --short 2x3000 --short 2x6000\n\nRun again, it keeps the trainings that --out holds."
)]
pub(crate) struct FidelityArgs {
    /// Profile: search space, template, training
    #[arg(long)]
    config: PathBuf,
    /// Folder of the data set
    #[arg(long)]
    dataset: PathBuf,
    /// Folder for the results
    #[arg(long)]
    out: PathBuf,
    /// A short training, EPOCHSxIMAGES; can be given several times [default: that of the profile's
    /// search]
    #[arg(long, value_parser = parse_length)]
    short: Vec<Length>,
    /// How many genomes, spread over the space
    #[arg(long, default_value_t = 12)]
    genomes: usize,
    /// How many seeds each is trained with
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=1000))]
    seeds: u64,
    /// The first seed, which chooses the genomes, too
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Trainings at a time [default: one per core]
    #[arg(long)]
    workers: Option<NonZeroUsize>,
    /// Folder of the program `train` [default: the folder of this program]
    #[arg(long)]
    bin_dir: Option<PathBuf>,
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

pub(crate) fn fidelity(args: FidelityArgs) -> Result<()> {
    let FidelityArgs { config, dataset, out, mut short, genomes, seeds, seed, workers, bin_dir } =
        args;
    let profile: Profile = json::read(&config)?;
    let description = Dataset::describe(&dataset)?;
    let images = Dataset::load_training_set(&dataset)?.training;
    if short.is_empty() {
        let images = profile.search.subset.or(profile.training.subset).unwrap_or(images.len());
        short.push(Length { epochs: profile.search.epochs, images });
    }
    let train = stage::binary("train", bin_dir.as_deref())?;
    let trainer = Trainer::new(
        train,
        dataset,
        config,
        out.clone(),
        at_a_time(workers),
        Interrupt::catch("the same command")?,
    );
    let seeds = (seed..).take(seeds as usize).collect();
    let study = Study {
        profile: &profile,
        dataset: &description,
        images: &images,
        genomes,
        seeds,
        short,
        trainer: &trainer,
    };
    stage::print_line(table::of(&study.run(&out)?).trim_end())
}

/// Options of `explore space`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  explore space --dataset pipelines/datasets/cifar10.json")]
pub(crate) struct SpaceArgs {
    /// Profile [default: the paper's space and template]
    #[arg(long)]
    config: Option<PathBuf>,
    /// Folder or recipe of the data set; only the images' shape and the classes are needed
    #[arg(long)]
    dataset: PathBuf,
}

pub(crate) fn space(args: SpaceArgs) -> Result<()> {
    let profile: Profile = json::read_or_default(args.config.as_deref())?;
    let overview =
        Overview::new(&profile.space, &profile.template, &Dataset::describe(&args.dataset)?);
    stage::print_line(&serde_json::to_string_pretty(&overview)?)
}

/// Trainings at a time.
fn at_a_time(workers: Option<NonZeroUsize>) -> usize {
    workers.or_else(|| std::thread::available_parallelism().ok()).map_or(1, usize::from)
}

fn print(result: &impl Serialize) -> Result<()> {
    stage::print_line(&serde_json::to_string(result)?)
}
