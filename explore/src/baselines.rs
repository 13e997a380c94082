//! Finding baselines: those that ship with the program, and any file.

use anyhow::{Result, bail};
use common::baseline::Baseline;
use common::json;
use std::path::Path;

/// The baselines that are known wherever the program runs.
const SHIPPED: [&str; 5] = [
    include_str!("../../pipelines/baselines/resnet-20.json"),
    include_str!("../../pipelines/baselines/resnet-56.json"),
    include_str!("../../pipelines/baselines/resnet-110.json"),
    include_str!("../../pipelines/baselines/densenet-40-12.json"),
    include_str!("../../pipelines/baselines/densenet-100-12.json"),
];

/// The baseline that `--baseline` means: a file where it looks like one, with a `/` or ending in
/// `.json`, else a name.
///
/// # Errors
/// A name that is not known, with those that are, or a file that is not a baseline.
pub(crate) fn find(name_or_file: &str) -> Result<Baseline> {
    if name_or_file.contains('/') || name_or_file.ends_with(".json") {
        return json::read(Path::new(name_or_file));
    }
    let mut names = Vec::new();
    for text in SHIPPED {
        let baseline: Baseline = json::parse(text)?;
        if baseline.name == name_or_file {
            return Ok(baseline);
        }
        names.push(baseline.name);
    }
    bail!(
        "there is no baseline {name_or_file:?}; known baselines: {}; or name a baseline's file, such as ./baseline.json",
        names.join(", ")
    )
}
