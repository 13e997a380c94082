//! The networks of a run: those that it made, and the members of its search's archive.

use super::known::Known;
use super::records::{NETWORK, Records};
use anyhow::Result;
use common::files::json;
use common::search::archive::Archive;
use common::search::config::SearchConfig;
use common::search::evaluation::Evaluation;
use std::path::Path;

/// Adds the networks of a run.
///
/// # Errors
/// Fails if the folder has no search, or if one of its files is damaged.
pub(crate) fn add(run: &Path, records: &mut Records<'_>, known: &mut Known) -> Result<()> {
    let networks = run.join("networks");
    if networks.is_dir() {
        records.add(&networks, known)?;
    }
    let explore = run.join("explore");
    let config: SearchConfig = json::read(&explore.join("search.json"))?;
    let archive: Archive = json::read(&explore.join("archive.json"))?;
    let measured_here = config.precision == records.precision
        && config.board.is_some_and(|board| board.name == records.board.name);
    let members = archive.individuals.iter().map(|individual| &individual.evaluation);
    let dropped = archive.dropped.iter().filter(|evaluation| evaluation.latency_s.is_some());
    for Evaluation { id, latency_s, .. } in members.chain(dropped) {
        let network = explore.join("individuals").join(id).join(NETWORK);
        match latency_s.filter(|_| measured_here) {
            _ if !network.is_file() => {}
            Some(latency_s) => known.add_measured(network, latency_s),
            None => known.add(network),
        }
    }
    Ok(())
}
