//! `explore fidelity`: studies how well short trainings rank networks.

use crate::cli::FidelityArgs;
use crate::evaluate::trainer::Trainer;
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
    let FidelityArgs { config, dataset, out, mut short, genomes, seeds, seed, workers, bin_dir } =
        args;
    let profile: Profile = json::read(&config)?;
    let description = Dataset::describe(&dataset)?;
    let images = Dataset::load_training_set(&dataset)?.training;
    if short.is_empty() {
        let images = profile.search.subset.or(profile.training.subset).unwrap_or(images.len());
        short.push(Length { epochs: profile.search.epochs, images });
    }
    let train = binary("train", bin_dir.as_deref())?;
    let interrupt =
        Interrupt::catch("what is finished is kept, and the same command goes on from there")?;
    let trainer = Trainer::new(train, dataset, config, out.clone(), workers, interrupt);
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
