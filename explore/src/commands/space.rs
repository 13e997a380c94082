//! `explore space`: summarizes a design space.

use crate::cli::SpaceArgs;
use crate::space_summary::SpaceSummary;
use anyhow::Result;
use common::dataset::Dataset;
use common::profile::Profile;
use common::{json, stage};

pub(crate) fn run(args: &SpaceArgs) -> Result<()> {
    let profile: Profile = json::read_or_default(args.config.as_deref())?;
    let dataset = Dataset::describe(&args.dataset)?;
    let summary = SpaceSummary::new(&profile.space, &profile.template, &dataset);
    stage::print_line(&serde_json::to_string_pretty(&summary)?)
}
