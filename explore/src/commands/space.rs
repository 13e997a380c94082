//! `explore space`: summarizes a design space.

use crate::cli::SpaceArgs;
use crate::space_summary::SpaceSummary;
use anyhow::Result;
use common::dataset::Dataset;
use common::files::json;
use common::profile::Profile;
use process::cli::print_line;

pub(crate) fn run(args: &SpaceArgs) -> Result<()> {
    let profile: Profile = json::read_or_default(args.config.as_deref())?;
    let dataset = Dataset::describe(&args.dataset)?;
    let summary = SpaceSummary::new(&profile.space, &profile.template, &dataset);
    print_line(&serde_json::to_string_pretty(&summary)?)
}
