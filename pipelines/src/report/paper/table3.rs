//! Table 3: NID, energy efficiency and speedup against a baseline.

use super::part::Part;
use crate::report::comparison::{self, Named};
use crate::report::mcnemar;
use crate::report::run_folder::Run;
use anyhow::Result;
use common::network::counts::network_information_density;

const TITLE: &str = "Table 3: energy efficiency and speedup";

/// Returns the table against the network that the paper's rule chooses: of the networks to compare
/// with, the one with the highest NID. If a baseline was asked for, the table against that one is a
/// section of its own.
///
/// # Errors
/// Fails if two networks have the same name.
pub(super) fn part(run: &Run, baseline: Option<&str>) -> Result<Part> {
    if let Some(name) = baseline {
        let place = format!(
            "The comparison with {name} is above, \u{201c}Compared with the baseline\u{201d}."
        );
        return Ok(Part::missing(TITLE, place));
    }
    let Some((name, why)) = by_rule(run) else {
        let reason = "There is no table: no network of this run has been tested yet.";
        return Ok(Part::missing(TITLE, reason));
    };
    let baseline = format!("The baseline (*) is {name}: {why}.");
    let (costs, accuracies) = (comparison::table(run, &name)?, mcnemar::table(run, &name)?);
    let mut notes = vec![baseline, comparison::hint().to_string()];
    let mut tables = vec![costs];
    if !accuracies.is_empty() {
        tables.push(accuracies);
        notes.push(mcnemar::hint().to_string());
    }
    Ok(Part { title: TITLE.into(), tables, notes, figures: vec![] })
}

/// Returns the name of the baseline with the highest NID, or else of this run's own network with
/// it, and why it was chosen.
fn by_rule(run: &Run) -> Option<(String, String)> {
    let networks = comparison::networks(run);
    let (others, own): (Vec<&Named<'_>>, Vec<&Named<'_>>) = networks
        .iter()
        .partition(|network| run.baselines.iter().any(|(name, _)| *name == network.name));
    let other = best(&others).map(|name| {
        (
            name,
            "of the networks to compare with, it has the highest NID, which is the paper's rule"
                .into(),
        )
    });
    other.or_else(|| {
        let why = "the paper's rule takes the network with the highest NID among others' networks, and this run has tested \
                   none of these (`BASELINE=NAME`), so it is the one of this run with the highest NID";
        Some((best(&own)?, why.to_string()))
    })
}

fn best(networks: &[&Named<'_>]) -> Option<String> {
    let nid = |network: &&&Named<'_>| {
        let test = network.variant.test.as_ref()?;
        Some(network_information_density(test.accuracy, network.variant.counts?.parameters))
    };
    let tested = networks.iter().filter_map(|network| Some((nid(&network)?, &network.name)));
    tested.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, name)| name.clone())
}
