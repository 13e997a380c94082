//! `explore network`: expands a genome or a baseline to its network.

use crate::cli::NetworkArgs;
use anyhow::{Context, Result, bail};
use common::dataset::Dataset;
use common::files::json;
use common::network::baseline::Baseline;
use common::network::{Network, counts};
use common::profile::Profile;
use common::search::genome::Genome;
use process::cli::print_line;
use std::path::Path;

/// The baselines that the program contains.
const BASELINES: [&str; 6] = [
    include_str!("../../../pipelines/baselines/resnet-8.json"),
    include_str!("../../../pipelines/baselines/resnet-20.json"),
    include_str!("../../../pipelines/baselines/resnet-56.json"),
    include_str!("../../../pipelines/baselines/resnet-110.json"),
    include_str!("../../../pipelines/baselines/densenet-40-12.json"),
    include_str!("../../../pipelines/baselines/densenet-100-12.json"),
];

pub(crate) fn run(args: &NetworkArgs) -> Result<()> {
    let network = match (&args.genome, &args.baseline) {
        (Some(genome), _) => expand_genome(genome, args)?,
        (None, Some(baseline)) => expand_baseline(baseline, &args.dataset)?,
        (None, None) => bail!("--genome or --baseline is needed"),
    };
    json::write(&args.out, &network)?;
    print_line(&serde_json::to_string(&counts::count(&network)?)?)
}

fn expand_genome(path: &Path, args: &NetworkArgs) -> Result<Network> {
    let profile: Profile = json::read_or_default(args.config.as_deref())?;
    let dataset = Dataset::describe(&args.dataset)?;
    let genome: Genome = json::read(path)?;
    let in_genome = || path.display().to_string();
    profile.space.positions(&genome).with_context(in_genome)?;
    profile.template.expand(&genome, dataset.input(), dataset.classes).with_context(in_genome)
}

fn expand_baseline(name_or_file: &str, dataset: &Path) -> Result<Network> {
    let dataset = Dataset::describe(dataset)?;
    find_baseline(name_or_file)?.network(dataset.input(), dataset.classes)
}

/// Returns the baseline of `--baseline`: read from a file if the value contains a `/` or ends in
/// `.json`, otherwise one of [`BASELINES`] by name.
fn find_baseline(name_or_file: &str) -> Result<Baseline> {
    if name_or_file.contains('/') || name_or_file.ends_with(".json") {
        return json::read(Path::new(name_or_file));
    }
    let mut names = Vec::new();
    for text in BASELINES {
        let baseline: Baseline = json::parse(text)?;
        if baseline.name == name_or_file {
            return Ok(baseline);
        }
        names.push(baseline.name);
    }
    bail!(
        "there is no baseline {name_or_file:?}; known baselines: {}; or name a baseline's file, \
         such as ./baseline.json",
        names.join(", ")
    )
}
