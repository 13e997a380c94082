//! `explore select`: environmental selection among given objective vectors.

use crate::cli::SelectArgs;
use crate::moea::normalize::Points;
use crate::moea::spea2::{self, Fitness};
use anyhow::{Context, Result};
use common::files::json;
use process::cli::print_line;
use serde::{Deserialize, Serialize};

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

pub(crate) fn run(args: &SelectArgs) -> Result<()> {
    let path = args.input.display();
    let text = json::read_text(&args.input)?;
    let Objectives { objectives } =
        serde_json::from_str(&text).with_context(|| path.to_string())?;
    let points =
        Points::new(objectives, args.normalize.into()).with_context(|| path.to_string())?;
    let fitness = spea2::fitness(&points);
    let selected = spea2::environmental_selection(&points, &fitness, args.archive_size);
    let Fitness { strength, raw_fitness, density, .. } = fitness;
    let selection = Selection { selected, strength, raw_fitness, density };
    print_line(&serde_json::to_string(&selection)?)
}
