//! `explore fidelity`: studies how well short trainings rank networks.

use crate::cli::FidelityArgs;
use crate::engine_setup;
use crate::fidelity::study::Study;
use crate::fidelity::table;
use anyhow::Result;
use common::dataset::Dataset;
use common::files::json;
use common::profile::Profile;
use common::search::fidelity::Length;
use process::cli::print_line;
use process::interrupt::Interrupt;
use process::programs::binary;

pub(crate) fn run(args: FidelityArgs) -> Result<()> {
    let FidelityArgs { config, dataset, out, mut short, genomes, seeds, seed, .. } = args;
    let profile: Profile = json::read(&config)?;
    let description = Dataset::describe(&dataset)?;
    let images = Dataset::load_training_set(&dataset)?.training;
    if short.is_empty() {
        let images = profile.search.subset.or(profile.training.subset).unwrap_or(images.len());
        short.push(Length { epochs: profile.search.epochs, images });
    }
    let program = binary("train", args.bin_dir.as_deref())?;
    let interrupt =
        Interrupt::catch("what is finished is kept, and the same command goes on from there")?;
    let place = engine_setup::Place { program, dataset, profile: config, folder: out.clone() };
    let (engine_args, cluster) = (&args.engine_args, &profile.cluster);
    let trainer = engine_setup::trainer(place, engine_args, args.workers, cluster, interrupt)?;
    let study = Study {
        profile: &profile,
        dataset: &description,
        images: &images,
        genomes,
        seeds: (seed..).take(seeds as usize).collect(),
        short,
        trainer: &trainer,
    };
    print_line(table::markdown(&study.run(&out)?).trim_end())
}
